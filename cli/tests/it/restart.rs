use expect_test::expect;

use crate::{
    server::Reply,
    session::Session,
    views::{job, problem},
};

#[test]
fn the_job_is_restarted_and_named() {
    let session = Session::new([Reply::json(200, &job("bot"))]);
    expect![[r#"
        exit 0
        -- stdout
        bot
    "#]]
    .assert_eq(&session.run(&["restart", "bot"]));
    assert_eq!(session.server.lines(), ["POST /api/v1/restart/bot/"]);
    let ours = serde_json::to_string_pretty(&job("bot")).unwrap();
    let session = Session::new([Reply::Answer(200, ours.clone().into())]);
    let output = session.command(&["restart", "bot", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{ours}\n"));
}

/// The second one would end what the first has started.
#[test]
fn a_restart_is_sent_once_whatever_comes_of_it() {
    for reply in [Reply::HangUp, problem("cluster-unavailable", 503, "Kubernetes is away")] {
        let session = Session::new([reply]);
        assert!(session.run(&["restart", "bot"]).starts_with("exit 3\n"));
        assert_eq!(session.server.lines(), ["POST /api/v1/restart/bot/"]);
    }
}

#[test]
fn who_was_not_answered_is_told_who_tells() {
    let session = Session::new([Reply::HangUp]);
    let told = session.run(&["restart", "bot"]);
    let hint = "hint: `toolforge-jobs show bot` tells whether it was restarted\n";
    assert!(told.ends_with(hint), "{told}");
    let detail = "it is not known whether the restart of `bot` has begun";
    let session = Session::new([problem("deadline-exceeded", 504, detail)]);
    expect![[r#"
        exit 3
        -- stderr
        error: it is not known whether the restart of `bot` has begun
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["restart", "bot"]));
}

#[test]
fn what_can_not_be_restarted_is_told_in_the_services_words() {
    let one_off = problem("invalid-request", 400, "`bot` is a one-off, which can't be restarted");
    expect![[r#"
        exit 1
        -- stderr
        error: `bot` is a one-off, which can't be restarted
        request id: r-1
    "#]]
    .assert_eq(&Session::new([one_off]).run(&["restart", "bot"]));
    let missing = problem("job-not-found", 404, "there is no job `bto`");
    let session = Session::new([missing, Reply::json(200, &[job("bot")])]);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no job `bto`
        hint: did you mean `bot`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["restart", "bto"]));
}
