//! Waiting for a value, with an end.

use std::{fmt::Debug, time::Duration};

use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Between two looks. What is looked at is a cluster with two processors at most.
const LOOK_TIME: Duration = Duration::from_millis(250);

/// Looks until there is a value; until then a look says what it saw instead.
///
/// # Panics
/// When there is none in time; the message has what the last look saw.
#[track_caller]
pub fn eventually<T, S, F>(
    what: &str,
    time_max: Duration,
    look: impl FnMut() -> F,
) -> impl Future<Output = T>
where
    S: Debug,
    F: Future<Output = Result<T, S>>,
{
    let caller = std::panic::Location::caller();
    look_until(format!("{what} ({caller})"), time_max, look)
}

async fn look_until<T, S, F>(what: String, time_max: Duration, mut look: impl FnMut() -> F) -> T
where
    S: Debug,
    F: Future<Output = Result<T, S>>,
{
    let end = Instant::now() + time_max;
    let mut ticks = interval(LOOK_TIME);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match look().await {
            Ok(value) => return value,
            Err(seen) if Instant::now() >= end => {
                panic!("not within {time_max:?}: {what}\nlast seen: {seen:#?}")
            }
            Err(_) => {}
        }
    }
}

/// Waits for something that must happen soon.
///
/// # Panics
/// When it does not.
pub async fn within<T>(what: &str, time_max: Duration, happens: impl Future<Output = T>) -> T {
    let outcome = timeout(time_max, happens).await;
    outcome.unwrap_or_else(|_| panic!("not within {time_max:?}: {what}"))
}
