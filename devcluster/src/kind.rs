//! The kinds of object that this cluster has.

use k8s_openapi::api::{batch::v1 as batch, core::v1 as core};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A kind of object. Whatever is not here this cluster refuses by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "they are Kubernetes' own names")]
pub enum Kind {
    Namespace,
    Pod,
    Job,
    CronJob,
    ReplicationController,
    Service,
    ConfigMap,
    LimitRange,
    ResourceQuota,
    Event,
}

/// What the owner of a namespace may do with objects of a kind, beside looking at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Anything.
    Change,
    /// Nothing else.
    Look,
    /// Not even that.
    Nothing,
}

/// How a kind is named, and what can be done with it.
struct Row {
    kind: &'static str,
    plural: &'static str,
    group: &'static str,
    right: Right,
    has_status: bool,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Namespace,
        Self::Pod,
        Self::Job,
        Self::CronJob,
        Self::ReplicationController,
        Self::Service,
        Self::ConfigMap,
        Self::LimitRange,
        Self::ResourceQuota,
        Self::Event,
    ];

    #[rustfmt::skip]
    const fn row(self) -> Row {
        use Right::{Change, Look, Nothing};
        let (kind, plural, group, right, has_status) = match self {
            Self::Namespace => ("Namespace", "namespaces", "", Nothing, true),
            Self::Pod => ("Pod", "pods", "", Change, true),
            Self::Job => ("Job", "jobs", "batch", Change, true),
            Self::CronJob => ("CronJob", "cronjobs", "batch", Change, true),
            Self::ReplicationController => ("ReplicationController", "replicationcontrollers", "", Change, true),
            Self::Service => ("Service", "services", "", Change, true),
            Self::ConfigMap => ("ConfigMap", "configmaps", "", Change, false),
            Self::LimitRange => ("LimitRange", "limitranges", "", Look, false),
            Self::ResourceQuota => ("ResourceQuota", "resourcequotas", "", Look, true),
            Self::Event => ("Event", "events", "", Look, false),
        };
        Row { kind, plural, group, right, has_status }
    }

    /// The kind of this plural name in a group; the core group is the empty one.
    pub fn of(group: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.group() == group && kind.plural() == plural)
    }

    /// The kind of this name, as in an object's `kind`.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As in an object's `kind`.
    pub const fn name(self) -> &'static str {
        self.row().kind
    }

    /// As in a path.
    pub const fn plural(self) -> &'static str {
        self.row().plural
    }

    /// The API group; empty for the core group.
    pub const fn group(self) -> &'static str {
        self.row().group
    }

    /// As in an object's `apiVersion`.
    pub const fn api_version(self) -> &'static str {
        if self.row().group.is_empty() { "v1" } else { "batch/v1" }
    }

    /// What the owner of a namespace may do in it.
    pub const fn right(self) -> Right {
        self.row().right
    }

    /// Whether its objects are in namespaces.
    pub const fn is_namespaced(self) -> bool {
        !matches!(self, Self::Namespace)
    }

    /// Whether its status is written apart from the rest.
    pub const fn has_status(self) -> bool {
        self.row().has_status
    }

    /// Plural and group, as refusals name it: `jobs.batch`, `pods`.
    pub fn resource(self) -> String {
        dotted(self.plural(), self.group())
    }

    /// Kind and group, as refusals of content name it: `Job.batch`, `Pod`.
    pub fn dotted_name(self) -> String {
        dotted(self.name(), self.group())
    }

    /// An object read as its kind and written again: what that kind knows, in its own spelling.
    ///
    /// # Errors
    /// When a field has another type.
    pub fn canonical(self, object: Value) -> Result<Value, serde_json::Error> {
        match self {
            Self::Namespace => through::<core::Namespace>(object),
            Self::Pod => through::<core::Pod>(object),
            Self::Job => through::<batch::Job>(object),
            Self::CronJob => through::<batch::CronJob>(object),
            Self::ReplicationController => through::<core::ReplicationController>(object),
            Self::Service => through::<core::Service>(object),
            Self::ConfigMap => through::<core::ConfigMap>(object),
            Self::LimitRange => through::<core::LimitRange>(object),
            Self::ResourceQuota => through::<core::ResourceQuota>(object),
            Self::Event => through::<core::Event>(object),
        }
    }
}

fn dotted(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

fn through<T: Serialize + DeserializeOwned>(object: Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_value::<T>(object)?)
}
