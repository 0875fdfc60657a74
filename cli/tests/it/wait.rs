use std::process::Stdio;

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};
use tjf_api_types::{JobType, JobView};

use crate::{
    server::Reply,
    session::Session,
    views::{completed, failed, job, problem},
};

/// What is asked about one that failed.
const LAST_LINES_OF_TWO: &str = "GET /api/v1/logs/two/?stream=stderr&lines=10";
const RUN: [&str; 5] = ["run", "./bot.py", "--type", "tf-python39", "--wait"];

/// A job that runs at first and is then what is given.
fn running_then(then: &JobView) -> Session {
    Session::new([Reply::json(201, &job("bot")), Reply::json(200, then)])
}

fn exit_line(session: &Session) -> String {
    session.run(&RUN).lines().next().unwrap().to_owned()
}

#[test]
fn progress_is_talk_and_the_outcome_is_data() {
    let session = running_then(&completed("bot"));
    expect![[r#"
        exit 0
        -- stdout
        bot
        Completed
        -- stderr
        `bot`: Running for 5s
    "#]]
    .assert_eq(&session.run(&RUN));
    assert_eq!(
        session.server.lines(),
        ["POST /api/v1/run/", "GET /api/v1/show/bot/?wait=50&uid=uid-of-bot"]
    );
}

#[test]
fn a_job_that_has_ended_already_is_not_asked_about() {
    let session = Session::new([Reply::json(201, &completed("bot"))]);
    expect![[r#"
        exit 0
        -- stdout
        bot
        Completed
    "#]]
    .assert_eq(&session.run(&RUN));
}

#[test]
fn a_failure_is_told_with_its_reason_and_its_code() {
    let session = running_then(&failed("bot", Some(42), "ExitCode"));
    expect![[r#"
        exit 42
        -- stdout
        bot
        Failed
        -- stderr
        `bot`: Running for 5s
        error: `bot`: The job failed after 7 seconds.
        hint: what it wrote is in `/data/project/tf-test/bot.out` and `/data/project/tf-test/bot.err`
    "#]]
    .assert_eq(&session.run(&RUN));
}

#[test]
fn a_signal_is_passed_on_as_a_shell_would() {
    assert_eq!(exit_line(&running_then(&failed("bot", Some(137), "OOMKilled"))), "exit 137");
    let mut without_code = failed("bot", None, "Signal");
    without_code.status.signal = Some(15);
    assert_eq!(exit_line(&running_then(&without_code)), "exit 143");
}

#[test]
fn a_failure_without_a_code_is_one_and_never_zero() {
    assert_eq!(exit_line(&running_then(&failed("bot", None, "DeadlineExceeded"))), "exit 1");
    assert_eq!(exit_line(&running_then(&failed("bot", Some(0), "DeadlineExceeded"))), "exit 1");
}

#[test]
fn when_the_time_runs_out_the_job_goes_on() {
    let session = Session::new([Reply::json(201, &job("bot"))]);
    let words = ["run", "bot", "--command", "./bot.py", "--image", "x", "--wait", "0"];
    expect![[r#"
        exit 124
        -- stdout
        bot
        -- stderr
        `bot`: Running for 5s
        error: `bot` has not ended in time; it goes on
        hint: `toolforge-jobs delete bot` stops it
    "#]]
    .assert_eq(&session.run(&words));
}

#[test]
fn a_job_that_vanished_is_not_guessed_about() {
    let gone = problem("job-not-found", 404, "there is no job `bot`");
    let session = Session::new([Reply::json(201, &job("bot")), gone]);
    expect![[r#"
        exit 125
        -- stdout
        bot
        -- stderr
        `bot`: Running for 5s
        error: `bot` was deleted meanwhile; how it ended is not known
    "#]]
    .assert_eq(&session.run(&RUN));
}

#[test]
fn another_job_of_the_same_name_is_not_taken_for_it() {
    let mut other = completed("bot");
    other.uid = "another".to_owned();
    assert_eq!(exit_line(&running_then(&other)), "exit 125");
}

#[test]
fn a_service_that_is_lost_leaves_the_outcome_open() {
    let session = Session::new([Reply::json(201, &job("bot")), Reply::HangUp]);
    let words = [&RUN[..4], &["--wait=1"]].concat();
    expect![[r#"
        exit 125
        -- stdout
        bot
        -- stderr
        `bot`: Running for 5s
        error: how `bot` ends is not known: the connection to `https://SERVER` broke before the answer was complete
        hint: `toolforge-jobs show bot` tells, once the service answers
    "#]].assert_eq(&session.run(&words));
}

#[test]
fn a_service_that_was_away_for_a_moment_is_asked_on() {
    let page = Reply::text(504, "<html>");
    let nobody = Reply::text(404, "<html>404 page not found</html>");
    let unknown = problem("route-not-found", 404, "there is no such path");
    let session = Session::new([
        Reply::json(201, &job("bot")),
        page,
        nobody,
        unknown,
        Reply::HangUp,
        Reply::json(200, &failed("bot", Some(7), "ExitCode")),
    ]);
    assert_eq!(exit_line(&session), "exit 7");
}

#[test]
fn a_refusal_of_the_job_itself_is_an_ordinary_one() {
    let session = Session::new([problem("quota-exceeded", 403, "the tool has 50 jobs already")]);
    expect![[r#"
        exit 1
        -- stderr
        error: the tool has 50 jobs already
        request id: r-1
    "#]]
    .assert_eq(&session.run(&RUN));
}

#[test]
fn json_is_one_document_about_the_end() {
    let session = running_then(&completed("bot"));
    let output = session.run(&[&RUN[..], &["--json", "--quiet"]].concat());
    let expected = serde_json::to_string(&completed("bot")).unwrap();
    assert_eq!(output, format!("exit 0\n-- stdout\n{expected}\n"));
}

#[test]
fn an_interrupt_says_that_the_job_goes_on() {
    let session = Session::new([Reply::json(201, &job("bot"))]);
    let mut command = session.command(&RUN);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    session.server.wait_for(2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    expect![[r#"
        exit 130
        -- stdout
        bot
        -- stderr
        `bot`: Running for 5s
        `bot` goes on; `toolforge-jobs wait bot` waits for it again, and `toolforge-jobs delete bot` stops it
    "#]]
    .assert_eq(&session.tell(&child.wait_with_output().unwrap()));
}

#[test]
fn each_end_is_a_line_and_the_highest_code_is_that_of_all() {
    let session = Session::new([
        Reply::json(200, &completed("one")),
        Reply::json(200, &failed("two", Some(42), "ExitCode")),
    ]);
    expect![[r#"
        exit 42
        -- stdout
        one Completed
        two Failed
        -- stderr
        error: `two`: The job failed after 7 seconds.
        hint: what it wrote is in `/data/project/tf-test/two.out` and `/data/project/tf-test/two.err`
    "#]].assert_eq(&session.run(&["wait", "one", "two"]));
    assert_eq!(
        session.server.lines(),
        ["GET /api/v1/show/one/", "GET /api/v1/show/two/", LAST_LINES_OF_TWO]
    );
}

#[test]
fn one_end_is_enough_when_any_will_do() {
    let session = Session::new([
        Reply::json(200, &job("one")),
        Reply::json(200, &completed("two")),
        Reply::HangUp,
    ]);
    expect![[r#"
        exit 0
        -- stdout
        two Completed
        -- stderr
        `one`: Running for 5s
    "#]]
    .assert_eq(&session.run(&["wait", "one", "two", "--any"]));
}

#[test]
fn the_service_is_asked_for_that_very_job_and_holds_its_answer() {
    let session =
        Session::new([Reply::json(200, &job("bot")), Reply::json(200, &completed("bot"))]);
    expect![[r#"
        exit 0
        -- stdout
        bot Completed
        -- stderr
        `bot`: Running for 5s
    "#]]
    .assert_eq(&session.run(&["wait", "bot", "--timeout", "90s"]));
    let uid = job("bot").uid;
    let held = format!("GET /api/v1/show/bot/?wait=50&uid={uid}");
    assert_eq!(session.server.lines(), ["GET /api/v1/show/bot/", &held]);
}

#[test]
fn a_slip_and_a_job_without_an_end_are_told_before_anything_is_waited_for() {
    let gone = problem("job-not-found", 404, "there is no job `bod`");
    let session =
        Session::new([Reply::json(200, &job("one")), gone, Reply::json(200, &[job("bot")])]);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no job `bod`
        hint: did you mean `bot`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["wait", "one", "bod"]));
    let nightly = JobView { job_type: JobType::Scheduled.into(), ..job("nightly") };
    let session = Session::new([Reply::json(200, &nightly)]);
    expect![[r#"
        exit 1
        -- stderr
        error: `nightly` is a scheduled job, which has no end to wait for
    "#]]
    .assert_eq(&session.run(&["wait", "nightly"]));
}

#[test]
fn when_the_time_of_a_wait_runs_out_each_job_is_told() {
    let session = Session::new([Reply::json(200, &job("one")), Reply::json(200, &job("two"))]);
    expect![[r#"
        exit 124
        -- stderr
        `one`: Running for 5s
        error: `one` has not ended in time; it goes on
        hint: `toolforge-jobs delete one` stops it
        `two`: Running for 5s
        error: `two` has not ended in time; it goes on
        hint: `toolforge-jobs delete two` stops it
    "#]]
    .assert_eq(&session.run(&["wait", "one", "two", "--timeout", "0"]));
}
