//! Every option of its `run` becomes what it says, and is shown as it was given.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tjf_devcluster::suite::World;

use super::{AT_ONCE, BOTH, Person, both, scenarios, told, with};

scenarios![
    every_option_of_its_run_becomes_what_it_says: BOTH,
    ports_and_health_checks_are_those_of_the_job: BOTH,
];

/// Words of `run` after name, command and image; what our own API then tells; and one row of `show`.
type Case<'a> = (&'a [&'a str], Value, (&'a str, &'a str));

async fn every_option_of_its_run_becomes_what_it_says(world: Arc<World>) {
    both(&world, "options", options).await;
}

async fn options(person: Person) {
    let log = |name: &str| person.tool.home.join(name);
    let cases: [Case<'_>; 18] = [
        (
            &[],
            json!({"job_type": "one-off", "filelog": true, "mount": "all"}),
            ("Job type:", "one-off"),
        ),
        (
            &["--schedule", "5 4 1 1 *"],
            json!({"job_type": "scheduled", "schedule": "5 4 1 1 *"}),
            ("Mounts:", "all"),
        ),
        (
            &["--schedule", "@yearly", "--timeout", "90"],
            json!({"schedule": "@yearly", "timeout": 90}),
            ("Emails:", "none"),
        ),
        (
            &["--continuous"],
            json!({"job_type": "continuous", "replicas": 1}),
            ("Job type:", "continuous"),
        ),
        (&["--continuous", "--replicas", "2"], json!({"replicas": 2}), ("Replicas:", "2")),
        (&["--no-filelog"], json!({"filelog": false}), ("File log:", "no")),
        (&["--filelog"], json!({"filelog": true}), ("File log:", "yes")),
        (&["-o", "a.log"], json!({"filelog_stdout": log("a.log")}), ("File log:", "yes")),
        (
            &["--filelog-stderr", "a.log", "--filelog"],
            json!({"filelog_stderr": log("a.log")}),
            ("File log:", "yes"),
        ),
        (&["-e", "/dev/null"], json!({"filelog_stderr": "/dev/null"}), ("Error log:", "/dev/null")),
        (
            &["--mem", "64Mi"],
            json!({"memory": "64Mi", "cpu": null}),
            ("Resources:", "mem: 64Mi, cpu: default"),
        ),
        (
            &["--cpu", "0.2"],
            json!({"memory": null, "cpu": "0.2"}),
            ("Resources:", "mem: default, cpu: 0.2"),
        ),
        (
            &["--mem", "0.5Gi", "--cpu", "0.1"],
            json!({"memory": "0.5Gi", "cpu": "0.1"}),
            ("Job type:", "one-off"),
        ),
        (&["--emails", "onfailure"], json!({"emails": "onfailure"}), ("Emails:", "onfailure")),
        (&["--retry", "2"], json!({"retry": 2}), ("Retry:", "yes: 2 time(s)")),
        (&["--retry", "0"], json!({"retry": 0}), ("Retry:", "no")),
        (&["--mount", "all"], json!({"mount": "all"}), ("Mounts:", "all")),
        (
            &["--mount=none", "--no-filelog"],
            json!({"mount": "none", "filelog": false}),
            ("Mounts:", "none"),
        ),
    ];
    // Nothing of them needs to run.
    let all: Vec<_> = cases.iter().enumerate().collect();
    for some in all.chunks(AT_ONCE) {
        let run = async |number: usize, words| {
            person.run(&format!("job-{number}"), "true", words).await;
        };
        join_all(some.iter().map(|(number, (words, ..))| run(*number, *words))).await;
    }
    hold(&person, "job", cases).await;
}

/// What our own API tells of the jobs, and what the command's own list does.
async fn hold<const N: usize>(person: &Person, name: &str, cases: [Case<'_>; N]) {
    let list = person.must(&["list", "-o", "long"], 0).await;
    for (number, (words, expected, (key, value))) in cases.into_iter().enumerate() {
        let name = format!("{name}-{number}");
        let job = person.job(&name).await;
        assert_eq!(with(job.clone(), &expected), job, "{}: {words:?}", person.version);
        let told = told::cell(&list, &name, key);
        assert_eq!(told, value, "{}: {words:?}: {list:#?}", person.version);
    }
}

async fn ports_and_health_checks_are_those_of_the_job(world: Arc<World>) {
    both(&world, "ports", ports).await;
}

async fn ports(person: Person) {
    let script = json!({"type": "script", "script": "test -e well", "path": null});
    let http = json!({"type": "http", "script": null, "path": "/well"});
    let cases: [Case<'_>; 3] = [
        (&["-p", "8080"], json!({"port": 8080, "port_protocol": "tcp"}), ("Health check:", "none")),
        (
            &["--health-check-script", "test -e well"],
            json!({"health_check": script}),
            ("Health check:", "script: test -e well"),
        ),
        (
            &["--health-check-http", "/well", "--port", "8081"],
            json!({"health_check": http, "port": 8081}),
            ("Health check:", "http: /well"),
        ),
    ];
    for (number, (words, ..)) in cases.iter().enumerate() {
        let options = [&["--continuous"], *words].concat();
        person.run(&format!("bot-{number}"), "exec sleep 3600", &options).await;
    }
    hold(&person, "bot", cases).await;
    if !person.is_today() {
        // It takes a number, and no protocol.
        return;
    }
    let cases: [Case<'_>; 2] = [
        (&["-p", "8080/tcp"], json!({"port": 8080, "port_protocol": "tcp"}), ("Port:", "8080/tcp")),
        (&["-p", "8080/udp"], json!({"port": 8080, "port_protocol": "udp"}), ("Port:", "8080/udp")),
    ];
    for (number, (words, ..)) in cases.iter().enumerate() {
        let options = [&["--continuous"], *words].concat();
        person.run(&format!("spoken-{number}"), "exec sleep 3600", &options).await;
    }
    hold(&person, "spoken", cases).await;
}
