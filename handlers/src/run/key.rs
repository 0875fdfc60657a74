//! The key that makes a `run` safe to repeat.

use tjf_api_types::IDEMPOTENCY_KEY;
use tjf_runtime::{Failure, Input, Received};

/// A longer one is not a key but a text.
const LENGTH_MAX: usize = 64;

/// The header `Idempotency-Key`, if it was sent: at most 64 visible characters, said once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdempotencyKey(pub Option<String>);

impl Input for IdempotencyKey {
    const HEADER: Option<&'static str> = Some(IDEMPOTENCY_KEY);

    fn from_request(received: &Received) -> Result<Self, Failure> {
        let mut values = received.headers().get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        value
            .to_str()
            .ok()
            .filter(|text| (1..=LENGTH_MAX).contains(&text.len()))
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
            .filter(|_| values.next().is_none())
            .map(|text| Self(Some(text.to_owned())))
            .ok_or_else(|| {
                Failure::invalid(
                    "Idempotency-Key",
                    "`Idempotency-Key` is 1 to 64 visible characters, sent once",
                )
            })
    }
}
