use serde_json::{Value, json};

use super::*;
use crate::testing::{NAMESPACE, at, object, pod, quota};

/// A store with these objects.
fn store(objects: impl IntoIterator<Item = Object>) -> Store {
    let mut store = Store::new(1, 10);
    for object in objects {
        store.create(object, at(0)).unwrap();
    }
    store
}

fn limits(item: Value) -> Object {
    let mut fields = json!({"spec": {}});
    fields["spec"]["limits"] = Value::Array(vec![item]);
    object(Kind::LimitRange, "tool", fields)
}

/// Those of the platform.
fn tool_limits() -> Object {
    limits(json!({
        "type": "Container",
        "max": {"cpu": "1", "memory": "4Gi"}, "min": {"cpu": "5m", "memory": "4Mi"},
        "default": {"cpu": "500m", "memory": "512Mi"},
        "defaultRequest": {"cpu": "20m", "memory": "16Mi"},
    }))
}

fn many(kind: Kind, count: usize) -> impl Iterator<Item = Object> {
    (0..count).map(move |number| object(kind, &format!("x{number}"), json!({})))
}

fn resources(pod: &Object) -> Value {
    pod.content["spec"]["containers"][0]["resources"].clone()
}

#[track_caller]
fn assert_refused(store: &Store, object: Object, message: &str) {
    assert_eq!(admit(store, object).map_err(|refusal| refusal.to_string()), Err(message.into()));
}

#[test]
fn where_nothing_is_limited_everything_is_let_in() {
    let store = store([]);
    for kind in Kind::ALL {
        let object = object(kind, "x", json!({"metadata": {"labels": {"a": "b"}}}));
        if kind != Kind::Pod {
            assert_eq!(admit(&store, object.clone()), Ok(object));
        }
    }
    let pod = pod("p", json!({"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}));
    assert_eq!(admit(&store, pod.clone()), Ok(pod));
}

#[test]
fn a_namespace_that_is_going_lets_nothing_in() {
    let finalizers = json!({"metadata": {"finalizers": ["kubernetes"]}});
    let namespace = object(Kind::Namespace, NAMESPACE, finalizers);
    let mut store = store([namespace.clone()]);
    assert!(admit(&store, object(Kind::Job, "j", json!({}))).is_ok());
    store.delete(&namespace.key(), &crate::store::Deletion::default(), at(0)).unwrap();
    assert_refused(
        &store,
        object(Kind::Job, "j", json!({})),
        "jobs.batch \"j\" is forbidden: unable to create new content in namespace tool-tf-test \
         because it is being terminated",
    );
}

// The sentences of a real Kubernetes 1.34, with the same numbers.

#[test]
fn what_is_only_counted_is_refused_as_by_a_real_kubernetes() {
    let cases = [
        (Kind::Job, "j200", "count/jobs.batch", 200, "jobs.batch"),
        (Kind::CronJob, "c50", "count/cronjobs.batch", 50, "cronjobs.batch"),
        (
            Kind::ReplicationController,
            "r16",
            "replicationcontrollers",
            16,
            "replicationcontrollers",
        ),
        (
            Kind::ReplicationController,
            "r16",
            "count/replicationcontrollers",
            16,
            "replicationcontrollers",
        ),
        (Kind::ConfigMap, "m", "configmaps", 0, "configmaps"),
        (Kind::ResourceQuota, "q", "resourcequotas", 1, "resourcequotas"),
    ];
    for (kind, name, resource, limit, named) in cases {
        let quota = quota(json!({resource: limit.to_string()}));
        let found = limit - usize::from(kind == Kind::ResourceQuota);
        let last = object(kind, name, json!({}));
        let almost = store(many(kind, found.saturating_sub(1)).chain([quota.clone()]));
        assert_eq!(admit(&almost, last.clone()).is_ok(), found > 0, "{resource}");
        let full = store(many(kind, found).chain([quota]));
        let message = format!(
            "{named} \"{name}\" is forbidden: exceeded quota: tool-tf-test, requested: \
             {resource}=1, used: {resource}={limit}, limited: {resource}={limit}"
        );
        assert_refused(&full, last, &message);
        // Another kind is not in question.
        assert!(admit(&full, object(Kind::LimitRange, "x", json!({}))).is_ok());
    }
}

#[test]
fn the_seventeenth_pod_is_refused_as_by_a_real_kubernetes() {
    let pods = (0..16).map(|number| pod(&format!("p{number}"), json!({})));
    let store = store(pods.chain([quota(json!({"pods": "16"}))]));
    assert_refused(
        &store,
        pod("direct", json!({})),
        "pods \"direct\" is forbidden: exceeded quota: tool-tf-test, requested: pods=1, \
         used: pods=16, limited: pods=16",
    );
}

#[test]
fn several_resources_are_refused_as_by_a_real_kubernetes() {
    let big = |name: &str| {
        let requests = json!({"cpu": "900m", "memory": "1900Mi"});
        pod(name, json!({"limits": {"cpu": "1", "memory": "4Gi"}, "requests": requests}))
    };
    let hard = json!({
        "limits.cpu": "16", "limits.memory": "16Gi", "pods": "16", "requests.cpu": "4",
        "requests.memory": "8Gi", "count/jobs.batch": "200", "services": "4",
    });
    let pods = (0..4).map(|number| big(&format!("p{number}")));
    let store = store(pods.chain([quota(hard)]));
    assert_refused(
        &store,
        big("m-x-nmwts"),
        "pods \"m-x-nmwts\" is forbidden: exceeded quota: tool-tf-test, \
         requested: limits.memory=4Gi,requests.cpu=900m,requests.memory=1900Mi, \
         used: limits.memory=16Gi,requests.cpu=3600m,requests.memory=7600Mi, \
         limited: limits.memory=16Gi,requests.cpu=4,requests.memory=8Gi",
    );
}

#[test]
fn what_is_beyond_a_limit_range_is_refused_as_by_a_real_kubernetes() {
    let store = store([tool_limits()]);
    assert_refused(
        &store,
        pod("l-max-jhkw5", json!({"limits": {"cpu": "2", "memory": "5Gi"}})),
        "pods \"l-max-jhkw5\" is forbidden: [maximum cpu usage per Container is 1, but limit is \
         2, maximum memory usage per Container is 4Gi, but limit is 5Gi]",
    );
    assert_refused(
        &store,
        pod("l-min-gv78j", json!({"limits": {"memory": "1Mi"}})),
        "pods \"l-min-gv78j\" is forbidden: minimum memory usage per Container is 4Mi, but \
         request is 1Mi",
    );
    for resources in [json!({"limits": {"cpu": "1000m", "memory": "4096Mi"}}), json!({})] {
        assert!(admit(&store, pod("fits", resources)).is_ok());
    }
    // It acts on pods only: whoever makes them finds out.
    let template = json!({"spec": {"containers": [{"name": "job", "resources": {
        "limits": {"cpu": "64"}}}]}});
    assert!(admit(&store, object(Kind::Job, "j", json!({"spec": {"template": template}}))).is_ok());
}

// Everything else, as Kubernetes' source has it.

#[test]
fn a_bound_asks_for_a_value_and_two_containers_with_one_fault_are_told_of_once() {
    let store = store([limits(json!({"type": "Container", "min": {"cpu": "5m"}}))]);
    let mut two = pod("p", json!({"requests": {"cpu": "1m"}}));
    let containers = two.content["spec"]["containers"].as_array_mut().unwrap();
    containers.push(containers[0].clone());
    let message = "minimum cpu usage per Container is 5m, but request is 1m";
    assert_refused(&store, two, &format!("pods \"p\" is forbidden: {message}"));
    let store = self::store([limits(json!({
        "type": "Container", "max": {"cpu": "1"}, "default": {}, "defaultRequest": {"cpu": "2"},
    }))]);
    let message = "maximum cpu usage per Container is 1, but request is 2";
    assert_refused(&store, pod("p", json!({})), &format!("pods \"p\" is forbidden: {message}"));
    // What is said of whole pods is not looked at.
    let store = self::store([limits(json!({"type": "Pod", "max": {"cpu": "1m"}}))]);
    assert!(admit(&store, pod("p", json!({"limits": {"cpu": "1"}}))).is_ok());
}

#[test]
fn a_container_gets_what_it_does_not_say_itself() {
    let store = store([tool_limits()]);
    let cases = [
        (
            json!({}),
            json!({"limits": {"cpu": "500m", "memory": "512Mi"},
                "requests": {"cpu": "20m", "memory": "16Mi"}}),
        ),
        // Only a limit: the request is the limit, not the default.
        (
            json!({"limits": {"memory": "8Mi"}}),
            json!({"limits": {"cpu": "500m", "memory": "8Mi"},
                "requests": {"cpu": "20m", "memory": "8Mi"}}),
        ),
        (
            json!({"requests": {"cpu": "100m"}}),
            json!({"limits": {"cpu": "500m", "memory": "512Mi"},
                "requests": {"cpu": "100m", "memory": "16Mi"}}),
        ),
    ];
    for (asked, expected) in cases {
        let admitted = admit(&store, pod("p", asked)).unwrap();
        assert_eq!(resources(&admitted), expected);
        assert_eq!(admit(&store, admitted.clone()), Ok(admitted));
    }
    let admitted = admit(&self::store([]), pod("p", json!({"limits": {"cpu": "1"}}))).unwrap();
    let expected = json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}});
    assert_eq!(resources(&admitted), expected);
}

#[test]
fn defaults_follow_from_the_bounds() {
    let admitted = |item: Value| {
        let store = store([limits(item)]);
        resources(&admit(&store, pod("p", json!({}))).unwrap())
    };
    let max = json!({"type": "Container", "max": {"cpu": "1"}});
    assert_eq!(admitted(max), json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}));
    let min = json!({"type": "Container", "min": {"cpu": "5m"}});
    assert_eq!(admitted(min), json!({"requests": {"cpu": "5m"}}));
}

#[test]
fn what_a_quota_counts_must_be_said() {
    let hard = json!({"limits.cpu": "4", "limits.memory": "8Gi", "requests.cpu": "1", "pods": "9"});
    let store = store([quota(hard)]);
    assert_refused(
        &store,
        pod("p", json!({"limits": {"memory": "1Gi"}})),
        "pods \"p\" is forbidden: failed quota: tool-tf-test: must specify limits.cpu for: job; \
         requests.cpu for: job",
    );
    assert!(admit(&store, pod("p", json!({"limits": {"cpu": "1", "memory": "1Gi"}}))).is_ok());
    // A Job is not a pod.
    assert!(admit(&store, object(Kind::Job, "j", json!({}))).is_ok());
}

#[test]
fn all_quotas_count_and_the_first_that_is_exceeded_is_named() {
    let mut other = quota(json!({"count/jobs.batch": "1"}));
    other.metadata.name = Some("another".to_owned());
    let store = store([quota(json!({"count/jobs.batch": "0"})), other]);
    let refused = admit(&store, object(Kind::Job, "j", json!({}))).unwrap_err();
    assert!(refused.why.starts_with("exceeded quota: tool-tf-test,"), "{refused}");
    assert_eq!((refused.kind, refused.name.as_str()), (Kind::Job, "j"));
}

#[test]
fn a_pod_that_has_ended_takes_no_room_and_one_that_goes_does() {
    let ask = json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}});
    let with_phase = |phase: &str| {
        let mut pod = pod("old", ask.clone());
        pod.content["spec"]["nodeName"] = json!("node");
        pod.content.insert("status".to_owned(), json!({"phase": phase}));
        pod
    };
    let hard = json!({"pods": "1", "cpu": "1", "requests.cpu": "1", "limits.cpu": "1"});
    for (phase, has_room) in
        [("Pending", false), ("Running", false), ("Succeeded", true), ("Failed", true)]
    {
        let mut store = store([quota(hard.clone()), with_phase(phase)]);
        assert_eq!(admit(&store, pod("new", ask.clone())).is_ok(), has_room, "{phase}");
        let old = with_phase(phase).key();
        store.delete(&old, &crate::store::Deletion::default(), at(0)).unwrap();
        assert_eq!(store.get(&old).is_some(), phase != "Succeeded" && phase != "Failed");
        assert_eq!(admit(&store, pod("new", ask.clone())).is_ok(), has_room, "{phase}, going");
    }
    // Objects are counted whether they have ended or not.
    let store = store([quota(json!({"count/pods": "1"})), with_phase("Failed")]);
    assert!(admit(&store, pod("new", json!({}))).is_err());
}

#[test]
fn containers_that_run_first_take_what_they_need_of_the_others() {
    let with_init = |init: &str| {
        let mut pod = pod("p", json!({"requests": {"cpu": "500m"}}));
        let container = pod.content["spec"]["containers"][0].clone();
        pod.content["spec"]["containers"].as_array_mut().unwrap().push(container.clone());
        let mut first = container;
        first["resources"]["requests"]["cpu"] = json!(init);
        pod.content["spec"]["initContainers"] = json!([first]);
        pod
    };
    let store = store([quota(json!({"requests.cpu": "1"}))]);
    assert!(admit(&store, with_init("1")).is_ok());
    let refused = admit(&store, with_init("1100m")).unwrap_err().to_string();
    assert!(refused.contains("requested: requests.cpu=1100m, used: requests.cpu=0"), "{refused}");
}

#[test]
fn amounts_are_written_as_by_kubernetes() {
    for (resource, amount, written) in [
        ("requests.cpu", 3600, "3600m"),
        ("limits.cpu", 4000, "4"),
        ("cpu", 0, "0"),
        ("limits.memory", 16 << 30, "16Gi"),
        ("memory", 7600 << 20, "7600Mi"),
        ("requests.memory", 0, "0"),
        ("pods", 16, "16"),
        ("pods", 1024, "1024"),
        ("count/jobs.batch", 1000, "1k"),
        ("count/jobs.batch", 0, "0"),
    ] {
        let quantity = amount::write(resource, amount);
        assert_eq!(quantity.0, written, "{resource}");
        assert_eq!(amount::read(resource, &quantity), amount, "{resource}");
    }
}

#[test]
fn a_refusal_names_what_the_name_would_have_begun_with() {
    let mut unnamed = object(Kind::Job, "", json!({}));
    unnamed.metadata.generate_name = Some("j-".to_owned());
    let store = store([quota(json!({"count/jobs.batch": "0"}))]);
    let refused = admit(&store, unnamed).unwrap_err().to_string();
    assert!(refused.starts_with("jobs.batch \"j-\" is forbidden: exceeded quota"), "{refused}");
}
