//! What is not known is not taken for "not done", and a key finds what it made.

use super::*;
use crate::testing::owned;

/// The one-off that the request with this key made, last changed at this version.
pub(super) fn made_by(key: &str, version: &str) -> Value {
    let mut made = object("a", "u1", &kept("true", key));
    made["metadata"]["resourceVersion"] = json!(version);
    made
}

/// Another kind's object of the same name, last changed at this version.
pub(super) fn other(version: &str) -> Value {
    let mut other = object("a", "other", &json!({}));
    other["metadata"]["resourceVersion"] = json!(version);
    other
}

fn lost() -> Exchange {
    post(JOBS).refused(500, "InternalError", "the answer is lost")
}

/// The look at everything that has the name, to show it: it has ended meanwhile.
pub(super) fn shown() -> Vec<Exchange> {
    let mut job = made_by("k1", "60");
    job["status"] = ended()["status"].clone();
    let mut pod = owned("a-x", "pod", "u1");
    pod["status"] = json!({"phase": "Succeeded"});
    vec![
        get(format!("{JOBS}/a")).answer(job.clone()),
        get(format!("{CRONJOBS}/a")).not_found(),
        get(format!("{CONTROLLERS}/a")).not_found(),
        get(JOBS).items([job]),
        get(PODS).items([pod]),
    ]
}

pub(super) fn withdrawn() -> Vec<Vec<Exchange>> {
    vec![
        vec![delete(format!("{JOBS}/a")).body(json!({"preconditions": {"uid": "u1"}}))],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_answer_got_lost_is_found_by_its_key() {
    let made = made_by("k1", "41");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, Some(made.clone()))],
        second_look(),
        shown(),
    ]);
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
    script.finish().await;
}

/// It was created, and that is what counts: that it can't be shown is not "nothing was done".
#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_shown_was_created_all_the_same() {
    let failing = || {
        ["jobs/a", "cronjobs/a", "replicationcontrollers/a", "jobs", "pods"].map(|path| {
            let group = if path.contains("jobs") { "/apis/batch/v1" } else { "/api/v1" };
            get(format!("{group}/namespaces/tool-tf-test/{path}")).refused(
                500,
                "InternalError",
                "etcd is away",
            )
        })
    };
    let (cluster, kube) = FakeCluster::pair();
    let _script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, Some(made_by("k1", "41")))],
        second_look(),
        (0..20).flat_map(|_| failing()).collect(),
    ]);
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
}

/// Of one kind and name there is one object, so a second create can't make a second job.
#[tokio::test(start_paused = true)]
async fn a_create_that_came_to_nothing_is_sent_again() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, None)],
        vec![post(JOBS).created(made_by("k1", "41"))],
        second_look(),
    ]);
    assert!(run(with_key(kube, "k1"), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// The first create arrives after all, behind the second look's back.
#[tokio::test(start_paused = true)]
async fn a_create_that_comes_late_is_this_requests_own() {
    let made = made_by("k1", "41");
    let taken = || post(JOBS).refused(409, "AlreadyExists", "jobs.batch \"a\" already exists");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, None)],
        vec![taken()],
        vec![looked_up(JOBS, Some(made))],
        second_look(),
        shown(),
    ]);
    assert!(run(with_key(kube, "k1"), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// The first create came late and took the last place, and so the second one was refused.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_does_not_end_the_doubt() {
    let full = "jobs.batch \"a\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, \
                used: count/jobs.batch=5, limited: count/jobs.batch=5";
    let made = made_by("k1", "41");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, None)],
        vec![post(JOBS).refused(403, "Forbidden", full)],
        vec![looked_up(JOBS, Some(made))],
        second_look(),
        shown(),
    ]);
    assert!(run(with_key(kube, "k1"), Json(request("a"))).await.is_ok());
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_stays_unknown_is_told_as_that() {
    let (cluster, kube) = FakeCluster::pair();
    let try_it = || [vec![lost()], vec![looked_up(JOBS, None)]];
    let tries = [survey(There::default())].into_iter();
    let script = cluster.expect_groups(tries.chain(try_it()).chain(try_it()).chain(try_it()));
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.contains("not known whether the job `a` was created"), "{detail}");
    script.finish().await;
}

/// Another request has the name: ours did nothing, or was refused.
#[tokio::test(start_paused = true)]
async fn the_object_of_another_request_is_not_taken_for_ones_own() {
    let others = || made_by("k2", "41");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![lost()],
        vec![looked_up(JOBS, Some(others()))],
        thorough(There { jobs: vec![others()], ..There::default() }),
    ]);
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_done_it_is_asked_again() {
    let webhook = "Internal error occurred: failed calling webhook \"w\": failed to call webhook";
    let conflict = "Operation cannot be fulfilled on resourcequotas \"q\": the object has been \
                    modified; please apply your changes to the latest version and try again";
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).refused(409, "Conflict", conflict)],
        vec![post(JOBS).refused(429, "TooManyRequests", "later").header("retry-after", "3")],
        vec![post(JOBS).refused(500, "InternalError", webhook)],
        vec![post(JOBS).created(made_by("k1", "41"))],
        second_look(),
    ]);
    assert!(run(with_key(kube, "k1"), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// A version of the future, as after a restore of the database.
#[tokio::test(start_paused = true)]
async fn a_version_that_kubernetes_does_not_know_yet_is_forgotten() {
    let too_large = || {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 504,
            "reason": "Timeout", "message": "Timeout: Too large resource version",
            "details": {"causes": [{"reason": "ResourceVersionTooLarge", "message": "later"}]},
        });
        exactly(CONTROLLERS).refused(504, "Timeout", "").answer(status)
    };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![looked_up(CRONJOBS, None), looked_up(CONTROLLERS, Some(at_version("42")))],
        vec![too_large()],
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// The version of an answer is larger than the database's: it is forgotten, and asked without.
#[tokio::test]
async fn a_version_of_the_future_refuses_no_later_run() {
    let mut from_the_future = object("a", "u1", &json!({}));
    from_the_future["metadata"]["resourceVersion"] = json!("99999999");
    let too_large =
        get(JOBS).query("resourceVersion=99999999").refused(504, "Timeout", "").answer(json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 504,
            "reason": "Timeout", "message": "Timeout: Too large resource version",
            "details": {"causes": [{"reason": "ResourceVersionTooLarge", "message": "later"}]},
        }));
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(from_the_future)],
        second_look(),
        vec![too_large, get(CRONJOBS).items([]), get(CONTROLLERS).items([]), get(PODS).items([])],
        thorough(There::default()),
        vec![post(JOBS).created(object("a", "u2", &json!({})))],
        second_look(),
    ]);
    let context = context_without_limits(kube);
    assert!(run(context.clone(), Json(request("a"))).await.is_ok());
    assert!(run(context, Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// Its programs have not ended, and a new job would be the second of one bot.
#[tokio::test(start_paused = true)]
async fn a_name_whose_old_pods_are_ending_is_waited_for() {
    let ending = || There { pods: vec![owned("a-x", "pod", "gone")], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(ending()),
        thorough(ending()),
        thorough(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        second_look(),
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_never_given_up_is_told_since_when() {
    let held = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:02:00Z"}});
    let there = || There { jobs: vec![object("a", "old", &held)], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let _script = cluster
        .expect_groups([survey(there())].into_iter().chain((0..200).map(|_| thorough(there()))));
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    let Error::JobEnding { since, .. } = &error else { panic!("{error:?}") };
    assert_eq!(since.map(|at| at.to_string()).as_deref(), Some("2026-01-01T00:02:00Z"));
}

#[tokio::test(start_paused = true)]
async fn a_second_look_that_fails_for_a_while_is_made_again() {
    let failing = || get(format!("{CRONJOBS}/a")).refused(500, "InternalError", "etcd is away");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![failing(), failing(), looked_up(CRONJOBS, None), looked_up(CONTROLLERS, None)],
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn before_anything_was_created_an_outage_is_just_that() {
    let (cluster, kube) = FakeCluster::pair();
    cluster.answer_all(500, "etcd is away");
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::Failing { .. })), "{error:?}");
}

#[tokio::test]
async fn without_a_namespace_an_administrator_is_needed() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([survey(There::default()), vec![post(JOBS).not_found()]]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::Forbidden { .. })), "{error:?}");
    script.finish().await;
}

/// Neither is an answer at all, however good its status.
#[tokio::test(start_paused = true)]
async fn what_is_not_an_object_is_not_read_as_one() {
    let made = made_by("k1", "41");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        vec![
            get(JOBS).answer(json!({})),
            get(CRONJOBS).items([]),
            get(CONTROLLERS).items([]),
            get(PODS).items([]),
        ],
        vec![get(JOBS).items([])],
        vec![post(JOBS).created(json!({}))],
        vec![looked_up(JOBS, Some(json!({"metadata": {"name": "a"}})))],
        vec![looked_up(JOBS, Some(made))],
        second_look(),
        shown(),
    ]);
    assert!(run(with_key(kube, "k1"), Json(request("a"))).await.is_ok());
    script.finish().await;
}
