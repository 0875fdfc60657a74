//! What may be sent again, and when.
//!
//! Reads change nothing, so they are repeated. A `run` carries an idempotency key, so it is
//! repeated when its answer was lost: then nobody knows whether the job exists, and asking again is
//! the only way to find out. A refusal of a `run` is an answer and stands. A deletion is never
//! repeated: the second one might hit a new job of the same name.

use hyper::StatusCode;
use tokio::time::Duration;

use super::ClientError;
use crate::random;

/// The first attempt and two more.
pub(super) const ATTEMPTS_MAX: u32 = 3;

/// The shortest pause before the second attempt; it doubles twice for the third.
const PAUSE_MS: u64 = 100;

/// The longest pause that a server may ask for with `Retry-After`.
const RETRY_AFTER_S_MAX: u64 = 5;

/// When a request may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Whenever another try may do better.
    Freely,
    /// When the answer was lost, under the same idempotency key.
    WhenLost,
    Never,
}

/// The attempts at one request.
#[derive(Debug)]
pub(super) struct Attempts {
    repeat: Repeat,
    made: u32,
    max: u32,
    /// Whether an earlier request went out and may have done its work.
    is_lost: bool,
}

impl Attempts {
    pub(super) fn new(repeat: Repeat, max: u32) -> Self {
        Self { repeat, made: 0, max, is_lost: false }
    }

    /// How long to wait before the next attempt, or the error that ends it.
    pub(super) fn pause_after(&mut self, error: ClientError) -> Result<Duration, ClientError> {
        self.made += 1;
        self.is_lost |= self.repeat == Repeat::WhenLost && loses_the_answer(&error);
        let is_transient = may_do_better(&error) || loses_the_answer(&error);
        let again = match self.repeat {
            Repeat::Freely => may_do_better(&error),
            Repeat::WhenLost => self.is_lost && is_transient,
            Repeat::Never => false,
        };
        if again && self.made < self.max {
            Ok(pause(self.made, &error))
        } else if self.is_lost && is_transient {
            Err(ClientError::Unconfirmed(Box::new(error)))
        } else {
            Err(error)
        }
    }
}

/// Whether the same read may be answered a moment later.
fn may_do_better(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } | ClientError::Lost { .. } => true,
        ClientError::Refused(refusal) => refusal.status == StatusCode::SERVICE_UNAVAILABLE,
        ClientError::Untrusted { .. }
        | ClientError::TimedOut { .. }
        | ClientError::Unreadable { .. }
        | ClientError::Unconfirmed(_)
        | ClientError::Unwritable(_) => false,
    }
}

/// Whether the request may have done its work although its answer does not say so. A proxy's 502
/// and 504 are as good as no answer: the API works on when the proxy has given up.
fn loses_the_answer(error: &ClientError) -> bool {
    match error {
        ClientError::Lost { .. } | ClientError::TimedOut { .. } => true,
        ClientError::Refused(refusal) => {
            refusal.status == StatusCode::BAD_GATEWAY
                || refusal.status == StatusCode::GATEWAY_TIMEOUT
        }
        ClientError::Unreachable { .. }
        | ClientError::Untrusted { .. }
        | ClientError::Unreadable { .. }
        | ClientError::Unconfirmed(_)
        | ClientError::Unwritable(_) => false,
    }
}

/// Half of the pause is by chance, so that callers that failed together do not come back together.
fn pause(attempts_made: u32, error: &ClientError) -> Duration {
    let shortest_ms = PAUSE_MS << (2 * attempts_made.saturating_sub(1));
    let jittered = Duration::from_millis(shortest_ms + random::number() % shortest_ms);
    let asked_s = error.refusal().and_then(|refusal| refusal.retry_after_s).unwrap_or(0);
    jittered.max(Duration::from_secs(asked_s.min(RETRY_AFTER_S_MAX)))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::client::Refusal;

    fn unreachable() -> ClientError {
        let source = io::ErrorKind::ConnectionRefused.into();
        ClientError::Unreachable { server: "x".to_owned(), source }
    }

    fn timed_out() -> ClientError {
        ClientError::TimedOut { server: "x".to_owned(), after_s: 60 }
    }

    fn answered(status: u16, retry_after_s: Option<u64>) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            status,
            slug: None,
            detail: "no".to_owned(),
            field: None,
            request_id: None,
            retry_after_s,
        }))
    }

    fn is_repeated(repeat: Repeat, error: ClientError) -> bool {
        Attempts::new(repeat, ATTEMPTS_MAX).pause_after(error).is_ok()
    }

    #[test]
    fn reads_are_repeated_when_another_try_may_do_better() {
        assert!(is_repeated(Repeat::Freely, unreachable()));
        assert!(is_repeated(Repeat::Freely, answered(503, None)));
        for status in [400, 404, 500, 502, 504] {
            assert!(!is_repeated(Repeat::Freely, answered(status, None)), "{status}");
        }
        assert!(!is_repeated(Repeat::Freely, timed_out()));
    }

    #[test]
    fn a_run_is_repeated_only_when_its_answer_was_lost() {
        for error in [timed_out(), answered(502, None), answered(504, None)] {
            assert!(is_repeated(Repeat::WhenLost, error));
        }
        for error in [unreachable(), answered(503, None), answered(409, None)] {
            assert!(!is_repeated(Repeat::WhenLost, error));
        }
    }

    #[test]
    fn a_deletion_is_never_repeated() {
        for error in [timed_out(), unreachable(), answered(503, None), answered(502, None)] {
            assert!(!is_repeated(Repeat::Never, error));
        }
    }

    #[test]
    fn a_lost_run_that_stays_lost_is_unconfirmed_and_an_answer_ends_the_doubt() {
        let mut attempts = Attempts::new(Repeat::WhenLost, ATTEMPTS_MAX);
        assert!(attempts.pause_after(timed_out()).is_ok());
        assert!(attempts.pause_after(unreachable()).is_ok());
        let last = attempts.pause_after(unreachable());
        assert!(matches!(last, Err(ClientError::Unconfirmed(_))), "{last:?}");

        let mut attempts = Attempts::new(Repeat::WhenLost, ATTEMPTS_MAX);
        assert!(attempts.pause_after(timed_out()).is_ok());
        let last = attempts.pause_after(answered(400, None));
        assert!(matches!(last, Err(ClientError::Refused(_))), "{last:?}");
    }

    #[test]
    fn pauses_grow_and_heed_the_server_within_reason() {
        let within = |pause: Duration, low_ms, high_ms| {
            assert!((low_ms..high_ms).contains(&pause.as_millis()), "{pause:?}");
        };
        within(pause(1, &unreachable()), 100, 200);
        within(pause(2, &unreachable()), 400, 800);
        assert_eq!(pause(1, &answered(503, Some(2))), Duration::from_secs(2));
        assert_eq!(pause(1, &answered(503, Some(3600))), Duration::from_secs(5));
    }
}
