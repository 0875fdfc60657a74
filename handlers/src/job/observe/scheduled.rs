//! The status of a scheduled job.

use jiff::Timestamp;
use tjf_api_types::{LastRunView, Phase};

use super::{EVENTS_AFTER_SECONDS, Snapshot, Status, one_off, words};
use crate::job::{
    limits::QuotaRefusal,
    objects::{BatchJob, CronJob, CronJobSpec},
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
    // Kubernetes runs one at a time, but does not see one that `restart` made. The one that runs
    // speaks for both.
    let runs = unfinished.len();
    let present = unfinished
        .into_iter()
        .map(|child| one_off::status(snapshot, child, now))
        .max_by_key(|child| child.phase() == Phase::Running);
    let mut status = match present {
        Some(status) => status,
        None if cronjob.spec.suspend => {
            Status::pending("Suspended", "its schedule was suspended from outside")
        }
        // A tick that was refused is told until the next one is not.
        None => missed(snapshot, cronjob, &ended)
            .unwrap_or(Status { awaits_tick: true, ..Status::default() }),
    };
    if runs > 1 && status.message.is_none() {
        status.message = Some(format!("{runs} runs of it are at work at once"));
    }
    status.attempts = None;
    status.last_scheduled_at = cronjob.status.last_schedule_time;
    status.next_scheduled_at = next(cronjob, now);
    status.last_run = ended.last().map(|job| last_run(snapshot, job, now));
    status
}

/// Whether only an event can say why nothing runs: a tick came due after the last one that
/// Kubernetes kept, long enough ago for a child to be there, and none is.
pub(super) fn missed_its_last_tick(snapshot: &Snapshot, cronjob: &CronJob, now: Timestamp) -> bool {
    let is_unfinished_child = |job: &&BatchJob| {
        job.metadata.controller() == Some(cronjob.metadata.uid.as_str()) && job.ended().is_none()
    };
    let since = cronjob.status.last_schedule_time.or(cronjob.metadata.creation_timestamp);
    let due = since.and_then(|since| next(cronjob, since));
    due.is_some_and(|due| now.duration_since(due).as_secs() >= EVENTS_AFTER_SECONDS)
        && !snapshot.jobs.iter().any(|job| is_unfinished_child(&job))
}

/// Why the last tick made no child, if an event that is younger than the last child says so.
fn missed(snapshot: &Snapshot, cronjob: &CronJob, ended: &[&BatchJob]) -> Option<Status> {
    let event = snapshot.event(&cronjob.metadata, &["FailedCreate"])?;
    let last_child = ended.last().and_then(|job| job.metadata.creation_timestamp);
    if event.at() <= last_child {
        return None;
    }
    Some(match QuotaRefusal::parse(&event.message) {
        Some(refusal) => {
            Status::pending("QuotaExceeded", format!("the run that was due was refused: {refusal}"))
        }
        None => Status::pending(
            "FailedCreate",
            "Kubernetes refused to make the run that was due: ask an administrator",
        ),
    })
}

/// When it comes due next, as far as that can be told.
fn next(cronjob: &CronJob, after: Timestamp) -> Option<Timestamp> {
    let CronJobSpec { schedule, time_zone, suspend, .. } = &cronjob.spec;
    // We send five fields. A macro is another program's: Kubernetes does not spread it as we do.
    if *suspend || schedule.trim_start().starts_with('@') {
        return None;
    }
    let zone = schedule::time_zone(time_zone.as_deref()?).ok()?;
    Schedule::parse_stored(schedule).ok()?.next_after(after, &zone)
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
