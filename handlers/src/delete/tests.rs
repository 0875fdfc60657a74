use serde_json::json;
use tjf_runtime::testing::{Exchange, FakeCluster, delete as expect_delete, get};

use super::*;
use crate::testing::{CONTROLLERS, CRONJOBS, JOBS, PODS, context, object, owned};

fn gone(path: &str, name: &str) -> Exchange {
    get(format!("{path}/{name}")).not_found()
}

/// A delete of this very object that takes what it owns with it.
fn deletion(path: &str, name: &str, uid: &str) -> Exchange {
    expect_delete(format!("{path}/{name}"))
        .body(json!({"propagationPolicy": "Background", "preconditions": {"uid": uid}}))
}

/// The look at the scheduled job `a`, which has one run with one pod.
fn a_scheduled_job() -> Vec<Exchange> {
    vec![
        gone(JOBS, "a"),
        get(format!("{CRONJOBS}/a")).answer(object("a", "cron", &json!({}))),
        gone(CONTROLLERS, "a"),
        get(JOBS).items([owned("a-1", "run", "cron")]),
        get(PODS).items([owned("a-1-x", "pod", "run")]),
    ]
}

#[tokio::test]
async fn what_is_not_there_is_a_job_not_found_and_nothing_is_deleted() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        gone(JOBS, "a"),
        gone(CRONJOBS, "a"),
        gone(CONTROLLERS, "a"),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]);
    let error = delete(context(kube), Path("a".parse().unwrap())).await.unwrap_err();
    assert!(matches!(error, Error::JobNotFound(_)));
    script.finish().await;
}

/// Kubernetes is quicker with the run than we are: its pod is known all the same, and waited for.
#[tokio::test(start_paused = true)]
async fn the_pod_of_a_run_that_went_with_its_owner_is_waited_for() {
    let pod = || owned("a-1-x", "pod", "run");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        a_scheduled_job(),
        vec![deletion(CRONJOBS, "a", "cron")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([pod()])],
        vec![deletion(PODS, "a-1-x", "pod")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    assert!(delete(context(kube), Path("a".parse().unwrap())).await.is_ok());
    script.finish().await;
}

/// The owner goes first, then its run and the run's pod; a pod of the same name's new job is left
/// alone; and the answer waits until a look finds none of the old ones.
#[tokio::test(start_paused = true)]
async fn a_scheduled_job_goes_with_its_run_and_its_pods_and_nothing_else() {
    let stranger = || owned("a-new", "pod2", "another-uid");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        a_scheduled_job(),
        vec![deletion(CRONJOBS, "a", "cron")],
        vec![get(JOBS).items([owned("a-1", "run", "cron")])],
        vec![deletion(JOBS, "a-1", "run")],
        vec![get(PODS).items([owned("a-1-x", "pod", "run"), stranger()])],
        vec![deletion(PODS, "a-1-x", "pod")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([stranger()])],
    ]);
    let Json(deleted) = delete(context(kube), Path("a".parse().unwrap())).await.unwrap();
    assert_eq!(deleted.deleted, ["a"]);
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_crash_left_in_two_kinds_goes_from_both() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            get(format!("{JOBS}/a")).answer(object("a", "job", &json!({}))),
            gone(CRONJOBS, "a"),
            get(format!("{CONTROLLERS}/a")).answer(object("a", "rc", &json!({}))),
            get(JOBS).items([object("a", "job", &json!({}))]),
            get(PODS).items([]),
        ],
        vec![deletion(CONTROLLERS, "a", "rc")],
        vec![deletion(JOBS, "a", "job").not_found()],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    assert!(delete(context(kube), Path("a".parse().unwrap())).await.is_ok());
    script.finish().await;
}
