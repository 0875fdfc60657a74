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
mod rehearse;
mod service;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tjf_api_types::{JobView, ToolName};
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
    state::{Creates, KnownTool},
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
        /// The one that has its name.
        replaced: Option<&'a Meta>,
        /// All that take its name or its room.
        leaving: Vec<&'a Meta>,
    },
}

/// What there is around a new job.
#[derive(Clone, Copy)]
struct Around<'a> {
    tool: &'a ToolName,
    survey: &'a Survey,
    /// What this server creates beside it.
    creates: &'a Creates,
    /// How many Job objects the namespace allows, if it says so.
    jobs_max: Option<u64>,
}

/// An object of this request.
struct Created {
    /// As Kubernetes writes it.
    object: Vec<u8>,
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
    /// Whether a quota was in the way of the job's Service before.
    was_service_refused: bool,
}

impl Cluster {
    /// Creates a job, if its name is free and there is room; or gives the one that the same
    /// request, by its key, created before. What is refused has changed nothing.
    ///
    /// # Errors
    /// When the name is taken, the key was used for something else, there is no room, or Kubernetes
    /// does not do it; and when nobody can say whether it did.
    pub async fn create(&self, job: &Job) -> Result<JobView> {
        let mut creating = Creating::new(self, job)?;
        let known = self.context.known();
        loop {
            match creating.turn(known).await? {
                Turn::Done(view) => return Ok(*view),
                Turn::Later(pause) => sleep(pause).await,
            }
        }
    }
}

impl<'a> Creating<'a> {
    fn new(cluster: &'a Cluster, job: &'a Job) -> Result<Self> {
        let manifest = manifest::of(job, &cluster.context.state.pod_settings, cluster.owner())
            .map_err(|error| Error::Internal("the manifest can't be written", error.into()))?;
        Ok(Self {
            cluster,
            job,
            kind: Kind::of(job.spec.kind.job_type()),
            manifest,
            name_end: (Instant::now() + NAME_TIME_MAX).min(cluster.deadline - NAME_LOOK_TIME),
            is_thorough: false,
            was_taken: false,
            refusal: None,
            room_look_time: ROOM_LOOK_TIME_MIN,
            was_service_refused: false,
        })
    }
}

impl Creating<'_> {
    /// Looks around, makes room, and creates. One request of a tool looks at a time, and announces
    /// its object before the next one does.
    async fn turn(&mut self, known: &KnownTool) -> Result<Turn> {
        let cluster = self.cluster;
        let counting = timeout_at(cluster.deadline, known.counting.lock()).await;
        let counting = counting.map_err(|_| ClusterError::OutOfTime)?;
        let creates = known.creates();
        // The caller's key may have come to another server a moment ago.
        self.is_thorough |= self.job.spec.has_callers_key() && !creates.are_recent(Instant::now());
        let freshness = if self.is_thorough { Freshness::Now } else { Freshness::OurOwn(&creates) };
        // Both at once; limits are most often known already.
        let (limits, survey) =
            futures_util::join!(cluster.limits(known), cluster.survey(self.job, freshness));
        let limits = limits?;
        let survey = match survey {
            Err(ClusterError::NoSuchVersion { .. }) if !self.is_thorough => {
                known.forget_versions();
                return Ok(self.look_thoroughly());
            }
            survey => survey?,
        };
        let (tool, jobs_max) = (cluster.tool(), limits.jobs_max);
        let around = Around { tool, survey: &survey, creates: &creates, jobs_max };
        let step = match self.step(around) {
            Ok(Step::Create { replaced, leaving }) if leaving.is_empty() => {
                Step::Create { replaced, leaving }
            }
            _ if !self.is_thorough => return Ok(self.look_thoroughly()),
            step => step?,
        };
        match step {
            Step::Repeated(found) => {
                drop(counting);
                self.repeated(found, &survey).await
            }
            Step::Wait { since } => self.later_for_name(since),
            Step::Create { replaced, leaving } => {
                // A job that is there already need not be what the namespace allows by now.
                limits.check(&self.job.spec)?;
                let coming = known.announce(self.kind, self.job.name.as_str());
                drop(counting);
                if let Some(later) = self.before_service().await? {
                    return Ok(later);
                }
                let leaving = self.leaving_if_taken(around, replaced, leaving).await?;
                self.delete_finished(&leaving).await?;
                // Something may keep it, and Kubernetes would not refuse another kind for it.
                if replaced.is_some() && self.kind != Kind::JOBS {
                    return Ok(Turn::Later(Duration::ZERO));
                }
                let created = self.create_object().await;
                if let Ok(created) = &created {
                    coming.has_come(created.meta.version);
                }
                drop(coming);
                self.judge(created).await
            }
        }
    }

    fn look_thoroughly(&mut self) -> Turn {
        self.is_thorough = true;
        Turn::Later(Duration::ZERO)
    }

    /// What follows from a look.
    fn step<'a>(&self, around: Around<'a>) -> Result<Step<'a>> {
        match around.survey.claim(self.job)? {
            Claim::Repeated(found) => Ok(Step::Repeated(found)),
            Claim::Terminating { since } => Ok(Step::Wait { since }),
            // It ended, or went, in this very moment: the name was taken when it mattered.
            Claim::Free { .. } if self.was_taken => Err(taken(self.job, false)),
            Claim::Free { replaced } => {
                Ok(Step::Create { replaced, leaving: self.leaving(around, replaced)? })
            }
        }
    }

    /// The finished one-offs that have to go before this job comes: the one that has its name, and
    /// those that take its room.
    fn leaving<'a>(&self, around: Around<'a>, replaced: Option<&'a Meta>) -> Result<Vec<&'a Meta>> {
        let Around { tool, survey, creates, jobs_max } = around;
        let jobs = Jobs {
            all: &survey.jobs,
            cronjobs: &survey.cronjobs,
            coming: creates.coming(Kind::JOBS),
            coming_cronjobs: creates.coming(Kind::CRON_JOBS),
            replaced: replaced.map(|meta| meta.uid.as_str()),
            tool,
            now: Timestamp::now(),
        };
        let mut leaving = jobs.in_the_way(self.job.spec.kind.job_type(), jobs_max)?;
        if let Some((refusal, _)) = &self.refusal
            && let Some(allowed) = refusal.jobs_allowed()
        {
            // Another quota may allow less than the one that Kubernetes named.
            let allowed = jobs_max.map_or(allowed, |max| max.min(allowed));
            let must_go = jobs.that_must_go(allowed);
            let must_go = must_go.ok_or_else(|| ClusterError::QuotaExceeded(refusal.clone()))?;
            if must_go.len() > leaving.len() {
                leaving = must_go;
            }
        }
        leaving.extend(replaced);
        Ok(leaving)
    }

    /// The same again, after Kubernetes was asked whether it would take the new job then, since what
    /// it refuses must not have cost anything. When it has no place for one more Job, what goes must
    /// be enough to make one.
    async fn leaving_if_taken<'a>(
        &mut self,
        around: Around<'a>,
        replaced: Option<&'a Meta>,
        leaving: Vec<&'a Meta>,
    ) -> Result<Vec<&'a Meta>> {
        if leaving.is_empty() || self.refusal.is_some() {
            return Ok(leaving);
        }
        match self.would_be_taken().await {
            Ok(()) => Ok(leaving),
            Err(ClusterError::QuotaExceeded(refusal)) if refusal.is_only_about_jobs() => {
                self.refusal = Some((refusal, Instant::now() + ROOM_TIME_MAX));
                self.leaving(around, replaced)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks Kubernetes whether it would take the new object, under a name that it makes up, since
    /// the object's own may be taken until then.
    async fn would_be_taken(&self) -> std::result::Result<(), ClusterError> {
        self.cluster.try_create(self.kind, &unnamed(self.manifest.clone())).await
    }

    /// Deletes finished one-offs, several at once.
    async fn delete_finished(&self, leaving: &[&Meta]) -> Result<()> {
        for meta in leaving {
            let (tool, job) = (self.cluster.tool(), &meta.name);
            tracing::info!(tool.name = %tool, job.name = job, "a finished job makes room");
        }
        let found: Vec<_> = leaving.iter().map(|meta| Found { kind: Kind::JOBS, meta }).collect();
        Ok(self.cluster.delete_several(&found).await.map_err(ClusterError::before_the_change)?)
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
                let key = self.of_the_same_key("never makes a second one");
                let detail = format!(
                    "it is not known whether the job `{name}` was created: `show` tells{key}"
                );
                Err(Error::NotKnown { detail, source: error })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What a repeated request does, for a caller who sent a key and can repeat it.
    fn of_the_same_key(&self, does: &str) -> String {
        if self.job.spec.has_callers_key() {
            format!(", and the same request with the same `Idempotency-Key` {does}")
        } else {
            String::new()
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

/// The same object, under a name that Kubernetes makes up.
fn unnamed(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("name");
        metadata.insert("generateName".to_owned(), "job-".into());
    }
    object
}
