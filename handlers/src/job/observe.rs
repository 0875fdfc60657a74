//! From Kubernetes' objects to jobs with a status: the inverse of the manifest.
//!
//! Pure: a [`Snapshot`] of one moment and the time give the same answer for `run`, `show` and
//! `list`. Pods are joined to their owners by uid, never by name, so that a new job never shows an
//! old one's outcome.

mod containers;
mod continuous;
mod definition;
mod health;
mod lacks;
mod one_off;
mod pod;
mod refused;
mod scheduled;
mod snapshot;
mod status;
mod waiting;
mod words;

use jiff::Timestamp;
use tjf_api_types::{HealthCheckView, JobType, JobView};

use self::definition::{Definition, Details};
pub use self::{
    continuous::RESTART_INTERRUPTED,
    lacks::Lacks,
    snapshot::{Objects, Snapshot},
    status::{Cause, Outcome, Present, Status, Ticks},
    waiting::Waiting,
};
use super::{
    Logs,
    objects::{Meta, Template},
    time,
};
use crate::catalogue::Catalogue;

/// What the objects do not say themselves.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Containers on offer.
    pub catalogue: &'a Catalogue,
    /// When the snapshot was taken.
    pub now: Timestamp,
}

impl Snapshot<'_> {
    /// All jobs of the snapshot, sorted by name; of one name in two kinds the older first.
    pub fn views(&self, around: &Surroundings<'_>) -> Vec<JobView> {
        let now = around.now;
        let one_offs = self.one_offs.iter().map(|job| {
            let status = one_off::status(self, job, now);
            let object = Object::new(&job.metadata, Details::from(*job), &job.spec.template);
            (&job.metadata, object.view(JobType::OneOff, status, around))
        });
        let scheduled = self.cronjobs.iter().map(|cronjob| {
            let status = scheduled::status(self, cronjob, now);
            let template = &cronjob.spec.job_template.spec.template;
            let object = Object::new(&cronjob.metadata, Details::from(*cronjob), template);
            (&cronjob.metadata, object.view(JobType::Scheduled, status, around))
        });
        let continuous = self.controllers.iter().map(|controller| {
            let status = continuous::status(self, controller, now);
            let template = &controller.spec.template;
            let object = Object::new(&controller.metadata, Details::from(*controller), template);
            (&controller.metadata, object.view(JobType::Continuous, status, around))
        });
        let mut views: Vec<_> = one_offs.chain(scheduled).chain(continuous).collect();
        views.sort_by(|(a, _), (b, _)| {
            (&a.name, a.creation_timestamp).cmp(&(&b.name, b.creation_timestamp))
        });
        views.into_iter().map(|(_, view)| view).collect()
    }
}

/// What the three kinds of object have in common.
struct Object<'a> {
    meta: &'a Meta,
    details: Details,
    template: &'a Template,
}

impl<'a> Object<'a> {
    fn new(meta: &'a Meta, details: Details, template: &'a Template) -> Self {
        Self { meta, details, template }
    }

    fn view(self, job_type: JobType, mut status: Status, around: &Surroundings<'_>) -> JobView {
        let Self { meta, details, template } = self;
        // A request that was kept with an object of another kind says nothing about this one.
        let kept = meta.kept().filter(|spec| spec.kind.job_type() == job_type);
        let definition = Definition::of(kept, details, template, around.catalogue);
        if !definition.changed.is_empty() {
            let changed = definition.changed.join("`, `");
            status.notes.push(format!("it was changed from outside: `{changed}`"));
        }
        status.deleting_since = meta.deletion_timestamp;
        let (stdout, stderr) = match definition.logs {
            Some(Logs { stdout, stderr }) => (Some(stdout), Some(stderr)),
            None => (None, None),
        };
        let details = definition.details;
        JobView {
            name: meta.name.clone(),
            uid: meta.uid.clone(),
            cmd: definition.cmd,
            imagename: definition.imagename,
            image: definition.image,
            image_state: definition.image_state.into(),
            job_type: job_type.into(),
            schedule: details.schedule,
            schedule_actual: details.schedule_actual,
            timezone: details.timezone,
            continuous: Some(job_type == JobType::Continuous),
            filelog: Some(stdout.is_some()),
            filelog_stdout: stdout,
            filelog_stderr: stderr,
            memory: definition.memory,
            cpu: definition.cpu,
            retry: details.retry,
            timeout: details.timeout,
            replicas: details.replicas,
            port: details.port.map(|port| port.number.into()),
            port_protocol: details.port.map(|port| port.protocol.into()),
            health_check: details.health_check.as_ref().map(HealthCheckView::from),
            emails: definition.emails.into(),
            mount: definition.mount.into(),
            env: definition.env,
            created_at: meta.creation_timestamp.map(time::written).unwrap_or_default(),
            deleting_since: status.deleting_since.map(time::written),
            status_short: words::short(&status, around.now),
            status_long: words::long(job_type, &status, around.now),
            status: status.view(),
        }
    }
}

#[cfg(test)]
mod tests;
