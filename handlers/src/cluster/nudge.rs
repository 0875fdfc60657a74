//! What waits for room is told when there is some.
//!
//! Kubernetes tries again by itself only after a pause that doubles each time: up to a minute for a
//! Job, and up to 17 for a `ReplicationController`. Any change of the object makes it try at once, so
//! what waits gets an annotation: the oldest first, one a second of each tool, and only while there
//! is room, as Kubernetes counts it.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Cluster, ClusterError, call::Filter, if_allowed};
use crate::{
    job::{
        kind::{Kind, Resource},
        labels,
        objects::{BatchJob, Event, ReplicationController},
        observe::{Objects, Waiting},
        quota::{objects::ResourceQuota, vacancy::Vacancy},
    },
    state::{Nudging, Working},
    store::Followed,
};

/// How long all of one round may take.
const TIME_MAX: Duration = Duration::from_secs(60);
/// From one annotation of a tool's objects to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// What was deleted makes room when it has ended, and Kubernetes' count follows late.
const ROOM_TIME_MAX: Duration = Duration::from_secs(5);
const LOOK_TIME_MIN: Duration = Duration::from_millis(100);
const LOOK_TIME_MAX: Duration = Duration::from_secs(1);

/// What came of one look.
enum Round {
    /// The object of this uid was told.
    Told(String),
    /// Something waits, and nothing of it fits.
    NoRoom,
    /// Nothing waits that was not told already.
    NothingWaits,
}

impl Cluster {
    /// Sees to it that what waits for room is told of it, beside the answer to this request. Whoever
    /// makes room calls it, or sees that there is some; it costs nothing while somebody is at it, or
    /// when the namespace is known to have no quota that pods could wait for.
    pub fn nudge(&self) {
        let known = self.context.known();
        let limits = known.limits(Instant::now());
        if limits.is_some_and(|limits| !limits.count_pods()) || !known.nudging.ask() {
            return;
        }
        self.context.beside(TIME_MAX, async move |context| {
            let nudging = &context.known().nudging;
            // However this ends, the next who asks begins anew.
            let mut working = nudging.working();
            let work = async {
                let cluster = Self::of(&context).await?;
                cluster.nudge_all(nudging, &mut working).await
            };
            tokio::select! {
                outcome = work => if let Err(error) = outcome {
                    tracing::debug!(%error, "what waits for room is not told of it");
                },
                // Kubernetes tries by itself some time, so nothing is lost.
                () = context.stopping() => {}
            }
        });
    }

    async fn nudge_all(
        &self,
        nudging: &Nudging,
        working: &mut Working<'_>,
    ) -> Result<(), ClusterError> {
        let mut nudged = BTreeSet::new();
        let mut look_time = LOOK_TIME_MIN;
        loop {
            let asked_at = nudging.asked_at();
            match self.nudge_one(nudging, &nudged).await? {
                Round::Told(uid) => {
                    nudged.insert(uid);
                    look_time = LOOK_TIME_MIN;
                    continue;
                }
                Round::NoRoom if asked_at.is_some_and(|at| at.elapsed() < ROOM_TIME_MAX) => {}
                Round::NoRoom | Round::NothingWaits => {
                    if working.ends(asked_at) {
                        return Ok(());
                    }
                }
            }
            sleep(look_time).await;
            look_time = (look_time * 2).min(LOOK_TIME_MAX);
        }
    }

    /// Tells the oldest that fits and was not told yet.
    async fn nudge_one(
        &self,
        nudging: &Nudging,
        nudged: &BTreeSet<String>,
    ) -> Result<Round, ClusterError> {
        let Some(objects) = self.objects_with_refusals().await? else {
            return Ok(Round::NothingWaits);
        };
        let snapshot = objects.snapshot();
        let mut waiting = snapshot.waiting_for_room();
        waiting.retain(|waiting| !nudged.contains(&waiting.meta.uid));
        if waiting.is_empty() {
            return Ok(Round::NothingWaits);
        }
        // Kubernetes may still be at work with what was told last.
        sleep_until(nudging.next_at(PAUSE)).await;
        let quotas = if_allowed(self.list::<ResourceQuota>(Filter::all()).await.map(|it| it.items));
        let vacancy = Vacancy::of(&quotas?);
        let fitting = waiting.iter().find(|it| vacancy.has_room(&it.refusal));
        // What is coming has not been counted yet.
        let Some(next) = fitting.filter(|_| !snapshot.has_pods_coming()) else {
            return Ok(Round::NoRoom);
        };
        self.tell_of_room(next).await?;
        nudging.nudged();
        Ok(Round::Told(next.meta.uid.clone()))
    }

    /// The tool's objects, with the warnings about them, if any of these says that a quota refused
    /// something; most often none does, and nothing else is asked.
    async fn objects_with_refusals(&self) -> Result<Option<Objects>, ClusterError> {
        let events = if_allowed(self.list::<Event>(Filter::warnings()).await.map(|it| it.items))?;
        if !events.iter().any(|event| event.message.contains("exceeded quota: ")) {
            return Ok(None);
        }
        let known = self.context.known();
        let creates = known.creates();
        let remembered = known.store.with(&creates, |contents| contents.objects().clone()).await;
        let objects = match remembered {
            Some(objects) => objects.of_tool(self.tool()),
            None => self.objects_of_all().await?,
        };
        Ok(Some(Objects { events, ..objects }))
    }

    /// Changes this very object, so that its controller looks at it at once.
    async fn tell_of_room(&self, waiting: &Waiting<'_>) -> Result<(), ClusterError> {
        let Waiting { kind, meta, .. } = waiting;
        let (tool, job) = (self.tool(), &meta.name);
        tracing::info!(tool.name = %tool, job.name = job, "there is room for what waits");
        let patch = labels::nudge(&meta.uid, Timestamp::now());
        if *kind == Kind::REPLICATION_CONTROLLERS {
            self.tell::<ReplicationController>(job, &patch).await
        } else {
            self.tell::<BatchJob>(job, &patch).await
        }
    }

    async fn tell<T: Resource + Followed>(
        &self,
        name: &str,
        patch: &Value,
    ) -> Result<(), ClusterError> {
        match self.patch::<T>(name, patch).await {
            // It has gone, or was changed by another, which does as well.
            Ok(_) | Err(ClusterError::NotFound | ClusterError::OtherObject) => Ok(()),
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
