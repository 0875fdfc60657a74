//! The pods of a Job.

use jiff::Timestamp;
use k8s_openapi::{
    api::{batch::v1::JobSpec, core::v1::PodStatus},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use serde_json::json;

use crate::{
    controllers::{Action, garbage::JOB_TRACKING},
    kind::Kind,
    object::Object,
    store::{Deletion, Store},
};

/// All pods that a Job controls, oldest first.
pub(super) struct Pods<'a>(Vec<&'a Object>);

impl<'a> Pods<'a> {
    pub(super) fn of(store: &'a Store, job: &Object) -> Self {
        let is_its_own = |pod: &&Object| {
            pod.kind == Kind::Pod && pod.controller().is_some_and(|owner| owner.uid == job.uid())
        };
        let all = store.dependents_of(job.uid()).map(AsRef::as_ref);
        let mut pods: Vec<_> = all.filter(is_its_own).collect();
        pods.sort_by_key(|pod| pod.created_at());
        Self(pods)
    }

    /// Those that have ended and have not been counted.
    pub(super) fn tracked_ended(&self) -> impl Iterator<Item = &'a Object> {
        self.0.iter().copied().filter(|pod| has_ended(pod) && pod.has_finalizer(JOB_TRACKING))
    }

    /// Those that have not ended, and shall not.
    pub(super) fn active(&self) -> impl Iterator<Item = &'a Object> {
        self.0.iter().copied().filter(|pod| !has_ended(pod) && !pod.is_going())
    }

    /// Those that have not ended, and shall.
    pub(super) fn terminating(&self) -> impl Iterator<Item = &'a Object> {
        self.0.iter().copied().filter(|pod| !has_ended(pod) && pod.is_going())
    }

    pub(super) fn ready(&self) -> impl Iterator<Item = &'a Object> {
        self.active().filter(|pod| is_ready(pod))
    }

    /// Whether nothing runs any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.0.iter().all(|pod| has_ended(pod))
    }

    /// When the last one failed that is still there.
    pub(super) fn last_failure(&self) -> Option<Timestamp> {
        let failed = self.0.iter().filter(|pod| has_ended(pod) && !has_succeeded(pod));
        failed.map(|pod| ended_at(pod)).max()
    }
}

fn phase(pod: &Object) -> Option<&str> {
    pod.content.get("status")?.get("phase")?.as_str()
}

fn has_ended(pod: &Object) -> bool {
    matches!(phase(pod), Some("Succeeded" | "Failed"))
}

pub(super) fn has_succeeded(pod: &Object) -> bool {
    phase(pod) == Some("Succeeded")
}

fn is_ready(pod: &Object) -> bool {
    let status: PodStatus = pod.status();
    let mut conditions = status.conditions.iter().flatten();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// When its program ended, or at least when it was created.
fn ended_at(pod: &Object) -> Timestamp {
    let status: PodStatus = pod.status();
    let states = status.container_statuses.iter().flatten();
    let ends = states.filter_map(|container| container.state.as_ref()?.terminated.as_ref());
    let ends = ends.filter_map(|end| end.finished_at.as_ref().map(|time| time.0));
    ends.max().unwrap_or_else(|| pod.created_at())
}

/// Lets a pod go that has been counted.
pub(super) fn release(pod: &Object) -> Action {
    let mut pod = pod.clone();
    pod.remove_finalizer(JOB_TRACKING);
    Action::Update(Box::new(pod))
}

/// Ends a pod.
pub(super) fn delete(pod: &Object) -> Action {
    let uid = Some(pod.uid().to_owned());
    Action::Delete(pod.key(), Deletion { uid, ..Deletion::default() })
}

/// The next pod of a Job.
pub(super) fn new(store: &Store, job: &Object, spec: &JobSpec) -> Object {
    let template = spec.template.metadata.clone().unwrap_or_default();
    let owner = OwnerReference {
        api_version: Kind::Job.api_version().to_owned(),
        kind: Kind::Job.name().to_owned(),
        name: job.name().to_owned(),
        uid: job.uid().to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    };
    let mut pod = Object::make(Kind::Pod, json!({"spec": spec.template.spec}));
    pod.metadata = ObjectMeta {
        name: Some(format!("{}-{}", job.name(), store.suffix_for(job.uid()))),
        generate_name: Some(format!("{}-", job.name())),
        namespace: Some(job.namespace().to_owned()),
        labels: template.labels,
        annotations: template.annotations,
        owner_references: Some(vec![owner]),
        finalizers: Some(vec![JOB_TRACKING.to_owned()]),
        ..ObjectMeta::default()
    };
    pod
}
