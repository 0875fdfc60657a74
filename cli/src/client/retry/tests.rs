use std::io;

use super::*;

fn unreachable() -> ClientError {
    let source = io::ErrorKind::ConnectionRefused.into();
    ClientError::Unreachable { server: "x".to_owned(), source }
}

fn untrusted() -> ClientError {
    let source = rustls::Error::HandshakeNotComplete;
    ClientError::Untrusted { server: "x".to_owned(), source: Box::new(source), ended_on: None }
}

fn timed_out() -> ClientError {
    ClientError::TimedOut { server: "x".to_owned(), after_s: 60 }
}

fn unreadable() -> ClientError {
    let source = serde_json::from_str::<u8>("x").unwrap_err();
    ClientError::Unreadable { request_id: None, source, json: None }
}

fn answered(status: u16) -> ClientError {
    answered_later(status, None)
}

fn answered_later(status: u16, retry_after_s: Option<u64>) -> ClientError {
    ClientError::Refused(Box::new(Refusal { retry_after_s, ..refusal(status) }))
}

/// The service's own refusal.
fn refused(status: u16, slug: &str) -> ClientError {
    ClientError::Refused(Box::new(Refusal { slug: Some(slug.to_owned()), ..refusal(status) }))
}

/// A page that only its status tells something about.
fn refusal(status: u16) -> Refusal {
    Refusal {
        status,
        slug: None,
        detail: "no".to_owned(),
        field: None,
        request_id: None,
        retry_after_s: None,
    }
}

fn is_repeated(repeat: Repeat, error: &ClientError) -> bool {
    Attempts::new(repeat, true).pause_after(error).is_some()
}

/// A `run` whose attempts end like this, one after the other, and at once.
fn concluded(errors: impl IntoIterator<Item = ClientError>) -> ClientError {
    let mut attempts = Attempts::new(Repeat::UntilSettled, true);
    let mut last = None;
    for error in errors {
        attempts.pause_after(&error);
        last = Some(error);
    }
    attempts.conclude(last.unwrap())
}

fn is_unconfirmed(error: &ClientError) -> bool {
    matches!(error, ClientError::Unconfirmed(_))
}

#[test]
fn a_read_is_repeated_when_another_try_may_do_better() {
    for error in [unreachable(), answered(503)] {
        assert!(is_repeated(Repeat::Freely, &error), "{error}");
    }
    for error in [timed_out(), untrusted(), unreadable()] {
        assert!(!is_repeated(Repeat::Freely, &error), "{error}");
    }
    for status in [400, 404, 500, 502, 504] {
        assert!(!is_repeated(Repeat::Freely, &answered(status)), "{status}");
    }
}

#[test]
fn a_read_is_sent_three_times_at_most() {
    let mut attempts = Attempts::new(Repeat::Freely, true);
    assert!(attempts.pause_after(&unreachable()).is_some());
    assert!(attempts.pause_after(&unreachable()).is_some());
    assert_eq!(attempts.pause_after(&unreachable()), None);
}

#[test]
fn a_run_is_repeated_until_it_is_settled() {
    for error in [unreachable(), timed_out()] {
        assert!(is_repeated(Repeat::UntilSettled, &error), "{error}");
    }
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        assert!(is_repeated(Repeat::UntilSettled, &answered(status)), "{status}");
    }
    for error in [untrusted(), unreadable()] {
        assert!(!is_repeated(Repeat::UntilSettled, &error), "{error}");
    }
    for status in [302, 400, 401, 403, 404, 409, 413] {
        assert!(!is_repeated(Repeat::UntilSettled, &answered(status)), "{status}");
    }
}

#[test]
fn a_deletion_is_never_repeated() {
    for error in [timed_out(), unreachable(), answered(500), answered(502), answered(503)] {
        assert!(!is_repeated(Repeat::Never, &error), "{error}");
    }
}

#[test]
fn who_wants_no_repetitions_gets_none_and_still_the_truth() {
    for repeat in [Repeat::Freely, Repeat::UntilSettled, Repeat::Never] {
        assert_eq!(Attempts::new(repeat, false).pause_after(&unreachable()), None);
    }
    let mut attempts = Attempts::new(Repeat::UntilSettled, false);
    assert_eq!(attempts.pause_after(&timed_out()), None);
    assert!(is_unconfirmed(&attempts.conclude(timed_out())));
}

#[test]
fn what_may_have_been_done_stays_in_doubt() {
    for error in [timed_out(), unreadable(), answered(500), answered(502), answered(504)] {
        let text = error.to_string();
        assert!(is_unconfirmed(&concluded([error])), "{text}");
    }
    for error in [unreachable(), untrusted(), answered(503)] {
        let text = error.to_string();
        assert!(!is_unconfirmed(&concluded([error])), "{text}");
    }
    for status in [400, 401, 403, 404, 408, 409, 425, 429] {
        assert!(!is_unconfirmed(&concluded([answered(status)])), "{status}");
    }
    for last in [unreachable(), untrusted(), answered(503), answered(302)] {
        let text = last.to_string();
        assert!(is_unconfirmed(&concluded([answered(500), last])), "{text}");
    }
}

#[test]
fn only_the_services_refusal_of_the_job_itself_settles_a_doubt() {
    for (status, slug) in [
        (400, "invalid-request"),
        (400, "invalid-container"),
        (403, "quota-exceeded"),
        (409, "job-exists"),
    ] {
        let errors = [timed_out(), unreachable(), refused(status, slug)];
        assert!(!is_unconfirmed(&concluded(errors)), "{slug}");
    }
    for status in [400, 401, 403, 404, 408, 409, 413, 425, 429] {
        let errors = [timed_out(), unreachable(), answered(status)];
        assert!(is_unconfirmed(&concluded(errors)), "a proxy's {status}");
    }
    for (status, slug) in [
        (401, "unauthenticated"),
        (403, "forbidden"),
        (403, "no-credentials"),
        (403, "credentials-rejected"),
        (404, "route-not-found"),
        (413, "body-too-large"),
    ] {
        assert!(is_unconfirmed(&concluded([timed_out(), refused(status, slug)])), "{slug}");
    }
}

#[test]
fn only_a_run_can_be_unconfirmed() {
    for repeat in [Repeat::Freely, Repeat::Never] {
        let mut attempts = Attempts::new(repeat, true);
        assert_eq!(attempts.pause_after(&timed_out()), None);
        assert!(!is_unconfirmed(&attempts.conclude(timed_out())));
    }
}

/// When each attempt at a `run` begins, if each lasts as long and then ends like this.
async fn beginnings(error: ClientError, lasts: Duration) -> Vec<Duration> {
    let begin = Instant::now();
    let mut attempts = Attempts::new(Repeat::UntilSettled, true);
    let mut beginnings = Vec::new();
    loop {
        beginnings.push(begin.elapsed());
        tokio::time::advance(lasts).await;
        match attempts.pause_after(&error) {
            Some(pause) => tokio::time::advance(pause).await,
            None => return beginnings,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_tried_for_half_a_minute_at_growing_intervals() {
    let seconds = beginnings(answered(500), Duration::ZERO).await;
    assert!((8..=15).contains(&seconds.len()), "{seconds:?}");
    let last = *seconds.last().unwrap();
    assert!(last > Duration::from_secs(24) && last <= RUN_TIME, "{seconds:?}");
    let pauses: Vec<_> = seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] < Duration::from_millis(302), "{pauses:?}");
    assert!(pauses[..5].is_sorted(), "{pauses:?}");
    assert!(pauses.iter().all(|pause| *pause < PAUSE_MAX * 3 / 2 + PAUSE_MIN), "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_service_is_asked_once_more() {
    let minute = Duration::from_secs(60);
    let seconds = beginnings(timed_out(), minute).await;
    assert_eq!(seconds.len(), 2, "{seconds:?}");
    assert!(seconds[1] - minute < Duration::from_secs(1), "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn the_half_minute_begins_with_the_first_failure() {
    let seconds = beginnings(unreachable(), Duration::from_secs(10)).await;
    assert_eq!(seconds.len(), 4, "{seconds:?}");
    let last = *seconds.last().unwrap();
    assert!(last <= Duration::from_secs(10) + RUN_TIME, "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_comes_back_before_the_server_wants() {
    let seven = answered_later(503, Some(7));
    let seconds = beginnings(seven, Duration::ZERO).await;
    assert_eq!(seconds.iter().map(Duration::as_secs).collect::<Vec<_>>(), [0, 7, 14, 21, 28]);
    // The first two pauses are shorter than two seconds by themselves.
    let mut attempts = Attempts::new(Repeat::UntilSettled, true);
    assert_eq!(attempts.pause_after(&answered_later(503, Some(2))), Some(Duration::from_secs(2)));
    // More than is left: then there is nothing to wait for.
    assert_eq!(attempts.pause_after(&answered_later(503, Some(31))), None);
    let seconds = beginnings(answered_later(429, Some(20)), Duration::ZERO).await;
    assert_eq!(seconds.iter().map(Duration::as_secs).collect::<Vec<_>>(), [0, 20]);
}

#[test]
fn a_read_heeds_the_server_within_reason() {
    let pause = |retry_after_s| {
        Attempts::new(Repeat::Freely, true).pause_after(&answered_later(503, Some(retry_after_s)))
    };
    assert_eq!(pause(2), Some(Duration::from_secs(2)));
    assert_eq!(pause(3600), Some(READ_PAUSE_MAX));
}

#[test]
fn pauses_double_and_differ() {
    for (failed, shortest_ms) in [(1, 200), (2, 400), (3, 800), (5, 3200), (6, 4000), (99, 4000)] {
        for _ in 0..100 {
            let pause = pause(failed).as_millis();
            assert!((shortest_ms..shortest_ms * 3 / 2 + 1).contains(&pause), "{failed}: {pause}");
        }
    }
    assert!((0..100).any(|_| pause(6) != pause(6)));
}
