//! What a snapshot lacks, so that it can be read before everything is told.

use jiff::Timestamp;

use super::{
    health, one_off, pod, scheduled,
    snapshot::{EVENTS_AFTER_SECONDS, Snapshot},
};
use crate::job::{
    labels::Reach,
    objects::{BatchJob, CronJob, Meta},
};

/// What has to be read before everything in a snapshot can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lacks {
    /// Runs of scheduled jobs, from so far: there may be some that were not found.
    pub runs: Option<Reach>,
    /// Pods, from so far: there may be some that were not found, or a job ended after they were
    /// read.
    pub pods: Option<Reach>,
    /// Warnings: only they can say why something waits.
    pub events: bool,
}

impl<'a> Snapshot<'a> {
    /// What has to be read before everything can be told.
    pub fn lacks(&self, now: Timestamp) -> Lacks {
        let (runs, pods) = (self.reach_of_runs(), self.reach_of_pods());
        let lacks_pods = pods > self.pods_reach || self.lacks_ends();
        Lacks {
            runs: (runs > self.runs_reach).then_some(runs),
            pods: lacks_pods.then_some(pods.max(self.pods_reach)),
            events: self.lacks_events(now),
        }
    }

    /// How far one has to look for all runs and pods of the jobs that are here.
    pub fn reach(&self) -> Reach {
        self.reach_of_runs().max(self.reach_of_pods())
    }

    /// How far one has to look for the runs of all scheduled jobs.
    fn reach_of_runs(&self) -> Reach {
        let reach = |cronjob: &&CronJob| {
            cronjob.metadata.reach_of(&cronjob.spec.job_template.metadata.labels)
        };
        self.cronjobs.iter().map(reach).max().unwrap_or_default()
    }

    /// How far one has to look for the pods of all jobs.
    fn reach_of_pods(&self) -> Reach {
        let one_offs = self.one_offs.iter().map(|job| (&job.metadata, &job.spec.template));
        let controllers = self.controllers.iter().map(|it| (&it.metadata, &it.spec.template));
        let scheduled = self.cronjobs.iter().flat_map(|cronjob| {
            let meta = &cronjob.metadata;
            let runs = self.runs_of(meta).iter().map(move |run| (meta, &run.spec.template));
            runs.chain([(meta, &cronjob.spec.job_template.spec.template)])
        });
        let all = one_offs.chain(controllers).chain(scheduled);
        all.map(|(meta, template)| meta.reach_of(&template.metadata.labels))
            .max()
            .unwrap_or_default()
    }

    /// Whether pods were read before a job that ended with them. Lists are read side by side, so
    /// that happens; then how the job ended is not known yet. Versions tell it, and clocks do not.
    fn lacks_ends(&self) -> bool {
        self.jobs().filter(|job| job.ended().is_some()).any(|job| {
            let pods = self.pods_of(&job.metadata);
            let ended = pods.iter().filter(|pod| pod.has_ended()).count();
            let is_before_job = !self.pods_version.includes(job.metadata.version);
            ended < pods.len() || (ended == 0 && is_before_job)
        })
    }

    /// Whether a job has neither pod nor condition, a container is being made, or a tick has no run,
    /// for longer than these take when all is well; or a job has just ended that never had a pod.
    fn lacks_events(&self, now: Timestamp) -> bool {
        let is_old = |meta: &Meta| {
            let age = meta.creation_timestamp.map(|at| now.duration_since(at).as_secs());
            age.is_some_and(|age| age >= EVENTS_AFTER_SECONDS)
        };
        let has_no_pod = |job: &BatchJob| {
            job.status.conditions.is_empty()
                && is_old(&job.metadata)
                && self.pods_of(&job.metadata).is_empty()
        };
        self.jobs().any(|job| has_no_pod(job) || one_off::needs_events(self, job, now))
            || self
                .pods
                .values()
                .flatten()
                .any(|pod| pod::is_being_made(pod) && is_old(&pod.metadata))
            || self.controllers.iter().any(|controller| health::needs_events(self, controller, now))
            || self
                .cronjobs
                .iter()
                .any(|cronjob| scheduled::missed_its_last_tick(self, cronjob, now))
    }
}
