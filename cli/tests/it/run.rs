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

#[test]
fn a_run_whose_answer_was_lost_is_sent_again_under_the_same_key() {
    let session = Session::new([Reply::HangUp, created()]);
    expect![[r#"
        exit 0
        -- stdout
        bot
    "#]]
    .assert_eq(&session.run(&RUN));
    let seen = session.server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!((&seen[0].key, &seen[0].body), (&seen[1].key, &seen[1].body));
}

#[test]
fn a_run_that_stays_lost_says_that_nobody_knows() {
    let session = Session::new([Reply::HangUp]);
    let words = ["run", "bot", "--command", "./bot.py", "--image", "x", "--wait"];
    expect![[r#"
        exit 3
        -- stderr
        error: it is not known whether the job was created: the connection to `https://SERVER` broke before the answer was complete
        hint: `toolforge-jobs show bot` tells, once the service answers
    "#]].assert_eq(&session.run(&words));
    assert_eq!(session.server.lines().len(), 3);
}

#[test]
fn a_run_that_was_answered_is_not_sent_again() {
    let session = Session::new([problem("cluster-unavailable", 503, "Kubernetes is away")]);
    expect![[r#"
        exit 3
        -- stderr
        error: Kubernetes is away
        request id: r-1
    "#]]
    .assert_eq(&session.run(&RUN));
    assert_eq!(session.server.lines().len(), 1);
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
    let session = Session::new([problem("job-exists", 409, "there is a job `bot` already")]);
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
