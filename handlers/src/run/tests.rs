use serde_json::{Value, json};
use tjf_api_types::JobType;
use tjf_runtime::testing::{Exchange, FakeCluster, delete, get, post};

use super::*;
use crate::{
    error::Error,
    testing::{
        CONTROLLERS, CRONJOBS, JOBS, LIMIT_RANGES, PODS, QUOTAS, context, context_without_limits,
        ended, object, request,
    },
};

/// The look before a one-off or a scheduled job is created.
fn survey(jobs: Vec<Value>, cronjobs: Vec<Value>, controllers: Vec<Value>) -> Vec<Exchange> {
    vec![
        get(JOBS).items(jobs),
        get(CRONJOBS).items(cronjobs),
        get(CONTROLLERS).query("fieldSelector=metadata.name%3Da").items(controllers),
    ]
}

/// The look at the other two kinds, at the very version at which the new object was.
fn look_again(one: (&str, Vec<Value>), other: (&str, Vec<Value>)) -> Vec<Exchange> {
    [one, other]
        .map(|(path, items)| {
            get(path)
                .query("fieldSelector=metadata.name%3Da")
                .query("resourceVersion=41&resourceVersionMatch=Exact")
                .items(items)
        })
        .into()
}

fn spec_of(object: &Value) -> Value {
    json!({"metadata": {"annotations": {"jobs.toolforge.org/spec": object.to_string()}}})
}

#[tokio::test]
async fn a_free_name_is_looked_up_created_and_looked_up_again() {
    let (cluster, kube) = FakeCluster::pair();
    let manifest = json!({
        "metadata": {"name": "a", "labels": {"app.kubernetes.io/created-by": "tf-test"}},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 86400},
    });
    let script = cluster.expect_groups([
        survey(vec![], vec![], vec![]),
        vec![post(JOBS).query("fieldValidation=Strict").body(manifest).created(object(
            "a",
            "u1",
            &json!({}),
        ))],
        look_again((CRONJOBS, vec![]), (CONTROLLERS, vec![])),
    ]);
    let created = run(context_without_limits(kube), Json(request("a"))).await.unwrap();
    assert_eq!(created.location, "/api/v1/show/a/");
    assert_eq!((created.value.uid.as_str(), created.value.job_type), ("u1", JobType::OneOff));
    script.finish().await;
}

#[tokio::test]
async fn a_name_that_any_kind_has_is_taken_and_nothing_is_created() {
    let foreign = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "webservice"}}});
    for (jobs, cronjobs, controllers, is_foreign) in [
        (vec![object("a", "u", &json!({}))], vec![], vec![], false),
        (vec![], vec![object("a", "u", &json!({}))], vec![], false),
        (vec![], vec![], vec![object("a", "u", &json!({}))], false),
        (vec![object("a", "u", &foreign)], vec![], vec![], true),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups([survey(jobs, cronjobs, controllers)]);
        let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
        let Error::JobExists { name, by_foreign_object } = error else { panic!("{error:?}") };
        assert_eq!((name.as_str(), by_foreign_object), ("a", is_foreign));
        script.finish().await;
    }
}

/// Another kind had the name at the version at which ours was created: ours goes again, its pods at
/// once.
#[tokio::test(start_paused = true)]
async fn whoever_was_second_goes_again_and_is_told_that_the_name_is_taken() {
    let (cluster, kube) = FakeCluster::pair();
    let mine = delete(format!("{JOBS}/a"))
        .body(json!({"propagationPolicy": "Background", "preconditions": {"uid": "u1"}}));
    let pod = delete(format!("{PODS}/a-x"))
        .body(json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "pod"}}));
    let script = cluster.expect_groups([
        survey(vec![], vec![], vec![]),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        look_again((CRONJOBS, vec![object("a", "first", &json!({}))]), (CONTROLLERS, vec![])),
        vec![mine],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([crate::testing::owned("a-x", "pod", "u1")])],
        vec![pod],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn when_nobody_knows_who_was_first_ours_does_not_stay() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(vec![], vec![], vec![]),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![
            get(CRONJOBS).refused(500, "InternalError", "etcd is away"),
            get(CONTROLLERS).refused(500, "InternalError", "etcd is away"),
        ],
        vec![delete(format!("{JOBS}/a"))],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(_)), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_one_off_that_has_ended_gives_up_its_name_for_any_kind() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            get(JOBS).query("metadata.name%3Da").items([object("a", "old", &ended())]),
            get(CRONJOBS).query("metadata.name%3Da").items([]),
            get(CONTROLLERS).query("metadata.name%3Da").items([]),
        ],
        vec![delete(format!("{JOBS}/a")).body(json!({"preconditions": {"uid": "old"}}))],
        vec![post(CONTROLLERS).created(object("a", "new", &json!({"spec": {"replicas": 1}})))],
        look_again((JOBS, vec![]), (CRONJOBS, vec![])),
    ]);
    let request = RunRequest { continuous: Some(true), ..request("a") };
    let created = run(context_without_limits(kube), Json(request)).await.unwrap();
    assert_eq!((created.value.uid.as_str(), created.value.job_type), ("new", JobType::Continuous));
    script.finish().await;
}

fn with_key(kube: kube::Client, key: &str) -> Context {
    let mut context = context_without_limits(kube);
    context.idempotency_key = Some(key.to_owned());
    context
}

fn kept(cmd: &str, key: &str) -> Value {
    spec_of(&json!({
        "cmd": cmd, "imagename": "tf-busybox", "job_type": "one-off", "retry": 0,
        "logs": {"stdout": "/data/project/tf-test/a.out", "stderr": "/data/project/tf-test/a.err"},
        "idempotency_key": key,
    }))
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_job_and_creates_nothing() {
    let before = || object("a", "u1", &kept("true", "k1"));
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(vec![before()], vec![], vec![]),
        vec![
            get(format!("{JOBS}/a")).answer(object("a", "u1", &ended())),
            get(format!("{CRONJOBS}/a")).not_found(),
            get(format!("{CONTROLLERS}/a")).not_found(),
            get(JOBS).items([before()]),
            get(PODS).items([]),
        ],
    ]);
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
    script.finish().await;
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let (cluster, kube) = FakeCluster::pair();
    let before = object("a", "u1", &kept("something else", "k1"));
    let script = cluster.expect_groups([survey(vec![before], vec![], vec![])]);
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::KeyReused), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_name_made_up_for_a_key_is_always_the_same() {
    assert_eq!(suffix("tf-test", Some("k1")), suffix("tf-test", Some("k1")));
    assert_ne!(suffix("tf-test", Some("k1")), suffix("tf-other", Some("k1")));
    assert_ne!(suffix("tf-test", Some("k1")), suffix("tf-test", Some("k2")));
}

#[tokio::test]
async fn what_is_wrong_in_itself_is_refused_without_asking_kubernetes() {
    for (request, field) in [
        (RunRequest { imagename: "nope".to_owned(), ..request("a") }, "imagename"),
        (RunRequest { schedule: Some("0 0 30 2 *".to_owned()), ..request("a") }, "schedule"),
        (RunRequest { memory: Some("Mi".to_owned()), ..request("a") }, "memory"),
        (request("A"), "name"),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.silence();
        let error = run(context(kube), Json(request)).await.unwrap_err();
        let Error::Invalid(invalid) = error else { panic!("{error:?}") };
        assert_eq!(invalid.field, field);
        script.finish().await;
    }
}

#[tokio::test]
async fn more_than_the_namespace_allows_is_refused_before_anything_is_created() {
    let range = json!({"spec": {"limits": [{"type": "Container", "max": {"memory": "4Gi"}}]}});
    let (cluster, kube) = FakeCluster::pair();
    let mut looks = survey(vec![], vec![], vec![]);
    looks.push(get(LIMIT_RANGES).items([range]));
    looks.push(get(QUOTAS).items([]));
    let script = cluster.expect_groups([looks]);
    let request = RunRequest { memory: Some("5Gi".to_owned()), ..request("a") };
    let error = run(context(kube), Json(request)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(Invalid { rule: Rule::Limits, field: "memory", .. })));
    script.finish().await;
}

#[tokio::test]
async fn the_fifty_first_unfinished_one_off_is_refused() {
    let unfinished =
        (0..50).map(|n| object(&format!("j{n}"), &format!("u{n}"), &json!({}))).collect();
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([survey(unfinished, vec![], vec![])]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::TooManyUnfinished { unfinished: 50 }), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_full_quota_of_jobs_is_met_by_letting_the_oldest_finished_one_go() {
    let full = "jobs.batch \"a\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: count/jobs.batch=200, limited: count/jobs.batch=200";
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(vec![object("old", "u0", &ended())], vec![], vec![]),
        vec![post(JOBS).refused(403, "Forbidden", full)],
        vec![delete(format!("{JOBS}/old")).body(json!({"preconditions": {"uid": "u0"}}))],
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        look_again((CRONJOBS, vec![]), (CONTROLLERS, vec![])),
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}
