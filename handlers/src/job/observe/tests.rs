#![expect(clippy::disallowed_methods, reason = "golden files are read, and nobody waits for them")]

mod containers;
mod continuous;
mod definition;
mod deletion;
mod golden;
mod health;
mod lacks;
mod list;
mod one_off;
mod scheduled;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tjf_api_types::{ContainerState, Emails, Mount, Phase};

use super::*;
use crate::{
    job::{
        labels::{Labels, Reach},
        objects::{BatchJob, CronJob, Event, Pod, ReplicationController, Version},
    },
    testing::object,
};

/// When the tests' snapshots are taken, five minutes after [`CREATED`].
const NOW: &str = "2026-01-01T00:05:00Z";
/// When everything was created that does not say something else.
const CREATED: &str = "2026-01-01T00:00:00Z";

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn catalogue() -> Catalogue {
    let offer = r#"[
        {"shortname": "tf-busybox", "image": "registry.example/busybox:1", "state": "stable"},
        {"shortname": "tf-old", "image": "registry.example/old:1", "state": "deprecated"}
    ]"#;
    Catalogue::parse(offer.as_bytes()).unwrap()
}

fn views_at(objects: &Objects, now: &str) -> Vec<JobView> {
    let catalogue = catalogue();
    let around = Surroundings { catalogue: &catalogue, now: at(now) };
    objects.snapshot().views(&around)
}

/// What is told of the only job of a objects.
fn view(objects: &Objects) -> JobView {
    let mut views = views_at(objects, NOW);
    assert_eq!(views.len(), 1, "{views:?}");
    views.remove(0)
}

/// The fields that most tests are about.
fn told(objects: &Objects) -> (Phase, Option<String>, String) {
    let view = view(objects);
    (view.status.phase.known().unwrap(), view.status.reason, view.status_short)
}

fn reason(word: &str) -> Option<String> {
    Some(word.to_owned())
}

fn job(more: &Value) -> BatchJob {
    read(object("a", "u-a", more))
}

fn cronjob(more: &Value) -> CronJob {
    let spec = json!({"spec": {"schedule": "0 * * * *", "timeZone": "Etc/UTC"}});
    let mut cronjob = object("a", "u-a", &spec);
    merge(&mut cronjob, more);
    read(cronjob)
}

fn controller(more: &Value) -> ReplicationController {
    read(object("a", "u-a", more))
}

/// What belongs to the object of uid `owner`: a pod, or the run of a scheduled job.
fn owned<T: DeserializeOwned>(name: &str, owner: &str, created: &str, status: Value) -> T {
    let owners = json!([{"uid": owner, "controller": true}]);
    let metadata = json!({"creationTimestamp": created, "ownerReferences": owners});
    let mut owned = object(name, &format!("u-{name}"), &json!({"metadata": metadata}));
    owned["status"] = status;
    read(owned)
}

fn pod(status: Value) -> Pod {
    owned("a-x", "u-a", CREATED, status)
}

/// The status of a pod whose only container is in this state.
fn container(phase: &str, state: Value) -> Value {
    let mut status = json!({"phase": phase, "containerStatuses": [{"restartCount": 0}]});
    status["containerStatuses"][0]["state"] = state;
    status
}

fn terminated(exit_code: i32, reason: &str, message: &str) -> Value {
    json!({"terminated": {
        "exitCode": exit_code,
        "reason": reason,
        "message": message,
        "startedAt": "2026-01-01T00:00:10Z",
        "finishedAt": "2026-01-01T00:01:00Z",
    }})
}

/// The status of a Job that has failed, with its failed pods counted.
fn failed(why: &str) -> Value {
    json!({"spec": {"backoffLimit": 0}, "status": {
        "startTime": CREATED,
        "failed": 1,
        "conditions": [{
            "type": "Failed",
            "status": "True",
            "reason": why,
            "lastTransitionTime": "2026-01-01T00:01:05Z",
        }],
    }})
}

/// A warning about the object of uid `about`.
fn warning(about: &str, reason: &str, time: &str, message: &str) -> Event {
    read(json!({
        "involvedObject": {"uid": about},
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
    }))
}

fn merge(object: &mut Value, more: &Value) {
    match (object, more) {
        (Value::Object(object), Value::Object(more)) => {
            for (key, value) in more {
                merge(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (object, more) => *object = more.clone(),
    }
}
