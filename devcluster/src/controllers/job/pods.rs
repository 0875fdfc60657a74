//! What became of a Job's pods, and how the next one is made.

use std::cmp::Reverse;

use crate::{
    controllers::{garbage::JOB_TRACKING, pod_of},
    defaults,
    kind::Kind,
    object::Object,
    store::Store,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{PodSpec, PodStatus, PodTemplateSpec};

/// The pause after one failure; each further one doubles it.
const PAUSE_MIN: SignedDuration = SignedDuration::from_secs(10);
const PAUSE_MAX: SignedDuration = SignedDuration::from_mins(10);

/// What became of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is at work, or will be.
    Active,
    /// It has been told to go.
    Terminating,
    Succeeded,
    Failed,
}

/// A pod of a Job.
pub(super) struct Pod<'a> {
    pub(super) object: &'a Object,
    pub(super) fate: Fate,
    pub(super) is_ready: bool,
    /// When it ended, or at least was told to, if it was.
    ended_at: Timestamp,
}

impl<'a> Pod<'a> {
    fn new(object: &'a Object) -> Self {
        let status: PodStatus = object.status();
        let fate = match status.phase.as_deref() {
            Some("Succeeded") => Fate::Succeeded,
            Some("Failed") => Fate::Failed,
            // Where it never came to a node nobody will ever say that it has ended. Kubernetes
            // collects such pods too.
            _ if object.is_going() && object.spec::<PodSpec>().node_name.is_none() => Fate::Failed,
            _ if object.is_going() => Fate::Terminating,
            _ => Fate::Active,
        };
        let mut conditions = status.conditions.iter().flatten();
        let is_ready = conditions.any(|it| it.type_ == "Ready" && it.status == "True");
        Self { object, fate, is_ready, ended_at: ended_at(object, &status) }
    }

    pub(super) fn is_tracked(&self) -> bool {
        self.object.has_finalizer(JOB_TRACKING)
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.fate, Fate::Succeeded | Fate::Failed)
    }
}

/// The pods of a Job that are there.
pub(super) struct Pods<'a>(Vec<Pod<'a>>);

impl<'a> Pods<'a> {
    pub(super) fn of(store: &'a Store, job: &Object) -> Self {
        Self(store.made_by(job, Kind::Pod).map(|object| Pod::new(object)).collect())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Pod<'a>> {
        self.0.iter()
    }

    pub(super) fn count(&self, fate: Fate) -> usize {
        self.iter().filter(|pod| pod.fate == fate).count()
    }

    /// Those at work, those that one would miss most first.
    pub(super) fn by_use(&self) -> impl Iterator<Item = &Pod<'a>> {
        let mut pods: Vec<_> = self.iter().filter(|pod| pod.fate == Fate::Active).collect();
        pods.sort_by_key(|pod| (Reverse(pod.is_ready), pod.object.created_at()));
        pods.into_iter()
    }

    /// Until when no other pod is tried, if one of the pods that are there has failed since one
    /// succeeded. So many pods of this Job have failed at all.
    pub(super) fn pause_end(&self, failed: i32) -> Option<Timestamp> {
        let successes = self.iter().filter(|pod| pod.fate == Fate::Succeeded);
        let last_success = successes.map(|pod| pod.ended_at).max();
        let failures =
            self.iter().filter(|pod| matches!(pod.fate, Fate::Failed | Fate::Terminating));
        let failures = failures.map(|pod| pod.ended_at).filter(|at| Some(*at) > last_success);
        let (number, last) =
            failures.fold((0, None), |(number, last), at| (number + 1, last.max(Some(at))));
        let number = if last_success.is_none() { failed } else { number };
        let doublings = u32::try_from(number - 1).ok()?.min(30);
        let pause = (PAUSE_MIN * 2_i32.saturating_pow(doublings)).min(PAUSE_MAX);
        last?.checked_add(pause).ok()
    }
}

/// The next pod of a Job.
pub(super) fn next(store: &Store, job: &Object, template: &PodTemplateSpec) -> Object {
    let mut pod = pod_of(store, job, template);
    defaults::mark(&mut pod.metadata, job);
    pod.add_finalizer(JOB_TRACKING);
    pod
}

/// As its containers say it; else when it was told to go.
fn ended_at(pod: &Object, status: &PodStatus) -> Timestamp {
    let containers = status.container_statuses.iter().flatten();
    let ends = containers.filter_map(|container| {
        Some(container.state.as_ref()?.terminated.as_ref()?.finished_at.as_ref()?.0)
    });
    ends.max().or_else(|| pod.deleted_at()).unwrap_or_else(|| pod.created_at())
}
