use serde_json::{Value, json};
use tjf_api_types::RunRequest;

use super::*;
use crate::testing::view;

const HOME: &str = "/data/project/tf-test";

fn told(more: &Value) -> Value {
    serde_json::to_value(of(view(more))).unwrap()
}

fn dumped(more: &Value, given: &RunRequest) -> Value {
    serde_json::to_value(as_given(view(more), Given::of(given), HOME)).unwrap()
}

#[test]
fn a_one_off_has_all_that_both_versions_read_and_no_null() {
    let job = told(&json!({}));
    assert_eq!(
        job,
        json!({
            "name": "a", "job_type": "one-off", "cmd": "true", "imagename": "tf-busybox",
            "image": "registry.example/busybox:1", "image_state": "stable", "filelog": true,
            "filelog_stdout": format!("{HOME}/a.out"), "filelog_stderr": format!("{HOME}/a.err"),
            "retry": 0, "emails": "none", "mount": "all",
            "status": {
                "short": "pending",
                "messages": ["Waiting: QuotaExceeded: waits for room"],
            },
            "status_short": "Waiting: QuotaExceeded",
            "status_long": "Waiting: QuotaExceeded: waits for room.",
        })
    );
}

/// 16.1 tells the kind by `schedule` and `continuous`, whatever their values are.
#[test]
fn each_kind_has_its_own_keys_and_not_those_of_another() {
    let has = |job: &Value| {
        ["schedule", "continuous", "timeout", "replicas", "port"].map(|key| job.get(key).is_some())
    };
    let one_off = told(&json!({"timeout": 5, "replicas": 1}));
    assert_eq!(has(&one_off), [false; 5], "{one_off}");
    let scheduled = told(&json!({"job_type": "scheduled", "schedule": "@daily", "timeout": 5}));
    assert_eq!(has(&scheduled), [true, false, true, false, false], "{scheduled}");
    let continuous = told(&json!({
        "job_type": "continuous", "continuous": true, "retry": null, "replicas": 2, "port": 80,
    }));
    assert_eq!(has(&continuous), [false, true, false, true, true], "{continuous}");
    assert_eq!((&continuous["continuous"], &continuous["retry"]), (&json!(true), &json!(0)));
}

#[test]
fn limits_are_there_only_as_they_were_typed() {
    let job = told(&json!({"memory": "1Gi", "cpu": "500m"}));
    assert_eq!((&job["memory"], &job["cpu"]), (&json!("1Gi"), &json!("500m")));
    let job = told(&json!({}));
    assert!(job.get("memory").is_none() && job.get("cpu").is_none(), "{job}");
}

/// A `script` of `null` would be shown in the place of the path.
#[test]
fn a_health_check_has_the_one_key_of_its_type() {
    let checked = |check: Value| {
        let job = json!({"job_type": "continuous", "port": 80, "port_protocol": "tcp", "health_check": check});
        told(&job)["health_check"].clone()
    };
    let http = checked(json!({"type": "http", "path": "/", "script": null}));
    assert_eq!(http, json!({"type": "http", "path": "/"}));
    let script = checked(json!({"type": "script", "path": null, "script": "x"}));
    assert_eq!(script, json!({"type": "script", "script": "x"}));
}

#[test]
fn the_one_word_of_a_status_says_when_to_stop_waiting() {
    let short = |more: Value| told(&more)["status"]["short"].clone();
    let phase = |phase: &str| json!({"status": {"phase": phase}});
    for word in ["pending", "running", "succeeded", "failed", "unknown"] {
        assert_eq!(short(phase(word)), word);
    }
    let scheduled = |status: Value| json!({"job_type": "scheduled", "status": status});
    assert_eq!(short(scheduled(json!({"phase": "pending"}))), "waiting");
    let suspended = json!({"phase": "pending", "reason": "Suspended"});
    assert_eq!(short(scheduled(suspended)), "pending");
    let deleted =
        |phase: &str| json!({"status": {"phase": phase}, "deleting_since": "2026-01-01T00:00:00Z"});
    assert_eq!(short(deleted("running")), "deleting");
    assert_eq!(short(deleted("failed")), "failed");
}

#[test]
fn a_schedule_tells_the_last_and_the_next_time() {
    let job = told(&json!({"job_type": "scheduled", "schedule": "@daily", "status": {
        "phase": "running", "started_at": "2026-01-01T00:00:00Z",
        "last_scheduled_at": "2026-01-01T00:00:00Z", "next_scheduled_at": "2026-01-02T00:00:00Z",
    }}));
    let status = &job["status"];
    assert_eq!(status["previous_schedule"], "2026-01-01T00:00:00Z");
    assert_eq!(status["next_schedule"], "2026-01-02T00:00:00Z");
    assert!(status["duration"].as_str().unwrap().ends_with(['d', 'h', 'm', 's']), "{status}");
}

#[test]
fn a_dump_has_what_was_given_even_if_it_is_the_default() {
    let nothing = RunRequest::default();
    let least = json!({
        "name": "a", "job_type": "one-off", "cmd": "true", "imagename": "tf-busybox",
    });
    assert_eq!(dumped(&json!({}), &nothing), least);
    let all = RunRequest {
        filelog: Some(true),
        filelog_stdout: Some("a.out".to_owned()),
        filelog_stderr: Some("a.err".to_owned()),
        retry: Some(0),
        emails: Some(Emails::None),
        mount: Some(Mount::All),
        ..nothing
    };
    let mut most = least;
    for (key, value) in json!({
        "filelog": true, "filelog_stdout": "a.out", "filelog_stderr": "a.err", "retry": 0,
        "emails": "none", "mount": "all",
    })
    .as_object()
    .unwrap()
    {
        most[key] = value.clone();
    }
    assert_eq!(dumped(&json!({}), &all), most);
}

/// An object of an older version, or one that was changed from outside.
#[test]
fn a_dump_has_what_differs_from_the_default_although_nobody_is_known_to_have_given_it() {
    let job = json!({
        "job_type": "continuous", "retry": null, "replicas": 3, "port": 53, "port_protocol": "udp",
        "filelog": false, "filelog_stdout": null, "filelog_stderr": null, "memory": "1Gi",
        "emails": "all", "mount": "all",
    });
    let expected = json!({
        "name": "a", "job_type": "continuous", "cmd": "true", "imagename": "tf-busybox",
        "replicas": 3, "port": 53, "port_protocol": "udp", "filelog": false, "memory": "1Gi",
        "emails": "all",
    });
    assert_eq!(dumped(&job, &RunRequest::default()), expected);
    let without_home = json!({
        "mount": "none", "filelog": false, "filelog_stdout": null, "filelog_stderr": null,
    });
    let told = dumped(&without_home, &RunRequest::default());
    assert_eq!((&told["mount"], told.get("filelog")), (&json!("none"), None));
}

/// `load` refuses `--retry` beside `--continuous`, and 16.1 sends one with every job.
#[test]
fn a_dump_has_nothing_that_load_refuses() {
    let given = RunRequest { retry: Some(0), ..RunRequest::default() };
    let told = dumped(&json!({"job_type": "continuous", "retry": null, "replicas": 1}), &given);
    assert_eq!((told.get("retry"), told.get("continuous")), (None, None));
    let told = dumped(&json!({"timeout": 5}), &given);
    assert_eq!((told.get("timeout"), &told["retry"]), (None, &json!(0)));
    let odd = json!({"filelog_stdout": format!("{HOME}/-x"), "filelog_stderr": "/dev/null"});
    let told = dumped(&odd, &given);
    assert_eq!(told["filelog_stdout"], format!("{HOME}/-x"));
    assert_eq!(told["filelog_stderr"], "/dev/null");
}

/// 16.1 makes its dump of the list, and warns of any other key than these.
#[test]
fn the_list_of_16_1_has_no_key_that_its_dump_warns_of() {
    let known = [
        "name",
        "cmd",
        "imagename",
        "image",
        "image_state",
        "schedule",
        "continuous",
        "filelog",
        "filelog_stdout",
        "filelog_stderr",
        "memory",
        "cpu",
        "retry",
        "timeout",
        "replicas",
        "port",
        "health_check",
        "emails",
        "mount",
        "status_short",
        "status_long",
    ];
    let check = json!({"type": "script", "script": "x", "path": null});
    for more in [
        json!({"memory": "1Gi", "cpu": "500m"}),
        json!({"job_type": "scheduled", "schedule": "@daily", "timeout": 5}),
        json!({
            "job_type": "continuous", "replicas": 2, "port": 80, "port_protocol": "udp",
            "health_check": check,
        }),
    ] {
        let job = serde_json::to_value(for_16_1(view(&more))).unwrap();
        let unknown = job.as_object().unwrap().keys().filter(|key| !known.contains(&key.as_str()));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<&String>::new(), "{job}");
    }
}
