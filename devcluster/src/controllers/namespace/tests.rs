use serde_json::json;

use crate::{
    admission::admit,
    controllers::{garbage::JOB_TRACKING, testing::Cluster},
    kind::Kind,
    store::Propagation,
    testing::{NAMESPACE, object, pod, quota},
};

/// A namespace with something of everything, and a pod that runs.
fn full() -> Cluster {
    let mut cluster = Cluster::new();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
    let spec = json!({"replicas": 1, "template": template});
    cluster.create(object(Kind::ReplicationController, "bot", json!({"spec": spec})));
    cluster.create(object(Kind::CronJob, "c", json!({})));
    cluster.create(object(Kind::ConfigMap, "m", json!({})));
    cluster.create(object(Kind::LimitRange, "l", json!({})));
    cluster.create(quota(json!({"pods": "9"})));
    let uid = cluster.create(object(Kind::Job, "j", json!({})));
    let owner = json!({"apiVersion": "batch/v1", "kind": "Job", "name": "j", "uid": uid,
        "controller": true, "blockOwnerDeletion": true});
    let mut counted = pod("j-p", json!({}));
    counted.add_finalizer(JOB_TRACKING);
    counted.metadata.owner_references = Some(vec![serde_json::from_value(owner).unwrap()]);
    cluster.create(counted);
    cluster.start("j-p");
    cluster.assert_steady();
    cluster
}

#[test]
fn a_namespace_goes_when_nothing_is_left_in_it() {
    let mut cluster = full();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert_eq!(cluster.status(Kind::Namespace, NAMESPACE), json!({"phase": "Terminating"}));
    // Only what runs is left, and the events, which go last.
    assert_eq!(cluster.names(Kind::Pod), ["j-p"]);
    let others = Kind::ALL.into_iter();
    for kind in others.filter(|kind| ![Kind::Namespace, Kind::Pod, Kind::Event].contains(kind)) {
        assert_eq!(cluster.names(kind), [""; 0], "{}", kind.name());
    }
    assert!(!cluster.names(Kind::Event).is_empty());
    let pod = cluster.get(Kind::Pod, "j-p");
    assert!(pod.is_going());
    assert_eq!(pod.metadata.deletion_grace_period_seconds, Some(30));
    cluster.assert_steady();

    cluster.let_go_of_pod("j-p");
    for kind in Kind::ALL {
        assert_eq!(cluster.names(kind), [""; 0], "{}", kind.name());
    }
}

#[test]
fn an_empty_namespace_goes_at_once() {
    let mut cluster = Cluster::new();
    cluster.assert_steady();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert!(cluster.find(Kind::Namespace, NAMESPACE).is_none());
}

#[test]
fn nothing_comes_into_a_namespace_that_goes() {
    let mut cluster = full();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert!(admit(&cluster.engine.store, object(Kind::Job, "new", json!({}))).is_err());
    // What was let in a moment before goes too.
    cluster.create(object(Kind::ConfigMap, "late", json!({})));
    assert_eq!(cluster.names(Kind::ConfigMap), [""; 0]);
    cluster.assert_steady();
}

#[test]
fn other_namespaces_stay() {
    let mut cluster = full();
    let mut elsewhere = object(Kind::ConfigMap, "m", json!({}));
    elsewhere.metadata.namespace = Some("tool-tf-test-2".to_owned());
    cluster.create(elsewhere);
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    cluster.let_go_of_pod("j-p");
    assert!(cluster.find(Kind::Namespace, NAMESPACE).is_none());
    assert_eq!(cluster.names(Kind::ConfigMap), ["m"]);
}
