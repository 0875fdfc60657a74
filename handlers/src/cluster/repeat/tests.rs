use tokio::time::advance;

use super::*;

fn busy(retry_after: Option<u64>) -> ClusterError {
    let retry_after = retry_after.map(Duration::from_secs);
    ClusterError::Busy { code: 429, message: String::new(), retry_after }
}

fn failing() -> ClusterError {
    ClusterError::Failing { code: 500, message: String::new(), retry_after: None }
}

fn in_half_a_minute() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Fails again and again. How often it was tried, how long that took, and how it ended.
async fn tried(verb: Verb, error: impl Fn() -> ClusterError) -> (u32, Duration, Verdict) {
    let (began, mut tries) = (Instant::now(), 0);
    let mut repeats = Repeats::new(verb, in_half_a_minute());
    loop {
        tries += 1;
        match repeats.after(error()) {
            Verdict::Again { after, .. } => advance(after).await,
            end @ (Verdict::Final(_) | Verdict::Unknown(_)) => {
                return (tries, began.elapsed(), end);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_not_asked_again() {
    for verb in [Verb::Get, Verb::Create, Verb::Delete] {
        let (tries, _, end) = tried(verb, || ClusterError::NotFound).await;
        assert_eq!(tries, 1);
        assert!(matches!(end, Verdict::Final(ClusterError::NotFound)), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_was_not_made_is_asked_for_until_the_deadline() {
    for verb in [Verb::Create, Verb::Delete, Verb::DeleteCollection] {
        let (tries, time, end) = tried(verb, || busy(None)).await;
        assert!(tries > 20, "{tries}");
        assert!((28..=30).contains(&time.as_secs()), "{time:?}");
        assert!(matches!(end, Verdict::Final(ClusterError::Busy { .. })), "{end:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_only_looks_is_told_soon() {
    for verb in [Verb::Get, Verb::List, Verb::TryCreate] {
        for error in [failing, || busy(None)] {
            let (tries, time, end) = tried(verb, error).await;
            assert!((5..20).contains(&tries), "{tries}");
            assert!((3..=5).contains(&time.as_secs()), "{time:?}");
            assert!(matches!(end, Verdict::Final(_)), "{end:?}");
        }
    }
}

/// It may have been done. Whoever created looks for the object.
#[tokio::test(start_paused = true)]
async fn a_create_whose_outcome_is_not_known_is_not_sent_again() {
    let (tries, _, end) = tried(Verb::Create, failing).await;
    assert_eq!(tries, 1);
    assert!(matches!(end, Verdict::Unknown(_)), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_outcome_is_not_known_is_sent_again_and_stays_unknown() {
    let (tries, time, end) = tried(Verb::Delete, failing).await;
    assert!(tries > 5 && time < Duration::from_secs(6), "{tries} in {time:?}");
    assert!(matches!(end, Verdict::Unknown(_)), "{end:?}");
}

/// It would be as large the next time. A change may have been made all the same.
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_large_is_not_asked_for_again() {
    let (tries, _, end) = tried(Verb::Get, || ClusterError::TooLarge).await;
    assert!(matches!((tries, &end), (1, Verdict::Final(ClusterError::TooLarge))), "{end:?}");
    for verb in [Verb::Create, Verb::DeleteCollection] {
        let (tries, _, end) = tried(verb, || ClusterError::TooLarge).await;
        assert!(matches!((tries, &end), (1, Verdict::Unknown(_))), "{end:?}");
    }
}

/// The first answer got lost, and the second says that nothing was done: the first may have been.
#[tokio::test(start_paused = true)]
async fn doubt_ends_only_with_an_answer_that_settles_it() {
    let mut repeats = Repeats::new(Verb::Delete, in_half_a_minute());
    assert!(matches!(repeats.after(failing()), Verdict::Again { .. }));
    advance(Duration::from_secs(31)).await;
    assert!(matches!(repeats.after(busy(None)), Verdict::Unknown(_)));
    let mut repeats = Repeats::new(Verb::Delete, in_half_a_minute());
    assert!(matches!(repeats.after(failing()), Verdict::Again { .. }));
    let gone = repeats.after(ClusterError::NotFound);
    assert!(matches!(gone, Verdict::Final(ClusterError::NotFound)), "{gone:?}");
    let mut repeats = Repeats::new(Verb::Delete, in_half_a_minute());
    assert!(matches!(repeats.after(failing()), Verdict::Again { .. }));
    assert!(matches!(repeats.after(ClusterError::CredentialsRejected), Verdict::Unknown(_)));
}

#[tokio::test(start_paused = true)]
async fn what_took_long_gets_one_more_try() {
    let mut repeats = Repeats::new(Verb::Get, in_half_a_minute());
    advance(Duration::from_secs(10)).await;
    assert!(matches!(repeats.after(failing()), Verdict::Again { .. }));
    advance(Duration::from_secs(10)).await;
    assert!(matches!(repeats.after(failing()), Verdict::Final(_)));
}

#[tokio::test(start_paused = true)]
async fn kubernetes_says_when_to_come_back_within_the_deadline() {
    let after = |verdict| match verdict {
        Verdict::Again { after, .. } => Some(after),
        Verdict::Final(_) | Verdict::Unknown(_) => None,
    };
    for verb in [Verb::Get, Verb::Create] {
        let mut repeats = Repeats::new(verb, in_half_a_minute());
        assert_eq!(after(repeats.after(busy(Some(10)))), Some(Duration::from_secs(10)));
        let mut repeats = Repeats::new(verb, in_half_a_minute());
        assert_eq!(after(repeats.after(busy(Some(31)))), None);
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_up_to_a_second() {
    let mut repeats = Repeats::new(Verb::Create, in_half_a_minute());
    for (low, high) in [(25, 50), (50, 100), (100, 200), (200, 400), (400, 800), (500, 1000)] {
        let Verdict::Again { after, .. } = repeats.after(busy(None)) else { panic!("in time") };
        assert!((low..=high).contains(&after.as_millis()), "{after:?}");
    }
}
