//! The status of a continuous job.

use jiff::Timestamp;
use tjf_api_types::Phase;

use super::{Snapshot, Status, pod, refused_pod};
use crate::job::objects::{ReplicationController, condition};

/// What a ReplicationController does. One copy that runs makes the job a running one; what keeps
/// others from running is told beside it.
pub(super) fn status(
    snapshot: &Snapshot,
    controller: &ReplicationController,
    now: Timestamp,
) -> Status {
    if controller.spec.replicas == Some(0) {
        return Status {
            restarts: Some(0),
            ..Status::pending("NoReplicas", "it has no copies: `replicas` is 0")
        };
    }
    let failure = condition(&controller.status.conditions, "ReplicaFailure")
        .map(|condition| refused_pod(&condition.message));
    let alive: Vec<_> = snapshot
        .pods_of(&controller.metadata)
        .filter(|pod| pod.metadata.deletion_timestamp.is_none() && !pod::has_ended(pod))
        .collect();
    // The best copy speaks for all; among equals one that says why it waits, or has run longest.
    let mut status = alive
        .iter()
        .map(|pod| pod::present(snapshot, pod, now))
        .min_by_key(|copy| {
            let is_silent = copy.reason.is_none();
            (rank(copy.phase()), is_silent, copy.started_at.is_none(), copy.started_at)
        })
        .unwrap_or_default();
    if status.reason.is_none()
        && let Some(failure) = failure
    {
        (status.reason, status.message) = (failure.reason, failure.message);
    }
    status.restarts = Some(alive.into_iter().map(pod::restarts).sum());
    status
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Running => 0,
        Phase::Pending => 1,
        Phase::Unknown => 2,
        Phase::Succeeded | Phase::Failed => 3,
    }
}
