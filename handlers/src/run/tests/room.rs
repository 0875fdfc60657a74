//! Finished one-offs make room, and none goes for nothing.

use super::*;

/// What Kubernetes says when it has so many Jobs, and allows no more than so many.
fn full(used: u32, limited: u32) -> String {
    format!(
        "jobs.batch \"a\" is forbidden: exceeded quota: q, requested: count/jobs.batch=1, used: \
         count/jobs.batch={used}, limited: count/jobs.batch={limited}"
    )
}

#[tokio::test]
async fn what_is_refused_costs_no_finished_job() {
    let full = "replicationcontrollers \"job-x\" is forbidden: exceeded quota: q, requested: replicationcontrollers=1, used: replicationcontrollers=16, limited: replicationcontrollers=16";
    let (cluster, kube) = FakeCluster::pair();
    let there = There { jobs: vec![object("a", "old", &ended())], ..There::default() };
    let [quick, sure] = looks(&there);
    let script = cluster.expect_groups([
        quick,
        sure,
        vec![post(CONTROLLERS).query("dryRun=All").refused(403, "Forbidden", full)],
    ]);
    let request = RunRequest { continuous: Some(true), ..request("a") };
    let error = run(context_without_limits(kube), Json(request)).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::QuotaExceeded(_))), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn the_fifty_first_unfinished_one_off_is_refused() {
    let unfinished =
        (0..50).map(|n| object(&format!("j{n}"), &format!("u{n}"), &json!({}))).collect();
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(looks(&There { jobs: unfinished, ..There::default() }));
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(&error, Error::TooManyUnfinished(why) if why.unfinished == 50), "{error:?}");
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_quota_of_jobs_is_met_by_letting_the_oldest_finished_one_go() {
    let refused = || post(JOBS).refused(403, "Forbidden", &full(1, 1));
    let old = || There { jobs: vec![object("old", "u0", &ended())], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(old()),
        vec![refused()],
        thorough(old()),
        vec![delete(format!("{JOBS}/old")).body(json!({"preconditions": {"uid": "u0"}}))],
        // Its count follows late.
        vec![refused()],
        thorough(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        second_look(),
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// The quota was made smaller than what has not ended yet: no place comes of it, whatever goes.
#[tokio::test]
async fn where_nothing_can_make_room_nothing_goes() {
    let running = |name: &str| object(name, name, &json!({}));
    let there = There {
        jobs: vec![object("a", "old", &ended()), running("b"), running("c")],
        ..There::default()
    };
    let (cluster, kube) = FakeCluster::pair();
    let [quick, sure] = looks(&there);
    let refused = post(JOBS).query("dryRun=All").refused(403, "Forbidden", &full(3, 2));
    let script = cluster.expect_groups([quick, sure, vec![refused]]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::QuotaExceeded(_))), "{error:?}");
    script.finish().await;
}

/// Kubernetes names the first quota that is in the way. The other one allows even less.
#[tokio::test]
async fn every_quota_must_have_room_before_anything_goes() {
    let quota = |jobs: &str| json!({"spec": {"hard": {"count/jobs.batch": jobs}}});
    let there = There {
        jobs: vec![object("a", "old", &ended()), object("b", "b", &json!({}))],
        ..There::default()
    };
    let (cluster, kube) = FakeCluster::pair();
    let [mut quick, sure] = looks(&there);
    quick.extend([get(LIMIT_RANGES).items([]), get(QUOTAS).items([quota("2"), quota("1")])]);
    let refused = post(JOBS).query("dryRun=All").refused(403, "Forbidden", &full(2, 2));
    let script = cluster.expect_groups([quick, sure, vec![refused]]);
    let error = run(context(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::QuotaExceeded(_))), "{error:?}");
    script.finish().await;
}

/// As many as it takes, in one turn.
#[tokio::test(start_paused = true)]
async fn all_that_must_go_for_a_smaller_quota_go_together() {
    let finished = |name: &str| object(name, name, &ended());
    let there = There {
        jobs: vec![finished("a"), finished("b"), finished("c"), object("d", "d", &json!({}))],
        ..There::default()
    };
    let gone = |name: &str| delete(format!("{JOBS}/{name}"));
    let (cluster, kube) = FakeCluster::pair();
    let [quick, sure] = looks(&there);
    let script = cluster.expect_groups([
        quick,
        sure,
        vec![post(JOBS).query("dryRun=All").refused(403, "Forbidden", &full(4, 2))],
        vec![gone("a"), gone("b"), gone("c")],
        vec![post(JOBS).created(object("a", "new", &json!({})))],
        second_look(),
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}
