//! Creating: one name is one job, whatever its kind and however many ask at once.
//!
//! Kubernetes keeps names apart only within a kind. So the earliest creation wins: a first look
//! refuses a name that is taken, without creating anything; then the object is created; then a
//! second look, at the very version at which it was, tells whether another kind had the name first.
//! If so ours goes again. Versions of all kinds are one sequence, so of two that raced exactly one
//! was first, even through two servers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tjf_api_types::{JobType, JobView};
use tokio::time::{Instant, sleep};

use super::{
    Cluster, ClusterError,
    call::{DeleteOptions, Filter, Kind},
};
use crate::{
    error::{Error, Result},
    job::{
        Job, Spec, manifest,
        objects::{BatchJob, CronJob, Meta, Named, ReplicationController},
        observe::{self, Snapshot},
        room,
    },
};

/// How long a name is waited for whose old object is still going.
const NAME_TIME_MAX: Duration = Duration::from_secs(20);
const NAME_LOOK_TIME: Duration = Duration::from_millis(200);

/// What came of a wish to create.
#[derive(Debug, Clone, PartialEq)]
pub enum Creation {
    /// The job was created now.
    New(Box<JobView>),
    /// The same request, by its key, had created it before.
    Before(Box<JobView>),
}

impl Creation {
    /// The job, whenever it was created.
    pub fn into_view(self) -> JobView {
        match self {
            Self::New(view) | Self::Before(view) => *view,
        }
    }
}

/// What is in the way of a name, if anything.
enum Claim {
    /// Nothing; these finished one-offs give it up.
    Free { replaced: Vec<Meta> },
    /// The same request was here before.
    Repeated,
    /// An object that is going.
    Going,
}

/// What came of sending an object.
enum Created {
    /// It is there, as Kubernetes has it.
    Now(Value),
    /// One of its kind and name came first, a moment ago.
    ByAnother,
}

impl Kind {
    fn of(job_type: JobType) -> Self {
        match job_type {
            JobType::OneOff => Self::Jobs,
            JobType::Scheduled => Self::CronJobs,
            JobType::Continuous => Self::ReplicationControllers,
        }
    }
}

impl Cluster {
    /// Creates a job, if its name is free and there is room.
    ///
    /// # Errors
    /// When the name is taken, the key was used for something else, there is no room, or Kubernetes
    /// does not do it.
    pub async fn create(&self, job: &Job) -> Result<Creation> {
        let patience_ends =
            (Instant::now() + NAME_TIME_MAX).min(self.context.deadline - 2 * NAME_LOOK_TIME);
        let known = self.context.state.tools.get(&self.tool);
        loop {
            let counting = known.counting.lock().await;
            // Both at once; limits are most often known already.
            let (limits, survey) = futures_util::try_join!(self.limits(&known), self.survey(job))?;
            limits.check(&job.spec)?;
            let created = match claim(&survey, job)? {
                Claim::Repeated => return self.repeated(job).await,
                Claim::Free { replaced } => {
                    self.make_room(job, &survey, &replaced, limits.jobs_max).await?;
                    self.create_now(job, &survey).await?
                }
                Claim::Going => None,
            };
            drop(counting);
            if let Some(created) = created {
                return self.confirm(job, created).await;
            }
            if Instant::now() >= patience_ends {
                return Err(taken(job, false));
            }
            sleep(NAME_LOOK_TIME).await;
        }
    }

    /// Whatever has the job's name, in any kind and of anybody's; and, for the kinds that need
    /// room, all that takes it.
    async fn survey(&self, job: &Job) -> std::result::Result<Snapshot, ClusterError> {
        let named = || Filter::name(job.name.as_str());
        let counted = || match job.spec.kind.job_type() {
            JobType::OneOff | JobType::Scheduled => Filter::all(),
            JobType::Continuous => named(),
        };
        let (jobs, cronjobs, controllers) = futures_util::try_join!(
            self.list::<BatchJob>(Kind::Jobs, counted()),
            self.list::<CronJob>(Kind::CronJobs, counted()),
            self.list::<ReplicationController>(Kind::ReplicationControllers, named()),
        )?;
        Ok(Snapshot { jobs, cronjobs, controllers, ..Snapshot::default() })
    }

    /// Deletes what is replaced, and the oldest finished one-offs where there would be no room.
    async fn make_room(
        &self,
        job: &Job,
        survey: &Snapshot,
        replaced: &[Meta],
        jobs_max: Option<u64>,
    ) -> Result<()> {
        let kind = job.spec.kind.job_type();
        let unfinished = room::unfinished(&survey.jobs, &self.tool);
        if kind == JobType::OneOff && unfinished >= room::UNFINISHED_MAX {
            return Err(Error::TooManyUnfinished { unfinished });
        }
        for meta in replaced {
            self.delete(Kind::Jobs, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        }
        let Some(jobs_max) = jobs_max else { return Ok(()) };
        let is_left = |job: &&BatchJob| replaced.iter().all(|meta| meta.uid != job.metadata.uid);
        let left: Vec<_> = survey.jobs.iter().filter(is_left).cloned().collect();
        for meta in room::to_delete(&left, &survey.cronjobs, jobs_max, kind, &self.tool) {
            tracing::info!(tool.name = %self.tool, job.name = meta.name, "making room: deleting a finished job");
            self.delete(Kind::Jobs, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        }
        Ok(())
    }

    /// Creates. `None` when the name's old object is still going.
    async fn create_now(&self, job: &Job, survey: &Snapshot) -> Result<Option<Created>> {
        let manifest = manifest::of(job, &self.context.state.house, self.owner())
            .map_err(|error| Error::Internal("the manifest can't be written", error.into()))?;
        let kind = Kind::of(job.spec.kind.job_type());
        match self.post_making_room(kind, &manifest, survey).await {
            Ok(created) => Ok(Some(Created::Now(created))),
            Err(ClusterError::AlreadyExists { being_deleted: true }) => Ok(None),
            Err(ClusterError::AlreadyExists { .. }) => Ok(Some(Created::ByAnother)),
            Err(ClusterError::QuotaExceeded(refusal)) => Err(Error::QuotaExceeded(refusal)),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks whether the new object was the first of its name, and takes it away again when it was
    /// not.
    async fn confirm(&self, job: &Job, created: Created) -> Result<Creation> {
        let Created::Now(created) = created else { return self.lost_within_kind(job).await };
        let job_type = job.spec.kind.job_type();
        let kind = Kind::of(job_type);
        let Named { metadata } = read(created.clone())?;
        match self.was_first(kind, &metadata).await {
            Ok(true) => Ok(Creation::New(Box::new(self.created_view(job_type, created)?))),
            Ok(false) => {
                self.withdraw(kind, &metadata).await?;
                Err(taken(job, false))
            }
            Err(error) => {
                // Nobody knows who was first, so ours must not stay.
                if let Err(error) = self.withdraw(kind, &metadata).await {
                    tracing::error!(%error, job.name = metadata.name, "a job may have its name twice");
                }
                Err(error.into())
            }
        }
    }

    /// Creates; and when the number of Jobs is in the way, once more after the oldest finished one
    /// has gone.
    async fn post_making_room(
        &self,
        kind: Kind,
        manifest: &Value,
        survey: &Snapshot,
    ) -> std::result::Result<Value, ClusterError> {
        match self.post(kind, manifest).await {
            Err(ClusterError::QuotaExceeded(refusal)) if refusal.is_about_jobs() => {
                let Some(oldest) =
                    room::oldest_finished(&survey.jobs, &self.tool).into_iter().next()
                else {
                    return Err(ClusterError::QuotaExceeded(refusal));
                };
                self.delete(Kind::Jobs, &oldest.name, &DeleteOptions::of(&oldest.uid)).await?;
                self.post(kind, manifest).await
            }
            outcome => outcome,
        }
    }

    /// Whether neither of the other two kinds had the name when this object was created.
    async fn was_first(&self, kind: Kind, mine: &Meta) -> std::result::Result<bool, ClusterError> {
        let mut others = Kind::JOBS.into_iter().filter(|other| *other != kind);
        let look = || Filter::name(&mine.name).exactly_at(&mine.resource_version);
        let (Some(one), Some(other)) = (others.next(), others.next()) else { return Ok(true) };
        let (one, other) = futures_util::try_join!(
            self.list::<Named>(one, look()),
            self.list::<Named>(other, look()),
        )?;
        Ok(one.is_empty() && other.is_empty())
    }

    /// Another request created an object of the same kind and name a moment ago; it may have been
    /// this one's twin.
    async fn lost_within_kind(&self, job: &Job) -> Result<Creation> {
        let survey = self.survey(job).await?;
        match claim(&survey, job)? {
            Claim::Repeated => self.repeated(job).await,
            // It ended, or went, in this very moment: the name was taken when it mattered.
            Claim::Free { .. } | Claim::Going => Err(taken(job, false)),
        }
    }

    /// The job that an earlier request with the same key created.
    async fn repeated(&self, job: &Job) -> Result<Creation> {
        let name = job.name.clone().into();
        let view = self.find(&name).await?.ok_or(Error::JobNotFound(name))?;
        Ok(Creation::Before(Box::new(view)))
    }

    /// A job as it is right after it was created.
    fn created_view(&self, job_type: JobType, created: Value) -> Result<JobView> {
        let mut snapshot = Snapshot::default();
        match job_type {
            JobType::OneOff => snapshot.jobs.push(read(created)?),
            JobType::Scheduled => snapshot.cronjobs.push(read(created)?),
            JobType::Continuous => snapshot.controllers.push(read(created)?),
        }
        self.views_at(&snapshot, Timestamp::now())
            .pop()
            .ok_or_else(|| Error::Internal("a new job is no job", "it has a controller".into()))
    }
}

fn read<T: serde::de::DeserializeOwned>(object: Value) -> Result<T> {
    Ok(serde_json::from_value(object).map_err(ClusterError::Unreadable)?)
}

fn taken(job: &Job, by_foreign_object: bool) -> Error {
    Error::JobExists { name: job.name.to_string(), by_foreign_object }
}

/// Looks through everything that has the job's name.
fn claim(survey: &Snapshot, job: &Job) -> Result<Claim> {
    let jobs = survey.jobs.iter().map(|object| (&object.metadata, object.ended().is_some()));
    let cronjobs = survey.cronjobs.iter().map(|object| (&object.metadata, false));
    let controllers = survey.controllers.iter().map(|object| (&object.metadata, false));
    let mut replaced = Vec::new();
    let mut is_going = false;
    for (meta, has_ended) in jobs.chain(cronjobs).chain(controllers) {
        if meta.name != job.name.as_str() {
            continue;
        }
        let is_ours = meta.labels.are_ours(&job.tool) && meta.controller().is_none();
        if is_ours && is_same_request(meta, &job.spec)? {
            return Ok(Claim::Repeated);
        }
        if meta.deletion_timestamp.is_some() {
            is_going = true;
        } else if is_ours && has_ended {
            replaced.push(meta.clone());
        } else {
            return Err(taken(job, !is_ours));
        }
    }
    Ok(if is_going { Claim::Going } else { Claim::Free { replaced } })
}

/// Whether an object was made by this very request, as its key says.
fn is_same_request(meta: &Meta, spec: &Spec) -> Result<bool> {
    let Some(kept) = observe::kept(meta) else { return Ok(false) };
    match (&kept.idempotency_key, &spec.idempotency_key) {
        (Some(kept_key), Some(key)) if kept_key == key => {
            if kept == *spec {
                Ok(true)
            } else {
                Err(Error::KeyReused)
            }
        }
        _ => Ok(false),
    }
}
