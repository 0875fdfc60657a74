mod ends;
mod pauses;

use serde_json::{Value, json};

use crate::{
    controllers::testing::{Cluster, event},
    kind::Kind::{Job, Pod, ResourceQuota},
    store::Propagation,
    testing::{NAMESPACE, object, quota},
};

const NOW: &str = "2026-01-01T00:00:00Z";

/// A cluster with one Job, which has these fields in its spec.
fn cluster(spec: Value) -> Cluster {
    let mut cluster = Cluster::since(NOW);
    create(&mut cluster, spec);
    cluster
}

fn create(cluster: &mut Cluster, mut spec: Value) {
    spec["template"] = json!({
        "metadata": {"labels": {"app": "a"}, "annotations": {"note": "n"}},
        "spec": {"containers": [{"name": "job", "image": "i"}], "restartPolicy": "Never"},
    });
    cluster.create(object(Job, "a", json!({"spec": spec})));
}

fn status(cluster: &Cluster) -> Value {
    cluster.status(Job, "a")
}

/// One field of the status.
fn field(cluster: &Cluster, name: &str) -> Value {
    status(cluster).get(name).cloned().unwrap_or_default()
}

/// The conditions' kinds and when they came.
fn conditions(cluster: &Cluster) -> Vec<(String, String)> {
    let conditions = field(cluster, "conditions");
    let conditions = conditions.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let told = conditions.iter().filter(|condition| condition["status"] == "True");
    told.map(|it| (text(&it["type"]), text(&it["lastTransitionTime"]))).collect()
}

fn kinds(cluster: &Cluster) -> Vec<String> {
    conditions(cluster).into_iter().map(|(kind, _)| kind).collect()
}

/// A condition whose times are these.
fn condition(kind: &str, reason: &str, message: &str, at: &str) -> Value {
    json!({
        "type": kind, "status": "True", "reason": reason, "message": message,
        "lastProbeTime": at, "lastTransitionTime": at,
    })
}

#[test]
fn a_pod_is_the_template_with_the_job_s_marks() {
    let cluster = cluster(json!({}));
    let (job, name) = (cluster.get(Job, "a"), cluster.only(Pod));
    // The API server adds to the rest.
    let mut metadata = cluster.get(Pod, &name).to_value()["metadata"].clone();
    for field in ["uid", "resourceVersion"] {
        metadata.as_object_mut().unwrap().remove(field);
    }
    assert!(name.len() == "a-xxxxx".len() && name.starts_with("a-"), "{name}");
    let expected = json!({
        "name": name, "generateName": "a-", "namespace": NAMESPACE,
        "creationTimestamp": NOW, "generation": 1,
        "annotations": {"note": "n"},
        "labels": {
            "app": "a",
            "batch.kubernetes.io/controller-uid": job.uid(),
            "batch.kubernetes.io/job-name": "a",
            "controller-uid": job.uid(),
            "job-name": "a",
        },
        "finalizers": ["batch.kubernetes.io/job-tracking"],
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": job.uid(),
            "controller": true, "blockOwnerDeletion": true,
        }],
    });
    assert_eq!(metadata, expected);
    let spec = &cluster.get(Pod, &name).content["spec"];
    assert_eq!(
        (&spec["restartPolicy"], &spec["containers"][0]["image"]),
        (&json!("Never"), &json!("i"))
    );
    assert_eq!(cluster.messages("SuccessfulCreate"), [format!("Created pod: {name}")]);
}

#[test]
fn a_long_name_is_cut_in_the_name_of_the_pod() {
    let mut cluster = Cluster::since(NOW);
    let template = json!({"spec": {"containers": [{"name": "job"}]}});
    cluster.create(object(Job, &"n".repeat(63), json!({"spec": {"template": template}})));
    assert_eq!(cluster.only(Pod).len(), 63);
}

#[test]
fn the_status_counts_what_is_at_work() {
    let mut cluster = cluster(json!({}));
    let mut expected = json!({
        "startTime": NOW, "active": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
    });
    assert_eq!(status(&cluster), expected);
    cluster.assert_steady();
    cluster.later(5);
    cluster.start(&cluster.only(Pod));
    expected["ready"] = json!(1);
    assert_eq!(status(&cluster), expected);
    cluster.assert_steady();
}

#[test]
fn as_many_pods_as_asked_are_at_work_at_once() {
    let mut cluster = cluster(json!({"parallelism": 2, "completions": 3}));
    let pods = cluster.names(Pod);
    assert_eq!((pods.len(), field(&cluster, "active")), (2, json!(2)));
    cluster.assert_steady();
    cluster.end(&pods[0], 0);
    assert_eq!((cluster.names(Pod).len(), field(&cluster, "active")), (3, json!(2)));
    for pod in cluster.names(Pod) {
        cluster.end(&pod, 0);
    }
    assert_eq!((cluster.names(Pod).len(), field(&cluster, "succeeded")), (3, json!(3)));
    assert_eq!(kinds(&cluster), ["SuccessCriteriaMet", "Complete"]);
    cluster.assert_steady();
}

#[test]
fn the_least_useful_pods_go_when_fewer_are_asked_for() {
    let mut cluster = cluster(json!({"parallelism": 2, "completions": 2, "backoffLimit": 0}));
    let pods = cluster.names(Pod);
    cluster.start(&pods[1]);
    cluster.set(Job, "a", "parallelism", json!(1));
    assert_eq!(cluster.names(Pod), [pods[1].clone()]);
    assert_eq!(cluster.messages("SuccessfulDelete"), [format!("Deleted pod: {}", pods[0])]);
    assert_eq!((field(&cluster, "active"), field(&cluster, "failed")), (json!(1), Value::Null));
    cluster.assert_steady();
}

#[test]
fn without_completions_the_first_success_is_the_last_start() {
    let mut cluster = cluster(json!({"parallelism": 2}));
    let pods = cluster.names(Pod);
    cluster.end(&pods[0], 0);
    assert_eq!((cluster.names(Pod).len(), kinds(&cluster).len()), (2, 0));
    cluster.assert_steady();
    cluster.end(&pods[1], 0);
    assert_eq!(kinds(&cluster), ["SuccessCriteriaMet", "Complete"]);
    assert_eq!(field(&cluster, "succeeded"), json!(2));
}

#[test]
fn a_suspended_job_waits_without_a_start_time() {
    let mut cluster = cluster(json!({"suspend": true, "activeDeadlineSeconds": 5}));
    let suspended = condition("Suspended", "JobSuspended", "Job suspended", NOW);
    let expected = json!({
        "conditions": [suspended], "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
    });
    assert_eq!(status(&cluster), expected);
    assert_eq!(cluster.told("a"), [event("Normal", "Suspended", "Job suspended")]);
    cluster.later(60);
    assert_eq!(status(&cluster), expected);
    cluster.assert_steady();
    cluster.set(Job, "a", "suspend", json!(false));
    let mut resumed = condition("Suspended", "JobResumed", "Job resumed", "2026-01-01T00:01:00Z");
    resumed["status"] = json!("False");
    assert_eq!(field(&cluster, "conditions"), json!([resumed]));
    assert_eq!(field(&cluster, "startTime"), json!("2026-01-01T00:01:00Z"));
    assert_eq!(field(&cluster, "active"), json!(1));
    assert_eq!(cluster.told("a")[1], event("Normal", "Resumed", "Job resumed"));
    cluster.assert_steady();
}

#[test]
fn a_pod_that_a_suspension_ended_has_not_failed() {
    let mut cluster = cluster(json!({"backoffLimit": 0}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.set(Job, "a", "suspend", json!(true));
    assert!(cluster.get(Pod, &pod).is_going());
    assert_eq!(
        (field(&cluster, "active"), field(&cluster, "terminating")),
        (Value::Null, json!(1))
    );
    assert_eq!(field(&cluster, "startTime"), Value::Null);
    cluster.assert_steady();
    cluster.end(&pod, 143);
    assert_eq!((cluster.names(Pod).len(), field(&cluster, "failed")), (0, Value::Null));
    assert_eq!(
        (field(&cluster, "terminating"), kinds(&cluster)),
        (json!(0), vec!["Suspended".into()])
    );
    cluster.set(Job, "a", "suspend", json!(false));
    assert_eq!((cluster.names(Pod).len(), kinds(&cluster).len()), (1, 0));
}

#[test]
fn a_suspension_is_in_time_as_long_as_nobody_looked() {
    let mut cluster = cluster(json!({"activeDeadlineSeconds": 5}));
    cluster.now += jiff::SignedDuration::from_secs(5);
    cluster.set(Job, "a", "suspend", json!(true));
    assert_eq!(kinds(&cluster), ["Suspended"]);
}

#[test]
fn a_job_that_is_going_holds_no_pod_back_and_makes_none() {
    let mut cluster = cluster(json!({"backoffLimit": 0, "parallelism": 2, "completions": 2}));
    let pods = cluster.names(Pod);
    cluster.start(&pods[0]);
    cluster.delete(Job, "a", Propagation::Foreground);
    assert_eq!(cluster.get(Pod, &pods[0]).finalizers(), [""; 0]);
    cluster.assert_steady();
    // The garbage collector may be quicker.
    for pod in &pods {
        if cluster.find(Pod, pod).is_some_and(|pod| !pod.is_going()) {
            cluster.delete(Pod, pod, Propagation::Background);
        }
    }
    assert_eq!((cluster.names(Pod), kinds(&cluster).len()), (vec![pods[0].clone()], 0));
    cluster.assert_steady();
}
