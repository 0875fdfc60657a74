//! What waits for room: objects whose next pod a quota refused.

use super::{refused::Refused, snapshot::Snapshot};
use crate::job::{
    kind::Kind,
    objects::{BatchJob, Condition, Meta, Pod, ReplicationController, condition},
    quota::QuotaRefusal,
};

/// The reason of the event about a pod that was not made.
const FAILED_CREATE: &str = "FailedCreate";

/// An object that waits for room.
#[derive(Debug, Clone)]
pub struct Waiting<'a> {
    /// Jobs, or `ReplicationController`s.
    pub kind: Kind,
    /// About the object.
    pub meta: &'a Meta,
    /// How the last pod was refused, as far as that is kept.
    pub refusal: QuotaRefusal,
}

impl<'a> Snapshot<'a> {
    /// All that waits for room: one-offs, runs of scheduled jobs, and continuous jobs that lack
    /// copies; the oldest first. Only events tell it of the first two.
    pub fn waiting_for_room(&self) -> Vec<Waiting<'a>> {
        let controllers = self.controllers.iter().filter_map(|it| self.waiting_controller(it));
        let jobs = self.jobs().filter_map(|job| self.waiting_job(job));
        let mut waiting: Vec<_> = controllers.chain(jobs).collect();
        waiting.sort_by_key(|it| (it.meta.creation_timestamp, &it.meta.name));
        waiting
    }

    /// Whether Kubernetes is about to make a pod that nothing has refused yet, as right after a
    /// restart. What is left over by then is for those that wait.
    pub fn has_pods_coming(&self) -> bool {
        let controllers = self
            .controllers
            .iter()
            .any(|controller| self.lacks_copies(controller) && failure(controller).is_none());
        controllers || self.jobs().any(|job| self.is_new(job))
    }

    fn lacks_copies(&self, controller: &ReplicationController) -> bool {
        let alive = self.pods_of(&controller.metadata).iter().filter(|pod| is_alive(pod)).count();
        i64::try_from(alive).is_ok_and(|alive| alive < controller.spec.replicas.unwrap_or(1))
    }

    fn lacks_pod(&self, job: &BatchJob) -> bool {
        let is_suspended = condition(&job.status.conditions, "Suspended").is_some();
        let has_pod =
            job.status.active > 0 || self.pods_of(&job.metadata).iter().any(|pod| is_alive(pod));
        job.ended().is_none() && !is_suspended && !has_pod
    }

    fn is_new(&self, job: &BatchJob) -> bool {
        let never_had_one = job.status.failed == 0 && self.pods_of(&job.metadata).is_empty();
        self.lacks_pod(job)
            && never_had_one
            && self.event(&job.metadata, &[FAILED_CREATE]).is_none()
    }

    fn waiting_controller(&self, controller: &'a ReplicationController) -> Option<Waiting<'a>> {
        let failure = failure(controller).filter(|_| self.lacks_copies(controller))?;
        let refusal = quota(Refused::of(&failure.message))?;
        let meta = &controller.metadata;
        Some(Waiting { kind: Kind::REPLICATION_CONTROLLERS, meta, refusal })
    }

    fn waiting_job(&self, job: &'a BatchJob) -> Option<Waiting<'a>> {
        let meta = &job.metadata;
        if !self.lacks_pod(job) {
            return None;
        }
        let event = self.event(meta, &[FAILED_CREATE])?;
        // After a try that failed, only what was refused since then is about the next one.
        let pods = self.pods_of(meta).iter();
        let last_try = pods.filter_map(|pod| pod.metadata.creation_timestamp).max();
        let refusal = quota(Refused::by(event)).filter(|_| event.at() >= last_try)?;
        Some(Waiting { kind: Kind::JOBS, meta, refusal })
    }
}

fn failure(controller: &ReplicationController) -> Option<&Condition> {
    condition(&controller.status.conditions, "ReplicaFailure")
}

fn is_alive(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !pod.has_ended()
}

fn quota(refused: Refused) -> Option<QuotaRefusal> {
    match refused {
        Refused::Quota(refusal) => Some(refusal),
        Refused::NotAllowed(_) | Refused::Otherwise => None,
    }
}
