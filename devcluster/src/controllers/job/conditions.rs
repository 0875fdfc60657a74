//! The milestones of a Job.

use jiff::Timestamp;
use k8s_openapi::{
    api::batch::v1::{JobCondition, JobStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};

const SUSPENDED: &str = "Suspended";

/// The condition that ended a Job, if it has ended.
pub(in crate::controllers) fn ended(status: &JobStatus) -> Option<&JobCondition> {
    find(status, "Complete").or_else(|| find(status, "Failed"))
}

/// How a Job ends. It is announced first, by a condition of its own, and comes true when no pod is
/// at work any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Completed,
    BackoffLimitExceeded,
    DeadlineExceeded,
}

impl Verdict {
    /// The one that a Job's status tells.
    pub(super) fn announced(status: &JobStatus) -> Option<Self> {
        // A failure first, as Kubernetes does: it may be announced from outside at any time.
        let failure = find(status, Self::BackoffLimitExceeded.target());
        match failure.map(|condition| condition.reason.as_deref()) {
            Some(Some("DeadlineExceeded")) => Some(Self::DeadlineExceeded),
            Some(_) => Some(Self::BackoffLimitExceeded),
            None => find(status, Self::Completed.target()).map(|_| Self::Completed),
        }
    }

    /// Says that it is to come.
    pub(super) fn announce(self, status: &mut JobStatus, now: Timestamp) {
        self.add(status, self.target(), now);
    }

    /// Says that it has come.
    pub(super) fn enact(self, status: &mut JobStatus, now: Timestamp) {
        match self {
            Self::Completed => {
                self.add(status, "Complete", now);
                status.completion_time = Some(Time(now));
            }
            Self::BackoffLimitExceeded | Self::DeadlineExceeded => self.add(status, "Failed", now),
        }
    }

    /// Reason and message of the event that tells it.
    pub(super) const fn event(self) -> (&'static str, &'static str) {
        match self {
            Self::Completed => ("Completed", "Job completed"),
            Self::BackoffLimitExceeded | Self::DeadlineExceeded => self.words(),
        }
    }

    const fn target(self) -> &'static str {
        match self {
            Self::Completed => "SuccessCriteriaMet",
            Self::BackoffLimitExceeded | Self::DeadlineExceeded => "FailureTarget",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Completed => ("CompletionsReached", "Reached expected number of succeeded pods"),
            Self::BackoffLimitExceeded => {
                ("BackoffLimitExceeded", "Job has reached the specified backoff limit")
            }
            Self::DeadlineExceeded => {
                ("DeadlineExceeded", "Job was active longer than specified deadline")
            }
        }
    }

    fn add(self, status: &mut JobStatus, kind: &str, now: Timestamp) {
        set(status, condition(kind, true, self.words(), now));
    }
}

/// Says whether a Job is suspended. False when that was said already; of one that never was,
/// nothing is said.
pub(super) fn set_suspended(status: &mut JobStatus, is_suspended: bool, now: Timestamp) -> bool {
    let is_new = find(status, SUSPENDED).is_some() != is_suspended;
    if is_new {
        let resumed = ("JobResumed", "Job resumed");
        let words = if is_suspended { ("JobSuspended", "Job suspended") } else { resumed };
        set(status, condition(SUSPENDED, is_suspended, words, now));
    }
    is_new
}

/// The condition of this kind, if it is true.
fn find<'a>(status: &'a JobStatus, kind: &str) -> Option<&'a JobCondition> {
    status.conditions.iter().flatten().find(|it| it.type_ == kind && it.status == "True")
}

fn set(status: &mut JobStatus, condition: JobCondition) {
    let conditions = status.conditions.get_or_insert_default();
    match conditions.iter_mut().find(|it| it.type_ == condition.type_) {
        Some(old) => *old = condition,
        None => conditions.push(condition),
    }
}

fn condition(kind: &str, is_true: bool, words: (&str, &str), now: Timestamp) -> JobCondition {
    JobCondition {
        type_: kind.to_owned(),
        status: if is_true { "True" } else { "False" }.to_owned(),
        reason: Some(words.0.to_owned()),
        message: Some(words.1.to_owned()),
        last_probe_time: Some(Time(now)),
        last_transition_time: Some(Time(now)),
    }
}
