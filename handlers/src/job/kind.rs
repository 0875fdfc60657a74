//! The kinds of object that are read and written, in one table.
//!
//! A type of [`objects`](super::objects) knows its own kind, so an object can't be read from
//! another kind's path. Nothing else would notice: every field may be absent.

use serde::de::DeserializeOwned;
use tjf_api_types::JobType;

use super::{
    objects::{BatchJob, CronJob, Event, Pod, ReplicationController},
    quota::objects::{LimitRange, ResourceQuota},
};

/// A kind of Kubernetes object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    const EVENTS: Self = Self { api: CORE, plural: "events" };
    const LIMIT_RANGES: Self = Self { api: CORE, plural: "limitranges" };
    const RESOURCE_QUOTAS: Self = Self { api: CORE, plural: "resourcequotas" };

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

impl Resource for BatchJob {
    const KIND: Kind = Kind::JOBS;
}

impl Resource for CronJob {
    const KIND: Kind = Kind::CRON_JOBS;
}

impl Resource for ReplicationController {
    const KIND: Kind = Kind::REPLICATION_CONTROLLERS;
}

impl Resource for Pod {
    const KIND: Kind = Kind::PODS;
}

impl Resource for Event {
    const KIND: Kind = Kind::EVENTS;
}

impl Resource for LimitRange {
    const KIND: Kind = Kind::LIMIT_RANGES;
}

impl Resource for ResourceQuota {
    const KIND: Kind = Kind::RESOURCE_QUOTAS;
}
