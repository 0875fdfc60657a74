//! Creating: one name is one job, whatever its kind and however many ask at once.
//!
//! Kubernetes keeps names apart only within a kind. So the earliest creation wins: a first look
//! refuses a name that is taken, without creating anything; then the object is created; then a
//! second look tells whether another kind had the name first. If so ours goes again. Versions of
//! all kinds are one sequence, and whoever is later looks after the earlier one is there; so of any
//! number that raced exactly one was first, even through two servers.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tjf_api_types::{JobType, JobView};
use tokio::time::{Instant, sleep};

use super::{
    Cluster, ClusterError,
    call::{DeleteOptions, Filter, Kind},
    survey::{Claim, Survey, taken},
};
use crate::{
    error::{Error, Result},
    job::{
        Job, manifest,
        objects::{BatchJob, Meta, Named},
        observe::Snapshot,
        room,
    },
    state::LastCreated,
};

/// How long a name is waited for whose old object is still going.
const NAME_TIME_MAX: Duration = Duration::from_secs(20);
const NAME_LOOK_TIME: Duration = Duration::from_millis(200);

/// What came of sending an object.
enum Created {
    /// It is there, as Kubernetes has it.
    Now(Box<(Value, Meta)>),
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
    /// Creates a job, if its name is free and there is room; or gives the one that the same
    /// request, by its key, created before.
    ///
    /// # Errors
    /// When the name is taken, the key was used for something else, there is no room, or Kubernetes
    /// does not do it.
    pub async fn create(&self, job: &Job) -> Result<JobView> {
        let patience_ends =
            (Instant::now() + NAME_TIME_MAX).min(self.context.deadline - 2 * NAME_LOOK_TIME);
        let known = self.context.state.tools.get(&self.tool);
        loop {
            let mut last = known.counting.lock().await;
            // Both at once; limits are most often known already.
            let (limits, survey) =
                futures_util::try_join!(self.limits(&known), self.survey(job, &last))?;
            limits.check(&job.spec)?;
            let created = match survey.claim(job)? {
                Claim::Repeated => {
                    drop(last);
                    return self.repeated(job).await;
                }
                Claim::Free { replaced } => {
                    self.make_room(job, &survey, replaced.as_deref(), limits.jobs_max).await?;
                    self.create_now(job, &survey).await?
                }
                Claim::Going => None,
            };
            if let Some(Created::Now(new)) = &created {
                last.note(job.spec.kind.job_type(), &new.1.resource_version);
            }
            drop(last);
            if let Some(created) = created {
                return self.confirm(job, created).await;
            }
            if Instant::now() >= patience_ends {
                return Err(taken(job, false));
            }
            sleep(NAME_LOOK_TIME).await;
        }
    }

    /// Deletes what is replaced, and the oldest finished one-offs where there would be no room.
    async fn make_room(
        &self,
        job: &Job,
        survey: &Survey,
        replaced: Option<&Meta>,
        jobs_max: Option<u64>,
    ) -> Result<()> {
        let kind = job.spec.kind.job_type();
        let unfinished = room::unfinished(&survey.jobs, &self.tool);
        if kind == JobType::OneOff && unfinished >= room::UNFINISHED_MAX {
            return Err(Error::TooManyUnfinished { unfinished });
        }
        if let Some(meta) = replaced {
            self.delete(Kind::Jobs, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        }
        let Some(jobs_max) = jobs_max else { return Ok(()) };
        let is_left = |job: &&BatchJob| replaced.is_none_or(|meta| meta.uid != job.metadata.uid);
        let left: Vec<_> = survey.jobs.iter().filter(is_left).cloned().collect();
        for meta in room::to_delete(&left, &survey.cronjobs, jobs_max, kind, &self.tool) {
            tracing::info!(tool.name = %self.tool, job.name = meta.name, "making room: deleting a finished job");
            self.delete(Kind::Jobs, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        }
        Ok(())
    }

    /// Creates. `None` when the name's old object is still going.
    async fn create_now(&self, job: &Job, survey: &Survey) -> Result<Option<Created>> {
        let manifest = manifest::of(job, &self.context.state.house, self.owner())
            .map_err(|error| Error::Internal("the manifest can't be written", error.into()))?;
        let kind = Kind::of(job.spec.kind.job_type());
        match self.post_making_room(kind, &manifest, survey).await {
            Ok(created) => {
                let Named { metadata } = read(created.clone())?;
                Ok(Some(Created::Now(Box::new((created, metadata)))))
            }
            Err(ClusterError::AlreadyExists { being_deleted: true }) => Ok(None),
            Err(ClusterError::AlreadyExists { .. }) => Ok(Some(Created::ByAnother)),
            Err(ClusterError::QuotaExceeded(refusal)) => Err(Error::QuotaExceeded(refusal)),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks whether the new object was the first of its name, and takes it away again when it was
    /// not.
    async fn confirm(&self, job: &Job, created: Created) -> Result<JobView> {
        let Created::Now(new) = created else { return self.lost_within_kind(job).await };
        let (created, metadata) = *new;
        let job_type = job.spec.kind.job_type();
        let kind = Kind::of(job_type);
        match self.was_first(kind, &metadata).await {
            Ok(true) => self.created_view(job_type, created),
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
        survey: &Survey,
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
        let (Some(one), Some(other)) = (others.next(), others.next()) else { return Ok(true) };
        let (one, other) =
            futures_util::try_join!(self.was_before(one, mine), self.was_before(other, mine))?;
        Ok(!one && !other)
    }

    /// Whether another kind had the name when this object was created. What was created before it
    /// is there now, unless it has gone since and stands in nobody's way. What is there now, and
    /// has changed since, may have come later: then it is asked for as it was at that very version.
    async fn was_before(&self, kind: Kind, mine: &Meta) -> std::result::Result<bool, ClusterError> {
        let Some(Named { metadata: other }) = self.get(kind, &mine.name).await? else {
            return Ok(false);
        };
        let version = |meta: &Meta| meta.resource_version.parse::<u64>().ok();
        match (version(&other), version(mine)) {
            (Some(other), Some(mine)) if other < mine => Ok(true),
            _ => {
                let look = Filter::name(&mine.name).exactly_at(&mine.resource_version);
                Ok(!self.list::<Named>(kind, look).await?.is_empty())
            }
        }
    }

    /// Another request created an object of the same kind and name a moment ago; it may have been
    /// this one's twin.
    async fn lost_within_kind(&self, job: &Job) -> Result<JobView> {
        let survey = self.survey(job, &LastCreated::default()).await?;
        match survey.claim(job)? {
            Claim::Repeated => self.repeated(job).await,
            // It ended, or went, in this very moment: the name was taken when it mattered.
            Claim::Free { .. } | Claim::Going => Err(taken(job, false)),
        }
    }

    /// The job that an earlier request with the same key created.
    async fn repeated(&self, job: &Job) -> Result<JobView> {
        let name = job.name.clone().into();
        self.find(&name).await?.ok_or(Error::JobNotFound(name))
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
