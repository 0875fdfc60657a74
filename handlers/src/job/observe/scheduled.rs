//! The status of a scheduled job.

use jiff::Timestamp;
use tjf_api_types::{LastRunView, Phase};

use super::{Snapshot, Status, one_off, words};
use crate::job::{
    objects::{BatchJob, CronJob},
    schedule::{self, Schedule},
};

/// What a CronJob does: runs while a child runs, else waits for its time.
pub(super) fn status(snapshot: &Snapshot, cronjob: &CronJob, now: Timestamp) -> Status {
    let mut children: Vec<_> = snapshot
        .jobs
        .iter()
        .filter(|job| job.metadata.controller() == Some(cronjob.metadata.uid.as_str()))
        .collect();
    children.sort_by_key(|job| job.metadata.creation_timestamp);
    let (ended, unfinished): (Vec<_>, Vec<_>) =
        children.into_iter().partition(|job| job.ended().is_some());
    let mut status = match unfinished.last() {
        Some(child) => one_off::status(snapshot, child, now),
        None if cronjob.spec.suspend => {
            Status::pending("Suspended", "its schedule was suspended from outside")
        }
        // A tick that was refused is told until the next one is not.
        None => missed(snapshot, cronjob, &ended).unwrap_or_default(),
    };
    status.attempts = None;
    status.last_scheduled_at = cronjob.status.last_schedule_time;
    status.next_scheduled_at = if cronjob.spec.suspend { None } else { next(cronjob, now) };
    status.last_run = ended.last().map(|job| last_run(snapshot, job, now));
    status
}

/// Why the last tick made no child, if an event that is younger than the last child says so.
fn missed(snapshot: &Snapshot, cronjob: &CronJob, ended: &[&BatchJob]) -> Option<Status> {
    let event = snapshot.event(&cronjob.metadata, &["FailedCreate"])?;
    let last_child = ended.last().and_then(|job| job.metadata.creation_timestamp);
    if event.at() <= last_child {
        return None;
    }
    snapshot.not_created(&cronjob.metadata)
}

fn next(cronjob: &CronJob, now: Timestamp) -> Option<Timestamp> {
    let zone = schedule::time_zone(cronjob.spec.time_zone.as_deref()?).ok()?;
    // What Kubernetes has is five fields already; there is nothing to spread.
    Schedule::parse(&cronjob.spec.schedule, "", "").ok()?.next_after(now, &zone)
}

fn last_run(snapshot: &Snapshot, job: &BatchJob, now: Timestamp) -> LastRunView {
    let status = one_off::status(snapshot, job, now);
    let phase = if status.phase() == Phase::Succeeded { Phase::Succeeded } else { Phase::Failed };
    LastRunView {
        phase,
        started_at: status.started_at.map(words::time),
        finished_at: status.finished_at.map(words::time),
        exit_code: status.exit_code,
        reason: status.reason,
    }
}
