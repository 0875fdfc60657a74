//! Kubernetes' objects as we read them: the dozen fields that are used.
//!
//! A whole Job takes four to five times as long to read as these fields, and 29 KiB of memory;
//! nearly all of `list` is reading. Everything but the metadata may be absent, so that one odd
//! object breaks nothing.

mod meta;
mod pod;
mod shortened;

use std::sync::OnceLock;

use jiff::Timestamp;
use serde::Deserialize;

pub use self::{
    meta::{Annotations, List, ListMeta, Meta, Named, OwnerReference, Version},
    pod::{
        ContainerState, ContainerStatus, Event, InvolvedObject, Pod, PodStatus, Running,
        Terminated, Waiting,
    },
};
use super::{
    kind::{Kind, Resource},
    labels::Labels,
    quota::objects::Resources,
    restart::Restart,
    schedule::ClockChange,
};

/// The name of the container that a job's program runs in, in every pod of ours.
pub const CONTAINER: &str = "job";

/// A `batch/v1` Job.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct BatchJob {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    #[serde(default)]
    pub spec: BatchJobSpec,
    /// What became of it.
    #[serde(default)]
    pub status: BatchJobStatus,
}

impl Resource for BatchJob {
    const KIND: Kind = Kind::JOBS;
}

/// What a Job was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatchJobSpec {
    /// How many failed pods are too many.
    pub backoff_limit: Option<i64>,
    /// Seconds that it may take.
    pub active_deadline_seconds: Option<i64>,
    /// The pods that it makes.
    pub template: Template,
}

/// What became of a Job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BatchJobStatus {
    /// How many of its pods have not ended.
    pub active: i64,
    /// How many failed.
    pub failed: i64,
    /// How many ended well.
    pub succeeded: i64,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended well; absent when it failed.
    pub completion_time: Option<Timestamp>,
    /// Its milestones.
    pub conditions: Box<[Condition]>,
}

impl BatchJob {
    /// The condition that ended it, if it has ended. `SuccessCriteriaMet` and `FailureTarget` come
    /// a little earlier and end nothing yet.
    pub fn ended(&self) -> Option<&Condition> {
        ["Complete", "Failed"].iter().find_map(|kind| condition(&self.status.conditions, kind))
    }

    /// When it ended, as far as Kubernetes says.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let ended = self.ended()?;
        self.status.completion_time.or(ended.last_transition_time)
    }
}

/// A milestone of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Which milestone.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A word that says why.
    pub reason: String,
    /// A sentence that says why.
    pub message: String,
    /// Since when.
    pub last_transition_time: Option<Timestamp>,
}

/// The condition of this kind, if it is true.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind && condition.status == "True")
}

/// A `batch/v1` CronJob.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct CronJob {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    #[serde(default)]
    pub spec: CronJobSpec,
    /// What became of it.
    #[serde(default)]
    pub status: CronJobStatus,
    /// What the next change of the clocks does, once somebody has worked that out: it takes up to a
    /// millisecond, and is the same at every look.
    #[serde(skip)]
    pub clock_change: OnceLock<Option<ClockChange>>,
}

impl Resource for CronJob {
    const KIND: Kind = Kind::CRON_JOBS;
}

/// What a CronJob was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobSpec {
    /// Five fields, or a macro.
    pub schedule: String,
    /// IANA name.
    pub time_zone: Option<String>,
    /// Whether nothing is started.
    pub suspend: bool,
    /// The Jobs that it makes.
    pub job_template: JobTemplate,
}

/// What a CronJob's Jobs are made from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    /// What they say of themselves.
    pub metadata: TemplateMeta,
    /// What they are asked.
    pub spec: BatchJobSpec,
}

/// What became of a CronJob.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobStatus {
    /// When the last run was due that was started.
    pub last_schedule_time: Option<Timestamp>,
    /// When a run last ended well.
    pub last_successful_time: Option<Timestamp>,
}

/// A core ReplicationController.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ReplicationController {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    #[serde(default)]
    pub spec: ReplicationControllerSpec,
    /// What became of it.
    #[serde(default)]
    pub status: ReplicationControllerStatus,
}

impl Resource for ReplicationController {
    const KIND: Kind = Kind::REPLICATION_CONTROLLERS;
}

impl ReplicationController {
    /// The restart that is under way, with the copies that there are to be again. Who gave it copies
    /// from outside has ended it.
    pub fn restart(&self) -> Option<(&Restart, i64)> {
        let restart = self.metadata.kept_restart().filter(|_| self.spec.replicas == Some(0))?;
        Some((restart, restart.replicas?))
    }

    /// How many copies there are to be, once a restart is over.
    pub fn wanted(&self) -> i64 {
        self.restart().map_or_else(|| self.spec.replicas.unwrap_or(1), |(_, replicas)| replicas)
    }

    /// Whether its controller has seen what it is asked now.
    pub fn is_observed(&self) -> bool {
        self.status.observed_generation >= self.metadata.generation
    }
}

/// What a ReplicationController was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplicationControllerSpec {
    /// How many copies.
    pub replicas: Option<i64>,
    /// The pods that it makes.
    pub template: Template,
}

/// What became of a ReplicationController.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicationControllerStatus {
    /// Up to which change of what is asked its controller has acted.
    pub observed_generation: i64,
    /// Its milestones.
    pub conditions: Box<[Condition]>,
}

/// What pods are made from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    /// What they say of themselves.
    pub metadata: TemplateMeta,
    /// What they are asked.
    pub spec: TemplateSpec,
}

/// What the objects that are made from a template say of themselves.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TemplateMeta {
    /// The labels that we read.
    pub labels: Labels,
}

impl Template {
    /// The container that runs the job.
    pub fn container(&self) -> Option<&Container> {
        let containers = &self.spec.containers;
        containers.iter().find(|it| it.name == CONTAINER).or_else(|| containers.first())
    }
}

/// What pods are asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TemplateSpec {
    /// Their containers.
    pub containers: Box<[Container]>,
}

/// A container of a template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// Its name among the pod's containers.
    pub name: String,
    /// What really runs.
    pub image: String,
    /// The program. Of one of ours the script is left out.
    #[serde(deserialize_with = "shortened::program")]
    pub command: Vec<String>,
    /// Its arguments.
    #[serde(deserialize_with = "shortened::shortened")]
    pub args: Vec<String>,
    /// Its environment.
    #[serde(deserialize_with = "shortened::shortened")]
    pub env: Vec<EnvVar>,
    /// What it may use.
    pub resources: ContainerResources,
    /// How it is found out whether it works.
    #[serde(rename = "livenessProbe")]
    pub liveness_probe: Option<Box<Probe>>,
}

/// How it is found out whether a container works. Other ways than these are not told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// By running something in it.
    pub exec: Option<ExecAction>,
    /// By asking it.
    pub http_get: Option<HttpGetAction>,
}

/// What is run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ExecAction {
    /// The program and its arguments. Of one of ours the user's text alone.
    #[serde(deserialize_with = "shortened::check")]
    pub command: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct HttpGetAction {
    /// Its path.
    pub path: String,
}

/// A variable of a container's environment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct EnvVar {
    /// Its name.
    pub name: String,
    /// Its value; empty also when it comes from another object.
    pub value: String,
}

/// What a container may use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerResources {
    /// The most.
    pub limits: Resources,
}
