//! One key is one job.

use super::*;

/// The look at the job `a`, to show it: it has ended.
fn shown_ended() -> Vec<Exchange> {
    let ended = object("a", "u1", &ended());
    vec![
        looked_up(JOBS, Some(ended.clone())),
        looked_up(CRONJOBS, None),
        looked_up(CONTROLLERS, None),
        get(JOBS).items([ended]),
        get(PODS).items([]),
    ]
}

#[tokio::test]
async fn the_same_request_again_gives_the_same_job_and_creates_nothing() {
    let before = || object("a", "u1", &kept("true", "k1"));
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There { jobs: vec![before()], ..There::default() }),
        thorough(There { jobs: vec![before()], ..There::default() }),
        shown_ended(),
    ]);
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
    script.finish().await;
}

#[tokio::test]
async fn a_key_that_was_used_for_something_else_is_refused() {
    let (cluster, kube) = FakeCluster::pair();
    let before = object("a", "u1", &kept("something else", "k1"));
    let script = cluster.expect_groups(looks(&There { jobs: vec![before], ..There::default() }));
    let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::KeyReused), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_key_is_looked_for_among_all_of_the_tools_objects() {
    let mut elsewhere = object("b", "u1", &kept("true", "k1"));
    for has_controllers in [false, true] {
        elsewhere["metadata"]["name"] = json!("b");
        let there = if has_controllers {
            There { controllers: vec![elsewhere.clone()], ..There::default() }
        } else {
            There { jobs: vec![elsewhere.clone()], ..There::default() }
        };
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups(looks(&there));
        let error = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap_err();
        assert!(matches!(error, Error::KeyReused), "{error:?}");
        script.finish().await;
    }
}

/// One that belongs to this very request is found, whichever Kubernetes names first.
#[tokio::test]
async fn of_two_objects_with_a_key_the_one_of_this_request_counts() {
    let others = object("0", "u0", &kept("something else", "k1"));
    let made = object("a", "u1", &kept("true", "k1"));
    let there = There { jobs: vec![others, made], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let [quick, sure] = looks(&there);
    let script = cluster.expect_groups([quick, sure, shown_ended()]);
    let created = run(with_key(kube, "k1"), Json(request("a"))).await.unwrap();
    assert_eq!(created.value.uid, "u1");
    script.finish().await;
}

/// The tool's last request may have been another server's, a moment ago: a quick look need not show
/// its job.
#[tokio::test]
async fn a_key_is_looked_for_thoroughly_by_a_server_that_has_created_nothing_lately() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        thorough(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        second_look(),
        look(There::default(), "NotOlderThan"),
        vec![post(JOBS).created(object("a", "u2", &json!({})))],
        second_look(),
    ]);
    let context = with_unknown_key(kube, "k1");
    assert!(run(context.clone(), Json(request("a"))).await.is_ok());
    assert!(run(context, Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// Whoever sent none can't send it again.
#[tokio::test(start_paused = true)]
async fn only_who_sent_a_key_is_told_what_to_do_with_it() {
    for has_key in [true, false] {
        let (cluster, kube) = FakeCluster::pair();
        let lost = || post(JOBS).refused(500, "InternalError", "the answer is lost");
        let tries = (0..3).flat_map(|_| [vec![lost()], vec![looked_up(JOBS, None)]]);
        let _script = cluster.expect_groups([survey(There::default())].into_iter().chain(tries));
        let asked =
            if has_key { with_key(kube, "k1") } else { context_without_limits(kube).into() };
        let error = run(asked, Json(request("a"))).await.unwrap_err();
        let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
        assert!(detail.contains("`show` tells"), "{detail}");
        assert_eq!(detail.contains("Idempotency-Key"), has_key, "{detail}");
    }
}
