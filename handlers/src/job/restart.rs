//! A restart that is under way, as it is kept with a job's object.
//!
//! It is written with the same patch that begins the restart, and names the object's version, so of
//! any number of restarts at once exactly one begins, through any number of servers. The others see
//! it, and help it to its end.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{labels::RESTART_ANNOTATION, objects::Meta};

/// What `kubectl create job --from` says too of a run that somebody asked for.
const BY_HAND: (&str, &str) = ("cronjob.kubernetes.io/instantiate", "manual");

/// A restart takes no longer than a request may. One that is older was left by a server that died,
/// or could not go on.
const TIME_MAX: SignedDuration = SignedDuration::from_secs(60);

/// A restart that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    /// When it began.
    pub since: Timestamp,
    /// How many copies of a continuous job there are to be again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// The name of the run of a scheduled job that is to be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

impl Restart {
    /// Of a continuous job with so many copies.
    pub fn of_copies(replicas: i64, since: Timestamp) -> Self {
        Self { since, replicas: Some(replicas), run: None }
    }

    /// Of a scheduled job, by a run of this name.
    pub fn by_run(name: String, since: Timestamp) -> Self {
        Self { since, replicas: None, run: Some(name) }
    }

    /// Whether nobody is at it any more.
    pub fn is_interrupted(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) >= TIME_MAX
    }
}

/// Gives a continuous job this many copies, with the restart that goes on from there, or without one
/// when it is over. It is for the very version that was seen.
pub fn patch_of_copies(
    seen: &Meta,
    restart: Option<&Restart>,
    replicas: i64,
) -> serde_json::Result<Value> {
    let mut patch = patch(seen, restart)?;
    patch["spec"] = json!({ "replicas": replicas });
    Ok(patch)
}

/// Keeps a restart with the object of a job, if it still has the version that was seen.
pub fn patch(seen: &Meta, restart: Option<&Restart>) -> serde_json::Result<Value> {
    let restart = restart.map(serde_json::to_string).transpose()?;
    let version = seen.version.number().map(|version| version.to_string());
    Ok(json!({"metadata": {
        "uid": seen.uid,
        "resourceVersion": version,
        "annotations": {RESTART_ANNOTATION: restart},
    }}))
}

/// The run of this name that a scheduled job's template makes. It belongs to the `CronJob` as those
/// do that Kubernetes makes, and so goes with it and counts for its history, but does not block its
/// deletion: that would need a right which tools do not have.
///
/// `cronjob` is the object as Kubernetes writes it, since all of the template counts. Without a name
/// Kubernetes makes one up, for a dry run.
pub fn run_of(cronjob: &Value, name: Option<&str>) -> Value {
    let (metadata, template) = (&cronjob["metadata"], &cronjob["spec"]["jobTemplate"]);
    let mut annotations = template["metadata"]["annotations"].clone();
    if !annotations.is_object() {
        annotations = json!({});
    }
    annotations[BY_HAND.0] = BY_HAND.1.into();
    let mut run = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "labels": template["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": metadata["name"],
                "uid": metadata["uid"],
                "controller": true,
            }],
        },
        "spec": template["spec"],
    });
    match name {
        Some(name) => run["metadata"]["name"] = name.into(),
        None => run["metadata"]["generateName"] = "run-".into(),
    }
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_restart_of_a_minute_ago_is_interrupted() {
        let restart = Restart::of_copies(2, at("2026-01-01T00:00:00Z"));
        assert!(!restart.is_interrupted(at("2026-01-01T00:00:59Z")));
        assert!(restart.is_interrupted(at("2026-01-01T00:01:00Z")));
        // The clock of another server may be ahead.
        assert!(!restart.is_interrupted(at("2025-12-31T23:59:00Z")));
    }

    #[test]
    fn a_run_is_the_template_under_a_name_and_an_owner() {
        let spec = json!({"backoffLimit": 2, "suspend": true, "unknown": {"of": "tomorrow"}});
        let template = json!({
            "metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "spec": spec,
        });
        let cronjob = json!({
            "metadata": {"name": "tick", "uid": "u", "labels": {"not": "this"}},
            "spec": {"suspend": true, "jobTemplate": template},
        });
        let run = run_of(&cronjob, Some("tick-x7k2p"));
        assert_eq!(run["spec"], spec);
        assert_eq!(run["metadata"]["name"], "tick-x7k2p");
        assert_eq!(run["metadata"]["labels"], json!({"a": "b"}));
        assert_eq!(run["metadata"]["annotations"], json!({"c": "d", BY_HAND.0: BY_HAND.1}));
        let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": "u",
            "controller": true}]);
        assert_eq!(run["metadata"]["ownerReferences"], owner);
        let unnamed = run_of(&json!({"metadata": {"name": "tick"}}), None);
        assert_eq!(unnamed["metadata"]["generateName"], "run-");
        assert_eq!(unnamed["metadata"].get("name"), None);
    }
}
