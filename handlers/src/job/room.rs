//! Room for new objects, so that finished one-offs starve nobody.
//!
//! Kubernetes counts all Jobs alike: finished ones, and the runs of scheduled ones, whose
//! controller asks nobody before it makes one and loses the tick when it is refused. So one-offs,
//! finished ones included, may fill only what the runs of all scheduled jobs leave, and the oldest
//! finished ones make room.

use tjf_api_types::{JobType, ToolName};

use super::objects::{BatchJob, CronJob, Meta};

/// One-offs that have not ended. Sixteen run at once and thirty-four may wait, as on the grid.
pub const UNFINISHED_MAX: usize = 50;
/// The running child, the last that ended well, and the last that did not.
const CHILDREN_OF_CRONJOB_MAX: usize = 3;

/// The one-offs among a namespace's Jobs: those that no CronJob made.
pub fn one_offs(jobs: &[BatchJob]) -> impl Iterator<Item = &BatchJob> {
    jobs.iter().filter(|job| job.metadata.controller().is_none())
}

/// How many of a tool's own one-offs have not ended.
pub fn unfinished(jobs: &[BatchJob], tool: &ToolName) -> usize {
    one_offs(jobs).filter(|job| job.metadata.labels.are_ours(tool) && job.ended().is_none()).count()
}

/// Which finished one-offs have to go before an object of this kind is created: the oldest first,
/// so that what ended a moment ago, and will still be asked about, goes only when nothing else will
/// do.
pub fn to_delete<'a>(
    jobs: &'a [BatchJob],
    cronjobs: &[CronJob],
    jobs_max: u64,
    new: JobType,
    tool: &ToolName,
) -> Vec<&'a Meta> {
    let (new_one_offs, new_cronjobs) = match new {
        JobType::OneOff => (1, 0),
        JobType::Scheduled => (0, 1),
        JobType::Continuous => return Vec::new(),
    };
    let jobs_max = usize::try_from(jobs_max).unwrap_or(usize::MAX);
    let reserved = CHILDREN_OF_CRONJOB_MAX * (cronjobs.len() + new_cronjobs);
    let allowed = jobs_max.saturating_sub(reserved);
    let excess = (one_offs(jobs).count() + new_one_offs).saturating_sub(allowed);
    oldest_finished(jobs, tool).into_iter().take(excess).collect()
}

/// A tool's finished one-offs, in the order in which they may go.
pub fn oldest_finished<'a>(jobs: &'a [BatchJob], tool: &ToolName) -> Vec<&'a Meta> {
    let mut finished: Vec<_> = one_offs(jobs)
        .filter(|job| {
            job.metadata.labels.are_ours(tool) && job.metadata.deletion_timestamp.is_none()
        })
        .filter_map(|job| Some((job.ended_at()?, &job.metadata)))
        .collect();
    finished.sort_by_key(|(ended_at, meta)| (*ended_at, meta.name.clone()));
    finished.into_iter().map(|(_, meta)| meta).collect()
}

#[cfg(test)]
mod tests;
