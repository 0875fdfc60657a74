use std::{io::Read, process::Stdio};

use expect_test::expect;
use rustix::process::{Pid, Signal, kill_process};
use tjf_api_types::JobView;

use crate::{
    server::{Log, Reply},
    session::Session,
    views::{completed, failed, job, problem},
};

fn shown(job: &JobView) -> Reply {
    Reply::json(200, job)
}

/// A job with both streams in one file, so that there is one to ask for.
fn with_one_file(job: JobView) -> JobView {
    JobView { filelog_stderr: job.filelog_stdout.clone(), ..job }
}

#[test]
fn both_streams_are_told_by_the_line() {
    let session = Session::new([
        shown(&completed("bot")),
        Log::at("1-0", 9, "one\ntw\u{1b}o").ends(),
        Log::at("2-0", 5, "oops\n").ends(),
    ]);
    assert_eq!(
        session.run(&["logs", "bot"]),
        "exit 0\n-- stdout\nout: one\nout: tw\u{1b}o\nerr: oops\n"
    );
    assert_eq!(
        session.server.lines(),
        [
            "GET /api/v1/show/bot/",
            "GET /api/v1/logs/bot/?stream=stdout",
            "GET /api/v1/logs/bot/?stream=stderr",
        ]
    );
}

#[test]
fn one_stream_or_one_file_is_told_as_it_is() {
    let text = "no newline at the end";
    let session = Session::new([shown(&completed("bot")), Log::at("2-0", 5, text).ends()]);
    let output = session.run(&["logs", "bot", "--stream", "stderr", "--lines", "1"]);
    assert_eq!(output, format!("exit 0\n-- stdout\n{text}"));
    assert_eq!(session.server.lines()[1], "GET /api/v1/logs/bot/?stream=stderr&lines=1");
    let session =
        Session::new([shown(&with_one_file(completed("bot"))), Log::at("2-0", 5, text).ends()]);
    assert_eq!(session.run(&["logs", "bot"]), format!("exit 0\n-- stdout\n{text}"));
}

/// It knows where it is, and asks for a few bytes more, to see whether they are still the same.
#[test]
fn a_log_that_breaks_off_is_gone_on_with() {
    let session = Session::new([
        shown(&with_one_file(job("bot"))),
        Log::at("7-100", 104, "one\n").breaks_off(),
        Reply::HangUp,
        problem("cluster-unavailable", 503, "your home does not answer"),
        Reply::text(404, "<html>"),
        Log::at("7-100", 108, "one\ntwo\n").breaks_off(),
        Log::at("8-0", 6, "three\n").ends(),
    ]);
    let output = session.run(&["logs", "bot", "-f", "-l", "5"]);
    assert_eq!(output, "exit 0\n-- stdout\none\ntwo\nthree\n");
    let lines = session.server.lines();
    let asked: Vec<_> = lines[1..].iter().map(|line| line.split_once('?').unwrap().1).collect();
    let first = "stream=stdout&lines=5&follow=true";
    let again = "stream=stdout&follow=true&from=7-100";
    assert_eq!(asked, [first, again, again, again, again, again]);
}

#[test]
fn a_file_that_was_written_anew_meanwhile_is_told_from_its_beginning() {
    for anew in [
        // As long as before, with something else in it.
        Log::at("7-0", 10, "other\nmore").breaks_off(),
        // Shorter than what was read of it.
        Log::at("7-0", 2, "on").breaks_off(),
    ] {
        let session = Session::new([
            shown(&with_one_file(job("bot"))),
            Log::at("7-0", 4, "one\n").breaks_off(),
            anew,
            Log::at("7-0", 6, "other\n").ends(),
        ]);
        let output = session.run(&["logs", "bot", "-f"]);
        assert_eq!(output, "exit 0\n-- stdout\none\nother\n");
        assert!(session.server.lines()[3].ends_with("&from=0-0"), "{:?}", session.server.lines());
    }
}

#[test]
fn what_the_service_refuses_is_told() {
    let refusal = "the job keeps no output: it was started with `filelog=false`";
    let session =
        Session::new([shown(&completed("bot")), problem("invalid-request", 400, refusal)]);
    expect![[r#"
        exit 1
        -- stderr
        error: the job keeps no output: it was started with `filelog=false`
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["logs", "bot"]));
    let missing = problem("job-not-found", 404, "there is no job `bod`");
    let session = Session::new([missing, shown_all()]);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no job `bod`
        hint: did you mean `bot`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["logs", "bod"]));
}

fn shown_all() -> Reply {
    Reply::json(200, &[job("bot")])
}

#[test]
fn a_job_that_is_deleted_while_its_log_cannot_be_read_is_told() {
    let session = Session::new([
        shown(&with_one_file(job("bot"))),
        Log::at("7-0", 4, "one\n").breaks_off(),
        problem("job-not-found", 404, "there is no job `bot`"),
    ]);
    expect![[r#"
        exit 1
        -- stdout
        one
        -- stderr
        error: there is no job `bot`
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["logs", "bot", "-f"]));
}

#[test]
fn a_log_is_a_text() {
    expect![[r#"
        exit 2
        -- stderr
        error: `--json` is not for `logs`: what a job writes is a text
    "#]]
    .assert_eq(&Session::new([shown(&job("bot"))]).run(&["logs", "bot", "--json"]));
    let run = ["run", "x", "--type", "t", "--follow", "--json"];
    expect![[r#"
        exit 2
        -- stderr
        error: `--json` is not for `run --follow`: what a job writes is a text
    "#]]
    .assert_eq(&Session::new([shown(&job("bot"))]).run(&run));
}

#[test]
fn a_failed_job_that_was_waited_for_shows_the_end_of_its_errors() {
    let run = ["run", "x", "--type", "t", "--wait"];
    let errors = || Log::at("2-0", 9, "oops\nouch \u{1b}[31m\n");
    let session = Session::new([
        Reply::json(201, &failed("bot", Some(42), "ExitCode")),
        errors().modified("2024-05-06T07:08:10Z").ends(),
    ]);
    expect![[r#"
        exit 42
        -- stdout
        bot
        Failed
        -- stderr
        the last lines of its errors:
          oops
          ouch \u{1b}[31m
        error: `bot`: The job failed after 7 seconds.
        hint: what it wrote is in `/data/project/tf-test/bot.out` and `/data/project/tf-test/bot.err`
    "#]]
    .assert_eq(&session.run(&run));
    assert_eq!(session.server.lines()[1], "GET /api/v1/logs/bot/?stream=stderr&lines=10");
    // They are of an earlier run.
    let session = Session::new([
        Reply::json(201, &failed("bot", Some(42), "ExitCode")),
        errors().modified("2024-05-06T07:08:09Z").ends(),
    ]);
    assert!(!session.run(&run).contains("oops"));
}

#[test]
fn a_job_that_is_followed_shows_its_own_output_and_ends_as_it_did() {
    let run = ["run", "x", "--type", "t", "--follow"];
    let ended = with_one_file(failed("bot", Some(42), "ExitCode"));
    for (modified, from) in [
        // Of an earlier job.
        ("2024-05-06T07:08:08Z", "&from=7-100"),
        // The job may have begun to write already.
        ("2024-05-06T07:08:09Z", ""),
    ] {
        let session = Session::new([
            no_job(),
            no_job(),
            Reply::json(201, &with_one_file(job("bot"))),
            Log::at("7-100", 100, "").modified(modified).ends(),
            Log::at("7-100", 104, "one\n").breaks_off(),
            Log::at("7-100", 108, "one\ntwo\n").ends(),
            shown(&ended),
        ]);
        let output = session.run(&run);
        let talk: Vec<_> = output.lines().filter(|line| !line.starts_with("`bot`: ")).collect();
        let expected = [
            "exit 42",
            "-- stdout",
            "one",
            "two",
            "-- stderr",
            "created `bot`",
            "error: `bot`: The job failed after 7 seconds.",
        ];
        assert_eq!(talk, expected);
        let lines = session.server.lines();
        let asked: Vec<_> =
            lines.iter().filter_map(|line| line.split_once("/logs/bot/?")).collect();
        assert_eq!(asked[0].1, "stream=stdout&lines=0");
        assert_eq!(asked[1].1, format!("stream=stdout&follow=true{from}"));
        assert_eq!(asked[2].1, "stream=stdout&follow=true&from=7-100");
    }
}

fn no_job() -> Reply {
    problem("job-not-found", 404, "there is no such job")
}

/// The service is asked before the new one is there, so that no clock matters.
#[test]
fn where_an_earlier_jobs_output_ended_that_of_the_next_one_begins() {
    let end = || Log::at("7-100", 100, "").ends();
    let session = Session::new([
        end(),
        end(),
        Reply::json(201, &with_one_file(completed("bot"))),
        Log::at("7-100", 104, "one\n").ends(),
    ]);
    let output = session.run(&["run", "bot", "--command", "x", "--image", "t", "--follow"]);
    assert_eq!(output, "exit 0\n-- stdout\none\n-- stderr\ncreated `bot`\n");
    assert_eq!(
        session.server.lines()[2..],
        ["POST /api/v1/run/", "GET /api/v1/logs/bot/?stream=stdout&follow=true&from=7-100"]
    );
}

#[test]
fn a_job_without_output_is_waited_for_all_the_same() {
    let job = JobView { filelog_stdout: None, filelog_stderr: None, ..completed("bot") };
    let session = Session::new([no_job(), no_job(), Reply::json(201, &job)]);
    expect![[r#"
        exit 0
        -- stderr
        created `bot`
        the job keeps no output
    "#]]
    .assert_eq(&session.run(&["run", "x", "--type", "t", "--mount", "none", "--follow"]));
}

#[test]
fn an_interrupt_says_that_the_job_goes_on() {
    let session =
        Session::new([shown(&with_one_file(job("bot"))), Log::at("7-0", 4, "one\n").stays()]);
    let mut command = session.command(&["logs", "bot", "-f"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = [0; 4];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"one\n");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    expect![[r#"
        exit 130
        -- stderr
        `bot` goes on; `toolforge-jobs delete bot` stops it
    "#]]
    .assert_eq(&session.tell(&child.wait_with_output().unwrap()));
}

#[test]
fn a_reader_that_has_gone_ends_it() {
    let session = Session::new([shown(&job("bot")), Log::at("7-0", 4, "one\n").stays()]);
    let mut command = session.command(&["logs", "bot", "-f"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!(session.tell(&output), "exit 0\n");
}
