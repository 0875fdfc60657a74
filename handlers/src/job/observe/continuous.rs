//! The status of a continuous job.

use jiff::Timestamp;
use tjf_api_types::Phase;

use super::{
    Snapshot, pod,
    refused::Refused,
    status::{Cause, Present, Status},
};
use crate::job::objects::{ReplicationController, condition};

/// The reason of a job whose restart nobody brings to its end.
pub const RESTART_INTERRUPTED: &str = "RestartInterrupted";

/// What a ReplicationController does. One copy that runs makes the job a running one; what keeps
/// others from running is told beside it.
pub(super) fn status(
    snapshot: &Snapshot<'_>,
    controller: &ReplicationController,
    now: Timestamp,
) -> Status {
    if let Some((restart, _)) = controller.restart() {
        let present = restarting(restart.is_interrupted(now));
        return Status { restarts: Some(0), ..Status::of(present) };
    }
    let wanted = controller.wanted();
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

/// It has no copies for a moment, or for longer when its restart was not brought to its end.
fn restarting(is_interrupted: bool) -> Present {
    if is_interrupted {
        let message = "its restart was interrupted when its old pods were to end: this look goes on \
                       with it, and so does `restart`";
        return Present::waiting(Cause::new(RESTART_INTERRUPTED, message));
    }
    let message = "it is being restarted: its new pods start when the old ones have ended";
    let cause = Some(Cause { reason: None, message: message.to_owned() });
    Present::Waiting { cause, last_try: None }
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Running => 0,
        Phase::Pending => 1,
        Phase::Unknown => 2,
        Phase::Succeeded | Phase::Failed => 3,
    }
}
