mod children;
mod ticks;

use serde_json::{Value, json};

use crate::{
    controllers::testing::{Cluster, event},
    kind::Kind::{CronJob, Job, Pod, ResourceQuota},
    store::Propagation,
    testing::{NAMESPACE, object, quota},
};

/// `c-29453760` is of this minute.
const NOW: &str = "2026-01-01T00:00:00Z";
const MINUTE: i64 = 29_453_760;
const IS_ACTIVE: &str = "Not starting job because prior execution is running and concurrency \
                         policy is Forbid";

/// A cluster with one CronJob, which has these fields in its spec beside a minutely schedule.
fn cluster(spec: Value) -> Cluster {
    let mut cluster = Cluster::since(NOW);
    create(&mut cluster, spec);
    cluster
}

fn create(cluster: &mut Cluster, mut spec: Value) {
    let fields = spec.as_object_mut().unwrap();
    fields.entry("schedule").or_insert(json!("* * * * *"));
    let containers = json!([{"name": "job", "image": "i"}]);
    spec["jobTemplate"] = json!({
        "metadata": {"labels": {"app": "c"}, "annotations": {"note": "n"}},
        "spec": {"backoffLimit": 0, "template": {"spec": {"containers": containers}}},
    });
    cluster.create(object(CronJob, "c", json!({"spec": spec})));
}

/// A Job that somebody else made in the CronJob's name.
fn create_by_hand(cluster: &mut Cluster, name: &str) {
    let owner = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "c", "controller": true,
        "uid": cluster.get(CronJob, "c").uid(),
    }]);
    let template = json!({"spec": {"containers": [{"name": "job", "image": "i"}]}});
    let spec = json!({"backoffLimit": 0, "template": template});
    let metadata = json!({"ownerReferences": owner});
    cluster.create(object(Job, name, json!({"metadata": metadata, "spec": spec})));
}

/// Ends the pod of a child.
fn end(cluster: &mut Cluster, child: &str, exit_code: i32) {
    let pods = cluster.names(Pod);
    let is_its = |pod: &&String| cluster.get(Pod, pod).label("job-name") == Some(child);
    let pod = pods.iter().find(is_its).unwrap();
    cluster.end(pod, exit_code);
}

/// The child of so many minutes after the start.
fn child(minutes: i64) -> String {
    format!("c-{}", MINUTE + minutes)
}

/// Null when there is none yet.
fn status(cluster: &Cluster) -> Value {
    cluster.status(CronJob, "c")
}

/// The names in `status.active`.
fn active(cluster: &Cluster) -> Vec<String> {
    let status = status(cluster);
    let active = status.get("active").and_then(Value::as_array).cloned().unwrap_or_default();
    active.iter().map(|child| child["name"].as_str().unwrap().to_owned()).collect()
}
