use std::collections::BTreeMap;

use expect_test::expect;
use tjf_api_types::{
    ClockChangeView, ClockEffect, HealthCheckView, JobType, LastRunView, Phase, PortProtocol,
};

use crate::{
    load::web,
    server::Reply,
    session::Session,
    views::{failed, job, problem},
};

#[test]
fn a_failed_job_says_why_at_the_end() {
    let mut job = failed("bot", Some(137), "OOMKilled");
    job.status.oom_killed = Some(true);
    job.env = BTreeMap::from([("LANG".to_owned(), "de".to_owned())]);
    let session = Session::new([Reply::json(200, &job)]);
    expect![[r#"
        exit 0
        -- stdout
        Name:        bot
        Status:      Failed: OOMKilled
        Started:     2024-05-06 07:08:10 UTC (3 minutes ago)
        Ended:       2024-05-06 07:08:17 UTC (3 minutes ago), after 7 seconds
        Type:        one-off
        Command:     ./bot.py --all
        Container:   tf-python39 (registry.example/tf-python39:latest)
        Resources:   512Mi memory
        Output:      /data/project/tf-test/bot.out, errors in /data/project/tf-test/bot.err
        Environment: LANG=de
        Created:     2024-05-06 07:08:09 UTC (3 minutes ago)
    "#]]
    .assert_eq(&session.run(&["show", "bot"]));
    assert_eq!(session.server.lines(), ["GET /api/v1/show/bot/"]);
}

/// What a continuous job tells of its port and its health check.
fn reached(
    protocol: PortProtocol,
    (kind, script, path): (&str, Option<&str>, Option<&str>),
    home: &str,
) -> String {
    let mut job = web("1Gi");
    (job.port, job.port_protocol) = (Some(8080), Some(protocol.into()));
    job.health_check = (!kind.is_empty()).then(|| HealthCheckView {
        r#type: tjf_api_types::Word::Other(kind.to_owned()),
        script: script.map(str::to_owned),
        path: path.map(str::to_owned),
    });
    let session = Session::new([Reply::json(200, &job)]);
    let mut command = session.command(&["show", "web"]);
    let told = session.tell(&command.env("HOME", home).output().unwrap());
    let lines = told.lines().filter(|line| line.starts_with("Port") || line.starts_with("Health"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_job_with_a_port_says_where_it_is_reached_and_how_it_is_checked() {
    let (home, elsewhere) = ("/data/project/tf-test", "/root");
    let (tcp, udp) = (PortProtocol::Tcp, PortProtocol::Udp);
    let told = [
        reached(tcp, ("", None, None), home),
        reached(udp, ("", None, None), home),
        reached(tcp, ("http", None, Some("/healthz")), home),
        reached(udp, ("script", Some("./check.sh\n-v"), None), elsewhere),
        reached(tcp, ("grpc", None, None), elsewhere),
    ]
    .concat();
    expect![[r#"
        Port:         8080, inside the cluster http://web.tool-tf-test.svc:8080
        Health check: connects to its port
        Port:      8080/udp, inside the cluster web.tool-tf-test.svc:8080
        Port:         8080, inside the cluster http://web.tool-tf-test.svc:8080
        Health check: by HTTP: GET /healthz at its port
        Port:         8080/udp, inside the cluster web:8080
        Health check: by a script: ./check.sh\n-v
        Port:         8080, inside the cluster http://web:8080
        Health check: by grpc
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_scheduled_job_tells_its_schedule_and_its_last_run() {
    let mut job = job("nightly");
    job.job_type = JobType::Scheduled.into();
    job.schedule = Some("@daily".to_owned());
    job.schedule_actual = Some("17 3 * * *".to_owned());
    job.timezone = Some("Etc/UTC".to_owned());
    job.status_short = "Waiting for scheduled time".to_owned();
    job.status_long = "The job next runs on 7 May at 03:17.".to_owned();
    job.status.phase = Phase::Pending.into();
    job.status.started_at = None;
    job.status.attempts = None;
    job.status.next_scheduled_at = Some("2024-05-07T03:17:00Z".to_owned());
    job.status.next_times =
        ["2024-05-07T03:17:00Z", "2024-05-08T03:17:00Z"].map(str::to_owned).to_vec();
    job.status.clock_change = Some(ClockChangeView {
        at: "2025-03-30T01:00:00Z".to_owned(),
        effect: ClockEffect::Skipped.into(),
        local_time: "2025-03-30T02:17".to_owned(),
    });
    job.status.last_run = Some(LastRunView {
        phase: Phase::Failed.into(),
        started_at: Some("2024-05-06T03:17:00Z".to_owned()),
        finished_at: None,
        exit_code: Some(3),
        reason: Some("ExitCode".to_owned()),
    });
    let session = Session::new([Reply::json(200, &job)]);
    expect![[r#"
        exit 0
        -- stdout
        Name:      nightly
        Status:    Failing: exit code 3
        Next run:  2024-05-07 03:17:00 UTC (in 20 hours)
        And then:  2024-05-08 03:17:00 UTC (in 1 day)
        Clocks:    they change on 2025-03-30 01:00:00 UTC (in 327 days): the run of 2025-03-30 02:17 does not come
        Last run:  failed: exit code 3, 2024-05-06 03:17:00 UTC (3 hours ago)
        Type:      scheduled
        Command:   ./bot.py --all
        Container: tf-python39 (registry.example/tf-python39:latest)
        Schedule:  @daily (17 3 * * *), Etc/UTC
        Resources: 512Mi memory
        Output:    /data/project/tf-test/nightly.out, errors in /data/project/tf-test/nightly.err
        Created:   2024-05-06 07:08:09 UTC (3 minutes ago)
    "#]]
    .assert_eq(&session.run(&["show", "nightly"]));
}

#[test]
fn what_a_user_typed_can_not_move_the_cursor() {
    let mut job = job("bot");
    job.cmd = "printf '\u{1b}[2J'\necho".to_owned();
    let session = Session::new([Reply::json(200, &job)]);
    let output = session.run(&["show", "bot"]);
    assert!(output.contains(r"printf '\u{1b}[2J'\necho"), "{output}");
    assert!(!output.contains('\u{1b}'), "{output}");
}

#[test]
fn json_is_the_apis_own_byte_for_byte() {
    let ours = serde_json::to_string_pretty(&job("bot")).unwrap();
    let newer = ours.replacen('{', "{ \"field_of_tomorrow\" :  [1.50],", 1);
    let session = Session::new([Reply::Answer(200, newer.clone().into())]);
    let output = session.command(&["show", "bot", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{newer}\n"));
}

#[test]
fn a_misspelt_name_gets_the_nearest_match() {
    let missing = problem("job-not-found", 404, "there is no job `my-bto`");
    let jobs = Reply::json(200, &[job("another"), job("my-bot")]);
    let session = Session::new([missing, jobs]);
    expect![[r#"
        exit 1
        -- stderr
        error: there is no job `my-bto`
        hint: did you mean `my-bot`?
        request id: r-1
    "#]]
    .assert_eq(&session.run(&["show", "my-bto"]));
    assert_eq!(session.server.lines(), ["GET /api/v1/show/my-bto/", "GET /api/v1/list/"]);
}

#[test]
fn a_name_that_can_be_none_is_not_sent() {
    let session = Session::new([Reply::HangUp]);
    expect![[r#"
        exit 2
        -- stderr
        error: invalid value '../flush' for '<NAME>': a job name is 1 to 253 lower-case letters, digits, '-' and '.', and begins and ends with a letter or a digit

        For more information, try '--help'.
    "#]].assert_eq(&session.run(&["show", "../flush"]));
    assert!(session.server.lines().is_empty());
}
