use serde_json::{Value, json};
use tjf_runtime::testing::{Exchange, FakeCluster, delete, get};

use super::*;
use crate::{
    cluster::ClusterError,
    error::Error,
    testing::{
        CONTROLLERS, CRONJOBS, JOBS, PODS, SERVICES, context_without_limits, object, ours, owned,
        owned_by, with_port,
    },
};

/// Everything of ours that this tool has: with less, a delete of a collection would take what is
/// not ours.
const SELECTOR: &str = "labelSelector=toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dtf-test";

fn collection(path: &str) -> Exchange {
    delete(path).query(SELECTOR).body(json!({"propagationPolicy": "Background"}))
}

/// The look at pods, and at everything that may go.
fn looks(pods: Vec<Value>, there: [Vec<Value>; 3]) -> Vec<Exchange> {
    let [cronjobs, controllers, jobs] = there;
    vec![
        get(PODS).query(SELECTOR).items(pods),
        get(CRONJOBS).query(SELECTOR).items(cronjobs),
        get(CONTROLLERS).query(SELECTOR).items(controllers),
        get(JOBS).query(SELECTOR).items(jobs),
    ]
}

#[tokio::test]
async fn of_nothing_is_nothing() {
    let (cluster, kube) = FakeCluster::pair();
    let looks = looks(vec![], [vec![], vec![], vec![]]);
    let script = cluster.expect_groups([
        looks,
        vec![collection(CRONJOBS).items([])],
        vec![collection(CONTROLLERS).items([])],
        vec![collection(JOBS).items([])],
    ]);
    let Json(deleted) = flush(context_without_limits(kube)).await.unwrap();
    assert!(deleted.deleted.is_empty());
    script.finish().await;
}

/// The run `c-0` goes with its owner before its own kind's turn comes; its pod is waited for all
/// the same. A job that was created after the first look goes too. The pod of one that is created
/// meanwhile, and pods that belong to no job of ours, are left alone.
#[tokio::test(start_paused = true)]
async fn everything_goes_and_the_jobs_are_named_but_not_their_runs() {
    let (cluster, kube) = FakeCluster::pair();
    let pod = || owned("c-0-x", "pod-of-run", "run0");
    let strangers = || [owned("new-x", "pod-of-new", "new"), object("bare", "bare", &json!({}))];
    let looks = looks(
        vec![pod()],
        [
            vec![ours("c", "cron")],
            vec![ours("b", "rc")],
            vec![ours("a", "job"), owned("c-0", "run0", "cron")],
        ],
    );
    let script = cluster.expect_groups([
        looks,
        vec![collection(CRONJOBS).items([ours("c", "cron")])],
        vec![collection(CONTROLLERS).items([ours("b", "rc")])],
        vec![collection(JOBS).items([
            ours("a", "job"),
            ours("late", "late"),
            owned("c-1", "run", "cron"),
        ])],
        vec![get(JOBS).query(SELECTOR).items([ours("new", "new")])],
        vec![get(PODS).query(SELECTOR).items(strangers().into_iter().chain([pod()]))],
        vec![delete(format!("{PODS}/c-0-x"))],
        vec![get(JOBS).query(SELECTOR).items([ours("new", "new")])],
        vec![get(PODS).query(SELECTOR).items(strangers())],
    ]);
    let Json(deleted) = flush(context_without_limits(kube)).await.unwrap();
    assert_eq!(deleted.deleted, ["a", "b", "c", "late"]);
    script.finish().await;
}

/// The first answer got lost: what was there before is known, and named.
#[tokio::test(start_paused = true)]
async fn a_flush_whose_answer_got_lost_names_what_it_deleted() {
    let (cluster, kube) = FakeCluster::pair();
    let looks = looks(vec![], [vec![ours("c", "cron")], vec![], vec![]]);
    let script = cluster.expect_groups([
        looks,
        vec![collection(CRONJOBS).refused(500, "InternalError", "the answer is lost")],
        vec![collection(CRONJOBS).items([])],
        vec![collection(CONTROLLERS).items([])],
        vec![collection(JOBS).items([])],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let Json(deleted) = flush(context_without_limits(kube)).await.unwrap();
    assert_eq!(deleted.deleted, ["c"]);
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn half_of_a_flush_is_not_told_as_nothing() {
    for (code, reason, times) in [(429, "TooManyRequests", 100), (403, "Forbidden", 1)] {
        let (cluster, kube) = FakeCluster::pair();
        let looks = looks(vec![], [vec![ours("c", "cron")], vec![], vec![]]);
        let refused = || vec![collection(CONTROLLERS).refused(code, reason, "not now")];
        let _script = cluster.expect_groups(
            [looks, vec![collection(CRONJOBS).items([ours("c", "cron")])]]
                .into_iter()
                .chain((0..times).map(|_| refused())),
        );
        let error = flush(context_without_limits(kube)).await.unwrap_err();
        assert!(matches!(error, Error::Cluster(ClusterError::Unknown { .. })), "{error:?}");
    }
}

/// Only jobs that have a port cost more calls, those that came after the first look too.
#[tokio::test(start_paused = true)]
async fn the_services_of_jobs_with_a_port_go_with_them() {
    let service = |name: &str, owner: &str| {
        let service = owned_by("ReplicationController", name, &format!("svc-{name}"), owner);
        get(format!("{SERVICES}/{name}")).answer(service)
    };
    let by_uid = |name: &str| {
        let uid = format!("svc-{name}");
        delete(format!("{SERVICES}/{name}")).body(json!({"preconditions": {"uid": uid}}))
    };
    let (cluster, kube) = FakeCluster::pair();
    let looks = looks(vec![], [vec![], vec![ours("b", "rc-b"), with_port("p", "rc-p")], vec![]]);
    let deleted = [ours("b", "rc-b"), with_port("p", "rc-p"), with_port("late", "rc-late")];
    let script = cluster.expect_groups([
        looks,
        vec![collection(CRONJOBS).items([])],
        vec![collection(CONTROLLERS).items(deleted)],
        vec![collection(JOBS).items([])],
        vec![service("p", "rc-p"), service("late", "rc-late"), by_uid("p"), by_uid("late")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let Json(deleted) = flush(context_without_limits(kube)).await.unwrap();
    assert_eq!(deleted.deleted, ["b", "late", "p"]);
    script.finish().await;
}
