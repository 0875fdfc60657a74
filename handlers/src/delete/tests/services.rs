//! A job's Service goes with it, before the answer.

use super::*;
use crate::testing::{SERVICES, with_port};

/// The look at the continuous job `a`, which has a port.
fn a_job_with_a_port() -> Vec<Exchange> {
    let there = vec![
        gone(JOBS, "a"),
        gone(CRONJOBS, "a"),
        get(format!("{CONTROLLERS}/a")).answer(with_port("a", "rc")),
        get(JOBS).items([]),
    ];
    looks(vec![], there)
}

fn service_of(owner: &str) -> Value {
    owned_by("ReplicationController", "a", "svc", owner)
}

async fn delete_with(service: Vec<Vec<Exchange>>) -> Result<Json<Deleted>> {
    let (cluster, kube) = FakeCluster::pair();
    let groups = [a_job_with_a_port(), vec![deletion(CONTROLLERS, "a", "rc")]];
    let ends = [vec![get(JOBS).items([])], vec![get(PODS).items([])]];
    let script = cluster.expect_groups(groups.into_iter().chain(service).chain(ends));
    let outcome = delete_a(kube).await;
    script.finish().await;
    outcome
}

#[tokio::test(start_paused = true)]
async fn the_service_of_a_job_goes_by_its_uid() {
    let named = vec![get(format!("{SERVICES}/a")).answer(service_of("rc"))];
    let service = vec![named, vec![deletion(SERVICES, "a", "svc")]];
    assert!(delete_with(service).await.is_ok());
}

/// Kubernetes was quicker, a new job of the name is there already, or somebody else has the name.
#[tokio::test(start_paused = true)]
async fn a_service_of_somebody_else_is_left_alone() {
    let foreign = json!({"metadata": {"labels": {"toolforge": "no"}}});
    let mut stranger = service_of("rc");
    stranger["metadata"]["labels"]["toolforge"] = json!("no");
    for answer in [
        gone(SERVICES, "a"),
        get(format!("{SERVICES}/a")).answer(service_of("new")),
        get(format!("{SERVICES}/a")).answer(object("a", "svc", &foreign)),
        get(format!("{SERVICES}/a")).answer(stranger),
    ] {
        assert!(delete_with(vec![vec![answer]]).await.is_ok());
    }
}

/// Kubernetes takes it away with its owner.
#[tokio::test(start_paused = true)]
async fn a_service_that_the_tool_may_not_delete_is_left_to_kubernetes() {
    let refused = |exchange: Exchange| exchange.refused(403, "Forbidden", "no such right");
    let named = || get(format!("{SERVICES}/a"));
    for service in [
        vec![vec![refused(named())]],
        vec![vec![named().answer(service_of("rc"))], vec![refused(deletion(SERVICES, "a", "svc"))]],
    ] {
        assert!(delete_with(service).await.is_ok());
    }
}

/// The job has gone, so that is not told as a refusal.
#[tokio::test(start_paused = true)]
async fn a_service_that_stays_is_told_when_nothing_of_the_job_runs_any_more() {
    let named = vec![get(format!("{SERVICES}/a")).answer(service_of("rc"))];
    let broken = deletion(SERVICES, "a", "svc").refused(400, "BadRequest", "no");
    let error = delete_with(vec![named, vec![broken]]).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::Unknown { .. })), "{error:?}");
}
