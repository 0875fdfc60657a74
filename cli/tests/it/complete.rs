//! What a shell is offered when somebody presses the key.

use crate::{
    server::Reply,
    session::{Session, bare_command},
    views::{completed, container, job},
};
use tjf_api_types::ContainerState;

/// What the script of `completions bash` gets for these words, of which the last is to be completed.
fn offered(session: &Session, words: &[&str]) -> Vec<String> {
    let mut all = vec!["--", "toolforge-jobs"];
    all.extend(words);
    let mut command = session.command(&all);
    command.env("TOOLFORGE_JOBS_COMPLETE", "bash");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    command.env("_CLAP_COMPLETE_COMP_TYPE", "9").env("_CLAP_IFS", "\n");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn names_of_jobs_are_those_that_there_are() {
    let jobs = [job("bot"), completed("nightly"), completed("night-owl")];
    let session = Session::new([Reply::json(200, &jobs)]);
    for verb in ["show", "logs", "delete", "wait"] {
        let names = offered(&session, &[verb, "nig"]);
        assert_eq!(names, ["nightly", "night-owl"], "{verb}");
    }
}

#[test]
fn containers_are_those_on_offer() {
    let containers = ["tf-bullseye", "tf-python39"];
    let containers = containers.map(|name| container(name, ContainerState::Stable));
    let session = Session::new([Reply::json(200, &containers)]);
    assert_eq!(offered(&session, &["run", "x", "--type", "tf-p"]), ["tf-python39"]);
}

#[test]
fn verbs_and_options_need_no_service() {
    let session = Session::closed([Reply::HangUp]);
    assert_eq!(offered(&session, &["fl"]), ["flush"]);
    assert_eq!(offered(&session, &["run", "--filelog-stdo"]), ["--filelog-stdout"]);
    assert_eq!(session.server.lines(), Vec::<String>::new());
}

/// Nothing is offered, and nothing said: somebody is in the middle of a line.
#[test]
fn a_service_that_is_away_offers_nothing() {
    let session = Session::closed([Reply::HangUp]);
    assert_eq!(offered(&session, &["show", "b"]), Vec::<String>::new());
    let mut command = bare_command(session.home.path(), &["--", "toolforge-jobs", "show", "b"]);
    command.env("TOOLFORGE_JOBS_COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
}
