//! Why Kubernetes refuses to make a pod, or a run of a scheduled job.

use super::status::Cause;
use crate::job::{
    objects::Event,
    quota::{LimitRefusal, QuotaRefusal, UnsaidRefusal},
};

/// Why Kubernetes refused to make something, as far as its sentence is understood. No other word of
/// it is shown: it has names of pods, and other things that mean nothing to users.
pub(super) enum Refused {
    /// A quota has no room.
    Quota(QuotaRefusal),
    /// The namespace does not allow such a pod, for this reason.
    NotAllowed(String),
    /// Something else.
    Otherwise,
}

impl Refused {
    pub(super) fn of(sentence: &str) -> Self {
        let limits = || LimitRefusal::parse(sentence).map(|it| it.to_string());
        let unsaid = || UnsaidRefusal::parse(sentence).map(|it| it.to_string());
        QuotaRefusal::parse(sentence)
            .map(Self::Quota)
            .or_else(|| limits().or_else(unsaid).map(Self::NotAllowed))
            .unwrap_or(Self::Otherwise)
    }

    pub(super) fn by(event: &Event) -> Self {
        Self::of(&event.message)
    }

    /// Why a job has no pod yet.
    pub(super) fn pod(&self) -> Cause {
        match self {
            Self::Quota(refusal) => {
                Cause::new("QuotaExceeded", format!("waits for room: {refusal}"))
            }
            Self::NotAllowed(why) => {
                Cause::new("FailedCreate", format!("its pod is not allowed: {why}"))
            }
            Self::Otherwise => Cause::new(
                "FailedCreate",
                "Kubernetes refuses to make its pod: ask an administrator",
            ),
        }
    }

    /// Why a scheduled job did not run when it was due.
    pub(super) fn run(&self) -> Cause {
        match self {
            Self::Quota(refusal) => {
                Cause::new("QuotaExceeded", format!("the run that was due was refused: {refusal}"))
            }
            Self::NotAllowed(why) => {
                Cause::new("FailedCreate", format!("the run that was due is not allowed: {why}"))
            }
            Self::Otherwise => Cause::new(
                "FailedCreate",
                "Kubernetes refused to make the run that was due: ask an administrator",
            ),
        }
    }
}
