use serde_json::{Value, json};

use crate::{
    controllers::testing::Cluster,
    kind::Kind,
    object::Object,
    store::Propagation,
    testing::{NAMESPACE, at, object, pod, quota},
};

const RC: Kind = Kind::ReplicationController;

fn controller(replicas: i32) -> Object {
    let metadata = json!({"labels": {"app": "bot"}, "annotations": {"a": "b"}});
    let container = json!({"name": "job", "image": "tjf.local/busybox:1"});
    let template = json!({"metadata": metadata, "spec": {"containers": [container]}});
    let spec = json!({"replicas": replicas, "selector": {"app": "bot"}, "template": template});
    object(RC, "bot", json!({"spec": spec}))
}

fn cluster(replicas: i32) -> Cluster {
    let mut cluster = Cluster::new();
    cluster.create(controller(replicas));
    cluster
}

fn scale(cluster: &mut Cluster, replicas: i32) {
    cluster.set(RC, "bot", "replicas", json!(replicas));
}

fn alive(cluster: &Cluster) -> Vec<String> {
    let mut names = cluster.names(Kind::Pod);
    names.retain(|name| !cluster.get(Kind::Pod, name).is_going());
    names
}

fn status(cluster: &Cluster) -> Value {
    cluster.status(RC, "bot")
}

#[test]
fn pods_are_made_from_the_template() {
    let cluster = cluster(3);
    let names = alive(&cluster);
    assert_eq!(names.len(), 3);
    let uid = cluster.get(RC, "bot").uid();
    for name in &names {
        assert!(name.len() == 9 && name.starts_with("bot-"), "{name}");
        let pod = cluster.get(Kind::Pod, name).to_value();
        assert_eq!(pod["metadata"]["labels"], json!({"app": "bot"}));
        assert_eq!(pod["metadata"]["annotations"], json!({"a": "b"}));
        assert_eq!(pod["metadata"]["namespace"], NAMESPACE);
        assert_eq!(pod["metadata"]["generateName"], "bot-");
        let owner = json!([{
            "apiVersion": "v1", "kind": "ReplicationController", "name": "bot", "uid": uid,
            "controller": true, "blockOwnerDeletion": true,
        }]);
        assert_eq!(pod["metadata"]["ownerReferences"], owner);
        assert_eq!(pod["spec"]["containers"][0]["name"], "job");
        assert_eq!(pod["status"], json!({"phase": "Pending"}));
    }
    let mut told = cluster.messages("SuccessfulCreate");
    told.sort();
    let expected: Vec<_> = names.iter().map(|name| format!("Created pod: {name}")).collect();
    assert_eq!(told, expected);
    cluster.assert_at_rest();
}

#[test]
fn the_status_counts_pods_and_leaves_out_what_is_none() {
    let mut cluster = cluster(0);
    assert_eq!(status(&cluster), json!({"replicas": 0, "observedGeneration": 1}));
    cluster.assert_at_rest();
    scale(&mut cluster, 2);
    let expected = json!({"replicas": 2, "fullyLabeledReplicas": 2, "observedGeneration": 2});
    assert_eq!(status(&cluster), expected);
    let first = alive(&cluster).remove(0);
    cluster.start(&first);
    let expected = json!({
        "replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1,
        "observedGeneration": 2,
    });
    assert_eq!(status(&cluster), expected);
    cluster.change(Kind::Pod, &first, |pod| pod.metadata.labels = None);
    assert_eq!(status(&cluster)["fullyLabeledReplicas"], 1);
    cluster.assert_at_rest();
}

#[test]
fn a_deleted_pod_is_replaced_while_it_still_goes() {
    let mut cluster = cluster(1);
    let old = alive(&cluster).remove(0);
    cluster.start(&old);
    cluster.delete(Kind::Pod, &old, Propagation::Background);
    assert!(cluster.get(Kind::Pod, &old).is_going());
    let new = alive(&cluster);
    assert_eq!((new.len(), cluster.names(Kind::Pod).len()), (1, 2));
    let expected = json!({"replicas": 1, "fullyLabeledReplicas": 1, "observedGeneration": 1});
    assert_eq!(status(&cluster), expected);
    cluster.assert_at_rest();
    cluster.let_go(&old);
    assert_eq!(cluster.names(Kind::Pod), new);
    cluster.assert_at_rest();
}

#[test]
fn a_pod_that_has_ended_is_replaced_and_removed() {
    for phase in ["Failed", "Succeeded"] {
        let mut cluster = cluster(2);
        let old = alive(&cluster);
        cluster.set_pod_status(&old[0], json!({"phase": phase}));
        let new = cluster.names(Kind::Pod);
        assert!(new.len() == 2 && new.contains(&old[1]) && !new.contains(&old[0]), "{new:?}");
        cluster.assert_at_rest();
    }
}

#[test]
fn of_too_many_pods_those_of_the_least_worth_go() {
    let mut cluster = cluster(2);
    let oldest = alive(&cluster);
    cluster.start(&oldest[0]);
    cluster.later(10);
    cluster.start(&oldest[1]);
    cluster.later(10);
    scale(&mut cluster, 4);
    let mut others = alive(&cluster);
    others.retain(|name| !oldest.contains(name));
    // One is on its node and does not run yet, one has no node.
    cluster.set(Kind::Pod, &others[0], "nodeName", json!("node"));
    scale(&mut cluster, 3);
    assert_eq!(alive(&cluster), [&*oldest[0], &oldest[1], &others[0]]);
    scale(&mut cluster, 2);
    assert_eq!(alive(&cluster), oldest);
    // Of two that are ready, the one that has been so for longer stays.
    scale(&mut cluster, 1);
    assert_eq!(alive(&cluster), oldest[..1]);
    let deleted = [&others[1], &others[0], &oldest[1]].map(|name| format!("Deleted pod: {name}"));
    let mut told = cluster.messages("SuccessfulDelete");
    told.sort();
    let mut expected = deleted.to_vec();
    expected.sort();
    assert_eq!(told, expected);
    cluster.assert_at_rest();
    scale(&mut cluster, 0);
    assert_eq!(alive(&cluster), [""; 0]);
    assert_eq!(status(&cluster)["replicas"], 0);
    cluster.assert_at_rest();
}

/// As recorded: the condition keeps the first sentence, and each try has an event of its own.
#[test]
fn a_pod_without_room_is_tried_again_and_again_and_told_of() {
    let mut cluster = Cluster::new();
    cluster.create(quota(json!({"pods": "1"})));
    cluster.create(pod("other", json!({})));
    cluster.create(controller(1));
    let failed = status(&cluster);
    assert_eq!((&failed["replicas"], &failed["observedGeneration"]), (&json!(0), &json!(1)));
    let condition = &failed["conditions"][0];
    assert_eq!(condition["type"], "ReplicaFailure");
    assert_eq!(condition["status"], "True");
    assert_eq!(condition["reason"], "FailedCreate");
    assert_eq!(condition["lastTransitionTime"], "2027-01-15T08:00:00Z");
    let message = condition["message"].as_str().unwrap();
    let (_, rest) = message.split_once("pods \"bot-").unwrap();
    let expected = "\" is forbidden: exceeded quota: tool-tf-test, requested: pods=1, \
                    used: pods=1, limited: pods=1";
    assert_eq!(&rest[5..], expected);
    assert!(cluster.messages("FailedCreate").contains(&format!("Error creating: {message}")));

    // The condition was a change of the object, so there is a second try at once.
    let mut tries = vec![(cluster.now, cluster.messages("FailedCreate").len())];
    while tries.len() < 20 {
        let due = cluster.engine.next_due().unwrap();
        cluster.now = due;
        cluster.settle();
        tries.push((due, cluster.messages("FailedCreate").len()));
    }
    let pauses: Vec<_> =
        tries.windows(2).map(|two| two[1].0.duration_since(two[0].0).as_millis()).collect();
    let expected: Vec<_> = (0..19).map(|tries| (5 << tries).min(1_000_000)).collect();
    assert_eq!(pauses, expected);
    let counts: Vec<_> = tries.iter().map(|(_, count)| *count).collect();
    assert_eq!(counts, Vec::from_iter(2..22));
    assert_eq!(status(&cluster), failed);

    // Room alone is noticed by nobody; the next try finds it.
    cluster.delete(Kind::Pod, "other", Propagation::Background);
    assert_eq!(cluster.names(Kind::Pod), [""; 0]);
    cluster.now = cluster.engine.next_due().unwrap();
    cluster.settle();
    assert_eq!(cluster.names(Kind::Pod).len(), 1);
    assert_eq!(status(&cluster)["conditions"], Value::Null);
    assert_eq!(cluster.engine.next_due(), None);
    cluster.assert_at_rest();
}

#[test]
fn some_of_the_pods_are_better_than_none() {
    let mut cluster = Cluster::new();
    cluster.create(quota(json!({"pods": "2"})));
    cluster.create(controller(5));
    assert_eq!(alive(&cluster).len(), 2);
    assert_eq!(status(&cluster)["replicas"], 2);
    assert_eq!(status(&cluster)["conditions"][0]["reason"], "FailedCreate");
    // Whoever asks for no more than there is has no failure either.
    scale(&mut cluster, 2);
    assert_eq!(status(&cluster)["conditions"], Value::Null);
    cluster.assert_at_rest();
}

#[test]
fn any_change_of_the_controller_is_a_try_at_once() {
    let mut cluster = Cluster::new();
    cluster.create(quota(json!({"pods": "0"})));
    cluster.create(controller(1));
    for _ in 0..10 {
        cluster.now = cluster.engine.next_due().unwrap();
        cluster.settle();
    }
    let tries = cluster.messages("FailedCreate").len();
    cluster.change(RC, "bot", |bot| {
        bot.metadata.labels = Some([("a".to_owned(), "b".to_owned())].into());
    });
    assert_eq!(cluster.messages("FailedCreate").len(), tries + 1);
    assert_eq!(cluster.engine.next_due(), Some(cluster.now + jiff::SignedDuration::from_millis(5)));
}

#[test]
fn a_pod_made_by_hand_is_nobodys() {
    let mut cluster = cluster(1);
    let mut like = pod("like", json!({}));
    like.metadata.labels = Some([("app".to_owned(), "bot".to_owned())].into());
    cluster.create(like);
    assert_eq!(cluster.names(Kind::Pod).len(), 2);
    assert_eq!(status(&cluster)["replicas"], 1);
    cluster.assert_at_rest();
}

#[test]
fn a_controller_that_goes_makes_no_more_pods() {
    let mut cluster = cluster(2);
    assert_eq!(cluster.now, at(0));
    for name in alive(&cluster) {
        cluster.start(&name);
    }
    cluster.delete(RC, "bot", Propagation::Foreground);
    assert_eq!((alive(&cluster).len(), cluster.names(Kind::Pod).len()), (0, 2));
    assert_eq!(status(&cluster)["replicas"], 0);
    cluster.assert_at_rest();
    for name in cluster.names(Kind::Pod) {
        cluster.let_go(&name);
    }
    assert!(cluster.find(RC, "bot").is_none());
    assert_eq!(cluster.names(Kind::Pod), [""; 0]);
}

/// What the store refuses is tried again later, not for ever at the same time.
#[test]
fn a_taken_name_is_waited_out() {
    // Names follow from the seed and the version, so the first cluster tells that of the second.
    let prepared = |taken: &str| {
        let mut cluster = cluster(0);
        let mut bot = cluster.get(RC, "bot").clone();
        bot.content["spec"]["replicas"] = json!(1);
        cluster.engine.store.update(bot).unwrap();
        cluster.engine.store.create(pod(taken, json!({})), cluster.now).unwrap();
        cluster
    };
    let cluster = prepared("x");
    let suffix = cluster.engine.store.suffix_for(cluster.get(RC, "bot").uid());
    let taken = format!("bot-{suffix}");
    let mut cluster = prepared(&taken);
    cluster.settle();
    assert_eq!(cluster.names(Kind::Pod), [taken.as_str()]);
    let due = cluster.engine.next_due().unwrap();
    assert_eq!(due, at(5));
    cluster.delete(Kind::Pod, &taken, Propagation::Background);
    cluster.now = due;
    cluster.settle();
    assert_eq!(alive(&cluster).len(), 1);
    assert_eq!(status(&cluster)["replicas"], 1);
    cluster.assert_at_rest();
}
