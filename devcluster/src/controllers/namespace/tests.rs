use serde_json::json;

use crate::{
    admission::admit,
    controllers::testing::Cluster,
    kind::Kind,
    store::Propagation,
    testing::{NAMESPACE, object, quota},
};

/// A namespace with something of everything, and a pod that runs.
fn full() -> (Cluster, String) {
    let mut cluster = Cluster::new();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}});
    let spec = json!({"replicas": 1, "template": template});
    cluster.create(object(Kind::ReplicationController, "bot", json!({"spec": spec})));
    cluster.create(object(Kind::CronJob, "c", json!({})));
    cluster.create(object(Kind::ConfigMap, "m", json!({})));
    cluster.create(object(Kind::LimitRange, "l", json!({})));
    cluster.create(quota(json!({"pods": "9"})));
    let pod = cluster.create_job("j");
    cluster.start(&pod);
    cluster.assert_at_rest();
    (cluster, pod)
}

#[test]
fn a_namespace_goes_when_nothing_is_left_in_it() {
    let (mut cluster, pod) = full();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert_eq!(cluster.status(Kind::Namespace, NAMESPACE), json!({"phase": "Terminating"}));
    // Only what runs is left, and the events, which go last.
    assert_eq!(cluster.names(Kind::Pod), [pod.as_str()]);
    let others = Kind::ALL.into_iter();
    for kind in others.filter(|kind| ![Kind::Namespace, Kind::Pod, Kind::Event].contains(kind)) {
        assert_eq!(cluster.names(kind), [""; 0], "{}", kind.name());
    }
    assert!(!cluster.names(Kind::Event).is_empty());
    let left = cluster.get(Kind::Pod, &pod);
    assert!(left.is_going());
    assert_eq!(left.metadata.deletion_grace_period_seconds, Some(30));
    assert_eq!(left.owners().len(), 1, "it is nobody's orphan");
    cluster.assert_at_rest();

    cluster.let_go(&pod);
    for kind in Kind::ALL {
        assert_eq!(cluster.names(kind), [""; 0], "{}", kind.name());
    }
}

#[test]
fn an_empty_namespace_goes_at_once() {
    let mut cluster = Cluster::new();
    cluster.assert_at_rest();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert!(cluster.find(Kind::Namespace, NAMESPACE).is_none());
}

#[test]
fn nothing_comes_into_a_namespace_that_goes() {
    let (mut cluster, _) = full();
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    assert!(admit(&cluster.engine.store, object(Kind::Job, "new", json!({}))).is_err());
    // What was let in a moment before goes too.
    cluster.create(object(Kind::ConfigMap, "late", json!({})));
    assert_eq!(cluster.names(Kind::ConfigMap), [""; 0]);
    cluster.assert_at_rest();
}

#[test]
fn other_namespaces_stay() {
    let (mut cluster, pod) = full();
    let mut elsewhere = object(Kind::ConfigMap, "m", json!({}));
    elsewhere.metadata.namespace = Some("tool-tf-test-2".to_owned());
    cluster.create(elsewhere);
    cluster.delete(Kind::Namespace, NAMESPACE, Propagation::Background);
    cluster.let_go(&pod);
    assert!(cluster.find(Kind::Namespace, NAMESPACE).is_none());
    assert_eq!(cluster.names(Kind::ConfigMap), ["m"]);
}
