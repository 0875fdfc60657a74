//! Times as people say them: how long ago, and how soon.
//!
//! "Now" is when the service answered, by its own clock: that of this machine may be any time apart.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// The units that people count in, with their seconds; of each there are fewer than the next one has.
const UNITS: [(&str, i64); 5] =
    [("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400), ("year", 31_556_952)];

/// Closer than this is now.
const NOW_SECONDS: i64 = 2;

/// The moment of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    now: Timestamp,
}

impl Clock {
    /// The moment of an answer, by its header `Date` where there is a good one.
    pub(crate) fn of_answer(date: Option<&str>) -> Self {
        let told = date.and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
        Self { now: told.unwrap_or_else(Timestamp::now) }
    }

    /// So much later.
    pub(crate) fn after(self, time: Duration) -> Self {
        let now = SignedDuration::try_from(time).ok();
        let now = now.and_then(|time| self.now.checked_add(time).ok());
        Self { now: now.unwrap_or(self.now) }
    }

    /// A time as it is written, and how far away it is: `2024-05-06 07:08:09 UTC (3 minutes ago)`. What
    /// is no time is told as it is.
    pub(crate) fn when(self, time: &str) -> String {
        match self.distance(time) {
            Some(distance) => format!("{} ({distance})", exact(time)),
            None => time.to_owned(),
        }
    }

    /// How far a time is away: `3 minutes ago`, `in 8 hours`.
    pub(crate) fn distance(self, time: &str) -> Option<String> {
        let seconds = self.now.duration_since(time.parse().ok()?).as_secs();
        Some(match seconds {
            _ if seconds.abs() < NOW_SECONDS => "now".to_owned(),
            1.. => format!("{} ago", span(seconds)),
            _ => format!("in {}", span(-seconds)),
        })
    }
}

/// How long something took.
pub(crate) fn between(from: &str, to: &str) -> Option<String> {
    let (from, to) = (from.parse::<Timestamp>().ok()?, to.parse().ok()?);
    Some(span(from.duration_until(to).as_secs().max(0)))
}

/// RFC 3339 is for programs.
fn exact(time: &str) -> String {
    let utc = time.strip_suffix('Z').map(|time| format!("{} UTC", time.replacen('T', " ", 1)));
    utc.unwrap_or_else(|| time.to_owned())
}

fn span(seconds: i64) -> String {
    let fits = |(_, size): &&(&str, i64)| seconds >= *size;
    let (unit, size) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
    let count = seconds / size;
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Mon, 06 May 2024 07:11:09 GMT";

    #[test]
    fn a_time_is_told_with_its_distance() {
        let clock = Clock::of_answer(Some(DATE));
        for (time, told) in [
            ("2024-05-06T07:11:09Z", "2024-05-06 07:11:09 UTC (now)"),
            ("2024-05-06T07:11:10Z", "2024-05-06 07:11:10 UTC (now)"),
            ("2024-05-06T07:11:07Z", "2024-05-06 07:11:07 UTC (2 seconds ago)"),
            ("2024-05-06T07:08:09Z", "2024-05-06 07:08:09 UTC (3 minutes ago)"),
            ("2024-05-06T06:11:09Z", "2024-05-06 06:11:09 UTC (1 hour ago)"),
            ("2024-05-04T06:11:09Z", "2024-05-04 06:11:09 UTC (2 days ago)"),
            ("2021-05-04T06:11:09Z", "2021-05-04 06:11:09 UTC (3 years ago)"),
            ("2024-05-06T08:00:00Z", "2024-05-06 08:00:00 UTC (in 48 minutes)"),
            ("2024-05-06T09:11:09+02:00", "2024-05-06T09:11:09+02:00 (now)"),
            ("some day", "some day"),
            ("", ""),
        ] {
            assert_eq!(clock.when(time), told);
        }
    }

    #[test]
    fn how_long_something_took_has_one_unit() {
        let took = |to| between("2024-05-06T07:08:09Z", to);
        assert_eq!(took("2024-05-06T07:08:10Z").unwrap(), "1 second");
        assert_eq!(took("2024-05-06T07:09:59Z").unwrap(), "1 minute");
        assert_eq!(took("2024-05-06T07:08:00Z").unwrap(), "0 seconds");
        assert_eq!(took("then"), None);
    }

    #[test]
    fn without_a_good_date_it_is_this_machines_clock() {
        for date in [None, Some("yesterday"), Some("")] {
            let now = Clock::of_answer(date).now.as_second();
            assert!((Timestamp::now().as_second() - now).abs() < 60, "{date:?}");
        }
    }
}
