//! What is sent again, and when: one policy for each verb.
//!
//! An answer says that a call was refused, that nothing was done, or leaves it open
//! ([`Outcome`]). What was refused stays so. Where nothing was done, every verb is sent again. Where
//! it is open, a look is made again, and so is a delete: it names the very object by its uid, or
//! what a selector selects, and is done when that has gone. A create is not: the caller looks for
//! the object by its name first. Nor is a patch, which is for the version that its caller has seen:
//! when the object has another by now, the caller looks at it anew and may want something else.

use std::time::Duration;

use tjf_runtime::chance;
use tokio::time::Instant;

use super::{ClusterError, error::Outcome, verb::Verb};

/// The first pause; it doubles each time.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// A caller who only looks is told soon that Kubernetes is away, and so is one whose change may
/// have been made. A change of which nothing was done has until its deadline.
const PATIENCE: Duration = Duration::from_secs(4);
/// What took long and failed gets one more try, however long it took.
const TRIES_MIN: u32 = 2;

/// The tries of one call.
pub(super) struct Repeats {
    verb: Verb,
    began: Instant,
    deadline: Instant,
    tries: u32,
    /// Whether one of them may have made the change.
    may_be_done: bool,
}

/// What follows from an error.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Another try, after a pause.
    Again {
        /// The pause.
        after: Duration,
        /// For the log.
        error: ClusterError,
    },
    /// It stands.
    Final(ClusterError),
    /// Nobody can say whether the change was made.
    Unknown(ClusterError),
}

impl Repeats {
    pub(super) fn new(verb: Verb, deadline: Instant) -> Self {
        Self { verb, began: Instant::now(), deadline, tries: 0, may_be_done: false }
    }

    /// Judges the error of a try.
    pub(super) fn after(&mut self, error: ClusterError) -> Verdict {
        self.tries += 1;
        let outcome = error.outcome();
        self.may_be_done |= outcome == Outcome::Unknown && !self.verb.is_read();
        let may_repeat = match outcome {
            Outcome::Refused => false,
            Outcome::NotDone => !(self.verb == Verb::Patch && error.is_conflict()),
            Outcome::Unknown => {
                let is_sent_once = matches!(self.verb, Verb::Create | Verb::Patch);
                !is_sent_once && !matches!(error, ClusterError::TooLarge)
            }
        };
        let pause = self.pause(&error);
        if may_repeat && self.has_time_for(pause, outcome) {
            return Verdict::Again { after: pause, error };
        }
        // Only what is said of the object itself ends the doubt, and not, for instance, that the
        // certificate has run out meanwhile.
        let ends_doubt = matches!(error, ClusterError::NotFound | ClusterError::OtherObject);
        if self.may_be_done && !ends_doubt {
            Verdict::Unknown(error)
        } else {
            Verdict::Final(error)
        }
    }

    fn has_time_for(&self, pause: Duration, outcome: Outcome) -> bool {
        let now = Instant::now();
        let is_patient = outcome == Outcome::NotDone && !self.verb.is_read();
        (is_patient || self.tries < TRIES_MIN || now - self.began < PATIENCE)
            && now + pause < self.deadline
    }

    /// As long as Kubernetes asks for, or longer each time. Half of it is by chance, so that those
    /// who failed together do not come back together.
    fn pause(&self, error: &ClusterError) -> Duration {
        let doubled = PAUSE_MIN.saturating_mul(1 << (self.tries - 1).min(10)).min(PAUSE_MAX);
        let part = chance::number() % 1000;
        let jittered = doubled / 2 + doubled.mul_f64(part as f64 / 2000.0);
        jittered.max(error.retry_after().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
