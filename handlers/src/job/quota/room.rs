//! Room for new objects, so that finished one-offs starve nobody.
//!
//! Kubernetes counts all Jobs alike: finished ones, and the runs of scheduled ones, whose
//! controller asks nobody before it makes one and loses the tick when it is refused. So one-offs,
//! finished ones included, may fill only what the runs of all scheduled jobs can still need leaves,
//! and the oldest finished ones make room.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use thiserror::Error;
use tjf_api_types::{JobType, ToolName};

use crate::job::objects::{BatchJob, Meta};

/// One-offs that have not ended. Sixteen run at once and thirty-four may wait, as on the grid.
pub const UNFINISHED_MAX: usize = 50;
/// The running child, the last that ended well, and the last that did not.
const CHILDREN_OF_CRONJOB_MAX: usize = 3;
/// However many scheduled jobs there are, this part of the quota is for one-offs, as the proposal
/// has it: 200 Jobs, three for each of 50 scheduled jobs, and 50. A smaller quota would otherwise
/// be all for runs that may be a year away.
const ONE_OFFS_PART: usize = 4;
/// A result that is younger than this will still be asked about.
const YOUNG_SECONDS: i64 = 60;

/// The Jobs of a namespace, when one more object is to come.
#[derive(Debug, Clone)]
pub struct Jobs<'a> {
    /// All of them, also those of others.
    pub all: &'a [BatchJob],
    /// All scheduled jobs.
    pub cronjobs: &'a [Meta],
    /// The names of one-offs that this server is creating: they may be among all already.
    pub coming: Vec<&'a str>,
    /// The same of scheduled jobs.
    pub coming_cronjobs: Vec<&'a str>,
    /// The uid of one that goes in any case.
    pub replaced: Option<&'a str>,
    /// Who asks.
    pub tool: &'a ToolName,
    /// When.
    pub now: Timestamp,
}

/// One more one-off would be one too many.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("one-off jobs that have not ended: 1 asked, {unfinished} used, {allowed} allowed{why}")]
pub struct TooManyUnfinished {
    /// How many there are.
    pub unfinished: usize,
    /// How many there may be.
    pub allowed: usize,
    /// Why there may be only so many.
    pub why: &'static str,
}

impl<'a> Jobs<'a> {
    /// Which finished one-offs have to go before an object of this type is created: the oldest
    /// first, and none that is young. Without a limit none has to.
    ///
    /// # Errors
    /// When one-offs that have not ended take all that a new one may have.
    pub fn in_the_way(
        &self,
        new: JobType,
        jobs_max: Option<u64>,
    ) -> Result<Vec<&'a Meta>, TooManyUnfinished> {
        let (new_one_offs, new_cronjobs) = match new {
            JobType::OneOff => (1, 0),
            JobType::Scheduled => (0, 1),
            JobType::Continuous => return Ok(Vec::new()),
        };
        let new_cronjobs = new_cronjobs + not_among(&self.coming_cronjobs, self.cronjobs.iter());
        let unfinished = || self.one_offs().filter(|job| job.ended().is_none());
        let coming = not_among(&self.coming, unfinished().map(|job| &job.metadata));
        let ours = unfinished().filter(|job| job.metadata.is_job_of(self.tool)).count() + coming;
        if new_one_offs > 0 && ours + new_one_offs > UNFINISHED_MAX {
            return Err(TooManyUnfinished { unfinished: ours, allowed: UNFINISHED_MAX, why: "" });
        }
        let share = jobs_max.map(|max| self.share_of_one_offs(max, new_cronjobs));
        let unfinished = unfinished().count() + coming;
        // Where nothing is reserved, Kubernetes' own refusal says it all.
        if let Some(allowed) = share.filter(|_| !self.cronjobs.is_empty())
            && new_one_offs > 0
            && unfinished + new_one_offs > allowed
        {
            let why = "; the rest of the quota is kept for the runs of scheduled jobs";
            return Err(TooManyUnfinished { unfinished, allowed, why });
        }
        let one_offs = self.one_offs().count() + self.coming_unseen() + new_one_offs;
        let excess = share.map_or(0, |share| one_offs.saturating_sub(share));
        let is_old = |job: &&BatchJob| {
            let age = job.ended_at().map(|at| self.now.duration_since(at).as_secs());
            age.is_some_and(|age| age >= YOUNG_SECONDS)
        };
        let old = self.finished_jobs().into_iter().filter(is_old);
        Ok(old.take(excess).map(|job| &job.metadata).collect())
    }

    /// Which finished one-offs have to go, however young, before Kubernetes has a place for one more
    /// Job out of this many. `None` when there would be none even then.
    pub fn that_must_go(&self, jobs_max: u64) -> Option<Vec<&'a Meta>> {
        let jobs = self.left().count() + self.coming_unseen() + 1;
        let excess = jobs.saturating_sub(usize::try_from(jobs_max).unwrap_or(usize::MAX));
        let finished = self.finished_jobs();
        let finished = finished.iter().map(|job| &job.metadata).take(excess).collect::<Vec<_>>();
        (finished.len() == excess).then_some(finished)
    }

    fn finished_jobs(&self) -> Vec<&'a BatchJob> {
        let mut finished: Vec<_> = self
            .one_offs()
            .filter(|job| job.metadata.is_job_of(self.tool))
            .filter(|job| job.metadata.deletion_timestamp.is_none() && job.ended_at().is_some())
            .collect();
        finished.sort_by_key(|job| (job.ended_at(), &job.metadata.name));
        finished
    }

    /// One-offs that are on their way, and not here yet.
    fn coming_unseen(&self) -> usize {
        not_among(&self.coming, self.one_offs().map(|job| &job.metadata))
    }

    fn left(&self) -> impl Iterator<Item = &'a BatchJob> {
        let replaced = self.replaced;
        self.all.iter().filter(move |job| Some(job.metadata.uid.as_str()) != replaced)
    }

    fn one_offs(&self) -> impl Iterator<Item = &'a BatchJob> {
        self.left().filter(|job| job.metadata.controller().is_none())
    }

    /// How many one-offs there may be: what is neither taken by runs nor can still be needed by
    /// them.
    fn share_of_one_offs(&self, jobs_max: u64, new_cronjobs: usize) -> usize {
        let jobs_max = usize::try_from(jobs_max).unwrap_or(usize::MAX);
        let mut runs: BTreeMap<&str, usize> = BTreeMap::new();
        for controller in self.left().filter_map(|job| job.metadata.controller()) {
            *runs.entry(controller).or_default() += 1;
        }
        let runs_of = |cronjob: &Meta| runs.get(cronjob.uid.as_str()).copied().unwrap_or(0);
        let still_needed = |runs: usize| CHILDREN_OF_CRONJOB_MAX.saturating_sub(runs);
        let needed: usize = self.cronjobs.iter().map(|it| still_needed(runs_of(it))).sum();
        let needed = needed + new_cronjobs * CHILDREN_OF_CRONJOB_MAX;
        let taken: usize = runs.values().sum();
        jobs_max.saturating_sub(taken + needed).max(jobs_max.div_ceil(ONE_OFFS_PART))
    }
}

/// How many of these names none of the objects has.
fn not_among<'m>(names: &[&str], objects: impl Iterator<Item = &'m Meta>) -> usize {
    let seen: BTreeSet<_> = objects.map(|meta| meta.name.as_str()).collect();
    names.iter().filter(|name| !seen.contains(*name)).count()
}

#[cfg(test)]
mod tests;
