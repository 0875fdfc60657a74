//! Ports and health checks.

use tjf_api_types::{HealthCheck, HealthCheckView, PortProtocol};

use super::{
    definition::{in_container, made, view_of},
    *,
};
use crate::job::{JobKind, Port};

fn kind(port: Option<u16>, health_check: Option<HealthCheck>) -> JobKind {
    let port = port.map(|number| Port { number, protocol: PortProtocol::Tcp });
    JobKind::Continuous { replicas: 1, port, health_check }
}

fn script(script: &str) -> HealthCheck {
    HealthCheck::Script { script: script.to_owned() }
}

fn http(path: &str) -> HealthCheck {
    HealthCheck::Http { path: path.to_owned() }
}

#[test]
fn a_port_and_a_health_check_are_told_as_they_were_asked_for() {
    for (port, check) in [
        (None, None),
        (Some(8080), None),
        (Some(8080), Some(http("/healthz?a=$b"))),
        (Some(8080), Some(script("test $$ -gt 1 && echo \"$(HOME)\""))),
        (None, Some(script("-n\n'x' \\"))),
    ] {
        let kind = kind(port, check.clone());
        let view = view_of(&kind, made(&kind, None, &json!({})));
        assert_eq!(view.port, port.map(i64::from));
        assert_eq!(view.port_protocol, port.map(|_| PortProtocol::Tcp.into()));
        assert_eq!(view.health_check, check.as_ref().map(HealthCheckView::from));
        assert!(!view.status_long.contains("changed"), "{}", view.status_long);
    }
}

#[test]
fn a_health_check_that_was_changed_is_told_as_it_is_and_by_its_name() {
    let exec = |words: Value| json!({"httpGet": null, "exec": {"command": words}});
    let ours = |script: &str| exec(json!(["env", "--", "A=b", "/bin/sh", "-c", "--", script]));
    for (probe, holds) in [
        (json!({"httpGet": {"path": "/other"}}), Some(http("/other"))),
        (json!({"httpGet": null, "tcpSocket": {"port": 80}}), None),
        (json!(null), None),
        (ours("echo $$x"), Some(script("echo $x"))),
        (exec(json!(["pgrep", "my bot"])), Some(script("pgrep 'my bot'"))),
        (exec(json!([])), Some(script(""))),
    ] {
        let kind = kind(Some(80), Some(http("/")));
        let mut object = made(&kind, None, &json!({}));
        in_container(&mut object, &json!({"livenessProbe": probe}));
        let view = view_of(&kind, object);
        assert_eq!(view.health_check, holds.as_ref().map(HealthCheckView::from), "{probe}");
        let sentence = "it was changed from outside: `health_check`";
        assert_eq!(view.status.message.as_deref(), Some(sentence), "{probe}");
    }
}

/// Nobody has told where another program's controller is reached.
#[test]
fn another_programs_controller_has_no_port() {
    let container = json!({
        "name": "main", "ports": [{"containerPort": 80}],
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    });
    let more = json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}});
    let view = view(&Objects { controllers: vec![controller(&more)], ..Objects::default() });
    assert_eq!((view.port, view.port_protocol), (None, None));
    assert_eq!(view.health_check, Some(HealthCheckView::from(&http("/"))));
}

/// The objects of a job that has this check, or none: its only container is in this state, ended so
/// before, and so was warned of.
fn checked(probe: &Value, status: &Value, events: Vec<Event>) -> Objects {
    let container = json!({"name": "job", "livenessProbe": probe});
    let more = json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}});
    let mut whole = json!({"phase": "Running", "containerStatuses": [{"restartCount": 0}]});
    merge(&mut whole["containerStatuses"][0], status);
    Objects {
        controllers: vec![controller(&more)],
        pods: vec![pod(whole)],
        events,
        ..Objects::default()
    }
}

fn by_tcp() -> Value {
    json!({"tcpSocket": {"port": 8080}})
}

fn lacks_events(objects: &Objects) -> bool {
    objects.snapshot().lacks(at(NOW)).events
}

/// The program runs since four minutes ago.
fn starting() -> Value {
    json!({"state": {"running": {"startedAt": "2026-01-01T00:01:00Z"}}, "started": false})
}

#[test]
fn a_program_that_has_not_shown_yet_that_it_works_has_not_started() {
    let unhealthy = |time: &str, message: &str| vec![warning("u-a-x", "Unhealthy", time, message)];
    let message = "its program runs, and its health check has not succeeded yet";
    let refused = "Startup probe failed: dial tcp 10.42.0.9:8080: connect: connection refused";
    for (events, told) in [
        (vec![], message.to_owned()),
        (
            unhealthy("2026-01-01T00:04:00Z", refused),
            format!("{message}: nothing listens at its port"),
        ),
        // Of the program before.
        (unhealthy("2026-01-01T00:00:59Z", refused), message.to_owned()),
    ] {
        let view = view(&checked(&by_tcp(), &starting(), events));
        assert_eq!((view.status.phase, view.status.reason), (Phase::Pending.into(), None));
        assert_eq!(view.status_short, "Waiting to start");
        assert_eq!(view.status.message.as_deref(), Some(&*told));
        assert!(!told.contains("10.42"));
    }
    let mut started = starting();
    started["started"] = json!(true);
    let view = view(&checked(&by_tcp(), &started, vec![]));
    assert_eq!((view.status_short.as_str(), view.status.message), ("Running for 4m", None));
}

/// It was killed by Kubernetes, and not by itself.
#[test]
fn a_program_that_was_ended_because_it_did_not_work_is_told_so_in_all_its_moments() {
    let last = terminated(143, "Error", "");
    let running = json!({"running": {"startedAt": "2026-01-01T00:04:58Z"}});
    let back_off = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    let event = |time: &str| {
        let message = "Liveness probe failed: HTTP probe failed with statuscode: 503";
        vec![warning("u-a-x", "Unhealthy", time, message)]
    };
    for state in [running, back_off] {
        let status = || json!({"restartCount": 2, "state": state, "lastState": last});
        let view_of = |time: &str| view(&checked(&by_tcp(), &status(), event(time)));
        // It ended at 00:01:00, after its last words.
        for time in ["2026-01-01T00:00:45Z", "2026-01-01T00:01:00Z"] {
            let view = view_of(time);
            assert_eq!(view.status.reason, reason("HealthCheckFailed"));
            let sentence = "its health check failed, since it was answered with 503; it is started";
            assert!(view.status.message.as_ref().unwrap().starts_with(sentence), "{view:#?}");
            assert_eq!((view.status.exit_code, view.status.signal), (Some(143), Some(15)));
            assert_eq!(view.status.restarts, Some(2));
        }
        // Of the one before, or of the one that runs now.
        for time in ["2026-01-01T00:00:09Z", "2026-01-01T00:01:01Z"] {
            assert_eq!(view_of(time).status.reason, reason("CrashLoopBackOff"), "{time}");
        }
    }
}

/// A program that ends by itself while it starts is warned of each second.
#[test]
fn a_program_that_ends_by_itself_is_not_told_as_ended_by_its_check() {
    let told = |end: Value, message: &str| {
        let status = json!({
            "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": end,
        });
        let events = vec![warning("u-a-x", "Unhealthy", "2026-01-01T00:00:59Z", message)];
        view(&checked(&by_tcp(), &status, events)).status.reason.unwrap()
    };
    let (starting, at_work) = ("Startup probe failed: x", "Liveness probe failed: x");
    for (end, message, word) in [
        (terminated(1, "Error", ""), starting, "CrashLoopBackOff"),
        (terminated(0, "Completed", ""), starting, "CrashLoopBackOff"),
        (terminated(143, "Error", ""), starting, "HealthCheckFailed"),
        (terminated(137, "Error", ""), starting, "HealthCheckFailed"),
        (terminated(137, "OOMKilled", ""), at_work, "CrashLoopBackOff"),
        // A program may have a handler for SIGTERM, and any exit code.
        (terminated(0, "Completed", ""), at_work, "HealthCheckFailed"),
        (terminated(7, "Error", ""), at_work, "HealthCheckFailed"),
        (terminated(73, "Error", "sh: can't create x"), at_work, "LogNotWritable"),
    ] {
        assert_eq!(told(end.clone(), message), word, "{end} {message}");
    }
}

/// The next one begins at once, and is warned of in the second in which this one ended.
#[test]
fn what_the_next_program_is_warned_of_is_not_told_of_the_one_that_ended() {
    let refused = "Startup probe failed: dial tcp 10.42.0.9:8080: connect: connection refused";
    let answered = "Liveness probe failed: HTTP probe failed with statuscode: 404";
    let warnings = [("00:00:59", answered), ("00:01:00", answered), ("00:01:00", refused)];
    let warnings = warnings.map(|(time, message)| {
        warning("u-a-x", "Unhealthy", &format!("2026-01-01T{time}Z"), message)
    });
    let mut status = starting();
    merge(&mut status, &json!({"restartCount": 1, "lastState": terminated(143, "Error", "")}));
    for events in [warnings.to_vec(), warnings.iter().rev().cloned().collect()] {
        let told = view(&checked(&by_tcp(), &status, events)).status.message.unwrap();
        assert!(told.contains("since it was answered with 404"), "{told}");
    }
}

/// It was ended, and nothing says yet that it works again: however long it has run.
#[test]
fn a_program_that_was_ended_has_to_show_that_it_works_before_it_runs_again() {
    let mut status = starting();
    merge(&mut status, &json!({"restartCount": 1, "lastState": terminated(143, "Error", "")}));
    let events = || {
        vec![
            warning("u-a-x", "Unhealthy", "2026-01-01T00:00:50Z", "Liveness probe failed: EOF"),
            warning("u-a-x", "Unhealthy", "2026-01-01T00:04:50Z", "Startup probe failed: EOF"),
        ]
    };
    let failing = view(&checked(&by_tcp(), &status, events())).status;
    assert_eq!(failing.reason, reason("HealthCheckFailed"));
    status["started"] = json!(true);
    let works = view(&checked(&by_tcp(), &status, events()));
    assert_eq!((works.status_short.as_str(), works.status.reason), ("Running for 4m", None));
}

#[test]
fn what_a_warning_says_is_told_in_a_few_words_and_without_an_address() {
    for (message, words) in [
        ("Liveness probe failed: HTTP probe failed with statuscode: 500", "answered with 500"),
        (
            "Liveness probe failed: Get \"http://10.42.0.9:80/\": dial tcp 10.42.0.9:80: connect: \
             connection refused",
            "nothing listens at its port",
        ),
        (
            "Liveness probe failed: Get \"http://10.42.0.9:80/\": context deadline exceeded \
             (Client.Timeout exceeded while awaiting headers)",
            "did not answer in time",
        ),
        ("Liveness probe failed: Get \"http://10.42.0.9:80/\": EOF", "no answer that is HTTP"),
        ("Liveness probe failed: dial tcp 10.42.0.9:80: i/o timeout", "did not answer in time"),
        ("Liveness probe failed: command timed out after 5s", "did not answer in time"),
        ("Liveness probe errored and resulted in unknown state: rpc error", "could not be made"),
        ("Liveness probe failed: ", "its script ended"),
        ("Liveness probe failed: password is 10.42.0.9", "its script ended"),
    ] {
        let status = json!({
            "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": terminated(143, "Error", ""),
        });
        let events = vec![warning("u-a-x", "Unhealthy", "2026-01-01T00:00:50Z", message)];
        let told = view(&checked(&by_tcp(), &status, events)).status.message.unwrap();
        assert!(told.contains(words) && !told.contains("10.42"), "{message}: {told}");
    }
}

/// Warnings cost a call. Jobs without a check, and those that work, never need one.
#[test]
fn warnings_are_asked_for_only_when_a_check_may_have_failed() {
    let crashed = |running: &str| {
        json!({
            "restartCount": 1, "lastState": terminated(143, "Error", ""), "started": true,
            "state": {"running": {"startedAt": running}},
        })
    };
    let mut young = starting();
    young["state"]["running"]["startedAt"] = json!("2026-01-01T00:04:59Z");
    let runs = json!({"state": {"running": {"startedAt": CREATED}}, "started": true});
    for (probe, status, lacks) in [
        (by_tcp(), starting(), true),
        (by_tcp(), young, false),
        (by_tcp(), crashed("2026-01-01T00:04:55Z"), true),
        (by_tcp(), crashed("2026-01-01T00:04:50Z"), false),
        (by_tcp(), runs.clone(), false),
        (json!(null), crashed("2026-01-01T00:04:55Z"), false),
        (json!(null), starting(), false),
    ] {
        let mut objects = checked(&probe, &status, vec![]);
        assert_eq!(lacks_events(&objects), lacks, "{probe} {status}");
        // One copy that works says nothing about another.
        objects.pods.extend(checked(&probe, &runs, vec![]).pods);
        assert_eq!(lacks_events(&objects), lacks, "{probe} {status}");
        objects.pods.clear();
        assert!(!lacks_events(&objects));
    }
}
