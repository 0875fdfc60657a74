//! `load`: its options, and what it takes for a file.

use std::{io::Write, process::Stdio};

use expect_test::expect;
use serde_json::{Value, json};
use tjf_api_types::{HealthCheck, HealthCheckView, PortProtocol};

use super::{FILE, acts, created, deleted, load, session, there, web, would_be};
use crate::{
    server::Reply,
    session::Session,
    views::{completed, failed, job},
};

#[test]
fn what_the_file_does_not_name_stays_unless_it_is_to_go() {
    let before = || [completed("bot"), job("other"), web("1Gi")];
    let session = session(&before(), []);
    assert!(load(&session, &[]).ends_with("bot unchanged\nweb unchanged\n"));
    let session = super::session(&before(), [deleted("other")]);
    expect![[r#"
        exit 0
        -- stdout
        bot unchanged
        web unchanged
        other deleted
    "#]]
    .assert_eq(&load(&session, &["--prune"]));
    assert_eq!(acts(&session), ["DELETE /api/v1/delete/other/"]);
}

/// A job that is checked otherwise, and reached elsewhere, is another one.
#[test]
fn a_port_and_a_health_check_are_lines_of_the_difference() {
    let mut before = web("1Gi");
    (before.port, before.port_protocol) = (Some(8080), Some(PortProtocol::Tcp.into()));
    before.health_check =
        Some(HealthCheckView::from(&HealthCheck::Http { path: "/healthz".to_owned() }));
    let mut after = before.clone();
    after.port = Some(8081);
    after.health_check =
        Some(HealthCheckView::from(&HealthCheck::Script { script: "./check.sh".to_owned() }));
    let session = Session::new([
        there(&[completed("bot"), before]),
        would_be(completed("bot")),
        would_be(after),
    ]);
    session.write("jobs.yaml", FILE);
    let told = load(&session, &["--dry-run"]);
    let changed = told.lines().filter(|line| line.starts_with(['-', '+']) && line.contains(": "));
    expect![[r#"
        -  port: 8080
        +  port: 8081
        +  health-check-script: ./check.sh
        -  health-check-http: /healthz
    "#]]
    .assert_eq(&changed.map(|line| format!("{line}\n")).collect::<String>());
}

#[test]
fn a_dry_run_shows_the_difference_and_changes_nothing() {
    let session = session(&[job("other"), web("512Mi")], []);
    expect![[r#"
        exit 2
        -- stdout
        --- /dev/null
        +++ file/bot
        +- name: bot
        +  command: ./bot.py --all
        +  image: tf-python39
        +  filelog-stdout: /data/project/tf-test/bot.out
        +  filelog-stderr: /data/project/tf-test/bot.err
        +  mem: 512Mi
        --- now/web
        +++ file/web
         - name: web
           command: ./bot.py --all
           image: tf-python39
           continuous: true
           filelog-stdout: /data/project/tf-test/web.out
           filelog-stderr: /data/project/tf-test/web.err
        -  mem: 512Mi
        +  mem: 1Gi
        --- now/other
        +++ /dev/null
        -- name: other
        -  command: ./bot.py --all
        -  image: tf-python39
        -  filelog-stdout: /data/project/tf-test/other.out
        -  filelog-stderr: /data/project/tf-test/other.err
        -  mem: 512Mi
    "#]]
    .assert_eq(&load(&session, &["--dry-run", "--prune"]));
    assert!(acts(&session).is_empty());

    let session = super::session(&[completed("bot"), web("512Mi")], []);
    let told = load(&session, &["--dry-run", "--color=always"]);
    for line in [
        "\u{1b}[1m--- now/web\u{1b}[0m\n",
        "\u{1b}[1;31m-  mem: 512Mi\u{1b}[0m\n",
        "\u{1b}[32m+  mem: 1Gi\u{1b}[0m\n",
    ] {
        assert!(told.contains(line), "{told:?}");
    }

    let session = super::session(&[completed("bot"), web("1Gi")], []);
    assert_eq!(load(&session, &["--dry-run"]), "exit 0\n-- stderr\nnothing to do\n");
    let session = super::session(&[job("other"), web("512Mi")], []);
    expect![[r#"
        exit 2
        -- stdout
        {"change":"created","name":"bot"}
        {"change":"replaced","name":"web"}
    "#]]
    .assert_eq(&load(&session, &["--dry-run", "--json"]));
}

#[test]
fn one_job_alone_can_be_taken_from_a_file() {
    let replies = [there(&[]), would_be(web("1Gi")), created(&web("1Gi"))];
    let session = Session::new(replies);
    session.write("jobs.yaml", FILE);
    assert_eq!(load(&session, &["--job", "web"]), "exit 0\n-- stdout\nweb created\n");
    assert_eq!(session.server.lines().len(), 3);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no job `wed` in `jobs.yaml`
        hint: did you mean `web`?
    "#]]
    .assert_eq(&load(&session, &["--job", "wed"]));
    assert!(load(&session, &["--job", "web", "--prune"]).starts_with("exit 2\n"));
    assert_eq!(session.server.lines().len(), 3);
}

#[test]
fn a_file_that_is_wrong_is_told_with_the_line_and_nothing_is_asked() {
    let session = Session::new([there(&[])]);
    session.write("jobs.yaml", &FILE.replace("  mem: 1Gi", "  memm: 1Gi"));
    expect![[r#"
        exit 1
        -- stderr
        error: `jobs.yaml`, line 8: there is no key `memm`
        hint: did you mean `mem`?
    "#]]
    .assert_eq(&load(&session, &[]));
    session.write("jobs.yaml", "- name: a\n  schedule: @daily\n");
    expect![[r#"
        exit 1
        -- stderr
        error: `jobs.yaml`, line 2: this is not YAML
        hint: a text that begins with `*`, `@`, `{`, `[`, `%`, `&` or `!`, or has `: ` or ` #` in it, needs quotes
    "#]]
    .assert_eq(&load(&session, &[]));
    expect![[r#"
        exit 1
        -- stderr
        error: `nope.yaml` can't be read: No such file or directory (os error 2)
    "#]]
    .assert_eq(&session.run(&["load", "nope.yaml"]));
    assert!(session.server.lines().is_empty());
}

#[test]
fn a_file_may_come_from_a_pipe() {
    let session = session(&[], [created(&job("bot")), created(&web("1Gi"))]);
    let mut command = session.command(&["load", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(FILE.as_bytes()).unwrap();
    let told = session.tell(&child.wait_with_output().unwrap());
    assert_eq!(told, "exit 0\n-- stdout\nbot created\nweb created\n");
}

#[test]
fn the_end_of_what_was_started_can_be_waited_for() {
    let replies = [
        created(&job("bot")),
        created(&web("1Gi")),
        Reply::json(200, &failed("bot", Some(7), "ExitCode")),
    ];
    let session = session(&[], replies);
    let told = load(&session, &["--wait"]);
    assert!(
        told.starts_with("exit 7\n-- stdout\nbot created\nweb created\nbot Failed\n"),
        "{told}"
    );

    // In the file it is waited for before the next job is begun.
    let replies = [created(&job("bot")), Reply::json(200, &completed("bot")), created(&web("1Gi"))];
    let session = super::session(&[], replies);
    session.write("jobs.yaml", &FILE.replacen("512Mi", "512Mi\n  wait: 5m", 1));
    let told = load(&session, &[]);
    assert!(
        told.starts_with("exit 0\n-- stdout\nbot created\nbot Completed\nweb created\n"),
        "{told}"
    );
}

/// A file of the deployed service's own `dump`, and one of its users.
#[test]
fn files_of_the_deployed_service_are_understood() {
    let file = "\
---
- command: ./bot.sh
  image: tf-python39
  name: bot
  no-filelog: \"true\"
- command: ./web.sh
  continuous: true
  cpu: '1'
  emails: onfailure
  filelog-stderr: /dev/null
  filelog-stdout: web.log
  image: tf-python39
  mem: 2Gi
  mount: all
  name: web
  replicas: 2
";
    let session = session(&[], [created(&job("bot")), created(&web("1Gi"))]);
    session.write("jobs.yaml", file);
    assert!(load(&session, &[]).starts_with("exit 0\n"));
    let body =
        |at: usize| -> Value { serde_json::from_str(&session.server.seen()[at].body).unwrap() };
    assert_eq!(body(1)["filelog"], json!(false));
    let web = body(2);
    for (field, expected) in [
        ("cpu", json!("1")),
        ("emails", json!("onfailure")),
        ("filelog_stdout", json!("web.log")),
        ("filelog_stderr", json!("/dev/null")),
        ("mount", json!("all")),
        ("replicas", json!(2)),
        ("continuous", json!(true)),
    ] {
        assert_eq!(web[field], expected, "{field}");
    }
}
