//! `load`: what becomes of the jobs.

mod options;

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tjf_api_types::{JobType, JobView};

use crate::{
    server::Reply,
    session::Session,
    views::{completed, failed, job, problem},
};

const FILE: &str = "\
- name: bot
  command: ./bot.py --all
  image: tf-python39
  mem: 512Mi
- name: web
  command: ./bot.py --all
  image: tf-python39
  mem: 1Gi
  continuous: yes
";

/// A continuous job; the size is what changes in these tests.
pub(crate) fn web(memory: &str) -> JobView {
    JobView {
        job_type: JobType::Continuous.into(),
        continuous: Some(true),
        memory: Some(memory.to_owned()),
        retry: None,
        replicas: Some(1),
        ..job("web")
    }
}

/// What a dry run answers.
pub(crate) fn would_be(view: JobView) -> Reply {
    Reply::json(200, &JobView { uid: String::new(), ..view })
}

pub(crate) fn there(jobs: &[JobView]) -> Reply {
    Reply::json(200, &jobs)
}

fn created(view: &JobView) -> Reply {
    Reply::json(201, view)
}

fn deleted(name: &str) -> Reply {
    Reply::json(200, &json!({"deleted": [name]}))
}

/// With the file in the home, and these answers: what there is, and what both jobs would be.
fn session(before: &[JobView], replies: impl IntoIterator<Item = Reply>) -> Session {
    let checks = [there(before), would_be(completed("bot")), would_be(web("1Gi"))];
    let session = Session::new(checks.into_iter().chain(replies));
    session.write("jobs.yaml", FILE);
    session
}

fn load(session: &Session, words: &[&str]) -> String {
    let mut command = session.command(&[&["load", "jobs.yaml"], words].concat());
    session.tell(&command.current_dir(session.home.path()).output().unwrap())
}

const CHECKS: [&str; 3] =
    ["GET /api/v1/list/", "POST /api/v1/run/?dry_run=true", "POST /api/v1/run/?dry_run=true"];

/// The requests behind the checks.
fn acts(session: &Session) -> Vec<String> {
    let lines = session.server.lines();
    assert_eq!(lines[..3], CHECKS);
    lines[3..].to_vec()
}

const RUN: &str = "POST /api/v1/run/";
const DELETE_WEB: &str = "DELETE /api/v1/delete/web/";

#[test]
fn what_is_not_there_is_created() {
    let session = session(&[], [created(&job("bot")), created(&web("1Gi"))]);
    expect![[r#"
        exit 0
        -- stdout
        bot created
        web created
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(acts(&session), [RUN, RUN]);
    let seen = session.server.seen();
    assert_eq!(seen[1].key, None, "a dry run has no key");
    assert!(seen[3].key.as_ref().is_some_and(|key| key.len() == 32), "{seen:?}");
    assert_ne!(seen[3].key, seen[4].key);
    assert_eq!((&seen[1].body, &seen[2].body), (&seen[3].body, &seen[4].body));
    let web: Value = serde_json::from_str(&seen[4].body).unwrap();
    let expected = json!({
        "name": "web", "cmd": "./bot.py --all", "imagename": "tf-python39", "memory": "1Gi",
        "continuous": true,
    });
    assert_eq!(web, expected);
}

/// A job that has ended is not run again, and a size may be written in another way.
#[test]
fn only_what_has_changed_is_replaced() {
    let old = failed("bot", Some(3), "ExitCode");
    let session = session(&[old.clone(), web("512Mi")], [deleted("web"), created(&web("1Gi"))]);
    expect![[r#"
        exit 0
        -- stdout
        bot unchanged
        web replaced
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(acts(&session), [DELETE_WEB, RUN]);

    let session = self::session(&[old, web("1024Mi")], []);
    expect![[r#"
        exit 0
        -- stdout
        bot unchanged
        web unchanged
    "#]]
    .assert_eq(&load(&session, &[]));
    assert!(acts(&session).is_empty());
}

/// It gives up its name by itself, so that a refusal costs nothing.
#[test]
fn a_one_off_that_has_ended_is_not_deleted_first() {
    let other = JobView { cmd: "./other.py".to_owned(), ..completed("bot") };
    let replies = [problem("quota-exceeded", 403, "no room")];
    let session = session(&[other, web("1Gi")], replies);
    expect![[r#"
        exit 1
        -- stdout
        web unchanged
        -- stderr
        error: `bot`: no room
        request id: r-1
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(acts(&session), [RUN]);
}

/// What is on its way out has to be made anew.
#[test]
fn a_job_that_is_being_deleted_counts_as_gone() {
    let going = JobView { deleting_since: Some("2024-05-06T07:08:09Z".to_owned()), ..web("1Gi") };
    let session = session(&[completed("bot"), going], [created(&web("1Gi"))]);
    let told = load(&session, &["--prune"]);
    assert!(told.ends_with("bot unchanged\nweb created\n"), "{told}");
    assert_eq!(acts(&session), [RUN]);
}

#[test]
fn all_that_is_refused_is_told_and_nothing_changes() {
    let session = Session::new([
        there(&[]),
        problem("invalid-limits", 400, "a job may have 4Gi"),
        problem("invalid-container", 400, "there is no container `tf-python39`"),
        Reply::json(200, &json!([{"shortname": "tf-python311"}])),
    ]);
    session.write("jobs.yaml", FILE);
    expect![[r#"
        exit 1
        -- stderr
        error: line 1, `bot`: a job may have 4Gi
        request id: r-1
        error: line 5, `web`: there is no container `tf-python39`
        hint: did you mean `tf-python311`?
        request id: r-1
        nothing was changed
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(session.server.lines()[..3], CHECKS);
    assert_eq!(session.server.lines()[3..], ["GET /api/v1/containers/"]);
}

#[test]
fn a_service_that_fails_while_it_is_asked_ends_it() {
    let away = || problem("cluster-unavailable", 503, "Kubernetes is away");
    let session = Session::new([there(&[]), away()]);
    session.write("jobs.yaml", FILE);
    let told = load(&session, &[]);
    assert!(told.starts_with("exit 3\n-- stderr\nerror: Kubernetes is away\n"), "{told}");
    assert!(session.server.lines()[1..].iter().all(|line| line.ends_with("dry_run=true")));
}

#[test]
fn an_old_job_is_put_back_when_the_new_one_is_refused() {
    let refusal = problem("quota-exceeded", 403, "no room for so much memory");
    let replies = [deleted("web"), refusal, created(&web("512Mi"))];
    let session = session(&[completed("bot"), web("512Mi")], replies);
    expect![[r#"
        exit 1
        -- stdout
        bot unchanged
        web put back
        -- stderr
        error: `web` was not replaced, and the old one was put back: no room for so much memory
        request id: r-1
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(acts(&session), [DELETE_WEB, RUN, RUN]);
    let back: Value = serde_json::from_str(&session.server.seen()[5].body).unwrap();
    let expected = json!({
        "name": "web", "cmd": "./bot.py --all", "imagename": "tf-python39", "memory": "512Mi",
        "continuous": true, "replicas": 1, "filelog": true,
        "filelog_stdout": "/data/project/tf-test/web.out",
        "filelog_stderr": "/data/project/tf-test/web.err", "emails": "none", "mount": "all",
    });
    assert_eq!(back, expected);
}

#[test]
fn what_can_not_be_put_back_is_not_lost_without_a_trace() {
    let refusal = || problem("quota-exceeded", 403, "no room");
    let replies = [deleted("web"), refusal(), refusal()];
    let session = session(&[completed("bot"), web("512Mi")], replies);
    expect![[r#"
        exit 1
        -- stdout
        bot unchanged
        web lost
        -- stderr
        error: `web` is gone: no room
        request id: r-1
        error: the old `web` could not be put back either: no room
        hint: this is how it was defined:
        request id: r-1
        - name: web
          command: ./bot.py --all
          image: tf-python39
          continuous: true
          filelog-stdout: /data/project/tf-test/web.out
          filelog-stderr: /data/project/tf-test/web.err
          mem: 512Mi
    "#]]
    .assert_eq(&load(&session, &[]));
}

/// Nobody knows whether the new one is there, so the old one must not come beside it.
#[test]
fn without_a_sure_answer_nothing_is_put_back() {
    let late = problem("internal", 500, "the service has a fault").retry_after(3600);
    let session = session(&[completed("bot"), web("512Mi")], [deleted("web"), late]);
    expect![[r#"
        exit 3
        -- stdout
        bot unchanged
        -- stderr
        error: it is not known whether the job was created: the service has a fault
        hint: the same `load` again does what is left to do
        request id: r-1
    "#]]
    .assert_eq(&load(&session, &[]));
    assert_eq!(acts(&session), [DELETE_WEB, RUN]);
}

#[test]
fn a_delete_that_fails_ends_it_before_anything_new_comes() {
    let replies = [problem("internal", 500, "the service has a fault")];
    let session = session(&[completed("bot"), web("512Mi")], replies);
    let told = load(&session, &[]);
    assert!(told.starts_with("exit 3\n-- stdout\nbot unchanged\n"), "{told}");
    assert_eq!(acts(&session), [DELETE_WEB]);
}

#[test]
fn who_has_deleted_it_meanwhile_is_no_obstacle() {
    let gone = problem("job-not-found", 404, "there is no job `web`");
    let session = session(&[completed("bot"), web("512Mi")], [gone, created(&web("1Gi"))]);
    assert!(load(&session, &[]).ends_with("web replaced\n"));
}

/// The old one is gone when Ctrl-C comes, so the new one has to come first.
#[test]
fn ctrl_c_ends_it_between_two_jobs() {
    let away = problem("cluster-unavailable", 503, "Kubernetes is away").retry_after(1);
    let replies = [deleted("web"), away, created(&web("1Gi"))];
    let checks = [there(&[web("512Mi"), job("bot")]), would_be(web("1Gi")), would_be(job("bot"))];
    let session = Session::new(checks.into_iter().chain(replies));
    let (bot, web) = FILE.split_once("- name: web").unwrap();
    session.write("jobs.yaml", &format!("- name: web{web}{}", bot.replace("512Mi", "1Gi")));
    let mut command = session.command(&["load", "jobs.yaml"]);
    command.current_dir(session.home.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    session.server.wait_for(5);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    expect![[r#"
        exit 130
        -- stdout
        web replaced
        -- stderr
        ending once `web` is done
        ended before `bot`; the same `load` again does what is left to do
    "#]]
    .assert_eq(&session.tell(&output));
    assert_eq!(acts(&session), [DELETE_WEB, RUN, RUN]);
}

/// Who looks on wants to know what takes so long.
#[test]
fn a_script_is_told_nothing_but_what_was_done() {
    let away = problem("cluster-unavailable", 503, "Kubernetes is away").retry_after(2);
    let session = session(&[], [away, created(&job("bot")), created(&web("1Gi"))]);
    let mut command = session.command(&["load", "jobs.yaml"]);
    let mut child = command
        .current_dir(session.home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let talk: Vec<_> = BufReader::new(child.stderr.take().unwrap()).lines().collect();
    assert!(child.wait().unwrap().success());
    assert!(talk.is_empty(), "{talk:?}");
}
