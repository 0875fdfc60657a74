//! Who was first, when both objects may have changed since.

use super::{
    outcomes::{made_by, other, shown, withdrawn},
    *,
};

/// Whether the one-off, and the continuous job, were there at this version.
fn at(version: u32, one_off: bool, controller: bool) -> Vec<Exchange> {
    let look = |path: &str, object: Option<Value>| {
        let query = format!("resourceVersion={version}&resourceVersionMatch=Exact");
        get(path).query(&query).items(object)
    };
    vec![
        look(JOBS, one_off.then(|| made_by("k1", "1"))),
        look(CONTROLLERS, controller.then(|| other("1"))),
    ]
}

/// The first request of this key never came to its second look; this one makes it. The continuous
/// job was there at a version at which the one-off was not.
#[tokio::test(start_paused = true)]
async fn a_key_whose_job_was_second_gives_it_up_and_not_the_first_ones() {
    let there = || There {
        jobs: vec![made_by("k1", "60")],
        controllers: vec![other("50")],
        ..There::default()
    };
    let (cluster, kube) = FakeCluster::pair();
    // Both at 50, both at 48, at 44 neither; then by halves.
    let looks = [at(50, true, true), at(48, true, true), at(44, false, false)];
    let halves = [at(46, false, false), at(47, false, true)];
    let script = cluster.expect_groups(
        super::looks(&there()).into_iter().chain(looks).chain(halves).chain(withdrawn()),
    );
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_job_was_first_keeps_it() {
    let there = There {
        jobs: vec![made_by("k1", "60")],
        controllers: vec![other("50")],
        ..There::default()
    };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(looks(&there).into_iter().chain([
        at(50, true, true),
        at(48, true, false),
        shown(),
    ]));
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
    script.finish().await;
}

/// Kubernetes remembers versions for minutes only. Then the time of creation decides, and where that
/// is the same, nothing proves that the job was second, and it stays.
#[tokio::test(start_paused = true)]
async fn without_old_versions_the_time_of_creation_decides() {
    for (created, is_second) in [("2025-12-31T23:59:59Z", true), ("2026-01-01T00:00:00Z", false)] {
        let mut older = other("50");
        older["metadata"]["creationTimestamp"] = json!(created);
        let there =
            There { jobs: vec![made_by("k1", "60")], controllers: vec![older], ..There::default() };
        let expired =
            |path: &str| get(path).refused(410, "Expired", "too old resource version: 50 (55)");
        let (cluster, kube) = FakeCluster::pair();
        let end = if is_second { withdrawn() } else { vec![shown()] };
        let looks = looks(&there).into_iter().chain([vec![expired(JOBS), expired(CONTROLLERS)]]);
        let script = cluster.expect_groups(looks.chain(end));
        let outcome = run(with_key(kube, "k1"), Json(request("a"))).await;
        assert_eq!(outcome.is_err(), is_second, "{created}");
        script.finish().await;
    }
}

/// A version that is forgotten is as good an end to the search as one that shows neither.
#[tokio::test(start_paused = true)]
async fn forgotten_versions_are_gone_around() {
    let there = There {
        jobs: vec![made_by("k1", "60")],
        controllers: vec![other("50")],
        ..There::default()
    };
    let forgotten = |path: &str| get(path).refused(410, "Expired", "too old resource version");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(
        looks(&there)
            .into_iter()
            .chain([
                at(50, true, true),
                at(48, true, true),
                vec![forgotten(JOBS), forgotten(CONTROLLERS)],
                at(46, true, true),
                at(45, false, true),
            ])
            .chain(withdrawn()),
    );
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}
