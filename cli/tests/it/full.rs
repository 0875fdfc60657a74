//! Standard output that can't be written.

use std::{
    fs::File,
    io,
    process::{Output, Stdio},
};

use expect_test::expect;
use tjf_api_types::{Deleted, JobView};

use crate::{
    server::Reply,
    session::Session,
    views::{completed, job},
};

const RUN: [&str; 5] = ["run", "./bot.py", "--type", "tf-python39", "--name=bot"];

fn run_into(session: &Session, words: &[&str], stdout: impl Into<Stdio>) -> Output {
    session
        .command(words)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
        .wait_with_output()
        .unwrap()
}

fn full_disk() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

fn run_into_full_disk(session: &Session, words: &[&str]) -> String {
    session.tell(&run_into(session, words, full_disk()))
}

fn created() -> Session {
    Session::new([Reply::json(201, &job("bot")), Reply::json(200, &completed("bot"))])
}

#[test]
fn a_job_that_was_created_is_named_when_the_disk_is_full() {
    let expected = expect![[r#"
        exit 3
        -- stderr
        error: created `bot`, but standard output can't be written: No space left on device (os error 28)
    "#]];
    expected.assert_eq(&run_into_full_disk(&created(), &RUN));
    expected.assert_eq(&run_into_full_disk(&created(), &[&RUN[..], &["--json"]].concat()));
}

#[test]
fn with_wait_the_outcome_is_not_known() {
    let wait = [&RUN[..], &["--wait", "--quiet"]].concat();
    expect![[r#"
        exit 125
        -- stderr
        error: created `bot`, but standard output can't be written: No space left on device (os error 28)
    "#]].assert_eq(&run_into_full_disk(&created(), &wait));
    expect![[r#"
        exit 125
        -- stderr
        error: `bot` has ended: Completed, but standard output can't be written: No space left on device (os error 28)
    "#]].assert_eq(&run_into_full_disk(&created(), &[&wait[..], &["--json"]].concat()));
    let session = Session::new([Reply::json(201, &job("bot"))]);
    let words = [&RUN[..], &["--wait=0", "--quiet", "--json"]].concat();
    expect![[r#"
        exit 125
        -- stderr
        error: `bot` has not ended in time, but standard output can't be written: No space left on device (os error 28)
    "#]].assert_eq(&run_into_full_disk(&session, &words));
}

#[test]
fn jobs_that_were_deleted_are_named() {
    let deleted = Deleted { deleted: vec!["bot".to_owned(), "tick".to_owned()] };
    for words in [&["flush", "--yes"][..], &["flush", "--yes", "--json"], &["delete", "bot"]] {
        let session = Session::new([Reply::json(200, &deleted)]);
        let told = run_into_full_disk(&session, words);
        let expected = "exit 3\n-- stderr\nerror: deleted `bot`, `tick`, but standard output can't";
        assert!(told.starts_with(expected), "{words:?}: {told}");
    }
    let none = Session::new([Reply::json(200, &Deleted { deleted: vec![] })]);
    let told = run_into_full_disk(&none, &["flush", "--yes", "--json"]);
    assert!(told.starts_with("exit 3\n-- stderr\nerror: standard output can't"), "{told}");
}

#[test]
fn a_job_that_was_restarted_is_named() {
    for words in [&["restart", "bot"][..], &["restart", "bot", "--json"]] {
        let session = Session::new([Reply::json(200, &job("bot"))]);
        let told = run_into_full_disk(&session, words);
        let expected = "exit 3\n-- stderr\nerror: restarted `bot`, but standard output can't";
        assert!(told.starts_with(expected), "{words:?}: {told}");
    }
}

/// What every command prints, and with which answer.
fn all_that_print() -> Vec<(&'static [&'static str], Reply)> {
    let list = Reply::json(200, &[job("bot")]);
    let show = Reply::json(200, &job("bot"));
    let quota = r#"{"categories":[{"name":"Jobs","items":[{"name":"x","limit":"1","used":"0"}]}]}"#;
    let containers = r#"[{"shortname":"tf-x","image":"x","state":"stable"}]"#;
    vec![
        (&["list"], list.clone()),
        (&["list", "--long"], list.clone()),
        (&["list", "--json"], list),
        (&["show", "bot"], show.clone()),
        (&["show", "bot", "--json"], show),
        (&["containers"], Reply::text(200, containers)),
        (&["quota"], Reply::text(200, quota)),
        (&["quota", "--json"], Reply::text(200, quota)),
        (&["containers", "--json"], Reply::text(200, containers)),
        (&["completions", "bash"], Reply::HangUp),
        (&["version"], Reply::HangUp),
        (&["--version"], Reply::HangUp),
        (&["help"], Reply::HangUp),
        (&["--help"], Reply::HangUp),
        (&["run", "--help"], Reply::HangUp),
        (&["help", "run"], Reply::HangUp),
    ]
}

#[test]
fn whatever_prints_says_that_it_could_not() {
    for (words, reply) in all_that_print() {
        let told = run_into_full_disk(&Session::new([reply]), words);
        let expected = "exit 3\n-- stderr\nerror: standard output can't be written: No space left";
        assert!(told.starts_with(expected), "{words:?}: {told}");
    }
}

#[test]
fn an_output_that_was_opened_for_reading_is_no_better() {
    let for_reading = || File::options().read(true).open("/dev/null").unwrap();
    for (words, reply) in all_that_print() {
        let session = Session::new([reply]);
        let told = session.tell(&run_into(&session, words, for_reading()));
        let expected = "exit 3\n-- stderr\nerror: standard output can't be written: Bad file";
        assert!(told.starts_with(expected), "{words:?}: {told}");
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    for (words, reply) in all_that_print() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let session = Session::new([reply]);
        assert_eq!(session.tell(&run_into(&session, words, writer)), "exit 0\n", "{words:?}");
    }
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let failed: JobView = crate::views::failed("bot", Some(7), "ExitCode");
    let session = Session::new([Reply::json(201, &job("bot")), Reply::json(200, &failed)]);
    let output = run_into(&session, &[&RUN[..], &["--wait"]].concat(), writer);
    assert_eq!(output.status.code(), Some(7));
}
