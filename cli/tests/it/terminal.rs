//! What only shows on a terminal.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    process::{Command, ExitStatus},
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use tjf_api_types::JobView;

use crate::{
    server::Reply,
    session::Session,
    views::{completed, job},
};

/// A narrow terminal.
const COLUMNS: u16 = 50;

/// Runs the command on a terminal where somebody has typed `keys` already.
fn on_terminal(mut command: Command, keys: &str) -> (ExitStatus, String) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&ours, size).unwrap();
    let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let theirs = OpenOptions::new().read(true).write(true).open(path).unwrap();
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // The command holds our copies of their side; the terminal hangs up when the last one is
    // closed.
    drop(command);
    let mut ours = File::from(ours);
    ours.write_all(keys.as_bytes()).unwrap();
    let text = read_until_hang_up(&mut ours);
    (child.wait().unwrap(), text)
}

/// A terminal ends with an error and not with an end of file.
fn read_until_hang_up(terminal: &mut File) -> String {
    let mut bytes = Vec::new();
    let result = terminal.read_to_end(&mut bytes);
    assert!(result.is_ok() || result.is_err_and(|e| e.kind() != io::ErrorKind::WouldBlock));
    String::from_utf8(bytes).unwrap()
}

fn list_of(jobs: &[JobView]) -> Session {
    Session::new([Reply::json(200, &jobs)])
}

#[test]
fn a_table_fits_and_has_colours() {
    let mut long = job("a-job-with-a-rather-long-name");
    long.status_short = "Waiting for scheduled time".to_owned();
    let session = list_of(&[completed("bot"), long]);
    let (_, text) = on_terminal(session.command(&["list"]), "");
    assert!(text.contains("\u{1b}[32mCompleted\u{1b}[0m"), "{text}");
    let (_, text) = on_terminal(session.command(&["list", "--color=never"]), "");
    assert!(text.contains('…') && !text.contains('\u{1b}'), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= usize::from(COLUMNS)), "{text}");
}

/// Characters and the clusters that they make are not of the same width.
#[test]
fn a_command_full_of_hearts_fits_too() {
    let mut hearts = job("hearts");
    hearts.cmd = "❤\u{fe0f}".repeat(30);
    let session = list_of(&[hearts]);
    let (status, text) = on_terminal(session.command(&["list", "--long", "--color=never"]), "");
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= usize::from(COLUMNS) + 3), "{text}");
    assert!(text.contains("❤\u{fe0f}❤\u{fe0f}…"), "{text}");
}

#[test]
fn those_who_want_no_colour_get_none() {
    let session = list_of(&[completed("bot")]);
    let mut command = session.command(&["list"]);
    command.env("NO_COLOR", "1");
    let (_, text) = on_terminal(command, "");
    assert!(text.contains("Completed") && !text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_flush_is_asked_about_and_a_no_is_respected() {
    let jobs = || Reply::json(200, &[job("one"), job("two")]);
    let session = Session::new([jobs()]);
    let (status, text) = on_terminal(session.command(&["flush"]), "n\n");
    assert!(text.contains("delete all 2 jobs? [y/N] "), "{text}");
    assert!(text.contains("nothing was deleted"), "{text}");
    assert_eq!(status.code(), Some(1));
    assert_eq!(session.server.lines(), ["GET /api/v1/list/"]);

    let session = Session::new([jobs(), Reply::text(200, r#"{"deleted":["one","two"]}"#)]);
    let (status, text) = on_terminal(session.command(&["flush"]), "y\n");
    assert!(text.contains("one\r\ntwo\r\n"), "{text}");
    assert_eq!(status.code(), Some(0));
    assert_eq!(session.server.lines(), ["GET /api/v1/list/", "DELETE /api/v1/flush/"]);
}

#[test]
fn who_looks_on_is_told_what_takes_long() {
    let session = Session::new([Reply::Slow(200, r#"{"deleted":["bot"]}"#.into())]);
    let (status, text) = on_terminal(session.command(&["delete", "bot"]), "");
    assert_eq!(text, "waiting until the programs of `bot` have ended …\r\nbot\r\n");
    assert_eq!(status.code(), Some(0));
}

/// A script gets no such line.
#[test]
fn somebody_who_waits_for_an_answer_is_told_once() {
    let away = || Reply::text(503, "<html>");
    let words = ["run", "true", "--type", "tf-busybox", "--name", "bot"];
    let session = Session::new([away(), away(), Reply::json(201, &job("bot"))]);
    let (status, text) = on_terminal(session.command(&words), "");
    assert_eq!(text.matches("asking again, for up to 30 s").count(), 1, "{text}");
    assert!(text.ends_with("bot\r\n"), "{text}");
    assert_eq!(status.code(), Some(0));
    // Who sees every exchange needs no such line, nor the hint to ask for it.
    let session = Session::new([away(), Reply::json(201, &job("bot"))]);
    let (_, text) = on_terminal(session.command(&[&words[..], &["-v"]].concat()), "");
    assert!(text.contains("sent again") && !text.contains("asking again"), "{text}");
    let session = Session::new([away(), Reply::json(201, &job("bot"))]);
    assert_eq!(session.run(&words), "exit 0\n-- stdout\nbot\n");
}

#[test]
fn somebody_who_waits_for_a_job_is_told_of_an_outage_once() {
    let away = || Reply::text(504, "<html>");
    let words = ["run", "true", "--type", "tf-busybox", "--name", "bot", "--wait"];
    let replies =
        || [Reply::json(201, &job("bot")), away(), away(), Reply::json(200, &completed("bot"))];
    let session = Session::new(replies());
    let (status, text) = on_terminal(session.command(&words), "");
    assert_eq!(text.matches("no good answer: asking again").count(), 1, "{text}");
    assert_eq!(text.matches("the service answers again").count(), 1, "{text}");
    assert_eq!(status.code(), Some(0));
    let told = Session::new(replies()).run(&words);
    assert!(told.starts_with("exit 0\n") && !told.contains("again"), "{told}");
}

/// A script gets no such line, and who sees every exchange needs none.
#[test]
fn somebody_who_waits_for_a_load_is_told_what_takes_so_long() {
    let away = Reply::text(503, "<html>").retry_after(2);
    let would_be = JobView { uid: String::new(), ..job("bot") };
    let replies =
        [Reply::text(200, "[]"), Reply::json(200, &would_be), away, Reply::json(201, &job("bot"))];
    let session = Session::new(replies);
    session.write("jobs.yaml", "- {name: bot, command: ./bot.py, image: x}\n");
    let mut command = session.command(&["load", "jobs.yaml"]);
    command.current_dir(session.home.path());
    let (status, text) = on_terminal(command, "");
    assert_eq!(text.matches("starting `bot` …").count(), 1, "{text}");
    assert!(!text.contains("checking"), "{text}");
    assert!(text.ends_with("bot created\r\n"), "{text}");
    assert_eq!(status.code(), Some(0));
}

/// Each of the questions is quick, and all of them together are not.
#[test]
fn a_long_file_is_told_about_while_it_is_checked() {
    let names: Vec<_> = (0..12).map(|number| format!("job-{number}")).collect();
    let answers = names.iter().flat_map(|name| {
        let would_be = JobView { uid: String::new(), ..job(name) };
        [Reply::text(503, "<html>"), Reply::json(200, &would_be)]
    });
    let session = Session::new([Reply::text(200, "[]")].into_iter().chain(answers));
    let entries = names.iter().map(|name| format!("- {{name: {name}, command: c, image: x}}\n"));
    session.write("jobs.yaml", &entries.collect::<String>());
    let mut command = session.command(&["load", "jobs.yaml", "--dry-run"]);
    command.current_dir(session.home.path());
    let (status, text) = on_terminal(command, "");
    let told = text.matches("checking `").count();
    assert!((1..=8).contains(&told) && text.contains(" of 12 …"), "{text}");
    assert_eq!(status.code(), Some(2));
}
