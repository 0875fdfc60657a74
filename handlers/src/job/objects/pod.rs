//! Pods, their containers, and what is said about them.

use jiff::Timestamp;
use serde::Deserialize;

use super::{CONTAINER, Condition, Meta};
use crate::job::kind::{Kind, Resource};

/// A pod.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Pod {
    /// About the object.
    pub metadata: Meta,
    /// What was asked for.
    pub spec: PodSpec,
    /// What became of it.
    pub status: PodStatus,
}

/// What a pod was made to be, with the limits that its namespace gave it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodSpec {
    /// Its containers.
    pub containers: Box<[PodContainer]>,
}

/// What a container was made to be.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodContainer {
    /// Its name among the pod's containers.
    pub name: Box<str>,
    /// What it may use.
    pub resources: PodResources,
}

/// What a container may use.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodResources {
    /// At most.
    pub limits: PodLimits,
}

/// Limits of a container, of which only one is told.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct PodLimits {
    /// Memory, as Kubernetes writes quantities.
    pub memory: Option<Box<str>>,
}

impl Resource for Pod {
    const KIND: Kind = Kind::PODS;
}

impl Pod {
    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
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
    pub conditions: Box<[Condition]>,
    /// Its containers; absent until a node has it.
    pub container_statuses: Box<[ContainerStatus]>,
    /// The containers that run before those, or beside them.
    pub init_container_statuses: Box<[ContainerStatus]>,
}

impl Pod {
    /// What became of the container that runs the job. Webhooks put others beside it, in front of it
    /// too; another program's may have any name.
    pub fn program(&self) -> Option<&ContainerStatus> {
        let containers = &self.status.container_statuses;
        containers.iter().find(|it| it.name == CONTAINER).or_else(|| containers.first())
    }

    /// How much memory that container may use, if there is a limit.
    pub fn memory_max(&self) -> Option<&str> {
        let program = self.program()?;
        let mut containers = self.spec.containers.iter();
        containers.find(|it| *it.name == *program.name)?.resources.limits.memory.as_deref()
    }
}

/// What became of a container.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Its name among the pod's containers.
    pub name: String,
    /// How often it was started anew.
    pub restart_count: i64,
    /// Whether it runs, and has shown that it works if that is asked of it.
    pub started: Option<bool>,
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
    /// A sentence about it; may be empty.
    pub message: String,
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

impl Resource for Event {
    const KIND: Kind = Kind::EVENTS;
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
