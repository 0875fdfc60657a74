//! What may be sent again, and when.
//!
//! - **Reads** change nothing. They are sent up to three times when the connection failed or the
//!   service was away: a moment later it may be back, and whoever reads can ask again.
//! - **A `run`** carries an idempotency key, so that however often it is sent, one job comes of it.
//!   As long as no answer settles it, nobody knows whether the job exists, and asking again is the
//!   only way to find out. So it is repeated for half a minute: after every 5xx, a lost answer, a
//!   time-out, without a connection, and after a 408, 425 or 429, which ask for it.
//!
//!   Any other 4xx ends the attempts. Without a doubt it stands. With one, only the service's own
//!   refusal of this very job settles that there is none: it looks for the key before it refuses a
//!   job for its name or for a quota, and an invalid request was invalid the first time too. Every
//!   other 4xx tells of the last attempt only, such as a proxy's page, or a certificate that
//!   expired meanwhile: what came of the earlier ones is still not known.
//! - **`delete` and `flush`** are never repeated. They have no key: the second one might hit a new
//!   job of the same name, which somebody started after the first had done its work.
//! - **A `restart`** is not harmless to repeat either. The second one ends the pods, or the run, that
//!   the first has started: a bot is away once more, and a run begins twice. What came of one whose
//!   answer was lost is told by `show`.
//!
//! The half minute begins with the first failure, and limits when the last attempt *begins*. A
//! service that takes a request and says nothing fails only after a minute, and there is another
//! attempt after that. An attempt under way is not cut short either, since it may bring the answer.
//! At worst this takes two and a half minutes: a minute of silence, the half minute, and a minute
//! of silence again.

use hyper::StatusCode;
use tokio::time::{Duration, Instant};

use super::{ClientError, Refusal};
use crate::random;

/// A read's first attempt and two more.
const READS_MAX: u32 = 3;

/// How long after its first failure a `run` may be sent again.
const RUN_TIME: Duration = Duration::from_secs(30);

/// The shortest pause before the second attempt; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// What the pause grows to. Half of it may come on top by chance.
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// The longest pause that a server may ask a read for with `Retry-After`.
const READ_PAUSE_MAX: Duration = Duration::from_secs(5);

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// A few times, when another try may do better.
    Freely,
    /// Until an answer settles it, under the same idempotency key.
    UntilSettled,
    Never,
}

/// The attempts at one request.
#[derive(Debug)]
pub(super) struct Attempts {
    repeat: Repeat,
    /// Whether the caller wants repetitions at all.
    may_repeat: bool,
    failed: u32,
    first_failure: Option<Instant>,
    /// Whether one of them may have done its work without anybody knowing.
    is_unsettled: bool,
}

impl Attempts {
    pub(super) fn new(repeat: Repeat, may_repeat: bool) -> Self {
        Self { repeat, may_repeat, failed: 0, first_failure: None, is_unsettled: false }
    }

    /// How long to wait before the next attempt, if there is to be one.
    pub(super) fn pause_after(&mut self, error: &ClientError) -> Option<Duration> {
        self.failed += 1;
        let now = Instant::now();
        let give_up_at = *self.first_failure.get_or_insert(now) + RUN_TIME;
        if settles(error) {
            self.is_unsettled = false;
        } else if may_have_been_done(error) {
            self.is_unsettled = true;
        }
        let pause = pause(self.failed);
        let asked = asked_pause(error);
        match self.repeat {
            _ if !self.may_repeat => None,
            Repeat::Freely => (self.failed < READS_MAX && is_read_again(error))
                .then(|| pause.max(asked.min(READ_PAUSE_MAX))),
            Repeat::UntilSettled => Some(pause.max(asked))
                .filter(|pause| is_run_again(error) && *pause <= give_up_at - now),
            Repeat::Never => None,
        }
    }

    /// What the last error means after all that was tried.
    pub(super) fn conclude(self, error: ClientError) -> ClientError {
        if self.repeat == Repeat::UntilSettled && self.is_unsettled {
            ClientError::Unconfirmed(Box::new(error))
        } else {
            error
        }
    }
}

/// Whether the same read may be answered a moment later.
fn is_read_again(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Lost { .. } => true,
        ClientError::Refused(refusal) => refusal.status == StatusCode::SERVICE_UNAVAILABLE,
        ClientError::Untrusted { .. }
        | ClientError::TimedOut { .. }
        | ClientError::Unreadable { .. }
        | ClientError::NotALog { .. }
        | ClientError::Unconfirmed(_)
        | ClientError::Unwritable(_) => false,
    }
}

/// Whether a `run` has to be sent again to know what came of it. What two sides do not trust, or
/// can't read, does not change within seconds.
fn is_run_again(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. }
        | ClientError::Lost { .. }
        | ClientError::TimedOut { .. } => true,
        ClientError::Refused(refusal) => refusal.is_servers_fault() || asks_for_repetition(refusal),
        ClientError::Untrusted { .. }
        | ClientError::Unreadable { .. }
        | ClientError::NotALog { .. }
        | ClientError::Unconfirmed(_)
        | ClientError::Unwritable(_) => false,
    }
}

/// Whether the request may have done its work although its answer does not say so. A proxy's 502
/// and 504 are as good as no answer, since the API works on when the proxy has given up, and so is
/// a good answer that can't be read. A 503 says that nothing was done.
fn may_have_been_done(error: &ClientError) -> bool {
    match error {
        ClientError::Lost { .. }
        | ClientError::TimedOut { .. }
        | ClientError::Unreadable { .. } => true,
        ClientError::Refused(refusal) => {
            refusal.is_servers_fault() && refusal.status != StatusCode::SERVICE_UNAVAILABLE
        }
        ClientError::Unreachable { .. }
        | ClientError::Untrusted { .. }
        | ClientError::NotALog { .. }
        | ClientError::Unconfirmed(_)
        | ClientError::Unwritable(_) => false,
    }
}

/// Whether a refusal is of the moment: the request came too slowly, too early or too often.
fn asks_for_repetition(refusal: &Refusal) -> bool {
    matches!(refusal.status, 408 | 425 | 429)
}

/// Whether this says for sure that there is no job, whatever was not known before: had an earlier
/// attempt made one, the key would have found it. Only the service itself can say so, and a proxy's
/// page has no slug.
fn settles(error: &ClientError) -> bool {
    let Some(Refusal { status, slug: Some(slug), .. }) = error.refusal() else { return false };
    match *status {
        400 => slug.starts_with("invalid-"),
        403 => slug == "quota-exceeded",
        409 => slug == "job-exists",
        _ => false,
    }
}

/// What the server asks for; nothing, when it does not.
fn asked_pause(error: &ClientError) -> Duration {
    Duration::from_secs(error.refusal().and_then(|refusal| refusal.retry_after_s).unwrap_or(0))
}

/// A part of the pause is by chance, so that callers that failed together do not come back
/// together.
fn pause(failed: u32) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)));
    let shortest = doubled.min(PAUSE_MAX);
    let parts = u32::try_from(random::number() % 1000).unwrap_or(0);
    shortest + shortest / 2 * parts / 1000
}

#[cfg(test)]
mod tests;
