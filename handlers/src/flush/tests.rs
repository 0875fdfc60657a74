use serde_json::json;
use tjf_runtime::testing::{Exchange, FakeCluster, delete, get};

use super::*;
use crate::testing::{CONTROLLERS, CRONJOBS, JOBS, PODS, context, object, owned};

/// Everything of ours that this tool has: with less, a delete of a collection would take what is
/// not ours.
const SELECTOR: &str = "labelSelector=toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dtf-test";

fn collection(path: &str) -> Exchange {
    delete(path).query(SELECTOR).body(json!({"propagationPolicy": "Background"}))
}

#[tokio::test]
async fn of_nothing_is_nothing() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![get(JOBS).query(SELECTOR).items([])],
        vec![collection(CRONJOBS).items([])],
        vec![collection(CONTROLLERS).items([])],
        vec![collection(JOBS).items([])],
        vec![collection(PODS).items([])],
    ]);
    let Json(deleted) = flush(context(kube)).await.unwrap();
    assert!(deleted.deleted.is_empty());
    script.finish().await;
}

/// The run `c-0` goes with its owner before its own kind's turn comes; its pod is waited for all
/// the same.
#[tokio::test(start_paused = true)]
async fn everything_goes_and_the_jobs_are_named_but_not_their_runs() {
    let (cluster, kube) = FakeCluster::pair();
    let pod = || owned("c-0-x", "pod-of-run", "run0");
    let script = cluster.expect_groups([
        vec![get(JOBS).query(SELECTOR).items([owned("c-0", "run0", "cron")])],
        vec![collection(CRONJOBS).items([object("c", "cron", &json!({}))])],
        vec![collection(CONTROLLERS).items([object("b", "rc", &json!({}))])],
        vec![collection(JOBS).items([object("a", "job", &json!({})), owned("c-1", "run", "cron")])],
        vec![collection(PODS).items([owned("a-x", "pod", "job")])],
        vec![get(JOBS).query(SELECTOR).items([])],
        vec![get(PODS).query(SELECTOR).items([pod()])],
        vec![delete(format!("{PODS}/c-0-x"))],
        vec![get(JOBS).query(SELECTOR).items([])],
        vec![get(PODS).query(SELECTOR).items([])],
    ]);
    let Json(deleted) = flush(context(kube)).await.unwrap();
    assert_eq!(deleted.deleted, ["a", "b", "c"]);
    script.finish().await;
}
