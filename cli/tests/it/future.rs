//! A service that is newer than the command: it has words, keys and shapes that nobody knows yet.

use expect_test::expect;

use crate::{
    server::Reply,
    session::Session,
    views::{completed, job},
};

/// A job as a later version might answer it: a phase, a type and a state that are new, keys that are
/// new, keys that are gone, and values of other kinds.
const JOB: &str = r#"{
  "name": "bot", "uid": "u1", "cmd": "./bot.py", "imagename": {"short": "tf-python39"},
  "image_state": "retired", "job_type": "workflow", "emails": "weekly", "mount": ["home", "dumps"],
  "priority": 1.50, "retry": "3", "env": null, "created_at": "2031-01-01T00:00:00Z",
  "status_short": "Paused for 5s",
  "status": {"phase": "paused", "exit_code": {"code": 3}, "cells": [1], "reason": "BudgetSpent"}
}"#;

fn list() -> Reply {
    Reply::Answer(200, format!("[{JOB}, {{\"name\":\"bare\"}}]").into())
}

#[test]
fn a_list_tells_what_can_be_told() {
    let session = Session::new([list()]);
    expect![[r#"
        exit 0
        -- stdout
        NAME  TYPE      SCHEDULE  STATUS         LAST RUN  NEXT
        bot   workflow  -         Paused for 5s  -         -
        bare  -         -         -              -         -
    "#]]
    .assert_eq(&session.run(&["list"]));
    expect![[r#"
        exit 0
        -- stdout
        NAME  TYPE      SCHEDULE  STATUS         LAST RUN  NEXT  COMMAND   CONTAINER  RESOURCES  LOGS
        bot   workflow  -         Paused for 5s  -         -     ./bot.py  -          -          -
        bare  -         -         -              -         -     -         -          -          -
    "#]]
    .assert_eq(&session.run(&["list", "--long"]));
}

#[test]
fn a_job_is_shown_with_the_words_that_came() {
    let session = Session::new([Reply::text(200, JOB)]);
    expect![[r#"
        exit 0
        -- stdout
        Name:      bot
        Status:    Paused for 5s
        Type:      workflow
        Command:   ./bot.py
        Resources: the tool's defaults
        Output:    not kept
        Created:   2031-01-01 00:00:00 UTC (in 6 years)
    "#]]
    .assert_eq(&session.run(&["show", "bot"]));
}

#[test]
fn a_run_tells_the_name() {
    let session = Session::new([Reply::text(201, JOB)]);
    assert_eq!(session.run(&["run", "./bot.py", "--type", "x"]), "exit 0\n-- stdout\nbot\n");
}

/// A phase that nobody knows is not the end.
#[test]
fn a_wait_goes_on_in_a_phase_that_nobody_knows() {
    let mut ended = completed("bot");
    ended.uid = "u1".to_owned();
    let mut silent = job("bot");
    silent.uid = "u1".to_owned();
    silent.status_short = String::new();
    silent.status.phase = tjf_api_types::Word::Other("resuming".to_owned());
    let session =
        Session::new([Reply::text(201, JOB), Reply::json(200, &silent), Reply::json(200, &ended)]);
    expect![[r#"
        exit 0
        -- stdout
        bot
        Completed
        -- stderr
        `bot`: Paused for 5s
        `bot`: resuming
    "#]]
    .assert_eq(&session.run(&["run", "./bot.py", "--type", "x", "--wait"]));
}

#[test]
fn containers_need_no_more_than_a_name() {
    let answer = r#"[{"shortname":"tf-a","state":"beta","image":null},{"shortname":"tf-b"}]"#;
    let session = Session::new([Reply::text(200, answer)]);
    expect![[r#"
        exit 0
        -- stdout
        NAME  IMAGE  STATE
        tf-a  -      beta
        tf-b  -      -
    "#]]
    .assert_eq(&session.run(&["containers"]));
}

#[test]
fn what_was_deleted_is_told_beside_what_is_new() {
    let answer = r#"{"deleted":["bot"],"kept":[],"took_ms":1.5}"#;
    for words in [&["delete", "bot"][..], &["flush"]] {
        let session = Session::new([Reply::text(200, answer)]);
        assert_eq!(session.run(words), "exit 0\n-- stdout\nbot\n");
    }
}

/// Whoever asks for JSON may know more than this version, which need not understand a word of it.
#[test]
fn json_is_what_came_whatever_its_shape() {
    for (answer, status) in
        [(JOB, 200), (r#" {"items": [1.50, {"a":"\u00fc"}]} "#, 200), ("null", 200)]
    {
        for words in [
            &["list"][..],
            &["show", "bot"],
            &["run", "./bot.py", "--type", "x"],
            &["delete", "bot"],
            &["flush"],
            &["containers"],
        ] {
            let session = Session::new([Reply::text(status, answer)]);
            let output = session.command(&[words, &["--json"]].concat()).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{words:?}: {answer}");
            assert_eq!(
                String::from_utf8(output.stdout).unwrap(),
                format!("{answer}\n"),
                "{words:?}"
            );
            assert_eq!(session.server.lines().len(), 1);
        }
    }
}

/// A shape that says nothing is not taken for an answer, and what is no JSON is nobody's.
#[test]
fn what_says_nothing_is_a_failure_and_never_success() {
    for words in [&["list"][..], &["show", "bot"], &["flush"], &["delete", "bot"], &["containers"]]
    {
        let session = Session::new([Reply::text(200, r#"{"items":[]}"#)]);
        assert!(session.run(words).starts_with("exit 3\n"), "{words:?}");
        let session = Session::new([Reply::text(200, "[1, <html>")]);
        let output = session.run(&[words, &["--json"]].concat());
        assert!(output.starts_with("exit 3\n-- stderr\n"), "{words:?}: {output}");
    }
    let waits = ["run", "./bot.py", "--type", "x", "--wait", "--json"];
    let session = Session::new([Reply::text(201, r#"{"items":[]}"#)]);
    assert!(session.run(&waits).starts_with("exit 3\n-- stderr\nerror: it is not known"));
    let waits = ["run", "./bot.py", "--type", "x", "--wait=1s", "--json"];
    let session = Session::new([Reply::text(201, JOB), Reply::text(200, r#"{"items":[]}"#)]);
    assert!(session.run(&waits).starts_with("exit 125\n-- stderr\n"));
}

#[test]
fn a_refusal_is_told_by_whatever_it_has_to_say() {
    for (body, said) in [
        (r#"{"type":"/problems/too-new","detail":"not today","hints":[1]}"#, "not today"),
        (r#"{"detail":{"text":"x"},"message":"not today"}"#, "not today"),
        (r#"{"title":"Not today","status":"400"}"#, "Not today"),
        (r#"{"error":"x"}"#, "the server answered `400 Bad Request` and did not say why"),
        ("[]", "the server answered `400 Bad Request` and did not say why"),
    ] {
        let session = Session::new([Reply::text(400, body)]);
        assert_eq!(session.run(&["list"]), format!("exit 1\n-- stderr\nerror: {said}\n"), "{body}");
    }
}
