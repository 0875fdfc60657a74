//! Whose turn it is: a bound on requests at work, granted fairly.
//!
//! Each caller has a few places of its own, and only a request that holds one of those stands in
//! line for the places of all. So a caller with a thousand requests keeps no more of them in that
//! line than any other, and the line is first come, first served.
//!
//! Whoever only waits, for a program to end or for more to read, does little: there are more places
//! for that, apart from the others, and a request that has come to wait exchanges its place for one
//! of them. When there is none it keeps the one that it has, so all are bounded.

use std::{
    collections::HashMap,
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

use crate::{config::Limits, failure::Failure, identity::CommonName};

/// From this many callers on, those without a request are forgotten when a new one comes.
const CALLERS_KEPT_MAX: usize = 1024;

/// What a route takes part in: whose places its requests hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Work that is done soon: a few places a caller.
    Ordinary,
    /// What waits or streams for long and does little: many places, apart from those of the others.
    Waiting,
    /// Answers out of memory, which need no place.
    Free,
}

/// The places of all, and those of each caller.
pub(crate) struct Admission {
    all: Places,
    callers: Mutex<HashMap<CommonName, Arc<CallerPlaces>>>,
    limits: Limits,
}

/// Places for requests at work, and for those that wait.
#[derive(Clone)]
struct Places {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Places {
    fn new(working: usize, waiting: usize) -> Self {
        Self {
            working: Arc::new(Semaphore::new(working)),
            waiting: Arc::new(Semaphore::new(waiting)),
        }
    }
}

/// One caller's places, and how many of its requests stand in line for one.
struct CallerPlaces {
    places: Places,
    queued: AtomicUsize,
}

/// A request's place among its caller's, which it needs before its body is read.
pub(crate) struct CallerPlace {
    held: Held,
    // Keeps the caller's count alive for as long as any of its requests is at work.
    caller: Arc<CallerPlaces>,
}

/// The places that a request holds.
enum Held {
    /// One of its caller's.
    One(OwnedSemaphorePermit),
    /// One of its caller's, and one of all.
    Both { _permits: [OwnedSemaphorePermit; 2] },
}

/// A request's right to be at work, or to wait. Clones are the same turn.
#[derive(Clone)]
pub(crate) struct Turn {
    held: Arc<Mutex<CallerPlace>>,
    all: Places,
}

impl Turn {
    /// Exchanges the place for one of those who wait, if there is one.
    pub(crate) fn wait(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = waiting_places(&held.caller.places, &self.all) {
            held.held = Held::Both { _permits: places };
        }
    }
}

fn waiting_places(of_caller: &Places, of_all: &Places) -> Option<[OwnedSemaphorePermit; 2]> {
    let one = |places: &Places| Arc::clone(&places.waiting).try_acquire_owned().ok();
    Some([one(of_caller)?, one(of_all)?])
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turn")
    }
}

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        let all = Places::new(limits.requests_in_flight_max, limits.requests_waiting_max);
        Self { all, callers: Mutex::default(), limits }
    }

    /// Waits for one of the caller's own places.
    pub(crate) async fn caller_place(
        &self,
        name: &CommonName,
        class: Class,
        deadline: Instant,
    ) -> Result<CallerPlace, Failure> {
        let caller = self.places(name);
        let held = if class == Class::Waiting {
            let places = waiting_places(&caller.places, &self.all);
            Held::Both { _permits: places.ok_or_else(too_many)? }
        } else {
            let working = Arc::clone(&caller.places.working);
            Held::One(match Arc::clone(&working).try_acquire_owned() {
                Ok(permit) => permit,
                Err(_) => {
                    let queued_max = self.limits.requests_queued_per_caller_max;
                    let _queued = Queued::enter(&caller, queued_max)?;
                    acquire(working, deadline).await?
                }
            })
        };
        Ok(CallerPlace { held, caller })
    }

    /// Waits for one of the places of all.
    pub(crate) async fn turn(
        &self,
        CallerPlace { held, caller }: CallerPlace,
        deadline: Instant,
    ) -> Result<Turn, Failure> {
        let held = match held {
            Held::One(permit) => {
                let of_all = acquire(Arc::clone(&self.all.working), deadline).await?;
                Held::Both { _permits: [permit, of_all] }
            }
            both @ Held::Both { .. } => both,
        };
        let held = Arc::new(Mutex::new(CallerPlace { held, caller }));
        Ok(Turn { held, all: self.all.clone() })
    }

    fn places(&self, name: &CommonName) -> Arc<CallerPlaces> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= CALLERS_KEPT_MAX {
            callers.retain(|_, places| Arc::strong_count(places) > 1);
        }
        let places = callers.entry(name.clone()).or_insert_with(|| {
            let Limits { requests_per_caller_max, requests_waiting_per_caller_max, .. } =
                self.limits;
            let places = Places::new(requests_per_caller_max, requests_waiting_per_caller_max);
            Arc::new(CallerPlaces { places, queued: AtomicUsize::new(0) })
        });
        Arc::clone(places)
    }
}

/// Counts a request among those that wait, until it is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(places: &'a CallerPlaces, queued_max: usize) -> Result<Self, Failure> {
        let queued = Self(&places.queued);
        if places.queued.fetch_add(1, Ordering::Relaxed) >= queued_max {
            return Err(too_many());
        }
        Ok(queued)
    }
}

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn too_many() -> Failure {
    Failure::overloaded("too many of your requests wait already: send fewer at once")
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

    fn name(text: &str) -> CommonName {
        CommonName::parse(text).unwrap()
    }

    fn admission() -> Admission {
        Admission::new(Limits {
            requests_in_flight_max: 3,
            requests_per_caller_max: 2,
            requests_queued_per_caller_max: 1,
            requests_waiting_max: 3,
            requests_waiting_per_caller_max: 2,
            ..Limits::PRODUCTION
        })
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    async fn enter(admission: &Admission, caller: &str) -> Result<Turn, Failure> {
        let place = admission.caller_place(&name(caller), Class::Ordinary, soon()).await?;
        admission.turn(place, soon()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_with_many_requests_takes_no_more_than_its_own_places() {
        let admission = admission();
        let _greedy =
            (enter(&admission, "a").await.unwrap(), enter(&admission, "a").await.unwrap());
        let other = enter(&admission, "b").await;
        assert!(other.is_ok(), "the last place of all is free for others");
        let (queued, refused) = tokio::join!(enter(&admission, "a"), enter(&admission, "a"));
        assert_eq!(queued.err().unwrap().slug(), "overloaded", "its time ran out");
        assert_eq!(refused.err().unwrap().slug(), "overloaded", "the queue was full");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_refused_at_once_and_a_queued_request_gets_its_turn() {
        let admission = admission();
        let first = enter(&admission, "a").await.unwrap();
        let _second = enter(&admission, "a").await.unwrap();
        let began = Instant::now();
        let queued = enter(&admission, "a");
        let refused = async {
            let refused = enter(&admission, "a").await;
            assert_eq!(refused.err().unwrap().slug(), "overloaded");
            assert_eq!(began.elapsed(), Duration::ZERO);
            first.wait();
        };
        let (queued, ()) = tokio::join!(queued, refused);
        assert!(queued.is_ok());
    }

    async fn wait(admission: &Admission, caller: &str) -> Result<Turn, Failure> {
        let place = admission.caller_place(&name(caller), Class::Waiting, soon()).await?;
        admission.turn(place, soon()).await
    }

    fn free(admission: &Admission, caller: &str) -> [usize; 4] {
        let places = &admission.places(&name(caller)).places;
        [&admission.all, places]
            .map(|it| [it.working.available_permits(), it.waiting.available_permits()])
            .concat()
            .try_into()
            .unwrap()
    }

    /// Once for all clones, and only while there is a place for who waits.
    #[tokio::test(start_paused = true)]
    async fn who_waits_exchanges_its_place_and_keeps_it_when_there_is_none() {
        let admission = admission();
        let first = enter(&admission, "a").await.unwrap();
        assert_eq!(free(&admission, "a"), [2, 3, 1, 2]);
        first.clone().wait();
        assert_eq!(free(&admission, "a"), [3, 2, 2, 1]);
        let second = enter(&admission, "a").await.unwrap();
        second.wait();
        let third = enter(&admission, "a").await.unwrap();
        third.wait();
        assert_eq!(free(&admission, "a"), [2, 1, 1, 0], "the third keeps its place");
        drop((first, second, third));
        assert_eq!(free(&admission, "a"), [3, 3, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_have_places_of_their_own() {
        let admission = admission();
        let _waiting = [wait(&admission, "a").await.unwrap(), wait(&admission, "a").await.unwrap()];
        assert_eq!(wait(&admission, "a").await.err().unwrap().slug(), "overloaded");
        let _other = wait(&admission, "b").await.unwrap();
        assert_eq!(
            wait(&admission, "c").await.err().unwrap().slug(),
            "overloaded",
            "all are taken"
        );
        assert!(enter(&admission, "a").await.is_ok() && enter(&admission, "c").await.is_ok());
    }
}
