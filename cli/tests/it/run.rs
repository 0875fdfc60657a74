use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use expect_test::expect;
use tjf_api_types::ContainerState;

use crate::{
    server::Reply,
    session::Session,
    views::{container, job, problem},
};

const RUN: [&str; 4] = ["run", "./bot.py --all", "--type", "tf-python39"];

fn created() -> Reply {
    Reply::json(201, &job("bot"))
}

#[test]
fn a_job_is_created_and_its_name_told() {
    let session = Session::new([created()]);
    expect![[r#"
        exit 0
        -- stdout
        bot
    "#]]
    .assert_eq(&session.run(&RUN));
    let seen = &session.server.seen()[0];
    assert_eq!(seen.line, "POST /api/v1/run/");
    assert_eq!(seen.key.as_ref().unwrap().len(), 32);
    let request: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert!(request["name"].as_str().unwrap().starts_with("bot-py-"), "{request}");
    assert_eq!(request["cmd"], "./bot.py --all");
}

#[test]
fn the_older_form_gives_the_name_first() {
    let session = Session::new([created()]);
    let words = ["run", "bot", "--command", "./bot.py", "--image", "x", "--mem", "1Gi"];
    expect![[r#"
        exit 0
        -- stdout
        bot
    "#]]
    .assert_eq(&session.run(&words));
    expect![[r#"{"name":"bot","cmd":"./bot.py","imagename":"x","memory":"1Gi"}"#]]
        .assert_eq(&session.server.seen()[0].body);
}

#[test]
fn two_runs_have_two_keys_and_two_names() {
    let session = Session::new([created()]);
    session.run(&RUN);
    session.run(&RUN);
    let seen = session.server.seen();
    assert_ne!(seen[0].key, seen[1].key);
    assert_ne!(seen[0].body, seen[1].body);
}

/// More than a `run` is repeated for, so that it ends now.
const TOO_LATE_S: u64 = 3600;

fn away() -> Reply {
    problem("cluster-unavailable", 503, "Kubernetes is away")
}

fn failing() -> Reply {
    problem("internal", 500, "the service has a fault")
}

/// As many requests have come, all alike and with one key.
fn assert_same(session: &Session, count: usize) {
    let seen = session.server.seen();
    assert_eq!(seen.len(), count, "{seen:?}");
    assert!(seen[0].key.is_some());
    for one in &seen {
        assert_eq!((&one.line, &one.key, &one.body), (&seen[0].line, &seen[0].key, &seen[0].body));
    }
}

#[test]
fn a_run_is_sent_again_under_the_same_key_until_an_answer_settles_it() {
    let page = |status| Reply::text(status, "<html>");
    for faults in [
        vec![Reply::HangUp],
        vec![failing()],
        vec![page(502)],
        vec![away()],
        vec![page(504)],
        vec![page(408)],
        vec![page(429).retry_after(1)],
        vec![Reply::HangUp, failing(), away().retry_after(1)],
    ] {
        let case = format!("{faults:?}");
        let count = faults.len() + 1;
        let session = Session::new(faults.into_iter().chain([created()]));
        assert_eq!(session.run(&RUN), "exit 0\n-- stdout\nbot\n", "{case}");
        assert_same(&session, count);
    }
}

#[test]
fn a_run_is_sent_again_until_the_server_is_there() {
    let mut session = Session::closed([created()]);
    let mut command = session.command(&[&RUN[..], &["-v"]].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut talk = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let line = talk.find(|line| line.contains("sent again")).unwrap();
    assert!(line.contains("because cannot connect to `https://127.0.0.1:"), "{line}");
    session.server.open();
    let rest: Vec<_> = talk.collect();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{rest:#?}");
    assert_eq!(output.stdout, b"bot\n");
    assert_same(&session, 1);
}

#[test]
fn the_curious_are_told_why_a_run_is_sent_again() {
    let session = Session::new([away(), created()]);
    let output = session.run(&[&RUN[..], &["-v"]].concat());
    let again = output.lines().filter(|line| line.contains("sent again")).collect::<Vec<_>>();
    let [line] = again[..] else { panic!("{output}") };
    assert!(line.starts_with("POST /api/v1/run/: sent again in "), "{line}");
    assert!(line.ends_with(" ms, because Kubernetes is away"), "{line}");
}

#[test]
fn a_run_that_stays_unsettled_says_that_nobody_knows_and_how_to_know() {
    let session = Session::new([
        Reply::HangUp,
        away().retry_after(TOO_LATE_S),
        Reply::json(200, &job("bot")),
    ]);
    let words = ["run", "bot", "--command", "./bot.py", "--image", "x", "--wait=1s"];
    expect![[r#"
        exit 3
        -- stderr
        error: it is not known whether the job was created: Kubernetes is away
        hint: `toolforge-jobs show bot` tells, once the service answers
        request id: r-1
    "#]]
    .assert_eq(&session.run(&words));
    assert_same(&session, 2);
    // What the hint says helps.
    let shown = session.run(&["show", "bot"]);
    assert!(shown.starts_with("exit 0\n") && shown.contains("Running for 5s"), "{shown}");
}

#[test]
fn a_service_that_keeps_failing_is_told_with_its_request_id() {
    let session = Session::new([failing(), failing().retry_after(TOO_LATE_S)]);
    let output = session.run(&RUN);
    assert!(output.starts_with("exit 3\n"), "{output}");
    assert!(output.contains("created: the service has a fault\n"), "{output}");
    assert!(output.ends_with("request id: r-1\n"), "{output}");
    assert_same(&session, 2);
}

#[test]
fn a_service_that_did_nothing_and_stays_away_leaves_no_doubt() {
    let session = Session::new([away(), away().retry_after(TOO_LATE_S)]);
    expect![[r#"
        exit 3
        -- stderr
        error: Kubernetes is away
        request id: r-1
    "#]]
    .assert_eq(&session.run(&RUN));
    assert_same(&session, 2);
}

#[test]
fn a_proxys_refusal_does_not_settle_what_was_not_known() {
    let session = Session::new([Reply::HangUp, Reply::text(403, "<html>")]);
    let words = ["run", "bot", "--command", "./bot.py", "--image", "x"];
    expect![[r#"
        exit 3
        -- stderr
        error: it is not known whether the job was created: the server answered `403 Forbidden` and did not say why
        hint: `toolforge-jobs show bot` tells, once the service answers
    "#]]
    .assert_eq(&session.run(&words));
    assert_same(&session, 2);
}

#[test]
fn a_refusal_settles_what_was_not_known() {
    let refusal = problem("quota-exceeded", 403, "no room for one more job");
    let session = Session::new([Reply::HangUp, failing(), refusal]);
    expect![[r#"
        exit 1
        -- stderr
        error: no room for one more job
        request id: r-1
    "#]]
    .assert_eq(&session.run(&RUN));
    assert_same(&session, 3);
}

#[test]
fn a_misspelt_container_gets_the_nearest_match() {
    let session = Session::new([
        problem("invalid-container", 400, "there is no container `tf-pyhton39`"),
        Reply::json(200, &[container("tf-python39", ContainerState::Stable)]),
    ]);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no container `tf-pyhton39`
        hint: did you mean `tf-python39`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["run", "true", "--type", "tf-pyhton39"]));
}

#[test]
fn a_name_that_is_taken_says_how_to_go_on() {
    let exists = problem("job-exists", 409, "there is a job `bot` already");
    let session = Session::new([exists, Reply::json(200, &job("bot"))]);
    let words = ["run", "true", "--type", "x", "--name", "bot"];
    expect![[r#"
        exit 1
        -- stderr
        error: there is a job `bot` already
        hint: take another name, or `toolforge-jobs delete bot` first
        request id: r-1
    "#]]
    .assert_eq(&session.run(&words));
}

#[test]
fn json_is_the_apis_own() {
    let session = Session::new([created()]);
    let output = session.run(&[&RUN[..], &["--json"]].concat());
    let expected = serde_json::to_string(&job("bot")).unwrap();
    assert_eq!(output, format!("exit 0\n-- stdout\n{expected}\n"));
}
