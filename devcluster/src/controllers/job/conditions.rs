//! What a Job's conditions say.

use jiff::Timestamp;
use k8s_openapi::{
    api::batch::v1::{JobCondition, JobStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};

pub(super) const COMPLETE: &str = "Complete";
pub(super) const FAILED: &str = "Failed";
/// Comes before `Complete`, while pods are still ending.
pub(super) const SUCCESS_CRITERIA_MET: &str = "SuccessCriteriaMet";
/// Comes before `Failed`, likewise.
pub(super) const FAILURE_TARGET: &str = "FailureTarget";
pub(super) const SUSPENDED: &str = "Suspended";

/// Why a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) reason: &'static str,
    pub(super) message: &'static str,
}

impl Verdict {
    pub(super) fn completions_reached() -> Self {
        let message = "Reached expected number of succeeded pods";
        Self { reason: "CompletionsReached", message }
    }

    pub(super) fn backoff_limit_exceeded() -> Self {
        let message = "Job has reached the specified backoff limit";
        Self { reason: "BackoffLimitExceeded", message }
    }

    pub(super) fn deadline_exceeded() -> Self {
        let message = "Job was active longer than specified deadline";
        Self { reason: "DeadlineExceeded", message }
    }

    pub(super) fn suspended() -> Self {
        Self { reason: "JobSuspended", message: "Job suspended" }
    }

    pub(super) fn resumed() -> Self {
        Self { reason: "JobResumed", message: "Job resumed" }
    }
}

pub(super) fn is_true(status: &JobStatus, name: &str) -> bool {
    find(status, name).is_some()
}

/// Why a failure is on its way.
pub(super) fn verdict(status: &JobStatus, name: &str) -> Option<Verdict> {
    let reason = find(status, name)?.reason.as_deref()?;
    let all = [Verdict::backoff_limit_exceeded(), Verdict::deadline_exceeded()];
    all.into_iter().find(|verdict| verdict.reason == reason)
}

/// When a Job ended, if it has.
pub(super) fn ended_at(status: &JobStatus) -> Option<Timestamp> {
    let condition = find(status, COMPLETE).or_else(|| find(status, FAILED))?;
    Some(condition.last_transition_time.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0))
}

pub(super) fn set(
    status: &mut JobStatus,
    name: &str,
    is_true: bool,
    verdict: &Verdict,
    now: Timestamp,
) {
    let conditions = status.conditions.get_or_insert_default();
    conditions.retain(|condition| condition.type_ != name);
    conditions.push(JobCondition {
        type_: name.to_owned(),
        status: if is_true { "True" } else { "False" }.to_owned(),
        reason: Some(verdict.reason.to_owned()),
        message: Some(verdict.message.to_owned()),
        last_probe_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    });
}

fn find<'a>(status: &'a JobStatus, name: &str) -> Option<&'a JobCondition> {
    let conditions = status.conditions.as_deref().unwrap_or_default();
    conditions.iter().find(|condition| condition.type_ == name && condition.status == "True")
}
