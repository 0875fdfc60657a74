//! From Kubernetes' objects to jobs with a status: the inverse of the manifest.
//!
//! Pure: a [`Snapshot`] of one moment and the time give the same answer for `run`, `show` and
//! `list`. Pods are joined to their owners by uid, never by name, so that a new job never shows an
//! old one's outcome.

mod continuous;
mod one_off;
mod pod;
mod scheduled;
mod words;

use jiff::Timestamp;
use tjf_api_types::{
    ContainerState, Emails, JobType, JobView, LastRunView, Mount, Phase, StatusView,
};

use super::{
    JobKind, Logs, Spec,
    limits::QuotaRefusal,
    objects::{BatchJob, BatchJobSpec, CronJob, Event, Meta, Pod, ReplicationController, Template},
};
use crate::catalogue::Catalogue;

/// What a tool has at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// One-offs, and children of scheduled jobs.
    pub jobs: Vec<BatchJob>,
    /// Scheduled jobs.
    pub cronjobs: Vec<CronJob>,
    /// Continuous jobs.
    pub controllers: Vec<ReplicationController>,
    /// Pods of all of them.
    pub pods: Vec<Pod>,
    /// Warnings, when they were asked for.
    pub events: Vec<Event>,
}

/// What the objects do not say themselves.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Containers on offer.
    pub catalogue: &'a Catalogue,
    /// The tool's home.
    pub home: &'a str,
    /// When the snapshot was taken.
    pub now: Timestamp,
}

/// What is known of a job's present, before it is put into words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Status {
    /// Where the job is in its life; pending until something else is known.
    pub phase: Option<Phase>,
    /// One word that says why.
    pub reason: Option<String>,
    /// More about the reason, for people.
    pub message: Option<String>,
    /// When the present or last run began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Whether it outgrew its memory.
    pub oom_killed: Option<bool>,
    /// How often a program was started anew.
    pub restarts: Option<i64>,
    /// How often a one-off was tried.
    pub attempts: Option<i64>,
    /// When a schedule last came due.
    pub last_scheduled_at: Option<Timestamp>,
    /// When it comes due next.
    pub next_scheduled_at: Option<Timestamp>,
    /// A scheduled job's last run that ended.
    pub last_run: Option<LastRunView>,
    /// Whether it is between two runs, with nothing to tell but when the next one is.
    pub awaits_tick: bool,
}

impl Status {
    /// Where the job is in its life.
    pub fn phase(&self) -> Phase {
        self.phase.unwrap_or(Phase::Pending)
    }

    fn pending(reason: &str, message: impl Into<String>) -> Self {
        Self {
            phase: Some(Phase::Pending),
            reason: Some(reason.to_owned()),
            message: Some(message.into()),
            ..Self::default()
        }
    }
}

impl Snapshot {
    /// All jobs of the snapshot, sorted by name; of one name in two kinds the older first.
    pub fn views(&self, around: &Surroundings<'_>) -> Vec<JobView> {
        let one_offs = self
            .jobs
            .iter()
            .filter(|job| job.metadata.controller().is_none())
            .map(|job| (&job.metadata, self.one_off(job, around)));
        let scheduled =
            self.cronjobs.iter().map(|job| (&job.metadata, self.scheduled(job, around)));
        let continuous =
            self.controllers.iter().map(|job| (&job.metadata, self.continuous(job, around)));
        let mut views: Vec<_> = one_offs.chain(scheduled).chain(continuous).collect();
        views.sort_by(|(a, _), (b, _)| {
            (&a.name, a.creation_timestamp).cmp(&(&b.name, b.creation_timestamp))
        });
        views.into_iter().map(|(_, view)| view).collect()
    }

    /// Whether only an event can say why something waits: a job that has neither pod nor condition,
    /// or a pod whose container is being made, for over two seconds.
    pub fn needs_events(&self, now: Timestamp) -> bool {
        let is_old = |at: Option<Timestamp>| {
            at.is_some_and(|at| now.duration_since(at).as_secs() >= EVENTS_AFTER_SECONDS)
        };
        let has_no_pod =
            |meta: &Meta| is_old(meta.creation_timestamp) && self.pods_of(meta).next().is_none();
        self.jobs.iter().any(|job| job.status.conditions.is_empty() && has_no_pod(&job.metadata))
            || self
                .pods
                .iter()
                .any(|pod| pod::is_being_made(pod) && is_old(pod.metadata.creation_timestamp))
            || self
                .cronjobs
                .iter()
                .any(|cronjob| scheduled::missed_its_last_tick(self, cronjob, now))
    }

    /// Whether a job has just ended of whose pods none has. Lists are read side by side, so pods may
    /// have been read before their job: then they have to be read again, or how it ended is not
    /// known for a moment. Of a job that ended longer ago the pods have gone.
    pub fn missed_an_end(&self, now: Timestamp) -> bool {
        let has_just_ended = |job: &BatchJob| {
            let age = job.ended_at().map(|at| now.duration_since(at).abs().as_secs());
            age.is_some_and(|age| age <= JUST_ENDED_SECONDS)
        };
        let has_ended = |pod: &Pod| ["Succeeded", "Failed"].contains(&pod.status.phase.as_str());
        let ended = self.jobs.iter().filter(|job| has_just_ended(job));
        let mut without_pod = ended.filter(|job| !self.pods_of(&job.metadata).any(has_ended));
        without_pod.next().is_some()
    }

    /// The pods that an object controls.
    fn pods_of<'a>(&'a self, owner: &'a Meta) -> impl Iterator<Item = &'a Pod> {
        self.pods.iter().filter(|pod| pod.metadata.controller() == Some(owner.uid.as_str()))
    }

    /// The newest warning about an object, of one of these kinds.
    fn event(&self, about: &Meta, reasons: &[&str]) -> Option<&Event> {
        self.events
            .iter()
            .filter(|event| event.involved_object.uid == about.uid)
            .filter(|event| reasons.contains(&event.reason.as_str()))
            .max_by_key(|event| event.at())
    }

    /// Why no pod could be made for an object, if that is what an event says.
    fn not_created(&self, owner: &Meta) -> Option<Status> {
        let event = self.event(owner, &["FailedCreate"])?;
        Some(refused_pod(&event.message))
    }

    fn one_off(&self, job: &BatchJob, around: &Surroundings<'_>) -> JobView {
        let kept = kept_as(JobType::OneOff, &job.metadata).unwrap_or_else(|| {
            let retry = job.spec.backoff_limit.unwrap_or(0);
            let kind = JobKind::OneOff {
                retry: u8::try_from(retry).unwrap_or(u8::MAX),
                timeout: job.spec.active_deadline_seconds,
            };
            understood(&job.spec.template, kind, around)
        });
        let status = one_off::status(self, job, around.now);
        view(&job.metadata, kept, &job.spec.template, status, around)
    }

    fn scheduled(&self, cronjob: &CronJob, around: &Surroundings<'_>) -> JobView {
        let BatchJobSpec { template, active_deadline_seconds, backoff_limit } =
            &cronjob.spec.job_template.spec;
        let kept = kept_as(JobType::Scheduled, &cronjob.metadata).unwrap_or_else(|| {
            let kind = JobKind::Scheduled {
                schedule: cronjob.spec.schedule.clone(),
                schedule_actual: cronjob.spec.schedule.clone(),
                timezone: cronjob.spec.time_zone.clone().unwrap_or_default(),
                retry: u8::try_from(backoff_limit.unwrap_or(0)).unwrap_or(u8::MAX),
                timeout: *active_deadline_seconds,
            };
            understood(template, kind, around)
        });
        let status = scheduled::status(self, cronjob, around.now);
        view(&cronjob.metadata, kept, template, status, around)
    }

    fn continuous(&self, controller: &ReplicationController, around: &Surroundings<'_>) -> JobView {
        let template = &controller.spec.template;
        let kept = kept_as(JobType::Continuous, &controller.metadata).unwrap_or_else(|| {
            let replicas = controller.spec.replicas.unwrap_or(1);
            let kind = JobKind::Continuous { replicas: u8::try_from(replicas).unwrap_or(u8::MAX) };
            understood(template, kind, around)
        });
        let status = continuous::status(self, controller, around.now);
        view(&controller.metadata, kept, template, status, around)
    }
}

/// How long lists that were read side by side can be apart, and clocks too.
const JUST_ENDED_SECONDS: i64 = 10;

/// Until then Kubernetes is simply not there yet, and there is nothing to explain.
const EVENTS_AFTER_SECONDS: i64 = 2;

/// What a refusal to make a pod means.
fn refused_pod(message: &str) -> Status {
    match QuotaRefusal::parse(message) {
        Some(refusal) => Status::pending("QuotaExceeded", format!("waits for room: {refusal}")),
        None => Status::pending(
            "FailedCreate",
            "Kubernetes refuses to make its pod: ask an administrator",
        ),
    }
}

/// The request that made an object, if it is kept with it and can be read.
pub fn kept(meta: &Meta) -> Option<Spec> {
    serde_json::from_str(meta.annotations.spec.as_deref()?).ok()
}

/// The same, unless it was written for another kind of object.
fn kept_as(kind: JobType, meta: &Meta) -> Option<Spec> {
    kept(meta).filter(|spec| spec.kind.job_type() == kind)
}

/// What can be understood of an object that another program made with our labels.
fn understood(template: &Template, kind: JobKind, around: &Surroundings<'_>) -> Spec {
    let container = template.spec.containers.first();
    let argv = container.map(|container| [container.command.as_slice(), &container.args].concat());
    let image = container.map(|container| container.image.clone()).unwrap_or_default();
    Spec {
        cmd: words::shell_quoted(&argv.unwrap_or_default()),
        imagename: around.catalogue.short_name(&image).map_or_else(|| image.clone(), str::to_owned),
        kind,
        logs: None,
        memory: None,
        cpu: None,
        emails: Emails::None,
        mount: Mount::None,
        env: std::collections::BTreeMap::new(),
        idempotency_key: None,
    }
}

fn view(
    meta: &Meta,
    spec: Spec,
    template: &Template,
    status: Status,
    around: &Surroundings<'_>,
) -> JobView {
    let image = template.spec.containers.first().map(|container| container.image.clone());
    let image = image.unwrap_or_default();
    let job_type = spec.kind.job_type();
    let details = Details::of(spec.kind);
    let (stdout, stderr) = match spec.logs {
        Some(Logs { stdout, stderr }) => (Some(stdout), Some(stderr)),
        None => (None, None),
    };
    JobView {
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        cmd: spec.cmd,
        image_state: around.catalogue.state_of(&image).unwrap_or(ContainerState::Deprecated),
        imagename: spec.imagename,
        image,
        job_type,
        schedule: details.schedule,
        schedule_actual: details.schedule_actual,
        timezone: details.timezone,
        continuous: job_type == JobType::Continuous,
        filelog: stdout.is_some(),
        filelog_stdout: stdout,
        filelog_stderr: stderr,
        memory: spec.memory,
        cpu: spec.cpu,
        retry: details.retry,
        timeout: details.timeout,
        replicas: details.replicas,
        emails: spec.emails,
        mount: spec.mount,
        env: spec.env,
        created_at: meta.creation_timestamp.map(words::time).unwrap_or_default(),
        status_short: words::short(&status, around.now),
        status_long: words::long(job_type, &status, around.now),
        status: status.into(),
    }
}

/// What only some kinds have.
#[derive(Default)]
struct Details {
    schedule: Option<String>,
    schedule_actual: Option<String>,
    timezone: Option<String>,
    retry: Option<i64>,
    timeout: Option<i64>,
    replicas: Option<i64>,
}

impl Details {
    fn of(kind: JobKind) -> Self {
        match kind {
            JobKind::OneOff { retry, timeout } => {
                Self { retry: Some(retry.into()), timeout, ..Self::default() }
            }
            JobKind::Scheduled { schedule, schedule_actual, timezone, retry, timeout } => Self {
                schedule: Some(schedule),
                schedule_actual: Some(schedule_actual),
                timezone: Some(timezone).filter(|zone| !zone.is_empty()),
                retry: Some(retry.into()),
                timeout,
                ..Self::default()
            },
            JobKind::Continuous { replicas } => {
                Self { replicas: Some(replicas.into()), ..Self::default() }
            }
        }
    }
}

impl From<Status> for StatusView {
    fn from(status: Status) -> Self {
        Self {
            phase: status.phase(),
            reason: status.reason,
            message: status.message,
            started_at: status.started_at.map(words::time),
            finished_at: status.finished_at.map(words::time),
            exit_code: status.exit_code,
            signal: status.signal,
            oom_killed: status.oom_killed,
            restarts: status.restarts,
            attempts: status.attempts,
            last_scheduled_at: status.last_scheduled_at.map(words::time),
            next_scheduled_at: status.next_scheduled_at.map(words::time),
            last_run: status.last_run,
        }
    }
}

#[cfg(test)]
mod tests;
