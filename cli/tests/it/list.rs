use std::{io, process::Stdio};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};
use tjf_api_types::{JobType, JobView, LastRunView, Phase};

use crate::{
    server::Reply,
    session::Session,
    views::{completed, failed, job, problem},
};

fn three_jobs() -> Reply {
    let mut scheduled = job("every-night");
    scheduled.job_type = JobType::Scheduled.into();
    scheduled.status_short = "Waiting for scheduled time".to_owned();
    scheduled.filelog_stderr = scheduled.filelog_stdout.clone();
    scheduled.cpu = Some("1".to_owned());
    Reply::json(200, &[completed("bot"), scheduled, silent()])
}

fn silent() -> JobView {
    let mut silent = failed("silent", Some(1), "ExitCode");
    silent.filelog_stdout = None;
    silent.filelog_stderr = None;
    silent.memory = None;
    silent
}

#[test]
fn a_table_tells_name_type_and_status() {
    let session = Session::new([three_jobs()]);
    expect![[r#"
        exit 0
        -- stdout
        NAME         TYPE       SCHEDULE  STATUS                      LAST RUN       NEXT
        bot          one-off    -         Completed                   3 minutes ago  -
        every-night  scheduled  -         Waiting for scheduled time  -              -
        silent       one-off    -         Failed: exit code 1         3 minutes ago  -
    "#]]
    .assert_eq(&session.run(&["list"]));
}

/// The status of a job that has ended is one fixed word, which does not say that something holds it.
#[test]
fn a_job_that_has_ended_and_is_being_deleted_says_both() {
    let mut held = completed("bot");
    let mut at_work = job("web");
    at_work.status_short = "Running for 5s, being deleted".to_owned();
    for job in [&mut held, &mut at_work] {
        job.deleting_since = Some("2024-05-06T07:09:00Z".to_owned());
    }
    let session = Session::new([Reply::json(200, &[held, at_work])]);
    expect![[r#"
        exit 0
        -- stdout
        NAME  TYPE     SCHEDULE  STATUS                         LAST RUN       NEXT
        bot   one-off  -         Completed, being deleted       3 minutes ago  -
        web   one-off  -         Running for 5s, being deleted  -              -
    "#]]
    .assert_eq(&session.run(&["list"]));
}

#[test]
fn the_long_table_adds_command_container_resources_and_logs() {
    let session = Session::new([three_jobs()]);
    expect![[r#"
        exit 0
        -- stdout
        NAME         TYPE       SCHEDULE  STATUS                      LAST RUN       NEXT  COMMAND         CONTAINER    RESOURCES         LOGS
        bot          one-off    -         Completed                   3 minutes ago  -     ./bot.py --all  tf-python39  mem 512Mi         /data/project/tf-test/bot.out, /data/project/tf-test/bot.err
        every-night  scheduled  -         Waiting for scheduled time  -              -     ./bot.py --all  tf-python39  mem 512Mi, cpu 1  /data/project/tf-test/every-night.out
        silent       one-off    -         Failed: exit code 1         3 minutes ago  -     ./bot.py --all  tf-python39  -                 -
    "#]].assert_eq(&session.run(&["list", "--long"]));
}

#[test]
fn one_long_command_does_not_make_every_line_of_a_pipe_as_long() {
    let mut jobs: Vec<_> = (0..40).map(|number| job(&format!("bot-{number}"))).collect();
    jobs[7].cmd = "x".repeat(8192);
    let session = Session::new([Reply::json(200, &jobs)]);
    let output = session.run(&["list", "--long"]);
    assert!(output.contains(&jobs[7].cmd) && output.len() < 20_000, "{} bytes", output.len());
}

#[test]
fn no_jobs_is_no_data_and_a_note_unless_quiet() {
    let session = Session::new([Reply::text(200, "[]")]);
    expect![[r#"
        exit 0
        -- stderr
        there are no jobs
    "#]]
    .assert_eq(&session.run(&["list"]));
    expect![[r#"
        exit 0
    "#]]
    .assert_eq(&session.run(&["list", "--quiet"]));
    expect![[r#"
        exit 0
        -- stdout
        []
    "#]]
    .assert_eq(&session.run(&["list", "--json"]));
}

#[test]
fn colour_is_for_terminals_and_for_those_who_insist() {
    let session = Session::new([three_jobs()]);
    assert!(!session.run(&["list"]).contains('\u{1b}'));
    assert!(session.run(&["list", "--color", "always"]).contains("\u{1b}[32mCompleted\u{1b}[0m"));
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let session = Session::new([three_jobs()]);
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = session.command(&["list"]).stdout(Stdio::from(writer)).output().unwrap();
    expect![[r#"
        exit 0
    "#]]
    .assert_eq(&session.tell(&output));
}

#[test]
fn a_service_that_is_busy_is_asked_again_twice() {
    let busy = || problem("overloaded", 503, "the service is busy");
    let session = Session::new([busy(), busy(), three_jobs()]);
    assert!(session.run(&["list"]).starts_with("exit 0\n"));
    assert_eq!(session.server.lines().len(), 3);

    let session = Session::new([busy()]);
    expect![[r#"
        exit 3
        -- stderr
        error: the service is busy
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["list"]));
    assert_eq!(session.server.lines().len(), 3);
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    let session = Session::new([Reply::HangUp, three_jobs()]);
    assert!(session.run(&["list"]).starts_with("exit 0\n"));
    assert_eq!(session.server.lines().len(), 2);
}

#[test]
fn a_refusal_stands_and_is_one() {
    let session = Session::new([problem("forbidden", 403, "the tool is not known")]);
    expect![[r#"
        exit 1
        -- stderr
        error: the tool is not known
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["list"]));
    assert_eq!(session.server.lines().len(), 1);
}

#[test]
fn an_answer_of_somebody_else_is_not_taken_for_the_apis() {
    let session = Session::new([Reply::text(200, "<html>hello</html>")]);
    expect![[r#"
        exit 3
        -- stderr
        error: the server's answer can't be understood: expected value at line 1 column 1
    "#]]
    .assert_eq(&session.run(&["list"]));
    let session = Session::new([Reply::text(404, "<html>nothing here</html>")]);
    expect![[r#"
        exit 1
        -- stderr
        error: the server answered `404 Not Found` and did not say why
    "#]]
    .assert_eq(&session.run(&["list"]));
}

#[test]
fn the_curious_see_every_exchange() {
    let session = Session::new([three_jobs()]);
    let output = session.run(&["list", "--verbose"]);
    assert!(output.contains("server `https://SERVER`\n"), "{output}");
    assert!(output.contains("certificate from `HOME/client.crt`\n"), "{output}");
    assert!(output.contains("GET /api/v1/list/: 200 after "), "{output}");
}

#[test]
fn only_what_is_broken_is_listed_when_that_is_asked() {
    let session = Session::new([three_jobs()]);
    expect![[r#"
        exit 0
        -- stdout
        NAME    TYPE     SCHEDULE  STATUS               LAST RUN       NEXT
        silent  one-off  -         Failed: exit code 1  3 minutes ago  -
    "#]]
    .assert_eq(&session.run(&["list", "--failed"]));
    expect![[r#"
        exit 0
        -- stdout
        silent
    "#]]
    .assert_eq(&session.run(&["list", "--failed", "-o", "name"]));
    let json = session.run(&["list", "--failed", "--json"]);
    let failed = serde_json::to_string(&[silent()]).unwrap();
    assert_eq!(json, format!("exit 0\n-- stdout\n{failed}\n"));
    let session = Session::new([Reply::json(200, &[completed("bot")])]);
    expect![[r#"
        exit 0
        -- stderr
        no job has failed or is failing
    "#]]
    .assert_eq(&session.run(&["list", "--failed"]));
}

#[test]
fn a_schedule_tells_how_its_last_run_ended_and_when_the_next_one_is() {
    let mut nightly = job("nightly");
    nightly.job_type = JobType::Scheduled.into();
    nightly.schedule = Some("@daily".to_owned());
    nightly.status.phase = Phase::Pending.into();
    nightly.status.next_scheduled_at = Some("2024-05-06T12:11:17Z".to_owned());
    nightly.status.last_run = Some(LastRunView {
        phase: Phase::Failed.into(),
        started_at: None,
        finished_at: Some("2024-05-05T07:11:17Z".to_owned()),
        exit_code: Some(3),
        reason: Some("ExitCode".to_owned()),
    });
    let session = Session::new([Reply::json(200, &[nightly])]);
    expect![[r#"
        exit 0
        -- stdout
        NAME     TYPE       SCHEDULE  STATUS                LAST RUN                NEXT
        nightly  scheduled  @daily    Failing: exit code 3  exit code 3, 1 day ago  in 5 hours
    "#]]
    .assert_eq(&session.run(&["list"]));
}

/// A pipe gets a table when something has changed, and nothing else.
#[test]
fn what_is_watched_is_told_again_when_it_has_changed() {
    let tagged = |jobs: &[JobView], tag| Reply::json(200, &jobs).tagged(tag);
    let session = Session::new([
        tagged(&[job("bot")], "\"one\""),
        Reply::text(304, ""),
        tagged(&[completed("bot")], "\"two\""),
        Reply::text(304, ""),
    ]);
    let mut command = session.command(&["list", "--watch"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    session.server.wait_for(4);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    expect![[r#"
        exit 130
        -- stdout
        NAME  TYPE     SCHEDULE  STATUS          LAST RUN  NEXT
        bot   one-off  -         Running for 5s  -         -
        NAME  TYPE     SCHEDULE  STATUS     LAST RUN       NEXT
        bot   one-off  -         Completed  3 minutes ago  -
    "#]]
    .assert_eq(&session.tell(&child.wait_with_output().unwrap()));
    let known: Vec<_> = session.server.seen().into_iter().map(|seen| seen.known).collect();
    let known: Vec<_> = known.iter().map(Option::as_deref).collect();
    assert_eq!(known, [None, Some("\"one\""), Some("\"one\""), Some("\"two\"")]);
}
