use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Duration;

use super::*;

const BOT: &str = "- name: bot\n  command: ./bot.py\n  image: tf-python39\n";

fn entries(text: &str) -> Vec<Entry> {
    read(text.as_bytes()).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

/// What one more line makes of a job's request.
fn with(line: &str) -> Result<Value, (usize, String)> {
    let text = format!("{BOT}  {line}\n");
    let entries = read(text.as_bytes()).map_err(|fault| (fault.line, fault.detail))?;
    let mut request = serde_json::to_value(&entries[0].request).unwrap();
    let object = request.as_object_mut().unwrap();
    object.retain(|key, _| !["name", "cmd", "imagename"].contains(&key.as_str()));
    Ok(request)
}

#[test]
fn every_key_is_what_the_api_calls_it() {
    let entries = entries(BOT);
    let request = RunRequest {
        name: Some("bot".to_owned()),
        cmd: "./bot.py".to_owned(),
        imagename: "tf-python39".to_owned(),
        ..RunRequest::default()
    };
    assert_eq!(entries, [Entry { line: 1, request, wait: Wait::No }]);
    for (line, expected) in [
        ("schedule: '*/5 * * * *'", json!({"schedule": "*/5 * * * *"})),
        ("schedule: 5 4 * * *", json!({"schedule": "5 4 * * *"})),
        ("timezone: Europe/Berlin", json!({"timezone": "Europe/Berlin"})),
        ("continuous: true", json!({"continuous": true})),
        ("replicas: 3", json!({"replicas": 3})),
        ("filelog: yes", json!({"filelog": true})),
        ("filelog: off", json!({"filelog": false})),
        ("no-filelog: true", json!({"filelog": false})),
        ("no-filelog: \"true\"", json!({"filelog": false})),
        ("no-filelog: false", json!({})),
        ("no-filelog: ~", json!({})),
        ("filelog-stdout: logs/a.out", json!({"filelog_stdout": "logs/a.out"})),
        ("filelog-stderr: /dev/null", json!({"filelog_stderr": "/dev/null"})),
        ("mem: 512Mi", json!({"memory": "512Mi"})),
        ("mem: 1073741824", json!({"memory": "1073741824"})),
        ("cpu: 0.5", json!({"cpu": "0.5"})),
        ("cpu: '0.5'", json!({"cpu": "0.5"})),
        ("retry: 2", json!({"retry": 2})),
        ("retry: '2'", json!({"retry": 2})),
        ("retry: -1", json!({"retry": -1})),
        ("timeout: 90", json!({"timeout": 90})),
        ("timeout: 5m", json!({"timeout": 300})),
        ("port: 8080", json!({"port": 8080})),
        ("port: '8080/tcp'", json!({"port": 8080, "port_protocol": "tcp"})),
        ("port: 53/udp", json!({"port": 53, "port_protocol": "udp"})),
        ("port: ~", json!({})),
        (
            "health-check-script: test -e ok",
            json!({"health_check": {"type": "script", "script": "test -e ok"}}),
        ),
        (
            "health-check-http: /healthz\n  health-check-script: ~",
            json!({"health_check": {"type": "http", "path": "/healthz"}}),
        ),
        ("emails: none", json!({"emails": "none"})),
        ("emails: 'onfailure'", json!({"emails": "onfailure"})),
        ("mount: none", json!({"mount": "none"})),
        (
            "env: {A: 1, B: yes, C: ~, D: 'x y'}",
            json!({"env": {"A": "1", "B": "yes", "C": "", "D": "x y"}}),
        ),
        ("env:", json!({})),
        ("env: {}", json!({"env": {}})),
    ] {
        assert_eq!(with(line), Ok(expected), "{line}");
    }
}

#[test]
fn booleans_are_those_of_yaml_1_1_also_in_quotes() {
    for word in
        ["true", "True", "TRUE", "yes", "Yes", "on", "ON", "y", "'true'", "\"yes\"", "!!bool true"]
    {
        assert_eq!(with(&format!("continuous: {word}")), Ok(json!({"continuous": true})), "{word}");
    }
    for word in ["false", "False", "no", "NO", "off", "Off", "n", "'false'", "\"no\""] {
        assert_eq!(
            with(&format!("continuous: {word}")),
            Ok(json!({"continuous": false})),
            "{word}"
        );
    }
    for word in ["1", "0", "maybe", "''", "truee"] {
        let (line, detail) = with(&format!("continuous: {word}")).unwrap_err();
        assert_eq!(line, 4);
        assert!(detail.starts_with("`continuous` has to be `true` or `false`, not "), "{detail}");
    }
}

#[test]
fn a_wait_is_a_word_or_a_time() {
    for (value, expected) in [
        ("true", Wait::Forever),
        ("'yes'", Wait::Forever),
        ("false", Wait::No),
        ("", Wait::No),
        ("600", Wait::AtMost(Duration::from_secs(600))),
        ("5m", Wait::AtMost(Duration::from_secs(300))),
    ] {
        assert_eq!(entries(&format!("{BOT}  wait: {value}\n"))[0].wait, expected, "{value}");
    }
    for line in ["wait: soon", "wait: true\n  continuous: true", "wait: 5\n  schedule: 5 * * * *"] {
        assert!(with(line).is_err(), "{line}");
    }
}

#[test]
fn what_looks_like_something_else_is_taken_as_it_is_written() {
    let text = "- {name: 2024, command: true, image: 1.5}\n- name: no\n  command: >-\n    a\n    b\n  image: x\n";
    let told: Vec<_> = entries(text)
        .iter()
        .map(|entry| (entry.line, entry.name().to_owned(), entry.request.cmd.clone()))
        .collect();
    assert_eq!(
        told,
        [(1, "2024".to_owned(), "true".to_owned()), (2, "no".to_owned(), "a b".to_owned())]
    );
}

#[test]
fn common_parts_may_be_written_once() {
    let text = "- &base\n  name: a\n  command: x\n  image: i\n  mem: 1Gi\n- <<: *base\n  name: b\n  mem: 2Gi\n";
    let entries = entries(text);
    assert_eq!(entries[1].name(), "b");
    assert_eq!(entries[1].request.memory.as_deref(), Some("2Gi"));
    assert_eq!((entries[1].request.cmd.as_str(), entries[1].line), ("x", 6));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let second = |line: &str| format!("{BOT}- name: web\n  command: x\n  image: y\n  {line}\n");
    for (text, line, detail) in [
        (second("comand: z"), 7, "there is no key `comand`"),
        (second("7: z"), 7, "there is no key `7`"),
        (second("? [a]\n  : b"), 7, "a key is a word"),
        (second("retry: two"), 7, "`retry` has to be a whole number, not `two`"),
        (second("retry: 1\n  retry: 1"), 8, "`retry` is there twice"),
        (second("timeout: soon"), 7, "`timeout` has to be a number of seconds"),
        (
            second("emails: sometimes"),
            7,
            "`emails` has to be one of `none`, `all`, `onfailure`, `onfinish`, not `sometimes`",
        ),
        (second("mem: [1Gi]"), 7, "`mem` has to be a text"),
        (second("env: [A=1]"), 7, "`env` has to be names and values"),
        (second("env: {A: 1, A: 2}"), 7, "`env` has a name that is there twice (`A` in line 7)"),
        (second("env:\n    A: [1]"), 8, "`env` has a value that is not a text (`A` in line 8)"),
        (
            second("filelog: true\n  no-filelog: true"),
            4,
            "`filelog` and `no-filelog` say two things",
        ),
        (second("<<: x"), 7, "`<<` takes keys and values"),
        (second("schedule: */5 * * * *"), 7, "this is not YAML"),
        (second("schedule: @daily"), 7, "this is not YAML"),
        (second("publish: /"), 7, "`publish` is not taken: a job with `--port` is reached inside"),
        (second("webservice: true"), 7, "`webservice` is not taken: a job with `--port`"),
        (second("port: http"), 7, "`port` has to be a number, or a number with `/tcp` or `/udp`"),
        (
            second("health-check-http: /\n  health-check-script: x"),
            8,
            "`health-check-script` is one check too many",
        ),
        (format!("{BOT}{BOT}"), 4, "there is a job `bot` in line 1 already"),
        (format!("{BOT}- name: web\n  image: y\n"), 4, "this job has no `command`"),
        (format!("{BOT}- command: web\n  image: y\n"), 4, "this job has no `name`"),
        (format!("{BOT}- name: web\n  command: y\n"), 4, "this job has no `image`"),
        (format!("{BOT}- bot\n"), 4, "a job is keys and values"),
        (format!("{BOT}---\n{BOT}"), 5, "a file of jobs is one document"),
        (String::new(), 1, "a file of jobs is a list"),
        ("# nothing\n".to_owned(), 1, "a file of jobs is a list"),
        ("\n\nname: bot\n".to_owned(), 3, "a file of jobs is a list"),
    ] {
        let fault = read(text.as_bytes()).unwrap_err();
        assert_eq!(fault.line, line, "{fault}: {text}");
        assert!(fault.detail.starts_with(detail), "{fault:?}");
    }
    assert_eq!(read(b"- \xff").unwrap_err().line, 1);
    assert_eq!(entries("[]"), []);
    assert_eq!(entries(&format!("\u{feff}{BOT}")).len(), 1);
}

#[test]
fn a_slip_gets_the_nearest_key() {
    for (key, hint) in [
        ("comand", "did you mean `command`?"),
        ("no_filelog", "did you mean `no-filelog`?"),
        ("time-zone", "did you mean `timezone`?"),
        ("memory", "did you mean `mem`?"),
        ("type", "did you mean `image`?"),
        ("xyzzy", "the keys of a job are `name`, `command`"),
    ] {
        let fault = read(format!("{BOT}  {key}: x\n").as_bytes()).unwrap_err();
        assert!(fault.hint.as_ref().unwrap().starts_with(hint), "{fault:?}");
    }
}

proptest! {
    #[test]
    fn whatever_it_is_it_is_read_or_refused_in_one_line(text in "(?s)([-:#'\"\\[\\]{}&*<! \n]|name|bot|env|~|a){0,40}") {
        if let Err(fault) = read(text.as_bytes()) {
            prop_assert!(fault.line <= text.lines().count() + 1, "{fault}");
            prop_assert!(!fault.detail.contains(char::is_control), "{fault:?}");
        }
    }
}
