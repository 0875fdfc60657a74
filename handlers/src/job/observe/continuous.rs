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
        return Status::pending("NoReplicas", "it has no copies: `replicas` is 0");
    }
    let failure = condition(&controller.status.conditions, "ReplicaFailure")
        .map(|condition| refused_pod(&condition.message));
    let mut copies: Vec<_> = snapshot
        .pods_of(&controller.metadata)
        .filter(|pod| pod.metadata.deletion_timestamp.is_none() && !pod::has_ended(pod))
        .map(|pod| pod::present(snapshot, pod, now))
        .collect();
    let restarts = copies.iter().filter_map(|copy| copy.restarts).sum();
    // The best copy speaks for all; among equals the one that has run longest.
    copies.sort_by_key(|copy| (rank(copy.phase()), copy.started_at.is_none(), copy.started_at));
    let mut status = copies.into_iter().next().unwrap_or_default();
    if status.reason.is_none()
        && let Some(failure) =
            failure.or_else(|| snapshot.not_created(&controller.metadata)).filter(|_| {
                status.phase() != Phase::Running || is_short_of_copies(snapshot, controller)
            })
    {
        (status.reason, status.message) = (failure.reason, failure.message);
    }
    status.restarts = Some(restarts);
    status
}

fn is_short_of_copies(snapshot: &Snapshot, controller: &ReplicationController) -> bool {
    let wanted = usize::try_from(controller.spec.replicas.unwrap_or(1)).unwrap_or(0);
    snapshot.pods_of(&controller.metadata).count() < wanted
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Running => 0,
        Phase::Pending => 1,
        Phase::Unknown => 2,
        Phase::Succeeded | Phase::Failed => 3,
    }
}
