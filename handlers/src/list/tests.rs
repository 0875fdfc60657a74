use serde_json::json;
use tjf_api_types::{JobType, JobView};
use tjf_runtime::testing::{Exchange, FakeCluster, get};

use super::*;
use crate::{
    cluster::ClusterError,
    error::Error,
    testing::{CONTROLLERS, CRONJOBS, JOBS, PODS, context, ended, object, owned},
};

/// What is asked of each kind: everything of ours that this tool has, and nothing else.
const SELECTOR: &str = "labelSelector=toolforge%3Dtool%2Capp.kubernetes.io%2Fmanaged-by%3Dtoolforge-jobs-framework%2Capp.kubernetes.io%2Fcreated-by%3Dtf-test";

fn read(written: &Written) -> Vec<JobView> {
    serde_json::from_slice(written.json()).unwrap()
}

fn all(path: &str) -> Exchange {
    get(path).query(SELECTOR)
}

#[tokio::test]
async fn four_lists_side_by_side_become_one_sorted_by_name() {
    let cron = json!({"spec": {"schedule": "0 0 1 1 *", "timeZone": "Etc/UTC"}});
    let idle = json!({"spec": {"replicas": 0}});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        all(JOBS).items([object("c", "u1", &ended()), owned("b-1", "child", "u2")]),
        all(CRONJOBS).items([object("b", "u2", &cron)]),
        all(CONTROLLERS).items([object("a", "u3", &idle)]),
        all(PODS).items([owned("b-1-x", "pod", "child")]),
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    let told: Vec<_> =
        views.iter().map(|view| (view.name.as_str(), view.job_type.known().unwrap())).collect();
    assert_eq!(
        told,
        [("a", JobType::Continuous), ("b", JobType::Scheduled), ("c", JobType::OneOff)]
    );
    script.finish().await;
}

#[tokio::test]
async fn pages_are_put_together() {
    let page = |name: &str, next: &str| {
        json!({
            "metadata": {"continue": next}, "items": [object(name, name, &ended())],
        })
    };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([vec![
        all(JOBS).query("limit=500").answer(page("a", "more")),
        all(CRONJOBS).items([]),
        all(CONTROLLERS).items([]),
        all(PODS).items([]),
        all(JOBS).query("continue=more").answer(page("b", "")),
    ]]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    script.finish().await;
}

/// Kubernetes forgets the version of a list that takes long. Half of it is not all of it, nor none.
#[tokio::test]
async fn a_list_that_is_interrupted_is_read_anew_as_a_whole() {
    let first = json!({"metadata": {"continue": "more"}, "items": [object("a", "a", &ended())]});
    let others = || [all(CRONJOBS).items([]), all(CONTROLLERS).items([]), all(PODS).items([])];
    let (cluster, kube) = FakeCluster::pair();
    let jobs = ["a", "b"].map(|name| object(name, name, &ended()));
    let script = cluster.expect_groups([others()
        .into_iter()
        .chain([
            all(JOBS).query("limit=500").answer(first),
            all(JOBS).query("continue=more").refused(410, "Expired", "the version is too old"),
            all(JOBS).without("limit").without("continue").items(jobs),
        ])
        .collect()]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    script.finish().await;
}

/// With less than a name and a uid it is not an object, and without items not a list.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_a_list_is_asked_for_again() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            all(JOBS).answer(json!({})),
            all(CRONJOBS).items([]),
            all(CONTROLLERS).items([]),
            all(PODS).items([]),
        ],
        vec![all(JOBS).answer(json!({"metadata": {}, "items": null}))],
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert!(views.is_empty());
    script.finish().await;
}

#[tokio::test]
async fn one_object_that_cannot_be_read_does_not_hide_the_others() {
    let odd = json!({"metadata": {"name": "odd", "creationTimestamp": "yesterday"}});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        all(JOBS).items([odd, object("a", "u1", &ended())]),
        all(CRONJOBS).items([]),
        all(CONTROLLERS).items([]),
        all(PODS).items([]),
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["a"]);
    script.finish().await;
}

/// A large list is read object by object, a small one at once.
#[tokio::test]
async fn large_objects_are_told_as_others_are() {
    let filling = "x".repeat(300_000);
    let large = |name: &str| {
        let mut job = object(name, name, &ended());
        job["spec"]["template"]["spec"]["containers"][0]["env"] =
            json!([{"name": "A", "value": filling}]);
        job
    };
    let odd = json!({"metadata": {"name": "odd", "creationTimestamp": "yesterday"}});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        all(JOBS).items([large("a"), odd, large("b")]),
        all(CRONJOBS).items([]),
        all(CONTROLLERS).items([]),
        all(PODS).items([]),
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    script.finish().await;
}

/// The rule is that of `show`: what has a controller belongs to that.
#[tokio::test]
async fn an_object_with_a_controller_is_not_a_job_of_its_own() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all([
        all(JOBS).items([owned("a", "u1", "x")]),
        all(CRONJOBS).items([owned("b", "u2", "x")]),
        all(CONTROLLERS).items([owned("c", "u3", "x")]),
        all(PODS).items([]),
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views, []);
    script.finish().await;
}

/// Objects of another program: its pods lack the labels by which lists are selected.
#[tokio::test]
async fn pods_without_our_labels_are_looked_for_in_the_whole_namespace() {
    let template = json!({"metadata": {"labels": {"toolforge": null}}});
    let more = json!({"spec": {"replicas": 1, "template": template}});
    let mut pod = owned("x", "u2", "u1");
    pod["status"] = json!({"phase": "Running", "containerStatuses": [
        {"name": "main", "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
    ]});
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            all(JOBS).items([]),
            all(CRONJOBS).items([]),
            all(CONTROLLERS).items([object("a", "u1", &more)]),
            all(PODS).items([]),
        ],
        vec![get(PODS).query("limit=500").items([pod])],
    ]);
    let views = read(&list(context(kube), Recall::Allowed).await.unwrap());
    assert_eq!(views[0].status.phase, tjf_api_types::Phase::Running);
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_is_too_busy_says_when_to_come_back() {
    let busy = || {
        all(JOBS).refused(429, "TooManyRequests", "too many requests").header("retry-after", "4")
    };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_at_least([busy(), busy()]);
    let error = list(context(kube), Recall::Allowed).await.unwrap_err();
    let Error::Cluster(ClusterError::Busy { code: 429, retry_after, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!(retry_after, Some(std::time::Duration::from_secs(4)));
    script.finish().await;
}

/// Whoever answers with a redirect wants the tool's certificate shown elsewhere.
#[tokio::test(start_paused = true)]
async fn a_redirect_is_followed_nowhere() {
    for code in [301, 302, 307, 308] {
        let moved = all(JOBS).refused(code, "", "moved").header("location", "/api/v1/secrets");
        let (cluster, kube) = FakeCluster::pair();
        let others = [CRONJOBS, CONTROLLERS, PODS].map(|path| all(path).items([]));
        let script = cluster.expect_all([moved].into_iter().chain(others));
        let error = list(context(kube), Recall::Allowed).await.unwrap_err();
        assert!(matches!(error, Error::Cluster(_)), "{code}: {error:?}");
        script.finish().await;
    }
}
