use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn job(fields: &Value) -> JobView {
    let mut job = json!({"name": "a", "job_type": "one-off", "status_short": "Completed"});
    job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(job).unwrap()
}

/// The keys that an answer has in JSON, as they are in text.
fn keys(key: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                keys(&key_within(key, field), value, found);
            }
        }
        Value::Object(_)
        | Value::Array(_)
        | Value::String(_)
        | Value::Number(_)
        | Value::Bool(_)
        | Value::Null => found.push(key.to_owned()),
    }
}

#[test]
fn a_job_in_text_has_every_key_that_it_has_in_json() {
    let run = json!({"phase": "failed", "exit_code": 3, "reason": "ExitCode"});
    let full = job(&json!({
        "env": {"A": "1", "B": ""}, "status": {"last_run": run},
        "port": 80, "port_protocol": "udp", "health_check": {"type": "http", "path": "/"},
    }));
    for job in [job(&json!({})), full] {
        let mut expected = Vec::new();
        keys("", &serde_json::to_value(&job).unwrap(), &mut expected);
        let text = job.to_text();
        let mut told: Vec<_> =
            text.lines().map(|line| line.split_once('\t').unwrap().0.to_owned()).collect();
        expected.sort();
        told.sort();
        assert_eq!(told, expected);
    }
}

#[test]
fn what_a_job_is_stands_behind_its_key_and_what_it_is_not_is_empty() {
    let text = job(&json!({
        "cmd": "echo 'a\tb' \\\n  | cat", "continuous": false, "retry": 2,
        "port": 8080, "port_protocol": "tcp", "health_check": {"type": "script", "script": "a\nb"},
        "env": {"MY NAME": "x=y"}, "status": {"phase": "failed", "exit_code": 3},
    }))
    .to_text();
    for line in [
        "name\ta",
        r"cmd	echo 'a\tb' \\\n  | cat",
        "job_type\tone-off",
        "schedule\t",
        "continuous\tfalse",
        "retry\t2",
        "port\t8080",
        "port_protocol\ttcp",
        "health_check.type\tscript",
        r"health_check.script	a\nb",
        "health_check.path\t",
        "env.MY NAME\tx=y",
        "status.phase\tfailed",
        "status.exit_code\t3",
        "status.signal\t",
        "status.last_run\t",
    ] {
        assert!(text.lines().any(|it| it == line), "{line:?} is not in\n{text}");
    }
}

#[test]
fn tables_have_a_line_each_and_no_header() {
    let jobs = vec![job(&json!({})), job(&json!({"name": "b", "status_short": "a\nb\tc"}))];
    assert_eq!(jobs.to_text(), "a\tone-off\tCompleted\nb\tone-off\ta\\nb\\tc\n");
    assert_eq!(Vec::<JobView>::new().to_text(), "");
    let containers: Vec<ContainerView> =
        serde_json::from_value(json!([{"shortname": "x", "image": "y/x:1", "state": "stable"}]))
            .unwrap();
    assert_eq!(containers.to_text(), "x\ty/x:1\n");
    let deleted = Deleted { deleted: vec!["a".to_owned(), "b".to_owned()] };
    assert_eq!(deleted.to_text(), "a\nb\n");
    let named = Named(job(&json!({})));
    assert_eq!(named.to_text(), "a\n");
    assert_eq!(serde_json::to_value(&named).unwrap(), serde_json::to_value(&named.0).unwrap());
}

#[test]
fn a_quota_has_a_line_for_each_use_and_each_limit() {
    let quota = json!({"categories": [
        {"name": "Running jobs", "items": [{"name": "Pods", "limit": "16", "used": "2"}]},
        {"name": "Each job", "items": [{"name": "CPU, at most", "limit": "1", "used": null}]},
    ]});
    let quota: QuotaView = serde_json::from_value(quota).unwrap();
    assert_eq!(
        quota.to_text(),
        "Running jobs.Pods.used\t2\nRunning jobs.Pods.limit\t16\n\
         Each job.CPU, at most.used\t\nEach job.CPU, at most.limit\t1\n"
    );
}

/// What `printf %b` does, of what we write.
fn read_back(field: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), field.as_bytes());
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&word, after) = rest.split_first().unwrap();
        rest = after;
        bytes.push(match word {
            b'0' => {
                let (digits, after) = rest.split_at(3);
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 8).unwrap()
            }
            b't' => b'\t',
            b'n' => b'\n',
            b'r' => b'\r',
            other => other,
        });
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn whatever_it_is_it_stays_in_its_field_and_can_be_read_back(
        value in "(?s)(.|[\\\\\t\n\r\u{1b}\u{85}\u{202e}\u{2028}01]){0,30}",
    ) {
        let text = value.to_text();
        let field = text.strip_suffix('\n').unwrap();
        prop_assert!(!field.contains(is_unseen), "{field:?}");
        prop_assert_eq!(read_back(field), value);
    }
}
