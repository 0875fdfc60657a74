//! A scheduled job is run now: what is at work ends first, and then a run is made by its template.
//!
//! The run's name is kept with the `CronJob` before anything ends, so two restarts at once make one
//! run: the second sees the name, and helps to make it. A restart whose run is there is over, and the
//! next one may take its place. Whoever makes a run looks before and after whether that happened.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tjf_api_types::{ObjectName, Suffix};
use tjf_runtime::chance;
use tokio::time::{Instant, sleep};

use super::super::{
    Cluster, ClusterError, Outcome,
    read::{looked_at, read},
    survey::Found,
};
use crate::{
    error::Error,
    job::{
        kind::Kind,
        labels::Reach,
        objects::{BatchJob, CronJob, Meta},
        restart::{self, Restart},
    },
};

/// How often a name is kept, when somebody else was quicker or an answer got lost.
const CLAIMS_MAX: u32 = 5;
const CLAIM_LOOK_TIME: Duration = Duration::from_millis(100);
/// How often a run is sent whose answer got lost and which is not there.
const LOST_RUNS_MAX: u32 = 3;
/// Kubernetes' count follows a delete late.
const ROOM_TIME_MAX: Duration = Duration::from_secs(2);
const LOOK_TIME: Duration = Duration::from_millis(50);

/// A restart that is this request's to make, or to help with.
struct Claim {
    /// The `CronJob`, as Kubernetes writes it.
    cronjob: Value,
    meta: Meta,
    /// What is at work.
    runs: Vec<Meta>,
    reach: Reach,
    /// The name of the run that is to be made.
    run: String,
}

impl Cluster {
    /// Makes a run of a scheduled job now. False when the job has gone.
    pub(super) async fn run_now(&self, name: &ObjectName, uid: &str) -> Result<bool, Error> {
        let Some(claim) = self.claim(name, uid).await? else { return Ok(false) };
        let others: Vec<_> = claim.runs.iter().filter(|meta| meta.name != claim.run).collect();
        let filter = looked_at(self.tool(), claim.reach, Some(name));
        let is_fresh = others.is_empty();
        let unknown = |source: ClusterError| {
            let before =
                if is_fresh { "" } else { "the run that was at work was told to end, and " };
            let detail = format!(
                "{before}it is not known whether a new run of `{name}` was started: `show` tells"
            );
            Error::NotKnown { detail, source }
        };
        let have_gone = self.end_runs(name, &others, filter).await.map_err(|error| {
            if error.outcome() == Outcome::Unknown { unknown(error) } else { error.into() }
        })?;
        if !have_gone {
            let detail = format!(
                "the run of `{name}` that was at work was told to end, and has not ended yet, so no \
                 new one was started: try again later"
            );
            return Err(Error::NotKnown { detail, source: ClusterError::OutOfTime });
        }
        let mut lost = 0;
        self.make_run(name, &claim, &mut lost).await.map_err(|error| {
            let is_sure = is_fresh && lost == 0 && error.outcome() != Outcome::Unknown;
            if is_sure { error.into() } else { unknown(error) }
        })
    }

    /// Keeps the name of a run with the `CronJob`, or finds that of a restart which is under way.
    /// Before that Kubernetes is asked whether it would take a run: what it refuses must not have
    /// cost anything.
    async fn claim(&self, name: &ObjectName, uid: &str) -> Result<Option<Claim>, Error> {
        let mut ours: Option<String> = None;
        let mut last = ClusterError::OutOfTime;
        for _ in 0..CLAIMS_MAX {
            let Some((cronjob, meta)) = self.cronjob(name, uid).await? else { return Ok(None) };
            if let Some(run) = self.run_under_way(&meta, ours.as_deref()).await? {
                let claim = self.claimed(name, cronjob, meta, run).await?;
                // If that restart is over by now, what is at work may be the run of the next one,
                // which nobody may end for this one.
                match self.is_still(name, &claim).await? {
                    None => return Ok(None),
                    Some(true) => return Ok(Some(claim)),
                    Some(false) => continue,
                }
            }
            let claim = self.claimed(name, cronjob, meta, fresh_name(name)).await?;
            if ours.is_none() {
                self.ask_for_room(&claim).await?;
            }
            ours = Some(claim.run.clone());
            let restart = Restart::by_run(claim.run.clone(), Timestamp::now());
            let patch = restart::patch(&claim.meta, Some(&restart));
            match self.change::<CronJob>(name, patch).await {
                Ok(_) => return Ok(Some(claim)),
                Err(ClusterError::NotFound | ClusterError::OtherObject) => return Ok(None),
                // A run came or ended meanwhile, or another restart was quicker.
                Err(error) if error.is_conflict() => last = error,
                Err(error @ ClusterError::Unknown { .. }) => last = error,
                Err(error) => return Err(error.into()),
            }
            sleep(CLAIM_LOOK_TIME).await;
        }
        // All that may have been done is to keep a name, which is nothing to anybody.
        Err(last.before_the_change().into())
    }

    /// The very object, unless it is going.
    async fn cronjob(
        &self,
        name: &ObjectName,
        uid: &str,
    ) -> Result<Option<(Value, Meta)>, ClusterError> {
        let found = self.get_object(Kind::CRON_JOBS, name.as_str()).await?;
        let is_it = |meta: &Meta| meta.uid == uid && meta.deletion_timestamp.is_none();
        let found = found.filter(|(_, meta)| is_it(meta));
        found.map(|(object, meta)| Ok((read(&object)?, meta))).transpose()
    }

    /// The name that is kept, if it is ours, or that of another restart which has yet to make its
    /// run.
    async fn run_under_way(
        &self,
        meta: &Meta,
        ours: Option<&str>,
    ) -> Result<Option<String>, ClusterError> {
        let kept = meta.kept_restart().filter(|kept| !kept.is_interrupted(Timestamp::now()));
        let Some(run) = kept.and_then(|kept| kept.run.as_deref()) else { return Ok(None) };
        let is_under_way = ours == Some(run) || self.get_meta(Kind::JOBS, run).await?.is_none();
        Ok(is_under_way.then(|| run.to_owned()))
    }

    /// All that a restart needs, with what is at work now.
    async fn claimed(
        &self,
        name: &ObjectName,
        cronjob: Value,
        meta: Meta,
        run: String,
    ) -> Result<Claim, ClusterError> {
        let typed = CronJob::deserialize(&cronjob).map_err(ClusterError::Unreadable)?;
        let template = &typed.spec.job_template.metadata.labels;
        let reach = meta.reach_of(template).max(Reach::of_name(name));
        let jobs = self.list::<BatchJob>(looked_at(self.tool(), reach, Some(name))).await?.items;
        let is_at_work =
            |job: &BatchJob| job.metadata.controller() == Some(&meta.uid) && job.ended().is_none();
        let runs = jobs.into_iter().filter(is_at_work).map(|job| job.metadata).collect();
        Ok(Claim { cronjob, meta, runs, reach, run })
    }

    /// Asks whether a run would be taken. One that is about to end makes room for another.
    async fn ask_for_room(&self, claim: &Claim) -> Result<(), ClusterError> {
        let run = restart::run_of(&claim.cronjob, None);
        match self.try_create(Kind::JOBS, &run).await {
            Err(ClusterError::QuotaExceeded(refusal))
                if refusal.is_only_about_jobs() && !claim.runs.is_empty() =>
            {
                Ok(())
            }
            outcome => outcome,
        }
    }

    /// Makes the run, once. False when the job has gone. Counts the creates whose answers got lost:
    /// from the first one on even a refusal may be due to a run that is there.
    async fn make_run(
        &self,
        name: &ObjectName,
        claim: &Claim,
        lost: &mut u32,
    ) -> Result<bool, ClusterError> {
        let run = restart::run_of(&claim.cronjob, Some(&claim.run));
        let coming = self.context.known().announce(Kind::JOBS, &claim.run);
        let room_end = (Instant::now() + ROOM_TIME_MAX).min(self.deadline);
        let made = loop {
            match self.is_still(name, claim).await? {
                None => return Ok(false),
                // The next restart makes its own, so that this one is over.
                Some(false) => return Ok(true),
                Some(true) => {}
            }
            match self.create_object(Kind::JOBS, &run).await {
                Ok((_, meta)) => break meta,
                Err(ClusterError::AlreadyExists { being_deleted: false }) => return Ok(true),
                Err(ClusterError::QuotaExceeded(refusal))
                    if refusal.is_only_about_jobs() && Instant::now() < room_end => {}
                Err(ClusterError::AlreadyExists { being_deleted: true }) => {}
                Err(error @ ClusterError::Unknown { .. }) => {
                    if let Ok(Some(meta)) = self.get_meta(Kind::JOBS, &claim.run).await {
                        break meta;
                    }
                    *lost += 1;
                    if *lost >= LOST_RUNS_MAX {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
            sleep(LOOK_TIME).await;
        };
        coming.has_come(made.version);
        self.confirm(name, claim, &made).await?;
        Ok(true)
    }

    /// Takes a run away again that came when the next restart had begun, which may not have seen it.
    /// Without proof of that it stays.
    async fn confirm(
        &self,
        name: &ObjectName,
        claim: &Claim,
        made: &Meta,
    ) -> Result<(), ClusterError> {
        match self.is_still(name, claim).await {
            Ok(Some(false)) => self.withdraw(Found { kind: Kind::JOBS, meta: made }).await,
            _ => Ok(()),
        }
    }

    /// Whether the restart that is kept with the job is still this one. `None` when the job has gone.
    async fn is_still(
        &self,
        name: &ObjectName,
        claim: &Claim,
    ) -> Result<Option<bool>, ClusterError> {
        let meta = self.get_meta(Kind::CRON_JOBS, name.as_str()).await?;
        let meta = meta.filter(|meta| meta.uid == claim.meta.uid);
        let is_kept = |restart: &Restart| restart.run.as_deref() == Some(&claim.run);
        Ok(meta.map(|meta| meta.kept_restart().is_some_and(is_kept)))
    }
}

fn fresh_name(name: &ObjectName) -> String {
    format!("{name}-{}", Suffix::from_number(chance::number()).as_str())
}
