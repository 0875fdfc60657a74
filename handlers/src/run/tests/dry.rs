//! What would be is told, and nothing is.

use super::*;

pub(super) async fn dry(kube: kube::Client, request: RunRequest) -> Result<JobView> {
    let options = Query(Options { dry_run: Some(true) });
    let key = IdempotencyKey(None);
    let context = context_without_limits(kube);
    match Box::pin(super::super::run(context, key, options, Json(request))).await? {
        Either::First(_) => panic!("it was created"),
        Either::Second(Json(Named(view))) => Ok(view),
    }
}

fn asked(path: &str) -> Exchange {
    post(path).query("dryRun=All&fieldValidation=Strict")
}

fn full(resource: &str, used: u32, limited: u32) -> String {
    format!(
        "\"job-x\" is forbidden: exceeded quota: q, requested: {resource}=1, used: \
         {resource}={used}, limited: {resource}={limited}"
    )
}

#[tokio::test]
async fn a_dry_run_asks_kubernetes_under_another_name_and_answers_with_the_own() {
    let (cluster, kube) = FakeCluster::pair();
    let name = "a".repeat(52);
    let manifest = json!({"metadata": {"generateName": "job-"}});
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![
            asked(JOBS)
                .body(manifest)
                .created(json!({"metadata": {"name": "job-x7f2k", "uid": "nobody's"}})),
        ],
    ]);
    let view = dry(kube, RunRequest { retry: Some(2), ..request(&name) }).await.unwrap();
    assert_eq!((view.name.as_str(), view.uid.as_str()), (name.as_str(), ""));
    assert_eq!((view.imagename.as_str(), view.retry), ("tf-busybox", Some(2)));
    let out = format!("/data/project/tf-test/{name}.out");
    assert_eq!(view.filelog_stdout.as_deref(), Some(out.as_str()));
    assert!(view.created_at.ends_with('Z'), "{}", view.created_at);
    script.finish().await;
}

#[tokio::test]
async fn a_name_that_is_taken_does_not_matter_and_its_job_counts_as_gone() {
    let unfinished = |count: usize| -> Vec<_> {
        let mine = object("a", "mine", &json!({}));
        let others = (1..count).map(|n| object(&format!("j{n}"), &format!("u{n}"), &json!({})));
        std::iter::once(mine).chain(others).collect()
    };
    let (cluster, kube) = FakeCluster::pair();
    let there = There { jobs: unfinished(50), ..There::default() };
    let script = cluster.expect_groups([survey(there), vec![asked(JOBS).created(json!({}))]]);
    assert_eq!(dry(kube, request("a")).await.unwrap().name, "a");
    script.finish().await;

    // One more is too many, which only a thorough look may say.
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(looks(&There { jobs: unfinished(51), ..There::default() }));
    let error = dry(kube, request("a")).await.unwrap_err();
    assert!(matches!(error, Error::TooManyUnfinished(_)), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn a_quota_that_is_full_matters_unless_something_makes_room() {
    let named = |name: &str| vec![object(name, "u", &json!({}))];
    let finished = || vec![object("old", "old", &ended())];
    let scheduled = || RunRequest { schedule: Some("@daily".to_owned()), ..request("a") };
    for (there, request, path, refusal, fits) in [
        (named("a"), request("a"), JOBS, full("count/jobs.batch", 1, 1), true),
        (named("b"), request("a"), JOBS, full("count/jobs.batch", 1, 1), false),
        (finished(), request("a"), JOBS, full("count/jobs.batch", 1, 1), true),
        (named("a"), request("a"), JOBS, full("limits.memory", 1, 1), false),
        (named("a"), scheduled(), CRONJOBS, full("count/cronjobs.batch", 9, 9), true),
        (named("a"), scheduled(), CRONJOBS, full("count/cronjobs.batch", 9, 8), false),
        (named("b"), scheduled(), CRONJOBS, full("count/cronjobs.batch", 9, 9), false),
        (named("a"), scheduled(), CRONJOBS, full("limits.cpu", 9, 9), false),
    ] {
        let there = match path {
            CRONJOBS => There { cronjobs: there, ..There::default() },
            _ => There { jobs: there, ..There::default() },
        };
        let (cluster, kube) = FakeCluster::pair();
        let [quick, sure] = looks(&there);
        let refused = || vec![asked(path).refused(403, "Forbidden", &refusal)];
        let again = [sure, refused()].into_iter().take(if fits { 0 } else { 2 });
        let script = cluster.expect_groups([quick, refused()].into_iter().chain(again));
        let outcome = dry(kube, request).await;
        assert_eq!(outcome.is_ok(), fits, "{refusal}: {outcome:?}");
        script.finish().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_refused_as_in_earnest() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.silence();
    let error = dry(kube, request("A")).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(Invalid { field: "name", .. })), "{error:?}");
    script.finish().await;
}
