//! Whose turn it is: a bound on requests at work, granted fairly.
//!
//! Each caller has a few places of its own, and only a request that holds one of those stands in
//! line for the places of all. So a caller with a thousand requests keeps no more of them in that
//! line than any other, and the line is first come, first served.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{config::Limits, failure::Failure};

/// The places of all.
pub(crate) struct Admission {
    all: Arc<Semaphore>,
    limits: Limits,
}

/// One caller's places, and how many of its requests wait for one.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    queued: AtomicUsize,
}

impl Places {
    pub(crate) fn new(limits: &Limits) -> Self {
        let free = Arc::new(Semaphore::new(limits.requests_per_caller_max));
        Self { free, queued: AtomicUsize::new(0) }
    }
}

/// A request's place among its caller's, which it needs before its body is read.
pub(crate) struct CallerPlace {
    _permit: OwnedSemaphorePermit,
}

/// A request's right to be at work. Clones are the same turn.
#[derive(Clone)]
pub(crate) struct Turn(Arc<Mutex<Option<(CallerPlace, OwnedSemaphorePermit)>>>);

impl Turn {
    /// Gives the places back early: whoever only waits does no work.
    pub(crate) fn give_back(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// A turn that takes no place; for tests of handlers.
    #[cfg(feature = "test-util")]
    pub(crate) fn unlimited() -> Self {
        Self(Arc::default())
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { all: Arc::new(Semaphore::new(limits.requests_in_flight_max)), limits }
    }

    /// Waits for one of the caller's own places.
    pub(crate) async fn caller_place(
        &self,
        places: &Places,
        deadline: Instant,
    ) -> Result<CallerPlace, Failure> {
        let free = Arc::clone(&places.free);
        let permit = match Arc::clone(&free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                let _queued = Queued::enter(places, self.limits.requests_queued_per_caller_max)?;
                acquire(free, deadline).await?
            }
        };
        Ok(CallerPlace { _permit: permit })
    }

    /// Waits for one of the places of all.
    pub(crate) async fn turn(
        &self,
        place: CallerPlace,
        deadline: Instant,
    ) -> Result<Turn, Failure> {
        let permit = acquire(Arc::clone(&self.all), deadline).await?;
        Ok(Turn(Arc::new(Mutex::new(Some((place, permit))))))
    }
}

/// Counts a request among those that wait, until it is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(places: &'a Places, queued_max: usize) -> Result<Self, Failure> {
        let queued = Self(&places.queued);
        if places.queued.fetch_add(1, Ordering::Relaxed) >= queued_max {
            return Err(Failure::overloaded(
                "too many of your requests wait already: send fewer at once",
            ));
        }
        Ok(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn acquire(
    places: Arc<Semaphore>,
    deadline: Instant,
) -> Result<OwnedSemaphorePermit, Failure> {
    match timeout_at(deadline, places.acquire_owned()).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(closed)) => Err(Failure::internal(closed)),
        Err(_) => Err(Failure::overloaded("the service is too busy: try again in a moment")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        requests_in_flight_max: 3,
        requests_per_caller_max: 2,
        requests_queued_per_caller_max: 1,
        ..Limits::PRODUCTION
    };

    /// Admission, and the places of two callers.
    fn admission() -> (Admission, [Places; 2]) {
        (Admission::new(LIMITS), [Places::new(&LIMITS), Places::new(&LIMITS)])
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    async fn enter(admission: &Admission, places: &Places) -> Result<Turn, Failure> {
        let place = admission.caller_place(places, soon()).await?;
        admission.turn(place, soon()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_with_many_requests_takes_no_more_than_its_own_places() {
        let (admission, [a, b]) = admission();
        let _greedy = (enter(&admission, &a).await.unwrap(), enter(&admission, &a).await.unwrap());
        let other = enter(&admission, &b).await;
        assert!(other.is_ok(), "the last place of all is free for others");
        let (queued, refused) = tokio::join!(enter(&admission, &a), enter(&admission, &a));
        assert_eq!(queued.unwrap_err().slug(), "overloaded", "its time ran out");
        assert_eq!(refused.unwrap_err().slug(), "overloaded", "the queue was full");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_refused_at_once_and_a_queued_request_gets_its_turn() {
        let (admission, [a, _]) = admission();
        let first = enter(&admission, &a).await.unwrap();
        let _second = enter(&admission, &a).await.unwrap();
        let began = Instant::now();
        let queued = enter(&admission, &a);
        let refused = async {
            let refused = enter(&admission, &a).await;
            assert_eq!(refused.unwrap_err().slug(), "overloaded");
            assert_eq!(began.elapsed(), Duration::ZERO);
            first.give_back();
        };
        let (queued, ()) = tokio::join!(queued, refused);
        assert!(queued.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn giving_back_early_frees_both_places_once() {
        let (admission, [a, _]) = admission();
        let turn = enter(&admission, &a).await.unwrap();
        let same = turn.clone();
        turn.give_back();
        same.give_back();
        drop((turn, same));
        assert_eq!(admission.all.available_permits(), 3);
        assert_eq!(a.free.available_permits(), 2);
    }
}
