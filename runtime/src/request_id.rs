//! A request's id: the thread from an answer to the log.

use std::fmt;

use http::HeaderMap;
use tjf_api_types::REQUEST_ID;

use crate::chance;

/// What the caller called the request, or what we call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(String);

impl RequestId {
    /// Takes the caller's id when it is 1 to 64 letters, digits, `-`, `_`, `.`: it is written to
    /// the log as it is. Anything else is answered with an id of ours.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers
            .get(REQUEST_ID)
            .and_then(|value| value.to_str().ok())
            .filter(|text| (1..=64).contains(&text.len()))
            .filter(|text| {
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            })
            .map_or_else(Self::made, Self::from_text)
    }

    /// An id of this text; for tests.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// A new one: most likely unlike any other.
    fn made() -> Self {
        Self(format!("{:016x}", chance::number()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::fuzz::{bytes_near, fuzz};

    fn of(text: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_harmless_id_is_kept_and_any_other_is_replaced() {
        assert_eq!(of("my_run-1.2").as_str(), "my_run-1.2");
        for text in ["", "a b", "a;b", "a\tb", &"a".repeat(65)] {
            let made = of(text);
            assert_ne!(made.as_str(), text);
            assert_eq!(made.as_str().len(), 16);
        }
        assert_ne!(RequestId::made(), RequestId::made());
    }

    #[test]
    fn fuzzed_ids_are_harmless_in_a_log() {
        let ids =
            ["my_run-1.2", "two words", "0123456789-0123456789-0123456789-0123456789-01234567"];
        fuzz("ids of requests", bytes_near(&ids), |given| {
            let Ok(value) = HeaderValue::from_bytes(&given) else { return Ok(false) };
            let id = RequestId::of(&[(REQUEST_ID.parse().unwrap(), value)].into_iter().collect());
            let is_harmless = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            prop_assert!((1..=64).contains(&id.as_str().len()), "{id}");
            prop_assert!(id.as_str().chars().all(is_harmless), "{id}");
            Ok(id.as_str().as_bytes() == given)
        });
    }
}
