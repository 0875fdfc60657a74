use serde_json::json;

use super::*;

fn job(fields: &serde_json::Value) -> JobView {
    let mut job = json!({
        "name": "bot", "cmd": "./bot.py", "imagename": "tf-python39", "job_type": "one-off",
        "filelog": true, "filelog_stdout": "/data/project/tf-test/bot.out",
        "filelog_stderr": "/data/project/tf-test/bot.err", "retry": 0, "emails": "none",
        "mount": "all", "env": {}, "continuous": false,
    });
    job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(job).unwrap()
}

fn lines(fields: &serde_json::Value) -> Vec<String> {
    Definition::of(&job(fields), Some("/data/project/tf-test")).lines().map(str::to_owned).collect()
}

const PLAIN: [&str; 3] = ["name: bot", "command: ./bot.py", "image: tf-python39"];

#[test]
fn defaults_are_left_out_and_everything_else_is_there() {
    assert_eq!(lines(&json!({})), PLAIN);
    for (fields, expected) in [
        (
            json!({"schedule": "5 * * * *", "timezone": "Etc/UTC", "job_type": "scheduled"}),
            "schedule: '5 * * * *'",
        ),
        (json!({"timezone": "Europe/Berlin"}), "timezone: Europe/Berlin"),
        (json!({"job_type": "continuous", "retry": null, "replicas": 1}), "continuous: true"),
        (json!({"replicas": 0}), "replicas: 0"),
        (json!({"port": 8080, "port_protocol": "tcp"}), "port: 8080"),
        (json!({"port": 53, "port_protocol": "udp"}), "port: 53/udp"),
        (
            json!({"health_check": {"type": "script", "script": "test -e 'a: b'", "path": null}}),
            "health-check-script: 'test -e ''a: b'''",
        ),
        (json!({"health_check": {"type": "http", "path": "/x"}}), "health-check-http: /x"),
        (
            json!({"filelog": false, "filelog_stdout": null, "filelog_stderr": null}),
            "no-filelog: true",
        ),
        (
            json!({"filelog_stdout": "/data/project/tf-test/logs/bot.out"}),
            "filelog-stdout: logs/bot.out",
        ),
        (json!({"filelog_stderr": "/dev/null"}), "filelog-stderr: /dev/null"),
        (
            json!({"filelog_stderr": "/data/project/tf-tester/bot.err"}),
            "filelog-stderr: /data/project/tf-tester/bot.err",
        ),
        (json!({"memory": "1Gi"}), "mem: 1Gi"),
        (json!({"cpu": "0.5"}), "cpu: '0.5'"),
        (json!({"retry": 2}), "retry: 2"),
        (json!({"timeout": 90}), "timeout: 90"),
        (json!({"emails": "onfailure"}), "emails: onfailure"),
        (
            json!({"filelog": false, "filelog_stdout": null, "filelog_stderr": null, "mount": "none"}),
            "mount: none",
        ),
    ] {
        let told = lines(&fields);
        assert_eq!(told.len(), 4, "{fields}: {told:?}");
        assert_eq!(told[3], expected);
    }
    let env = lines(&json!({"env": {"A": "x y", "NO": "1"}}));
    assert_eq!(env[3..], ["env:", "  A: x y", "  'NO': '1'"]);
    // A home that is none has no files below it.
    let nowhere = job(&json!({"filelog_stdout": "/dev/null"}));
    let definition = Definition::of(&nowhere, Some("/"));
    assert!(definition.lines().any(|line| line == "filelog-stdout: /dev/null"));
    // Where the home is not known, a file is told as the service tells it.
    let definition = Definition::of(&job(&json!({})), None);
    assert!(definition.lines().any(|line| line == "filelog-stdout: /data/project/tf-test/bot.out"));
}

/// What the service made of a request, and what became of the job, is not part of it.
#[test]
fn every_field_that_can_be_asked_for_is_a_difference_and_no_other_is() {
    let before = Definition::of(&job(&json!({"memory": "1Gi", "cpu": "0.5"})), None);
    for (fields, is_same) in [
        (json!({}), true),
        (json!({"memory": "1024Mi", "cpu": "500m"}), true),
        (
            json!({"uid": "u", "created_at": "x", "status_short": "Failed", "deleting_since": "x"}),
            true,
        ),
        (json!({"image": "registry/other:2", "image_state": "deprecated"}), true),
        (json!({"schedule_actual": "7 4 * * *"}), true),
        (json!({"status": {"phase": "failed"}}), true),
        (json!({"cmd": "./bot.py -v"}), false),
        (json!({"imagename": "tf-python311"}), false),
        (json!({"job_type": "continuous"}), false),
        (json!({"schedule": "@daily"}), false),
        (json!({"timezone": "Europe/Berlin"}), false),
        (json!({"filelog": false}), false),
        (json!({"filelog_stdout": "/dev/null"}), false),
        (json!({"filelog_stderr": "/dev/null"}), false),
        (json!({"memory": "2Gi"}), false),
        (json!({"cpu": "1"}), false),
        (json!({"memory": null}), false),
        (json!({"retry": 1}), false),
        (json!({"timeout": 1}), false),
        (json!({"replicas": 2}), false),
        (json!({"port": 80, "port_protocol": "tcp"}), false),
        (json!({"health_check": {"type": "script", "script": "/"}}), false),
        (json!({"health_check": {"type": "http", "path": "/"}}), false),
        (json!({"emails": "all"}), false),
        (json!({"mount": "none"}), false),
        (json!({"env": {"A": ""}}), false),
    ] {
        let mut all = json!({"memory": "1Gi", "cpu": "0.5"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let after = Definition::of(&job(&all), None);
        assert_eq!(before.is_same(&after), is_same, "{fields}");
        assert_eq!(after.is_same(&before), is_same, "{fields}");
    }
}

#[test]
fn a_difference_shows_each_line_once() {
    let before = job(&json!({"memory": "512Mi", "retry": 1, "env": {"A": "1", "B": "2"}}));
    let after = job(&json!({"memory": "1Gi", "env": {"B": "2", "C": "3"}, "timeout": 5}));
    let home = Some("/data/project/tf-test/");
    let (before, after) = (Definition::of(&before, home), Definition::of(&after, home));
    let told: Vec<_> = before
        .difference(&after)
        .iter()
        .map(|(side, line)| {
            let sign = match side {
                Side::Both => ' ',
                Side::Before => '-',
                Side::After => '+',
            };
            format!("{sign}{line}")
        })
        .collect();
    assert_eq!(
        told,
        [
            " name: bot",
            " command: ./bot.py",
            " image: tf-python39",
            "-mem: 512Mi",
            "+mem: 1Gi",
            "-retry: 1",
            "+timeout: 5",
            " env:",
            "-  A: '1'",
            "   B: '2'",
            "+  C: '3'",
        ]
    );
}
