//! Kubernetes' objects as we read them: the dozen fields that are used.
//!
//! A whole Job takes four to five times as long to read as these fields, and 29 KiB of memory;
//! nearly all of `list` is reading. Everything but the metadata may be absent, so that one odd
//! object breaks nothing.

use jiff::Timestamp;
use serde::Deserialize;

use super::labels::Labels;

/// A list as Kubernetes answers it.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct List<T> {
    /// Version, and where the next page begins.
    #[serde(default)]
    pub metadata: ListMeta,
    /// The objects.
    #[serde(default = "Vec::new")]
    pub items: Vec<T>,
}

/// About a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// Where the next page begins, if there is one.
    #[serde(rename = "continue")]
    pub continue_token: Option<String>,
}

/// About an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Meta {
    /// Name.
    pub name: String,
    /// Kubernetes' identity of this very object.
    pub uid: String,
    /// Its version, when it was read.
    pub resource_version: String,
    /// When it was made.
    pub creation_timestamp: Option<Timestamp>,
    /// When it was asked to go, if it was.
    pub deletion_timestamp: Option<Timestamp>,
    /// The labels that we read.
    pub labels: Labels,
    /// The annotations that we read.
    pub annotations: Annotations,
    /// Whom it belongs to.
    pub owner_references: Vec<OwnerReference>,
}

impl Meta {
    /// The uid of the controller that made this object, if one did.
    pub fn controller(&self) -> Option<&str> {
        self.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }
}

/// The annotations that we read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// The request that made the object.
    #[serde(rename = "jobs.toolforge.org/spec")]
    pub spec: Option<String>,
}

/// One owner of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// Its uid.
    pub uid: String,
    /// Whether it manages the object.
    pub controller: bool,
}

/// What only an object's metadata says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    /// About the object.
    pub metadata: Meta,
}

/// A `batch/v1` Job.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct BatchJob {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    pub spec: BatchJobSpec,
    /// What became of it.
    pub status: BatchJobStatus,
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
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended well; absent when it failed.
    pub completion_time: Option<Timestamp>,
    /// Its milestones.
    pub conditions: Vec<Condition>,
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
#[serde(default)]
pub struct CronJob {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    pub spec: CronJobSpec,
    /// What became of it.
    pub status: CronJobStatus,
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
    /// What they are asked.
    pub spec: BatchJobSpec,
}

/// What became of a CronJob.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobStatus {
    /// When it last came due.
    pub last_schedule_time: Option<Timestamp>,
}

/// A core ReplicationController.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ReplicationController {
    /// About the object.
    pub metadata: Meta,
    /// What was asked.
    pub spec: ReplicationControllerSpec,
    /// What became of it.
    pub status: ReplicationControllerStatus,
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
#[serde(default)]
pub struct ReplicationControllerStatus {
    /// Its milestones.
    pub conditions: Vec<Condition>,
}

/// What pods are made from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    /// What they are asked.
    pub spec: TemplateSpec,
}

/// What pods are asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct TemplateSpec {
    /// Their containers.
    pub containers: Vec<Container>,
}

/// A container of a template.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    /// What really runs.
    pub image: String,
    /// The program.
    pub command: Vec<String>,
    /// Its arguments.
    pub args: Vec<String>,
}

/// A pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// About the object.
    pub metadata: Meta,
    /// What became of it.
    pub status: PodStatus,
}

/// What became of a pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded` or `Failed`.
    pub phase: String,
    /// A word, when the pod itself failed: `Evicted`.
    pub reason: String,
    /// Its milestones.
    pub conditions: Vec<Condition>,
    /// Its containers; absent until a node has it.
    pub container_statuses: Vec<ContainerStatus>,
}

/// What became of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// How often it was started anew.
    pub restart_count: i64,
    /// What it does.
    pub state: ContainerState,
    /// What the one before it did.
    pub last_state: ContainerState,
}

/// Exactly one of the three, or none for a moment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// It waits.
    pub waiting: Option<Waiting>,
    /// It runs.
    pub running: Option<Running>,
    /// It has ended.
    pub terminated: Option<Terminated>,
}

/// A container that waits.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// A word that says for what; may be empty.
    pub reason: String,
}

/// A container that runs.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Since when.
    pub started_at: Option<Timestamp>,
}

/// A container that has ended.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// Its exit code; 128 and the signal when one ended it.
    pub exit_code: i32,
    /// A word that says why.
    pub reason: String,
    /// Its last words, when it could say any.
    pub message: String,
    /// When it began; 1970 when it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl Terminated {
    /// When it began, if it did.
    pub fn began(&self) -> Option<Timestamp> {
        self.started_at.filter(|at| *at > Timestamp::UNIX_EPOCH)
    }
}

/// Something that Kubernetes has to say about an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// About the event itself.
    pub metadata: Meta,
    /// What it is about.
    pub involved_object: InvolvedObject,
    /// A word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When it was last so; some components say only `eventTime`.
    pub last_timestamp: Option<Timestamp>,
    /// When it was first so, precisely.
    pub event_time: Option<Timestamp>,
}

impl Event {
    /// When it was last so.
    pub fn at(&self) -> Option<Timestamp> {
        self.last_timestamp.or(self.event_time).or(self.metadata.creation_timestamp)
    }
}

/// What an event is about.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct InvolvedObject {
    /// Its uid.
    pub uid: String,
}
