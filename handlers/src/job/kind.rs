//! The kinds of object that are read and written, in one table.
//!
//! A type that an object is read into knows its own kind, so an object can't be read from another
//! kind's path. Nothing else would notice: every field may be absent.

use serde::de::DeserializeOwned;
use tjf_api_types::JobType;

/// A kind of Kubernetes object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind {
    api: &'static str,
    plural: &'static str,
}

const BATCH: &str = "/apis/batch/v1";
const CORE: &str = "/api/v1";

impl Kind {
    /// `batch/v1` Jobs: one-offs, and the runs of scheduled jobs.
    pub const JOBS: Self = Self { api: BATCH, plural: "jobs" };
    /// `batch/v1` `CronJob`s: scheduled jobs.
    pub const CRON_JOBS: Self = Self { api: BATCH, plural: "cronjobs" };
    /// Core `ReplicationController`s: continuous jobs.
    pub const REPLICATION_CONTROLLERS: Self = Self { api: CORE, plural: "replicationcontrollers" };
    /// Pods.
    pub const PODS: Self = Self { api: CORE, plural: "pods" };
    /// Addresses of continuous jobs within the cluster.
    pub const SERVICES: Self = Self { api: CORE, plural: "services" };
    /// What Kubernetes has to say about objects.
    pub const EVENTS: Self = Self { api: CORE, plural: "events" };
    /// What one pod may have.
    pub const LIMIT_RANGES: Self = Self { api: CORE, plural: "limitranges" };
    /// What a namespace may have.
    pub const RESOURCE_QUOTAS: Self = Self { api: CORE, plural: "resourcequotas" };

    /// The three that a job can be. What makes children comes before its children.
    pub const OF_JOBS: [Self; 3] = [Self::CRON_JOBS, Self::REPLICATION_CONTROLLERS, Self::JOBS];

    /// What a job of this type becomes.
    pub fn of(job_type: JobType) -> Self {
        match job_type {
            JobType::OneOff => Self::JOBS,
            JobType::Scheduled => Self::CRON_JOBS,
            JobType::Continuous => Self::REPLICATION_CONTROLLERS,
        }
    }

    /// Its name in paths, and in the label `app.kubernetes.io/component`.
    pub fn plural(self) -> &'static str {
        self.plural
    }

    /// Where the API server has the objects of this kind.
    pub fn path(self, namespace: &str) -> String {
        format!("{}/namespaces/{namespace}/{}", self.api, self.plural)
    }
}

/// A type that objects of one kind are read into.
pub trait Resource: DeserializeOwned + Send {
    /// Which kind that is.
    const KIND: Kind;
}
