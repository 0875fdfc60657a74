//! Creating: one name is one job, whatever its kind and however many ask at once.
//!
//! The earliest creation wins. A first look refuses a name that is taken, without creating
//! anything; then the object is created; then a second look tells whether another kind had the name
//! first ([`precedence`](super::precedence)). The later of two requests looks when the object of the
//! earlier one is there, so of any number that raced exactly one stays, even through two servers.
//!
//! An answer that got lost is not an answer. The object is looked for by its name, and known by the
//! key that is kept with it. Every request has one: its caller's, or one that is made up for it and
//! that nobody can send.

mod confirm;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tjf_api_types::JobView;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    Cluster, ClusterError,
    precedence::Creation,
    survey::{Claim, Found, Freshness, Survey, is_same_request, taken},
};
use crate::{
    error::{Error, Result},
    job::{
        Job,
        kind::Kind,
        manifest,
        objects::Meta,
        quota::{QuotaRefusal, room::Jobs},
    },
    state::KnownTool,
};

/// How long a name is waited for whose old job is still ending.
const NAME_TIME_MAX: Duration = Duration::from_secs(20);
const NAME_LOOK_TIME: Duration = Duration::from_millis(200);
/// Kubernetes' count follows a delete late: up to 26 ms were seen in a full namespace.
const ROOM_TIME_MAX: Duration = Duration::from_secs(2);
const ROOM_LOOK_TIME_MIN: Duration = Duration::from_millis(25);
/// How often a create is sent whose answer got lost and whose object is not there.
const LOST_CREATES_MAX: u32 = 3;
const LOST_LOOK_TIME: Duration = Duration::from_millis(200);
/// Jobs that make room for one more while the tool's other requests wait for their turn.
const DELETED_IN_TURN_MAX: usize = 16;

/// What came of one turn.
enum Turn {
    /// There is a job of this very request.
    Done(Box<JobView>),
    /// Not yet. Look again after a pause.
    Later(Duration),
}

/// What is to be done after a look.
enum Step<'a> {
    /// Nothing: this object was made by the same request.
    Repeated(Found<'a>),
    /// To wait until the name is free.
    Wait {
        /// Since when its old job is ending, if that is known.
        since: Option<Timestamp>,
    },
    /// To create, after these finished one-offs have gone.
    Create {
        /// They take its name, or its room.
        leaving: Vec<&'a Meta>,
    },
}

/// An object of this request.
struct Created {
    object: Value,
    meta: Meta,
    creation: Creation,
}

/// A request on its way to a job.
struct Creating<'a> {
    cluster: &'a Cluster,
    job: &'a Job,
    kind: Kind,
    manifest: Value,
    name_end: Instant,
    /// Whether the next look must show everything: the first one is quick, and is not enough to
    /// refuse anything.
    is_thorough: bool,
    /// Whether the name was taken, within the kind, between the first look and the create.
    was_taken: bool,
    /// What Kubernetes said when it refused for the number of jobs, and until when it is asked
    /// again.
    refusal: Option<(QuotaRefusal, Instant)>,
    room_look_time: Duration,
}

impl Cluster {
    /// Creates a job, if its name is free and there is room; or gives the one that the same
    /// request, by its key, created before. What is refused has changed nothing.
    ///
    /// # Errors
    /// When the name is taken, the key was used for something else, there is no room, or Kubernetes
    /// does not do it; and when nobody can say whether it did.
    pub async fn create(&self, job: &Job) -> Result<JobView> {
        let manifest = manifest::of(job, &self.context.state.pod_settings, self.owner())
            .map_err(|error| Error::Internal("the manifest can't be written", error.into()))?;
        let now = Instant::now();
        let mut creating = Creating {
            cluster: self,
            job,
            kind: Kind::of(job.spec.kind.job_type()),
            manifest,
            name_end: (now + NAME_TIME_MAX).min(self.deadline - NAME_LOOK_TIME),
            is_thorough: false,
            was_taken: false,
            refusal: None,
            room_look_time: ROOM_LOOK_TIME_MIN,
        };
        let known = self.context.state.tools.get(self.tool());
        loop {
            match creating.turn(&known).await? {
                Turn::Done(view) => return Ok(*view),
                Turn::Later(pause) => sleep(pause).await,
            }
        }
    }
}

impl Creating<'_> {
    /// Looks around, makes room, and creates. Nobody else counts this tool's jobs meanwhile.
    async fn turn(&mut self, known: &KnownTool) -> Result<Turn> {
        let cluster = self.cluster;
        let last = timeout_at(cluster.deadline, known.counting.lock()).await;
        let mut last = last.map_err(|_| ClusterError::OutOfTime)?;
        let freshness = if self.is_thorough { Freshness::Now } else { Freshness::OurOwn(&last) };
        // Both at once; limits are most often known already.
        let (limits, survey) =
            futures_util::join!(cluster.limits(known), cluster.survey(self.job, freshness));
        let limits = limits?;
        let survey = match survey {
            Err(ClusterError::NoSuchVersion { .. }) if !self.is_thorough => {
                last.forget();
                return Ok(self.look_thoroughly());
            }
            survey => survey?,
        };
        let step = match self.step(&survey, limits.jobs_max) {
            Ok(Step::Create { leaving }) if leaving.is_empty() => Step::Create { leaving },
            _ if !self.is_thorough => return Ok(self.look_thoroughly()),
            step => step?,
        };
        if let Step::Create { .. } = &step {
            // A job that is there already need not be what the namespace allows by now.
            limits.check(&self.job.spec)?;
        }
        match step {
            Step::Repeated(found) => {
                drop(last);
                self.repeated(found, &survey).await
            }
            Step::Wait { since } => self.later_for_name(since),
            Step::Create { leaving } if self.must_see_go(&leaving) => {
                drop(last);
                self.delete_finished(&leaving).await?;
                Ok(Turn::Later(Duration::ZERO))
            }
            Step::Create { leaving } => {
                self.delete_finished(&leaving).await?;
                let created = self.create_object().await;
                if let Ok(created) = &created {
                    last.note(self.kind, &created.meta.resource_version);
                }
                drop(last);
                self.judge(created).await
            }
        }
    }

    /// Whether these have to be seen to have gone before anything is created: many, since others of
    /// the tool wait for their turn; and one that has the name in another kind, because something
    /// may keep it, and Kubernetes would not refuse the new object for it.
    fn must_see_go(&self, leaving: &[&Meta]) -> bool {
        let has_name = |meta: &&Meta| meta.name == self.job.name.as_str();
        leaving.len() > DELETED_IN_TURN_MAX
            || (self.kind != Kind::JOBS && leaving.iter().any(has_name))
    }

    fn look_thoroughly(&mut self) -> Turn {
        self.is_thorough = true;
        Turn::Later(Duration::ZERO)
    }

    /// What follows from a look.
    fn step<'s>(&'s self, survey: &'s Survey, jobs_max: Option<u64>) -> Result<Step<'s>> {
        match survey.claim(self.job)? {
            Claim::Repeated(found) => Ok(Step::Repeated(found)),
            Claim::Terminating { since } => Ok(Step::Wait { since }),
            // It ended, or went, in this very moment: the name was taken when it mattered.
            Claim::Free { .. } if self.was_taken => Err(taken(self.job, false)),
            Claim::Free { replaced } => {
                Ok(Step::Create { leaving: self.leaving(survey, replaced, jobs_max)? })
            }
        }
    }

    /// The finished one-offs that have to go before this job comes: the one that has its name, and
    /// those that take its room.
    fn leaving<'s>(
        &'s self,
        survey: &'s Survey,
        replaced: Option<&'s Meta>,
        jobs_max: Option<u64>,
    ) -> Result<Vec<&'s Meta>> {
        let jobs = Jobs {
            all: &survey.jobs,
            cronjobs: &survey.cronjobs,
            replaced: replaced.map(|meta| meta.uid.as_str()),
            tool: self.cluster.tool(),
            now: Timestamp::now(),
        };
        let mut leaving = jobs.in_the_way(self.job.spec.kind.job_type(), jobs_max)?;
        leaving.extend(replaced);
        if let (Some((refusal, _)), true) = (&self.refusal, leaving.is_empty())
            && refusal.jobs_allowed() <= Some(survey.jobs.len() as u64)
        {
            // There really is no place, so the oldest gives up its own, however young it is.
            match jobs.finished().next() {
                Some(oldest) => leaving.push(oldest),
                None => return Err(ClusterError::QuotaExceeded(refusal.clone()).into()),
            }
        }
        Ok(leaving)
    }

    /// Deletes finished one-offs, several at once, if the new job would be taken then.
    async fn delete_finished(&self, leaving: &[&Meta]) -> Result<()> {
        if leaving.is_empty() {
            return Ok(());
        }
        if self.refusal.is_none() {
            self.check_is_taken().await?;
        }
        for meta in leaving {
            let (tool, job) = (self.cluster.tool(), &meta.name);
            tracing::info!(tool.name = %tool, job.name = job, "a finished job makes room");
        }
        let found: Vec<_> = leaving.iter().map(|meta| Found { kind: Kind::JOBS, meta }).collect();
        Ok(self.cluster.delete_several(&found).await.map_err(ClusterError::before_the_change)?)
    }

    /// Asks Kubernetes what it would say, since what it refuses must not have cost anything. That
    /// there is no room for one more job is what is about to be mended.
    async fn check_is_taken(&self) -> Result<()> {
        let mut manifest = self.manifest.clone();
        if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
            // The name may be taken until then.
            metadata.remove("name");
            metadata.insert("generateName".to_owned(), "job-".into());
        }
        match self.cluster.try_create(self.kind, &manifest).await {
            Err(ClusterError::QuotaExceeded(refusal)) if refusal.is_only_about_jobs() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    /// Creates; and finds out what came of it when the answer got lost. Sending it again is safe:
    /// of one kind and name there is one object. From then on only the object itself ends the doubt,
    /// for even a refusal may be due to the first create, which came late and took the last place.
    async fn create_object(&self) -> std::result::Result<Created, ClusterError> {
        let mut lost = None;
        for _ in 0..LOST_CREATES_MAX {
            match self.cluster.create_object(self.kind, &self.manifest).await {
                Ok((object, meta)) => {
                    return Ok(Created { object, meta, creation: Creation::AtItsVersion });
                }
                Err(error @ ClusterError::Unknown { .. }) => lost = Some(error),
                Err(error) if lost.is_none() => return Err(error),
                Err(_) => {}
            }
            match self.cluster.get_object(self.kind, self.job.name.as_str()).await {
                Ok(Some((object, meta))) if is_same_request(&meta, self.job) => {
                    return Ok(Created { object, meta, creation: Creation::Earlier });
                }
                Ok(Some(_)) => return Err(ClusterError::AlreadyExists { being_deleted: false }),
                Ok(None) => sleep(LOST_LOOK_TIME).await,
                Err(_) => break,
            }
        }
        Err(lost.unwrap_or(ClusterError::OutOfTime))
    }

    /// What follows from a create.
    async fn judge(&mut self, created: std::result::Result<Created, ClusterError>) -> Result<Turn> {
        match created {
            Ok(created) => self.confirm(created).await,
            Err(ClusterError::AlreadyExists { being_deleted: true }) => self.later_for_name(None),
            Err(ClusterError::AlreadyExists { being_deleted: false }) => {
                // By another request, a moment ago, which may have been this one's twin.
                self.was_taken = true;
                Ok(self.look_thoroughly())
            }
            Err(ClusterError::QuotaExceeded(refusal)) if refusal.is_only_about_jobs() => {
                self.later_for_room(refusal)
            }
            Err(error @ ClusterError::Unknown { .. }) => {
                let name = &self.job.name;
                let detail = format!(
                    "it is not known whether the job `{name}` was created: `show` tells, and the \
                     same request with the same `Idempotency-Key` never makes a second one"
                );
                Err(Error::NotKnown { detail, source: error })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The name's old job is still ending.
    fn later_for_name(&mut self, since: Option<Timestamp>) -> Result<Turn> {
        self.is_thorough = true;
        if Instant::now() < self.name_end {
            return Ok(Turn::Later(NAME_LOOK_TIME));
        }
        Err(Error::JobEnding { name: self.job.name.to_string(), since })
    }

    /// Kubernetes has no place for one more Job, or has not noticed yet that it has one.
    fn later_for_room(&mut self, refusal: QuotaRefusal) -> Result<Turn> {
        let now = Instant::now();
        let end = self.refusal.take().map_or(now + ROOM_TIME_MAX, |(_, end)| end);
        if now >= end.min(self.cluster.deadline) {
            return Err(ClusterError::QuotaExceeded(refusal).into());
        }
        self.refusal = Some((refusal, end));
        self.is_thorough = true;
        self.room_look_time *= 2;
        Ok(Turn::Later(self.room_look_time))
    }
}
