//! The dates of our own certificate: told before it ends, and a reason not to be ready.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};
use x509_cert::der::DateTime;

use super::OwnCertificate;
use crate::identity::Validity;

/// The end is told from so long before it on: whatever renews certificates has failed by then.
const WARNING_TIME: Duration = Duration::from_secs(24 * 60 * 60);
/// The clock is looked at so often.
const LOOK_TIME: Duration = Duration::from_secs(60);
/// The same is told so often.
const TELL_TIME: Duration = Duration::from_secs(60 * 60);

/// Why clients don't take the certificate now, in a sentence; `None` while they do.
pub(crate) fn not_valid(validity: Validity, now: SystemTime) -> Option<String> {
    if now < validity.begin {
        let begin = written(validity.begin);
        Some(format!("the service's own certificate is not valid yet: it will be from {begin} on"))
    } else if now > validity.end {
        let end = written(validity.end);
        Some(format!("the service's own certificate is not valid any more: it ended at {end}"))
    } else {
        None
    }
}

/// That the certificate ends soon, if it does and is valid now.
fn ends_soon(validity: Validity, now: SystemTime) -> Option<String> {
    let is_soon = not_valid(validity, now).is_none() && validity.end < now + WARNING_TIME;
    is_soon.then(|| {
        format!("the service's own certificate ends at {}: renew it", written(validity.end))
    })
}

/// A time as RFC 3339 has it.
fn written(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    DateTime::from_unix_duration(since).map_or_else(|_| "no date".to_owned(), |it| it.to_string())
}

/// Tells in the log when the certificate ends soon or is not valid, at once and then every hour,
/// for as long as it is polled.
pub(crate) async fn watch_dates(own: Arc<OwnCertificate>) {
    let mut told: Option<(String, Instant)> = None;
    loop {
        let (validity, now) = (own.get().validity, SystemTime::now());
        let is_told = |sentence: &String| {
            told.as_ref().is_some_and(|(last, at)| last == sentence && at.elapsed() < TELL_TIME)
        };
        if let Some(sentence) = not_valid(validity, now).filter(|it| !is_told(it)) {
            tracing::error!("{sentence}; the service is not ready");
            told = Some((sentence, Instant::now()));
        } else if let Some(sentence) = ends_soon(validity, now).filter(|it| !is_told(it)) {
            tracing::warn!("{sentence}");
            told = Some((sentence, Instant::now()));
        }
        sleep(LOOK_TIME).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_certificate_is_good_between_its_dates_and_its_last_day_is_told() {
        const DAY: u64 = 24 * 60 * 60;
        let validity = Validity { begin: at(10 * DAY), end: at(20 * DAY) };
        for (now, not_valid_because, soon) in [
            (10 * DAY - 1, Some("not valid yet: it will be from 1970-01-11T00:00:00Z on"), false),
            (10 * DAY, None, false),
            (19 * DAY, None, false),
            (19 * DAY + 1, None, true),
            (20 * DAY, None, true),
            (20 * DAY + 1, Some("not valid any more: it ended at 1970-01-21T00:00:00Z"), false),
        ] {
            let because = not_valid(validity, at(now));
            let ends = |it: &str| because.as_ref().is_some_and(|because| because.ends_with(it));
            assert!(not_valid_because.map_or(because.is_none(), ends), "{now}: {because:?}");
            assert_eq!(ends_soon(validity, at(now)).is_some(), soon, "{now}");
        }
    }
}
