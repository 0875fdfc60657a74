//! The status of a scheduled job.

use jiff::{Timestamp, tz::TimeZone};
use tjf_api_types::Phase;

use super::{
    Snapshot, one_off,
    refused::Refused,
    snapshot::EVENTS_AFTER_SECONDS,
    status::{Cause, Present, Status, Ticks},
};
use crate::job::{
    objects::{BatchJob, CronJob, CronJobSpec},
    schedule::{self, ClockChange, Schedule},
};

/// How many of the next times are told.
const TIMES_TOLD: usize = 3;

/// What a CronJob does: runs while a child runs, else waits for its time.
pub(super) fn status(snapshot: &Snapshot<'_>, cronjob: &CronJob, now: Timestamp) -> Status {
    let mut children = snapshot.runs_of(&cronjob.metadata).to_vec();
    children.sort_by_key(|job| job.metadata.creation_timestamp);
    let (ended, unfinished): (Vec<_>, Vec<_>) =
        children.into_iter().partition(|job| job.ended().is_some());
    let mut notes = Vec::new();
    if unfinished.len() > 1 {
        notes.push(format!("{} runs of it are at work at once", unfinished.len()));
    }
    // Kubernetes runs one at a time, but does not see one that `restart` made. The one that runs
    // speaks for both.
    let run = unfinished
        .into_iter()
        .map(|child| one_off::status(snapshot, child, now).present)
        .max_by_key(|child| child.phase() == Phase::Running);
    let suspended = "its schedule was suspended from outside";
    let present = match run {
        Some(run) => {
            notes.extend(cronjob.spec.suspend.then(|| suspended.to_owned()));
            run
        }
        None if cronjob.spec.suspend => Present::waiting(Cause::new("Suspended", suspended)),
        // A tick that was refused is told until the next one is not.
        None => missed(snapshot, cronjob, &ended).map_or(Present::AwaitsSchedule, Present::waiting),
    };
    let plan = plan(cronjob);
    let ticks = Ticks {
        last: cronjob.status.last_schedule_time,
        next: plan.as_ref().map(|plan| next_times(cronjob, plan, now)).unwrap_or_default(),
        clock_change: plan.and_then(|plan| clock_change(cronjob, &plan, now)),
        last_run: ended.last().and_then(|job| one_off::outcome(snapshot, job)),
    };
    Status { notes, ticks, ..Status::of(present) }
}

/// Whether only an event can say why nothing runs: a tick came due after the last one that
/// Kubernetes kept, long enough ago for a child to be there, and none is.
pub(super) fn missed_its_last_tick(
    snapshot: &Snapshot<'_>,
    cronjob: &CronJob,
    now: Timestamp,
) -> bool {
    first_not_kept(cronjob)
        .is_some_and(|due| now.duration_since(due).as_secs() >= EVENTS_AFTER_SECONDS)
        && !snapshot.runs_of(&cronjob.metadata).iter().any(|run| run.ended().is_none())
}

/// Why the last tick made no child, if an event says so that is about no earlier one.
fn missed(snapshot: &Snapshot<'_>, cronjob: &CronJob, ended: &[&BatchJob]) -> Option<Cause> {
    let event = snapshot.event(&cronjob.metadata, &["FailedCreate"])?;
    let last_child = ended.last().and_then(|job| job.metadata.creation_timestamp);
    let status = &cronjob.status;
    let progress =
        [last_child, status.last_schedule_time, status.last_successful_time].into_iter().max();
    // A tick that was refused at first may have been kept a moment later.
    let is_of_a_kept_tick = first_not_kept(cronjob).is_some_and(|due| event.at() < Some(due));
    if event.at() <= progress.flatten() || is_of_a_kept_tick {
        return None;
    }
    Some(Refused::by(event).run())
}

/// When the first tick was or is due of those that Kubernetes has not kept.
fn first_not_kept(cronjob: &CronJob) -> Option<Timestamp> {
    let (schedule, zone) = plan(cronjob)?;
    first_not_kept_of(cronjob, &(schedule, zone))
}

fn first_not_kept_of(cronjob: &CronJob, (schedule, zone): &Plan) -> Option<Timestamp> {
    let kept = cronjob.status.last_schedule_time;
    schedule.next_after(kept.or(cronjob.metadata.creation_timestamp)?, zone)
}

/// When it comes due the next times. Kubernetes counts from the last tick that it kept; where clocks
/// change, that may give other times than to count from now.
fn next_times(cronjob: &CronJob, plan: &Plan, now: Timestamp) -> Vec<Timestamp> {
    let (schedule, zone) = plan;
    let first = first_not_kept_of(cronjob, plan).filter(|due| *due > now);
    let first = first.or_else(|| schedule.next_after(now, zone));
    std::iter::successors(first, |last| schedule.next_after(*last, zone)).take(TIMES_TOLD).collect()
}

/// The next change of the clocks that skips or doubles a run.
fn clock_change(cronjob: &CronJob, (schedule, zone): &Plan, now: Timestamp) -> Option<ClockChange> {
    let look = || schedule.next_clock_change(now, zone);
    let known = *cronjob.clock_change.get_or_init(look);
    // The one that was found may be over by now.
    if known.is_some_and(|change| change.at <= now) { look() } else { known }
}

/// A schedule and the zone of its clock.
type Plan = (Schedule, TimeZone);

/// When it comes due, as far as that can be told. What is suspended does not.
fn plan(cronjob: &CronJob) -> Option<Plan> {
    let CronJobSpec { schedule, time_zone, suspend, .. } = &cronjob.spec;
    if *suspend {
        return None;
    }
    let zone = schedule::time_zone(time_zone.as_deref()?).ok()?;
    Some((Schedule::parse_stored(schedule).ok()?, zone))
}
