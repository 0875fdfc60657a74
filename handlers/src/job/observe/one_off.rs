//! What became of a one-off, and of one run of a scheduled job.

use jiff::{SignedDuration, Timestamp};

use super::{
    Snapshot, pod,
    refused::Refused,
    status::{Cause, Outcome, Present, Status},
};
use crate::job::{
    objects::{BatchJob, Condition, Pod, condition},
    time,
};

/// The reason of the condition of a Job that ran out of time.
const DEADLINE_EXCEEDED: &str = "DeadlineExceeded";
/// Kubernetes forgets events after this.
const EVENTS_LIVE_SECONDS: i64 = 3600;

/// What is known of a Job.
pub(super) fn status(snapshot: &Snapshot<'_>, job: &BatchJob, now: Timestamp) -> Status {
    let present = match outcome(snapshot, job) {
        Some(outcome) => Present::Ended(outcome),
        None => unfinished(snapshot, job, now),
    };
    let succeeded = matches!(&present, Present::Ended(outcome) if outcome.is_success);
    let counted = job.status.failed + job.status.active + i64::from(succeeded);
    let seen = i64::try_from(snapshot.pods_of(&job.metadata).len()).unwrap_or(i64::MAX);
    Status { attempts: Some(counted.max(seen)), ..Status::of(present) }
}

/// How a Job ended, if it has.
pub(super) fn outcome(snapshot: &Snapshot<'_>, job: &BatchJob) -> Option<Outcome> {
    let condition = job.ended()?;
    let newest = newest_pod(snapshot, job);
    let outcome = match (condition.kind.as_str(), condition.reason.as_str()) {
        ("Complete", _) => completed(newest),
        (_, DEADLINE_EXCEEDED) => out_of_time(snapshot, job),
        _ => failed(snapshot, job, condition, newest),
    };
    let begun = job.status.start_time.filter(|_| had_pod(snapshot, job));
    Some(Outcome {
        started_at: outcome.started_at.or(begun),
        finished_at: outcome.finished_at.or(job.ended_at()),
        ..outcome
    })
}

/// Whether a Job ran out of time before it ever had a pod, so lately that an event may say why it
/// had none.
pub(super) fn needs_events(snapshot: &Snapshot<'_>, job: &BatchJob, now: Timestamp) -> bool {
    let is_late = job.ended().is_some_and(|condition| condition.reason == DEADLINE_EXCEEDED);
    let age = job.ended_at().map(|at| now.duration_since(at).as_secs());
    is_late && !had_pod(snapshot, job) && age.is_some_and(|seconds| seconds < EVENTS_LIVE_SECONDS)
}

/// Whether a Job ever had a pod. `startTime` does not say it: that is when Kubernetes first looked
/// at the Job.
fn had_pod(snapshot: &Snapshot<'_>, job: &BatchJob) -> bool {
    let status = &job.status;
    status.active + status.failed + status.succeeded > 0
        || !snapshot.pods_of(&job.metadata).is_empty()
}

fn newest_pod<'a>(snapshot: &Snapshot<'a>, job: &BatchJob) -> Option<&'a Pod> {
    let pods = snapshot.pods_of(&job.metadata).iter().copied();
    pods.max_by_key(|pod| (!pod.has_ended(), pod.metadata.creation_timestamp))
}

fn completed(newest: Option<&Pod>) -> Outcome {
    let pod = newest.filter(|pod| pod.status.phase == "Succeeded").map(pod::ended);
    Outcome { is_success: true, exit_code: Some(0), ..pod.unwrap_or_default() }
}

/// Whatever pods are left are earlier tries': the one that ran out of time was deleted, exit code
/// and all.
fn out_of_time(snapshot: &Snapshot<'_>, job: &BatchJob) -> Outcome {
    let time = match job.spec.active_deadline_seconds {
        Some(seconds) => format!("after {seconds} s, the `timeout` it was given"),
        None => "at its deadline".to_owned(),
    };
    let refused = snapshot.event(&job.metadata, &["FailedCreate"]).map(Refused::by);
    let cause = match refused.filter(|_| !had_pod(snapshot, job)) {
        Some(Refused::Quota(refusal)) => Cause::new(
            "QuotaExceeded",
            format!("it never began, and was given up {time}: {refusal}"),
        ),
        Some(Refused::NotAllowed(why)) => {
            Cause::new(DEADLINE_EXCEEDED, format!("it never began, and was given up {time}: {why}"))
        }
        _ if had_pod(snapshot, job) => {
            Cause::new(DEADLINE_EXCEEDED, format!("it was ended {time}"))
        }
        _ => Cause::new(
            DEADLINE_EXCEEDED,
            format!("it never began, and was given up {time}: it had no pod"),
        ),
    };
    Outcome { cause: Some(cause), ..Outcome::default() }
}

fn failed(
    snapshot: &Snapshot<'_>,
    job: &BatchJob,
    condition: &Condition,
    newest: Option<&Pod>,
) -> Outcome {
    let outcome = newest.filter(|pod| pod.has_ended()).map(pod::ended).unwrap_or_default();
    let word = if condition.reason.is_empty() { "Failed" } else { &condition.reason };
    let cause = outcome.cause.clone().unwrap_or_else(|| {
        let message = if newest.is_some() {
            "its pod does not say how it ended"
        } else if had_pod(snapshot, job) {
            "its pod was deleted from outside, so nothing says how it ended"
        } else {
            "it never had a pod"
        };
        Cause::new(word, message)
    });
    Outcome { is_success: false, cause: Some(cause), ..outcome }
}

fn unfinished(snapshot: &Snapshot<'_>, job: &BatchJob, now: Timestamp) -> Present {
    if condition(&job.status.conditions, "Suspended").is_some() {
        return Present::waiting(Cause::new("JobSuspended", "it was suspended from outside"));
    }
    let Some(newest) = newest_pod(snapshot, job) else {
        // A pod that is counted was made, whatever was in its way before.
        let event = snapshot.event(&job.metadata, &["FailedCreate"]);
        let event = event.filter(|_| job.status.active == 0);
        return event.map_or(Present::STARTING, |event| Present::waiting(Refused::by(event).pod()));
    };
    if !newest.has_ended() {
        return pod::present(snapshot, newest, now);
    }
    let ended = pod::ended(newest);
    let tries_max = job.spec.backoff_limit.unwrap_or(0) + 1;
    let is_counted = job.status.failed > 0 && job.status.failed >= failed_pods(snapshot, job);
    if !ended.is_success && is_counted && job.status.failed < tries_max {
        let why = ended.cause.as_ref().map_or("it failed", |cause| cause.message.as_str());
        let when = next_try(job.status.failed, ended.finished_at);
        let when = when.map(|at| format!(" at {}", time::written(at))).unwrap_or_default();
        let number = job.status.failed + 1;
        let message = format!("{why}; it is tried again{when}, {number} of {tries_max}");
        let reason = ended.cause.as_ref().and_then(|cause| cause.reason.clone());
        let cause = Some(Cause { reason, message });
        return Present::Waiting { cause, last_try: Some(ended) };
    }
    // Kubernetes has yet to count this pod; until then nothing has ended.
    Present::Running { since: ended.started_at, cause: None }
}

/// When a Job that has failed so often is tried again, as Kubernetes' own controller counts: ten
/// seconds after the last failure, and twice as long after each further one, up to ten minutes.
fn next_try(failed: i64, last_failure: Option<Timestamp>) -> Option<Timestamp> {
    const FIRST_SECONDS: i64 = 10;
    const LAST_SECONDS: i64 = 600;
    let doublings = u32::try_from(failed - 1).unwrap_or(0).min(16);
    let pause = (FIRST_SECONDS << doublings).min(LAST_SECONDS);
    last_failure?.checked_add(SignedDuration::from_secs(pause)).ok()
}

fn failed_pods(snapshot: &Snapshot<'_>, job: &BatchJob) -> i64 {
    let pods = snapshot.pods_of(&job.metadata).iter();
    i64::try_from(pods.filter(|pod| pod.status.phase == "Failed").count()).unwrap_or(i64::MAX)
}
