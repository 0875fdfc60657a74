//! The status of a continuous job.

use jiff::Timestamp;
use tjf_api_types::Phase;

use super::{
    Snapshot, pod,
    refused::Refused,
    status::{Cause, Present, Status},
};
use crate::job::objects::{ReplicationController, condition};

/// What a ReplicationController does. One copy that runs makes the job a running one; what keeps
/// others from running is told beside it.
pub(super) fn status(
    snapshot: &Snapshot<'_>,
    controller: &ReplicationController,
    now: Timestamp,
) -> Status {
    let wanted = controller.spec.replicas.unwrap_or(1);
    if wanted == 0 {
        let cause = Cause::new("NoReplicas", "it has no copies: `replicas` is 0");
        return Status { restarts: Some(0), ..Status::of(Present::waiting(cause)) };
    }
    let pods = snapshot.pods_of(&controller.metadata).iter();
    let alive: Vec<_> =
        pods.filter(|pod| pod.metadata.deletion_timestamp.is_none() && !pod.has_ended()).collect();
    // The condition stays for a while after what was refused has been made.
    let are_all_there = i64::try_from(alive.len()).is_ok_and(|alive| alive >= wanted);
    let failure = condition(&controller.status.conditions, "ReplicaFailure")
        .filter(|_| !are_all_there)
        .map(|condition| Refused::of(&condition.message).pod());
    // The best copy speaks for all; among equals one that says why it waits, or has run longest.
    let copies = alive.iter().map(|pod| pod::present(snapshot, pod, now));
    let best = copies.min_by_key(|copy| {
        let started_at = copy.started_at();
        (rank(copy.phase()), copy.cause().is_none(), started_at.is_none(), started_at)
    });
    let mut present = best.unwrap_or(Present::STARTING);
    if let Present::Waiting { cause, .. } | Present::Running { cause, .. } = &mut present
        && cause.is_none()
    {
        *cause = failure;
    }
    let restarts = alive.iter().map(|pod| pod::restarts(pod)).sum();
    Status { restarts: Some(restarts), ..Status::of(present) }
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Running => 0,
        Phase::Pending => 1,
        Phase::Unknown => 2,
        Phase::Succeeded | Phase::Failed => 3,
    }
}
