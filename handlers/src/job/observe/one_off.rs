//! The status of a one-off, and of one run of a scheduled job.

use jiff::Timestamp;
use tjf_api_types::Phase;

use super::{Snapshot, Status, pod};
use crate::job::objects::{BatchJob, Pod, condition};

/// What became of a Job.
pub(super) fn status(snapshot: &Snapshot, job: &BatchJob, now: Timestamp) -> Status {
    let newest = newest_pod(snapshot, job);
    let mut status = match job.ended().map(|condition| condition.kind.as_str()) {
        Some("Complete") => completed(job, newest),
        Some(_) => failed(job, newest),
        None => unfinished(snapshot, job, newest, now),
    };
    let tries = snapshot.pods_of(&job.metadata).count();
    let counted =
        job.status.failed + job.status.active + i64::from(status.phase() == Phase::Succeeded);
    status.attempts = Some(counted.max(i64::try_from(tries).unwrap_or(i64::MAX)));
    status
}

fn newest_pod<'a>(snapshot: &'a Snapshot, job: &'a BatchJob) -> Option<&'a Pod> {
    snapshot
        .pods_of(&job.metadata)
        .max_by_key(|pod| (!pod::has_ended(pod), pod.metadata.creation_timestamp))
}

fn completed(job: &BatchJob, newest: Option<&Pod>) -> Status {
    let pod =
        newest.filter(|pod| pod.status.phase == "Succeeded").map(pod::ended).unwrap_or_default();
    Status {
        phase: Some(Phase::Succeeded),
        started_at: pod.started_at.or(job.status.start_time),
        finished_at: pod.finished_at.or(job.ended_at()),
        exit_code: Some(0),
        ..pod
    }
}

fn failed(job: &BatchJob, newest: Option<&Pod>) -> Status {
    let condition = job.ended().map(|condition| condition.reason.as_str()).unwrap_or_default();
    let mut status = newest.filter(|pod| pod::has_ended(pod)).map(pod::ended).unwrap_or_default();
    let by_exit_code = matches!(status.reason.as_deref(), None | Some("Signal" | "ExitCode"));
    let is_late = condition == "DeadlineExceeded" && by_exit_code;
    if is_late {
        // The pod that ran out of time was deleted, exit code and all; what is left is an
        // earlier try.
        status = Status::default();
    }
    status.phase = Some(Phase::Failed);
    status.started_at = status.started_at.or(job.status.start_time);
    status.finished_at = status.finished_at.or(job.ended_at());
    if is_late {
        status.reason = Some(condition.to_owned());
        status.message = Some(match job.spec.active_deadline_seconds {
            Some(seconds) => format!("it was ended after {seconds} s, the `timeout` it was given"),
            None => "it was ended at its deadline".to_owned(),
        });
    } else if status.reason.is_none() {
        status.reason = Some(if condition.is_empty() { "Failed" } else { condition }.to_owned());
        status.message =
            Some("its pod was deleted from outside, so nothing says how it ended".to_owned());
    }
    status
}

fn unfinished(snapshot: &Snapshot, job: &BatchJob, newest: Option<&Pod>, now: Timestamp) -> Status {
    if condition(&job.status.conditions, "Suspended").is_some() {
        return Status::pending("JobSuspended", "it was suspended from outside");
    }
    let Some(newest) = newest else {
        return snapshot.not_created(&job.metadata).unwrap_or_default();
    };
    if !pod::has_ended(newest) {
        return pod::present(snapshot, newest, now);
    }
    let ended = pod::ended(newest);
    let tries_max = job.spec.backoff_limit.unwrap_or(0) + 1;
    let is_counted = job.status.failed > 0 && job.status.failed >= failed_pods(snapshot, job);
    if ended.phase() == Phase::Failed && is_counted && job.status.failed < tries_max {
        let why = ended.message.as_deref().unwrap_or("it failed");
        let message =
            Some(format!("{why}; it is tried again, {} of {tries_max}", job.status.failed + 1));
        return Status { phase: Some(Phase::Pending), message, ..ended };
    }
    // Kubernetes has yet to count this pod; until then nothing has ended.
    Status { phase: Some(Phase::Running), started_at: ended.started_at, ..Status::default() }
}

fn failed_pods(snapshot: &Snapshot, job: &BatchJob) -> i64 {
    let failed = snapshot.pods_of(&job.metadata).filter(|pod| pod.status.phase == "Failed");
    i64::try_from(failed.count()).unwrap_or(i64::MAX)
}
