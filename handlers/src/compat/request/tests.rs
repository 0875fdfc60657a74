use serde_json::{Value, json};

use super::*;
use crate::testing::view;

fn read(body: Value) -> Result<RunRequest, Invalid> {
    serde_json::from_value::<JobRequest>(body).unwrap().try_into()
}

fn refused(body: Value) -> Invalid {
    let about = body.to_string();
    read(body).expect_err(&about)
}

fn one_off() -> RunRequest {
    RunRequest {
        name: Some("a".to_owned()),
        cmd: "./a.sh".to_owned(),
        imagename: "python3.11".to_owned(),
        ..RunRequest::default()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// As they were recorded on the wire.
#[test]
fn what_16_2_sends_is_what_its_user_gave() {
    let least = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "job_type": "one-off",
    });
    assert_eq!(read(least).unwrap(), one_off());
    let most = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "job_type": "one-off",
        "filelog": true, "filelog_stdout": "a.log", "filelog_stderr": "b.log", "memory": "1Gi",
        "cpu": "1", "emails": "onfailure", "mount": "all", "retry": 2,
    });
    let expected = RunRequest {
        filelog: Some(true),
        filelog_stdout: text("a.log"),
        filelog_stderr: text("b.log"),
        memory: text("1Gi"),
        cpu: text("1"),
        emails: Some(Emails::OnFailure),
        mount: Some(Mount::All),
        retry: Some(2),
        ..one_off()
    };
    assert_eq!(read(most).unwrap(), expected);
    let scheduled = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "job_type": "scheduled",
        "schedule": "@daily", "timeout": 60, "retry": 1,
    });
    let expected =
        RunRequest { schedule: text("@daily"), timeout: Some(60), retry: Some(1), ..one_off() };
    assert_eq!(read(scheduled).unwrap(), expected);
}

#[test]
fn what_16_2_sends_of_a_continuous_job_is_one_without_saying_so() {
    let continuous = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "job_type": "continuous",
        "filelog": false, "replicas": 2, "port": "8080", "port_protocol": "udp",
        "health_check": {"type": "script", "script": "./well.sh"},
    });
    let expected = RunRequest {
        continuous: Some(true),
        filelog: Some(false),
        replicas: Some(2),
        port: Some(8080),
        port_protocol: Some(PortProtocol::Udp),
        health_check: Some(HealthCheck::Script { script: "./well.sh".to_owned() }),
        ..one_off()
    };
    assert_eq!(read(continuous).unwrap(), expected);
}

/// All keys, and the kind by two of them.
fn of_16_1(more: &Value) -> Value {
    let mut body = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "filelog": true,
        "filelog_stdout": null, "filelog_stderr": null, "memory": null, "cpu": null,
        "emails": "none", "retry": 0, "continuous": false, "schedule": null, "replicas": null,
        "port": null, "health_check": null, "mount": "all",
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[test]
fn what_16_1_sends_as_null_is_not_given() {
    let all = || RunRequest {
        filelog: Some(true),
        emails: Some(Emails::None),
        retry: Some(0),
        mount: Some(Mount::All),
        ..one_off()
    };
    for (more, expected) in [
        (json!({}), all()),
        (json!({"continuous": null}), all()),
        (
            json!({"schedule": "5 4 * * *", "timeout": 30}),
            RunRequest { schedule: text("5 4 * * *"), timeout: Some(30), ..all() },
        ),
        (
            json!({
                "continuous": true, "port": 8080, "replicas": 3,
                "health_check": {"type": "http", "path": "/well"},
            }),
            RunRequest {
                continuous: Some(true),
                port: Some(8080),
                replicas: Some(3),
                health_check: Some(HealthCheck::Http { path: "/well".to_owned() }),
                ..all()
            },
        ),
    ] {
        assert_eq!(read(of_16_1(&more)).unwrap(), expected, "{more}");
    }
}

#[test]
fn numbers_and_booleans_may_be_texts() {
    let body = json!({
        "name": "a", "imagename": "python3.11", "cmd": "./a.sh", "continuous": "True",
        "filelog": "false", "retry": "0", "replicas": " 2 ", "port": "80",
    });
    let expected = RunRequest {
        continuous: Some(true),
        filelog: Some(false),
        retry: Some(0),
        replicas: Some(2),
        port: Some(80),
        ..one_off()
    };
    assert_eq!(read(body).unwrap(), expected);
    for (field, wrong, why) in [
        ("retry", json!("two"), "`two` is not a whole number"),
        ("port", json!("8080/tcp"), "is not a whole number"),
        ("filelog", json!("maybe"), "`maybe` is neither `true` nor `false`"),
        ("retry", json!(1.5), "invalid type"),
        ("filelog", json!(1), "invalid type"),
    ] {
        let body = json!({"cmd": "x", "imagename": "y", field: wrong});
        let error = serde_json::from_value::<JobRequest>(body).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn the_kind_that_is_named_has_to_be_the_kind_that_is_described() {
    let base = |more: Value| {
        let mut body = json!({"name": "a", "imagename": "python3.11", "cmd": "./a.sh"});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    for (more, field) in [
        (json!({"job_type": "one-off", "schedule": "@daily"}), "schedule"),
        (json!({"job_type": "one-off", "continuous": true}), "continuous"),
        (json!({"job_type": "scheduled"}), "schedule"),
        (json!({"job_type": "scheduled", "schedule": "@daily", "continuous": true}), "continuous"),
        (json!({"job_type": "continuous", "schedule": "@daily"}), "schedule"),
        (json!({"job_type": "continuous", "continuous": false}), "continuous"),
    ] {
        assert_eq!(refused(base(more.clone())).field, field, "{more}");
    }
    for (more, is_continuous) in [
        (json!({"job_type": "one-off", "continuous": false, "schedule": null}), None),
        (json!({"job_type": "scheduled", "schedule": "@daily", "continuous": false}), None),
        (json!({"job_type": "continuous", "continuous": true}), Some(true)),
        (json!({"job_type": null, "continuous": true}), Some(true)),
    ] {
        assert_eq!(read(base(more.clone())).unwrap().continuous, is_continuous, "{more}");
    }
}

#[test]
fn what_there_is_not_is_refused_by_what_to_use_instead() {
    let webservice = refused(json!({"job_type": "webservice", "imagename": "php8.2"}));
    assert_eq!(webservice.field, "job_type");
    let published = refused(json!({
        "name": "a", "imagename": "x", "cmd": "y", "job_type": "continuous", "publish": "/",
    }));
    assert_eq!(published.field, "publish");
    for refusal in [webservice, published] {
        assert!(refusal.detail.contains("`toolforge webservice`"), "{}", refusal.detail);
    }
    assert!(read(json!({"imagename": "x", "cmd": "y", "publish": null})).is_ok());
    assert_eq!(refused(json!({"imagename": "x"})).field, "cmd");
    assert_eq!(refused(json!({"cmd": "x"})).field, "imagename");
    let unknown = serde_json::from_value::<JobRequest>(json!({"cmd": "x", "env": {}}));
    assert!(unknown.unwrap_err().to_string().contains("`env`"));
}

/// What a request takes over from the job that is there.
fn kept(sent: Value, there: &Value) -> RunRequest {
    let asked: JobRequest = serde_json::from_value(sent).unwrap();
    let keep = asked.keeps();
    let mut request = asked.try_into().unwrap();
    keep(&mut request, &view(there));
    request
}

#[test]
fn what_the_command_cannot_say_stays_as_the_job_has_it() {
    let there = json!({
        "job_type": "scheduled", "schedule": "@daily", "timezone": "Europe/Rome",
        "env": {"A": "1"}, "timeout": 5,
    });
    let scheduled =
        json!({"cmd": "x", "imagename": "y", "job_type": "scheduled", "schedule": "@daily"});
    let request = kept(scheduled, &there);
    assert_eq!(request.timezone.as_deref(), Some("Europe/Rome"));
    assert_eq!(request.env.unwrap()["A"], "1");
    // Of a scheduled job it can say the time-out.
    assert_eq!(request.timeout, None);

    let one_off = || json!({"cmd": "x", "imagename": "y", "job_type": "one-off"});
    let request = kept(one_off(), &there);
    assert_eq!((request.timezone, request.timeout), (None, None));
    let there = json!({"job_type": "one-off", "timeout": 5});
    assert_eq!(kept(one_off(), &there).timeout, Some(5));
}

#[test]
fn only_16_1_leaves_the_protocol_of_a_port_as_it_is() {
    let there = json!({"job_type": "continuous", "port": 53, "port_protocol": "udp"});
    let of_16_1 = |port: i64| of_16_1(&json!({"continuous": true, "port": port}));
    assert_eq!(kept(of_16_1(53), &there).port_protocol, Some(PortProtocol::Udp));
    assert_eq!(kept(of_16_1(54), &there).port_protocol, None);
    let of_16_2 = json!({"cmd": "x", "imagename": "y", "job_type": "continuous", "port": "53"});
    assert_eq!(kept(of_16_2, &there).port_protocol, None);
}
