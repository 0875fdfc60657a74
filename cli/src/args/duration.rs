//! Durations as people type them: `90`, `90s`, `5m`, `2h`.

use tokio::time::Duration;

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a duration is a number of seconds, or a number with `s`, `m` or `h`")]
pub(crate) struct DurationError;

/// Reads a duration.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let (number, unit_s) = match text.as_bytes().last() {
        Some(b's') => (&text[..text.len() - 1], 1),
        Some(b'm') => (&text[..text.len() - 1], 60),
        Some(b'h') => (&text[..text.len() - 1], 3600),
        _ => (text, 1),
    };
    // `u64::from_str` takes a plus sign, people do not write one.
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(DurationError);
    }
    let number: u64 = number.parse().map_err(|_| DurationError)?;
    number.checked_mul(unit_s).map(Duration::from_secs).ok_or(DurationError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_multiplies_and_seconds_need_none() {
        for (text, seconds) in [("0", 0), ("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200)] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "s",
            "-1",
            "+1",
            "1.5h",
            "1d",
            "1h30m",
            " 1",
            "5ü",
            "99999999999999999999",
            "9999999999999999h",
        ] {
            assert_eq!(parse(text), Err(DurationError), "{text}");
        }
    }
}
