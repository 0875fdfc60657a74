//! Restarting: new pods for a continuous job, and a run out of turn for a scheduled one.
//!
//! Two pods of one bot are never at work at once. A `ReplicationController` replaces a pod that is
//! still ending, so it is scaled to 0, waited for, and scaled up again. The restart is kept with the
//! object ([`Restart`]), and every change of it is for the version that was seen, so whoever looks
//! knows what to do next: another request, after an answer that was lost; another server, after one
//! that died. A step that somebody else has made is one that need not be made again.

mod resume;
mod scheduled;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tjf_api_types::{JobView, ObjectName};
use tokio::time::{Instant, sleep};

use super::{Cluster, ClusterError, Outcome, read::looked_at};
use crate::{
    error::Error,
    job::{
        kind::{Kind, Resource},
        objects::{Meta, Pod, ReplicationController},
        restart::{self, Restart},
    },
    store::Followed,
};

/// Between two looks; grows, since what did not go at once takes its grace.
const LOOK_TIME_MIN: Duration = Duration::from_millis(50);
const LOOK_TIME_MAX: Duration = Duration::from_millis(500);
/// How often a change is sent that began nothing and whose answer got lost.
const LOST_BEGINNINGS_MAX: u32 = 3;

/// What comes of one look at a restart.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// It is over.
    Done,
    /// The job is not there any more.
    Gone,
    /// Look again: something was changed, or has yet to end.
    Again,
}

/// The restart of a continuous job, as one request sees it.
struct Copies<'a> {
    cluster: &'a Cluster,
    name: &'a ObjectName,
    uid: &'a str,
    /// Whether the job was seen without copies, so that all that it has later are new.
    has_begun: bool,
    /// How many changes may have begun it, whose answers got lost.
    lost: u32,
}

impl Cluster {
    /// Restarts the oldest job of this name: gives a continuous one new pods, after the old ones have
    /// ended, and starts a scheduled one now, in the place of a run that is at work. `None` when
    /// there is none, or none any more.
    ///
    /// # Errors
    /// When it is a one-off or is being deleted; when Kubernetes does not do it; and when nobody can
    /// say how far it came.
    pub async fn restart(&self, name: &ObjectName) -> Result<Option<JobView>, Error> {
        let objects = self.objects_of(name).await?;
        let snapshot = objects.snapshot();
        let oldest = snapshot.owners().min_by_key(|(_, meta)| meta.creation_timestamp);
        let Some((kind, meta)) = oldest else { return Ok(None) };
        if let Some(since) = meta.deletion_timestamp {
            return Err(Error::JobEnding { name: name.to_string(), since: Some(since) });
        }
        let is_there = if kind == Kind::REPLICATION_CONTROLLERS {
            Copies { cluster: self, name, uid: &meta.uid, has_begun: false, lost: 0 }
                .renew()
                .await?
        } else if kind == Kind::CRON_JOBS {
            self.run_now(name, &meta.uid).await?
        } else {
            return Err(Error::OneOffRestarted(name.to_string()));
        };
        // What it left, or did not take again, may be enough for another.
        self.nudge();
        if !is_there {
            return Ok(None);
        }
        let views = self.jobs_named(name).await.map_err(|source| {
            let detail = format!("the job `{name}` was restarted: `show` tells how it is");
            Error::NotKnown { detail, source }
        })?;
        Ok(views.into_iter().find(|view| view.uid == meta.uid))
    }

    /// Changes an object of a job, and has readers wait until they see it.
    async fn change<T: Resource + Followed>(
        &self,
        name: &ObjectName,
        patch: serde_json::Result<Value>,
    ) -> Result<T, ClusterError> {
        let patch = patch.map_err(ClusterError::Unwritable)?;
        let changed: T = self.patch(name.as_str(), &patch).await?;
        self.context.known().note(T::KIND, changed.meta().version);
        Ok(changed)
    }
}

impl Copies<'_> {
    /// Brings the restart to its end. False when the job has gone.
    async fn renew(&mut self) -> Result<bool, Error> {
        self.cluster.context.waits();
        let mut look_time = LOOK_TIME_MIN;
        loop {
            let error = match self.step().await {
                Ok(Step::Done) => return Ok(true),
                Ok(Step::Gone) => return Ok(false),
                Ok(Step::Again) => None,
                Err(error) if self.is_final(&error) => return Err(self.explained(error)),
                Err(error) => Some(error),
            };
            if Instant::now() + look_time >= self.cluster.deadline {
                return Err(self.explained(error.unwrap_or(ClusterError::OutOfTime)));
            }
            if let Some(error) = error {
                tracing::debug!(%error, "looking again at a restart");
            }
            sleep(look_time).await;
            look_time = (look_time * 2).min(LOOK_TIME_MAX);
        }
    }

    /// Looks, and does what is to be done next.
    async fn step(&mut self) -> Result<Step, ClusterError> {
        let Some(controller) = self.look().await? else { return Ok(Step::Gone) };
        let seen = &controller.metadata;
        let patch = if let Some((_, replicas)) = controller.restart() {
            self.has_begun = true;
            if !self.is_drained(&controller).await? {
                return Ok(Step::Again);
            }
            restart::patch_of_copies(seen, None, replicas)
        } else if self.has_begun || controller.wanted() == 0 {
            return Ok(Step::Done);
        } else {
            let begun = Restart::of_copies(controller.wanted(), Timestamp::now());
            restart::patch_of_copies(seen, Some(&begun), 0)
        };
        match self.cluster.change::<ReplicationController>(self.name, patch).await {
            Ok(changed) if changed.restart().is_some() => {
                self.has_begun = true;
                Ok(Step::Again)
            }
            Ok(_) => Ok(Step::Done),
            // Its controller wrote down how many pods there are, or somebody else was quicker.
            Err(error) if error.is_conflict() => Ok(Step::Again),
            Err(ClusterError::NotFound | ClusterError::OtherObject) => Ok(Step::Gone),
            Err(error) => {
                self.lost += u32::from(error.outcome() == Outcome::Unknown && !self.has_begun);
                Err(error)
            }
        }
    }

    /// The very object, unless it is going.
    async fn look(&self) -> Result<Option<ReplicationController>, ClusterError> {
        let found = self.cluster.get::<ReplicationController>(self.name.as_str()).await?;
        let is_it = |meta: &Meta| meta.uid == self.uid && meta.deletion_timestamp.is_none();
        Ok(found.filter(|controller| is_it(&controller.metadata)))
    }

    /// Whether no pod is left, nor can come. Its controller is asked first: what it made before it
    /// saw that there are to be none is in a list of pods that is asked for afterwards.
    async fn is_drained(&self, controller: &ReplicationController) -> Result<bool, ClusterError> {
        if !controller.is_observed() {
            return Ok(false);
        }
        let reach = controller.metadata.reach_of(&controller.spec.template.metadata.labels);
        let filter = looked_at(self.cluster.tool(), reach, Some(self.name));
        let pods = self.cluster.list::<Pod>(filter).await?.items;
        let is_left = |pod: &Pod| pod.metadata.controller() == Some(self.uid) && !pod.has_ended();
        Ok(!pods.iter().any(is_left))
    }

    /// Whether another look would be in vain, or is not needed: nothing was changed.
    fn is_final(&self, error: &ClusterError) -> bool {
        let may_have_begun = self.has_begun || self.lost > 0;
        error.outcome() == Outcome::Refused
            || !may_have_begun
            || (!self.has_begun && self.lost >= LOST_BEGINNINGS_MAX)
    }

    /// What an error means for the whole.
    fn explained(&self, source: ClusterError) -> Error {
        let name = self.name;
        let detail = if self.has_begun {
            format!(
                "the old pods of `{name}` were told to end, and it is not known whether new ones \
                 were started: `show` tells, and goes on with the restart"
            )
        } else if self.lost > 0 {
            format!(
                "it is not known whether the restart of `{name}` has begun: `show` tells, and goes \
                 on with it"
            )
        } else {
            return source.into();
        };
        Error::NotKnown { detail, source }
    }
}
