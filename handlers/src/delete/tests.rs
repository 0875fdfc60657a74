mod services;

use serde_json::{Value, json};
use tjf_runtime::{
    Failure, RequestId,
    testing::{Exchange, FakeCluster, delete as expect_delete, get},
};

use super::*;
use crate::{
    cluster::ClusterError,
    testing::{
        CONTROLLERS, CRONJOBS, JOBS, PODS, context_without_limits, object, ours, owned, owned_by,
    },
};

fn gone(path: &str, name: &str) -> Exchange {
    get(format!("{path}/{name}")).not_found()
}

/// A delete of this very object that takes what it owns with it.
fn deletion(path: &str, name: &str, uid: &str) -> Exchange {
    expect_delete(format!("{path}/{name}"))
        .body(json!({"propagationPolicy": "Background", "preconditions": {"uid": uid}}))
}

/// The look at pods, and at what they may belong to.
fn looks(pods: Vec<Value>, mut there: Vec<Exchange>) -> Vec<Exchange> {
    there.push(get(PODS).query("app.kubernetes.io%2Fname%3Da").items(pods));
    there
}

fn nothing_is_there() -> Vec<Exchange> {
    vec![gone(JOBS, "a"), gone(CRONJOBS, "a"), gone(CONTROLLERS, "a"), get(JOBS).items([])]
}

/// The look at the scheduled job `a`, which has one run with one pod.
fn a_scheduled_job() -> Vec<Exchange> {
    let there = vec![
        gone(JOBS, "a"),
        get(format!("{CRONJOBS}/a")).answer(ours("a", "cron")),
        gone(CONTROLLERS, "a"),
        get(JOBS).items([owned("a-1", "run", "cron")]),
    ];
    looks(vec![owned("a-1-x", "pod", "run")], there)
}

async fn delete_a(kube: kube::Client) -> Result<Json<Deleted>> {
    delete(context_without_limits(kube), Path("a".parse().unwrap())).await
}

#[tokio::test]
async fn what_is_not_there_is_a_job_not_found_and_nothing_is_deleted() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([looks(vec![], nothing_is_there())]);
    let error = delete_a(kube).await.unwrap_err();
    assert!(matches!(error, Error::JobNotFound(_)));
    script.finish().await;
}

/// Somebody else deleted it a moment ago, and its program has not ended.
#[tokio::test(start_paused = true)]
async fn what_is_still_ending_is_waited_for() {
    let pod = || owned("a-x", "pod", "gone");
    let (cluster, kube) = FakeCluster::pair();
    let looks = looks(vec![pod()], nothing_is_there());
    let script = cluster.expect_groups([
        looks,
        vec![get(JOBS).items([]), get(CRONJOBS).items([]), get(CONTROLLERS).items([])],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([pod()])],
        vec![deletion(PODS, "a-x", "pod")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let Json(deleted) = delete_a(kube).await.unwrap();
    assert_eq!(deleted.deleted, ["a"]);
    script.finish().await;
}

/// Pods with our labels of objects that are not jobs, and a pod that has ended already.
#[tokio::test(start_paused = true)]
async fn pods_that_are_not_of_a_job_that_was_deleted_are_left_alone() {
    let mut ended_pod = owned("a-ended", "pod3", "gone");
    ended_pod["status"] = json!({"phase": "Succeeded"});
    let pods = vec![
        owned_by("ReplicaSet", "a-web", "pod1", "replica-set"),
        owned("a-foreign", "pod2", "unlabelled"),
        ended_pod,
    ];
    let (cluster, kube) = FakeCluster::pair();
    let looks = looks(pods, nothing_is_there());
    let unlabelled = json!({"metadata": {"labels": {"toolforge": "no"}}});
    let script = cluster.expect_groups([
        looks,
        vec![
            get(JOBS).items([object("foreign", "unlabelled", &unlabelled)]),
            get(CRONJOBS).items([]),
            get(CONTROLLERS).items([]),
        ],
    ]);
    let error = delete_a(kube).await.unwrap_err();
    assert!(matches!(error, Error::JobNotFound(_)), "{error:?}");
    script.finish().await;
}

/// Kubernetes is quicker with the run than we are: its pod is known all the same, and waited for.
#[tokio::test(start_paused = true)]
async fn the_pod_of_a_run_that_went_with_its_owner_is_waited_for() {
    let pod = || owned("a-1-x", "pod", "run");
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let script = cluster.expect_groups([
        looks,
        vec![deletion(CRONJOBS, "a", "cron")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([pod()])],
        vec![deletion(PODS, "a-1-x", "pod")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    assert!(delete_a(kube).await.is_ok());
    script.finish().await;
}

/// The owner goes first, then its run and the run's pod; a pod of the same name's new job is left
/// alone; and the answer waits until a look finds none of the old ones.
#[tokio::test(start_paused = true)]
async fn a_scheduled_job_goes_with_its_run_and_its_pods_and_nothing_else() {
    let stranger = || owned("a-new", "pod2", "another-uid");
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let script = cluster.expect_groups([
        looks,
        vec![deletion(CRONJOBS, "a", "cron")],
        vec![get(JOBS).items([owned("a-1", "run", "cron")])],
        vec![get(PODS).items([owned("a-1-x", "pod", "run"), stranger()])],
        vec![deletion(JOBS, "a-1", "run")],
        vec![deletion(PODS, "a-1-x", "pod")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([stranger()])],
    ]);
    let Json(deleted) = delete_a(kube).await.unwrap();
    assert_eq!(deleted.deleted, ["a"]);
    script.finish().await;
}

/// The schedule came due between the first look and the delete, and Kubernetes took the new run with
/// its owner before anybody saw it.
#[tokio::test(start_paused = true)]
async fn a_run_that_came_and_went_meanwhile_is_waited_for() {
    let mut pod = owned("a-2-x", "pod2", "run2");
    pod["metadata"]["labels"]["app.kubernetes.io/name"] = json!("a");
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let script = cluster.expect_groups([
        looks,
        vec![deletion(CRONJOBS, "a", "cron")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([pod])],
        vec![get(JOBS).items([]), get(CRONJOBS).items([]), get(CONTROLLERS).items([])],
        vec![deletion(PODS, "a-2-x", "pod2")],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    assert!(delete_a(kube).await.is_ok());
    script.finish().await;
}

/// Once the owner has gone, what Kubernetes can't answer for a while is not a reason to stop waiting.
#[tokio::test(start_paused = true)]
async fn a_look_that_fails_is_followed_by_another() {
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let failing: Vec<_> =
        (0..12).map(|_| get(JOBS).refused(500, "InternalError", "etcd is away")).collect();
    let mut groups = vec![looks, vec![deletion(CRONJOBS, "a", "cron")]];
    groups.extend(failing.into_iter().map(|look| vec![look]));
    groups.extend([vec![get(JOBS).items([])], vec![get(PODS).items([])]]);
    let script = cluster.expect_groups(groups);
    assert!(delete_a(kube).await.is_ok());
    script.finish().await;
}

/// A pod that never goes: the answer comes before the request's time is over.
#[tokio::test(start_paused = true)]
async fn the_answer_comes_in_time() {
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let mut groups = vec![looks, vec![deletion(CRONJOBS, "a", "cron")]];
    let pod = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
    let mut going = owned("a-1-x", "pod", "run");
    going["metadata"]["deletionTimestamp"] = pod["metadata"]["deletionTimestamp"].clone();
    for _ in 0..100 {
        groups.extend([vec![get(JOBS).items([])], vec![get(PODS).items([going.clone()])]]);
    }
    let _script = cluster.expect_groups(groups);
    let began = tokio::time::Instant::now();
    assert!(delete_a(kube).await.is_ok());
    let seconds = began.elapsed().as_secs();
    assert!((19..=21).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_name_that_a_crash_left_in_two_kinds_goes_from_both() {
    let (cluster, kube) = FakeCluster::pair();
    let there = vec![
        get(format!("{JOBS}/a")).answer(ours("a", "job")),
        gone(CRONJOBS, "a"),
        get(format!("{CONTROLLERS}/a")).answer(ours("a", "rc")),
        get(JOBS).items([ours("a", "job")]),
    ];
    let looks = looks(vec![], there);
    let script = cluster.expect_groups([
        looks,
        vec![deletion(CONTROLLERS, "a", "rc"), deletion(JOBS, "a", "job").not_found()],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    assert!(delete_a(kube).await.is_ok());
    script.finish().await;
}

/// A list of the whole namespace.
fn everything(path: &str) -> Exchange {
    get(path).without("labelSelector")
}

/// Its template says what labels its pods have: those of the object, others, or none of ours.
#[tokio::test(start_paused = true)]
async fn pods_are_looked_for_as_far_as_their_template_says() {
    let labelled = |label: &str, value: &str| {
        let mut job = ours("a", "job");
        job["spec"]["template"]["metadata"]["labels"][label] = json!(value);
        job
    };
    for (made_elsewhere, everywhere) in [
        (labelled("app.kubernetes.io/name", "a"), false),
        (labelled("app.kubernetes.io/created-by", "nobody"), true),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let there = vec![
            get(format!("{JOBS}/a")).answer(made_elsewhere),
            gone(CRONJOBS, "a"),
            gone(CONTROLLERS, "a"),
            get(JOBS).items([]),
        ];
        let looked_for = |path| {
            if everywhere { everything(path) } else { get(path).query("labelSelector") }
        };
        let script = cluster.expect_groups([
            looks(vec![], there),
            vec![deletion(JOBS, "a", "job")],
            vec![looked_for(JOBS).items([])],
            vec![looked_for(PODS).items([owned("odd", "pod", "job")])],
            vec![deletion(PODS, "odd", "pod")],
            vec![looked_for(JOBS).items([])],
            vec![looked_for(PODS).items([])],
        ]);
        assert!(delete_a(kube).await.is_ok());
        script.finish().await;
    }
}

/// Part of it was done, and what came then is not told as "nothing was".
#[tokio::test(start_paused = true)]
async fn what_is_refused_in_the_middle_is_not_told_as_refused() {
    let forbidden = |call: Exchange| call.refused(403, "Forbidden", "not yours");
    let controller = || get(format!("{CONTROLLERS}/a")).answer(ours("a", "rc"));
    let two = vec![
        get(format!("{JOBS}/a")).answer(ours("a", "job")),
        gone(CRONJOBS, "a"),
        controller(),
        get(JOBS).items([]),
    ];
    let one = vec![gone(JOBS, "a"), gone(CRONJOBS, "a"), controller(), get(JOBS).items([])];
    let of_two = vec![deletion(CONTROLLERS, "a", "rc"), forbidden(deletion(JOBS, "a", "job"))];
    let ends = vec![vec![deletion(CONTROLLERS, "a", "rc")], vec![forbidden(get(JOBS))]];
    for (there, then, action) in [(two, vec![of_two], "delete jobs"), (one, ends, "list jobs")] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups([looks(vec![], there)].into_iter().chain(then));
        let error = delete_a(kube).await.unwrap_err();
        script.finish().await;
        assert!(matches!(error, Error::Cluster(ClusterError::Unknown { .. })), "{error:?}");
        let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
        let why = format!("Kubernetes does not let tool tf-test {action}: ask an administrator");
        assert!(problem.detail.ends_with(&why), "{problem:?}");
    }
}

/// Nothing was done, and that is said.
#[tokio::test(start_paused = true)]
async fn what_is_refused_at_once_is_told_as_refused() {
    let (cluster, kube) = FakeCluster::pair();
    let refused = deletion(CRONJOBS, "a", "cron").refused(403, "Forbidden", "not yours");
    let script = cluster.expect_groups([a_scheduled_job(), vec![refused]]);
    let error = delete_a(kube).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::Forbidden { .. })), "{error:?}");
    script.finish().await;
}

/// The answer to the delete got lost, again and again.
#[tokio::test(start_paused = true)]
async fn what_nobody_can_say_is_not_told_as_not_done() {
    let (cluster, kube) = FakeCluster::pair();
    let looks = a_scheduled_job();
    let failing = (0..40).map(|_| {
        vec![deletion(CRONJOBS, "a", "cron").refused(500, "InternalError", "etcd is away")]
    });
    let _script = cluster.expect_groups([looks].into_iter().chain(failing));
    let error = delete_a(kube).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::Unknown { .. })), "{error:?}");
}
