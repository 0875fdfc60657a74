//! What a tool has at one moment, indexed by the owner of each thing.

use std::collections::HashMap;

use tjf_api_types::ToolName;

use crate::job::{
    kind::Kind,
    labels::Reach,
    objects::{BatchJob, CronJob, Event, Meta, Pod, ReplicationController, Version},
};

/// How long Kubernetes may take before anything has to be explained.
pub(super) const EVENTS_AFTER_SECONDS: i64 = 2;

/// A tool's objects, as they were read.
#[derive(Debug, Clone, Default)]
pub struct Objects {
    /// One-offs, and runs of scheduled jobs.
    pub jobs: Vec<BatchJob>,
    /// Scheduled jobs.
    pub cronjobs: Vec<CronJob>,
    /// Continuous jobs.
    pub controllers: Vec<ReplicationController>,
    /// Pods of all of them.
    pub pods: Vec<Pod>,
    /// The version of the cluster that the pods show.
    pub pods_version: Version,
    /// How far pods were looked for.
    pub pods_reach: Reach,
    /// How far runs of scheduled jobs were looked for.
    pub runs_reach: Reach,
    /// Warnings; empty until they are asked for.
    pub events: Vec<Event>,
}

impl Objects {
    /// What all of these say of themselves, pods aside.
    pub fn of_jobs(&self) -> impl Iterator<Item = &Meta> {
        let jobs = self.jobs.iter().map(|job| &job.metadata);
        let cronjobs = self.cronjobs.iter().map(|cronjob| &cronjob.metadata);
        let controllers = self.controllers.iter().map(|controller| &controller.metadata);
        jobs.chain(cronjobs).chain(controllers)
    }

    /// Those that are jobs of this tool, and all that belongs to any: the one rule for all routes. A
    /// Job with a controller may be a run of a scheduled job.
    #[must_use]
    pub fn of_tool(mut self, tool: &ToolName) -> Self {
        self.jobs.retain(|it| it.metadata.controller().is_some() || it.metadata.is_job_of(tool));
        self.cronjobs.retain(|it| it.metadata.is_job_of(tool));
        self.controllers.retain(|it| it.metadata.is_job_of(tool));
        self
    }

    /// The same, indexed.
    pub fn snapshot(&self) -> Snapshot<'_> {
        self.snapshot_where(|_| true)
    }

    /// Of this tool's jobs alone, indexed.
    pub fn snapshot_of(&self, tool: &ToolName) -> Snapshot<'_> {
        self.snapshot_where(|meta| meta.is_job_of(tool))
    }

    fn snapshot_where(&self, is_job: impl Fn(&Meta) -> bool) -> Snapshot<'_> {
        let mut snapshot = Snapshot {
            cronjobs: self.cronjobs.iter().filter(|it| is_job(&it.metadata)).collect(),
            controllers: self.controllers.iter().filter(|it| is_job(&it.metadata)).collect(),
            pods_version: self.pods_version,
            pods_reach: self.pods_reach,
            runs_reach: self.runs_reach,
            ..Snapshot::default()
        };
        for job in &self.jobs {
            match job.metadata.controller() {
                Some(owner) => snapshot.runs.entry(owner).or_default().push(job),
                None if is_job(&job.metadata) => snapshot.one_offs.push(job),
                None => {}
            }
        }
        for pod in &self.pods {
            if let Some(owner) = pod.metadata.controller() {
                snapshot.pods.entry(owner).or_default().push(pod);
            }
        }
        for event in &self.events {
            snapshot.events.entry(&event.involved_object.uid).or_default().push(event);
        }
        snapshot
    }
}

/// What a tool has at one moment. What belongs to an object is found by the object's uid, never by
/// its name, so that a new job never shows an old one's outcome.
#[derive(Debug, Default)]
pub struct Snapshot<'a> {
    pub(super) one_offs: Vec<&'a BatchJob>,
    pub(super) cronjobs: Vec<&'a CronJob>,
    pub(super) controllers: Vec<&'a ReplicationController>,
    runs: HashMap<&'a str, Vec<&'a BatchJob>>,
    pub(super) pods: HashMap<&'a str, Vec<&'a Pod>>,
    events: HashMap<&'a str, Vec<&'a Event>>,
    pub(super) pods_version: Version,
    pub(super) pods_reach: Reach,
    pub(super) runs_reach: Reach,
}

impl<'a> Snapshot<'a> {
    /// The objects that are jobs, those first that make others.
    pub fn owners(&self) -> impl Iterator<Item = (Kind, &'a Meta)> {
        let cronjobs = self.cronjobs.iter().map(|it| (Kind::CRON_JOBS, &it.metadata));
        let controllers =
            self.controllers.iter().map(|it| (Kind::REPLICATION_CONTROLLERS, &it.metadata));
        let one_offs = self.one_offs.iter().map(|it| (Kind::JOBS, &it.metadata));
        cronjobs.chain(controllers).chain(one_offs)
    }

    /// The pods that an object controls.
    pub(super) fn pods_of(&self, owner: &Meta) -> &[&'a Pod] {
        self.pods.get(owner.uid.as_str()).map_or(&[], Vec::as_slice)
    }

    /// The runs of a scheduled job.
    pub fn runs_of(&self, owner: &Meta) -> &[&'a BatchJob] {
        self.runs.get(owner.uid.as_str()).map_or(&[], Vec::as_slice)
    }

    /// One-offs, and runs of the scheduled jobs that are here.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &'a BatchJob> {
        let runs = self.cronjobs.iter().flat_map(|cronjob| self.runs_of(&cronjob.metadata));
        self.one_offs.iter().chain(runs).copied()
    }

    /// The newest warning about an object, of one of these kinds.
    pub(super) fn event(&self, about: &Meta, reasons: &[&str]) -> Option<&'a Event> {
        self.events(about, reasons).max_by_key(|event| event.at())
    }

    /// All warnings about an object, of one of these kinds.
    pub(super) fn events(&self, about: &Meta, reasons: &[&str]) -> impl Iterator<Item = &'a Event> {
        let events = self.events.get(about.uid.as_str()).into_iter().flatten().copied();
        events.filter(|event| reasons.contains(&event.reason.as_str()))
    }
}
