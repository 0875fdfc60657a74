use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::json;

use super::JOB_TRACKING;
use crate::{
    controllers::testing::Cluster,
    kind::Kind,
    object::Object,
    store::{FOREGROUND, ORPHAN, Propagation},
    testing::{object, pod},
};

// A ConfigMap has no controller of its own, so that only the garbage collector acts here.

fn map(name: &str, owners: &[OwnerReference]) -> Object {
    let mut object = object(Kind::ConfigMap, name, json!({}));
    object.metadata.owner_references = (!owners.is_empty()).then(|| owners.to_vec());
    object
}

fn owner(kind: Kind, name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        kind: kind.name().to_owned(),
        name: name.to_owned(),
        uid: uid.to_owned(),
        block_owner_deletion: Some(true),
        controller: Some(true),
        ..OwnerReference::default()
    }
}

/// A cluster with this chain of owners, each owned by the one before.
fn chain(names: &[&str]) -> Cluster {
    let mut cluster = Cluster::new();
    let mut owners = Vec::new();
    for name in names {
        let uid = cluster.create(map(name, &owners));
        owners = vec![owner(Kind::ConfigMap, name, &uid)];
    }
    cluster.assert_at_rest();
    cluster
}

fn maps(cluster: &Cluster) -> Vec<String> {
    cluster.names(Kind::ConfigMap)
}

/// Keeps an object from going.
fn hold(cluster: &mut Cluster, name: &str) {
    cluster.change(Kind::ConfigMap, name, |object| object.add_finalizer("x"));
}

fn release(cluster: &mut Cluster, name: &str) {
    cluster.change(Kind::ConfigMap, name, |object| object.remove_finalizer("x"));
}

#[test]
fn in_the_background_what_is_owned_goes_after_its_owner() {
    let mut cluster = chain(&["a", "b", "c"]);
    hold(&mut cluster, "c");
    cluster.delete(Kind::ConfigMap, "a", Propagation::Background);
    assert_eq!(maps(&cluster), ["c"]);
    let c = cluster.get(Kind::ConfigMap, "c");
    assert!(c.is_going());
    assert_eq!(c.finalizers(), ["x"]);
    cluster.assert_at_rest();
    release(&mut cluster, "c");
    assert_eq!(maps(&cluster), [""; 0]);
}

#[test]
fn in_the_foreground_the_owner_goes_last() {
    let mut cluster = chain(&["a", "b", "c"]);
    hold(&mut cluster, "c");
    cluster.delete(Kind::ConfigMap, "a", Propagation::Foreground);
    assert_eq!(maps(&cluster), ["a", "b", "c"]);
    let finalizers = |name| cluster.get(Kind::ConfigMap, name).finalizers().to_vec();
    assert_eq!(finalizers("a"), [FOREGROUND]);
    // Who waits for it waits for what it owns, too; the last owns nothing.
    assert_eq!(finalizers("b"), [FOREGROUND]);
    assert_eq!(finalizers("c"), ["x"]);
    cluster.assert_at_rest();
    release(&mut cluster, "c");
    assert_eq!(maps(&cluster), [""; 0]);
}

#[test]
fn only_what_blocks_is_waited_for() {
    let mut cluster = Cluster::new();
    let uid = cluster.create(map("a", &[]));
    let lax = OwnerReference { block_owner_deletion: None, ..owner(Kind::ConfigMap, "a", &uid) };
    cluster.create(map("b", &[lax]));
    hold(&mut cluster, "b");
    cluster.delete(Kind::ConfigMap, "a", Propagation::Foreground);
    assert_eq!(maps(&cluster), ["b"]);
    assert!(cluster.get(Kind::ConfigMap, "b").is_going());
    cluster.assert_at_rest();
}

#[test]
fn orphans_live_on_without_this_owner() {
    let mut cluster = Cluster::new();
    let owners = ["a", "z"].map(|name| {
        let uid = cluster.create(map(name, &[]));
        owner(Kind::ConfigMap, name, &uid)
    });
    cluster.create(map("b", &owners));
    cluster.create(map("c", &owners[..1]));
    cluster.delete(Kind::ConfigMap, "a", Propagation::Orphan);
    assert_eq!(maps(&cluster), ["b", "c", "z"]);
    assert_eq!(cluster.get(Kind::ConfigMap, "b").owners(), &owners[1..]);
    assert_eq!(cluster.get(Kind::ConfigMap, "c").metadata.owner_references, None);
    cluster.assert_at_rest();
}

#[test]
fn one_owner_is_enough() {
    let mut cluster = Cluster::new();
    let owners = ["a", "z"].map(|name| {
        let uid = cluster.create(map(name, &[]));
        owner(Kind::ConfigMap, name, &uid)
    });
    cluster.create(map("b", &owners));
    cluster.delete(Kind::ConfigMap, "a", Propagation::Background);
    assert_eq!(cluster.get(Kind::ConfigMap, "b").owners(), &owners[1..]);
    cluster.assert_at_rest();
    cluster.delete(Kind::ConfigMap, "z", Propagation::Background);
    assert_eq!(maps(&cluster), [""; 0]);
}

#[test]
fn an_owner_of_the_same_name_is_another() {
    let mut cluster = Cluster::new();
    cluster.create(map("a", &[]));
    cluster.create(map("b", &[owner(Kind::ConfigMap, "a", "another")]));
    cluster.create(map("c", &[owner(Kind::CronJob, "a", "nobody")]));
    assert_eq!(maps(&cluster), ["a"]);
}

#[test]
fn an_owner_of_a_kind_that_is_not_here_cannot_have_gone() {
    let mut cluster = Cluster::new();
    let deployment =
        OwnerReference { kind: "Deployment".to_owned(), ..owner(Kind::ConfigMap, "d", "u") };
    cluster.create(map("a", &[deployment]));
    assert_eq!(maps(&cluster), ["a"]);
    cluster.assert_at_rest();
}

fn tracked(name: &str, owners: Vec<OwnerReference>) -> Object {
    let mut pod = pod(name, json!({}));
    pod.add_finalizer(JOB_TRACKING);
    pod.metadata.owner_references = (!owners.is_empty()).then_some(owners);
    pod
}

#[test]
fn a_pod_waits_to_be_counted_only_by_a_job_that_is_there() {
    let mut cluster = Cluster::new();
    let name = cluster.create_job("j");
    cluster.create(tracked("stray", Vec::new()));
    assert_eq!(cluster.get(Kind::Pod, &name).finalizers(), [JOB_TRACKING]);
    assert_eq!(cluster.get(Kind::Pod, "stray").metadata.finalizers, None);
    cluster.start(&name);
    cluster.assert_at_rest();

    cluster.delete(Kind::Job, "j", Propagation::Background);
    let pod = cluster.get(Kind::Pod, &name);
    assert!(pod.is_going());
    assert_eq!(pod.metadata.finalizers, None);
    assert_eq!(pod.metadata.deletion_grace_period_seconds, Some(30));
    cluster.assert_at_rest();
    cluster.let_go(&name);
    assert_eq!(cluster.names(Kind::Pod), ["stray"]);
}

#[test]
fn a_pod_whose_job_lets_it_live_waits_for_nobody() {
    let mut cluster = Cluster::new();
    let name = cluster.create_job("j");
    cluster.delete(Kind::Job, "j", Propagation::Orphan);
    assert_eq!(cluster.names(Kind::Job), [""; 0]);
    let pod = cluster.get(Kind::Pod, &name);
    assert!(!pod.is_going());
    assert_eq!(pod.metadata.finalizers, None);
    assert_eq!(pod.metadata.owner_references, None);
    cluster.assert_at_rest();
}

#[test]
fn a_pod_that_something_else_controls_is_left_alone() {
    let mut cluster = Cluster::new();
    let uid = cluster.create(map("a", &[]));
    cluster.create(tracked("p", vec![owner(Kind::ConfigMap, "a", &uid)]));
    assert_eq!(cluster.get(Kind::Pod, "p").finalizers(), [JOB_TRACKING]);
    cluster.assert_at_rest();
}

#[test]
fn a_controller_that_lets_its_pods_live_leaves_them_as_they_are() {
    let mut cluster = Cluster::new();
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": []}});
    let spec = json!({"replicas": 2, "template": template});
    cluster.create(object(Kind::ReplicationController, "bot", json!({"spec": spec})));
    let pods = cluster.names(Kind::Pod);
    // Nothing said: that is what Kubernetes does with a ReplicationController then.
    let key = cluster.get(Kind::ReplicationController, "bot").key();
    let going = cluster.engine.store.delete(&key, &Default::default(), cluster.now).unwrap();
    let crate::store::Deleted::Going(going) = going else { panic!("it waits for nobody") };
    assert_eq!(going.finalizers(), [ORPHAN]);
    cluster.settle();
    assert_eq!(cluster.names(Kind::ReplicationController), [""; 0]);
    assert_eq!((pods.len(), cluster.names(Kind::Pod)), (2, pods));
    cluster.assert_at_rest();
}
