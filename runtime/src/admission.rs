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
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{config::Limits, failure::Failure, lock::lock};

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

/// The places of all.
pub(crate) struct Admission {
    all: Places,
    /// How many requests stand in line for a place of their caller.
    in_callers_lines: AtomicUsize,
    /// How many requests stand in line for a place of all.
    in_line_of_all: AtomicUsize,
    limits: Limits,
}

/// How many places of all are taken, and how many requests stand in line for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PlaceCount {
    pub(crate) working: Taken,
    pub(crate) waiting: Taken,
    pub(crate) in_callers_lines: usize,
    pub(crate) in_line_of_all: usize,
}

/// How many places of one kind are taken, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) now: usize,
    pub(crate) max: usize,
}

impl Taken {
    fn of(places: &Semaphore, max: usize) -> Self {
        Self { now: max.saturating_sub(places.available_permits()), max }
    }
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
pub(crate) struct CallerPlaces {
    places: Places,
    queued: AtomicUsize,
}

impl CallerPlaces {
    pub(crate) fn new(limits: &Limits) -> Arc<Self> {
        let Limits { requests_per_caller_max, requests_waiting_per_caller_max, .. } = *limits;
        let places = Places::new(requests_per_caller_max, requests_waiting_per_caller_max);
        Arc::new(Self { places, queued: AtomicUsize::new(0) })
    }
}

/// A request's place among its caller's, which it needs before its body is read.
pub(crate) struct CallerPlace {
    held: Held,
    /// Until when it may be answered, when that is later than an ordinary request's deadline.
    waits_until: Option<Instant>,
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
        self.exchange(None);
    }

    /// Exchanges the place for one of those who wait, and has until then. False when there is none.
    pub(crate) fn wait_until(&self, until: Instant) -> bool {
        self.exchange(Some(until))
    }

    fn exchange(&self, until: Option<Instant>) -> bool {
        let mut held = lock(&self.held);
        let Some(places) = waiting_places(&held.caller.places, &self.all) else { return false };
        held.held = Held::Both { _permits: places };
        held.waits_until = until;
        true
    }

    /// Until when it may be answered, when it waits for longer than other requests may take.
    pub(crate) fn waits_until(&self) -> Option<Instant> {
        lock(&self.held).waits_until
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
        let (in_callers_lines, in_line_of_all) = Default::default();
        Self { all, in_callers_lines, in_line_of_all, limits }
    }

    /// How busy it is now.
    pub(crate) fn count(&self) -> PlaceCount {
        PlaceCount {
            working: Taken::of(&self.all.working, self.limits.requests_in_flight_max),
            waiting: Taken::of(&self.all.waiting, self.limits.requests_waiting_max),
            in_callers_lines: self.in_callers_lines.load(Ordering::Relaxed),
            in_line_of_all: self.in_line_of_all.load(Ordering::Relaxed),
        }
    }

    /// Waits for one of the caller's own places.
    pub(crate) async fn caller_place(
        &self,
        caller: &Arc<CallerPlaces>,
        class: Class,
        deadline: Instant,
    ) -> Result<CallerPlace, Failure> {
        let caller = Arc::clone(caller);
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
                    let _counted = Queued::new(&self.in_callers_lines);
                    acquire(working, deadline).await?
                }
            })
        };
        Ok(CallerPlace { held, waits_until: None, caller })
    }

    /// Waits for one of the places of all.
    pub(crate) async fn turn(
        &self,
        CallerPlace { held, waits_until, caller }: CallerPlace,
        deadline: Instant,
    ) -> Result<Turn, Failure> {
        let held = match held {
            Held::One(permit) => {
                let _counted = Queued::new(&self.in_line_of_all);
                let of_all = acquire(Arc::clone(&self.all.working), deadline).await?;
                Held::Both { _permits: [permit, of_all] }
            }
            both @ Held::Both { .. } => both,
        };
        let held = Arc::new(Mutex::new(CallerPlace { held, waits_until, caller }));
        Ok(Turn { held, all: self.all.clone() })
    }
}

/// Counts a request among those that wait, until it is dropped.
struct Queued<'a>(&'a AtomicUsize);

impl<'a> Queued<'a> {
    fn enter(places: &'a CallerPlaces, queued_max: usize) -> Result<Self, Failure> {
        let (queued, before) = Self::count(&places.queued);
        if before >= queued_max { Err(too_many()) } else { Ok(queued) }
    }

    fn new(count: &'a AtomicUsize) -> Self {
        Self::count(count).0
    }

    /// Counts the request, and says how many there were before.
    fn count(count: &'a AtomicUsize) -> (Self, usize) {
        let before = count.fetch_add(1, Ordering::Relaxed);
        (Self(count), before)
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

    const LIMITS: Limits = Limits {
        requests_in_flight_max: 3,
        requests_per_caller_max: 2,
        requests_queued_per_caller_max: 1,
        requests_waiting_max: 3,
        requests_waiting_per_caller_max: 2,
        ..Limits::PRODUCTION
    };

    fn admission() -> (Admission, [Arc<CallerPlaces>; 3]) {
        (Admission::new(LIMITS), std::array::from_fn(|_| CallerPlaces::new(&LIMITS)))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(30)
    }

    async fn enter(admission: &Admission, caller: &Arc<CallerPlaces>) -> Result<Turn, Failure> {
        let place = admission.caller_place(caller, Class::Ordinary, soon()).await?;
        admission.turn(place, soon()).await
    }

    async fn wait(admission: &Admission, caller: &Arc<CallerPlaces>) -> Result<Turn, Failure> {
        let place = admission.caller_place(caller, Class::Waiting, soon()).await?;
        admission.turn(place, soon()).await
    }

    fn slug<T>(outcome: Result<T, Failure>) -> &'static str {
        outcome.err().unwrap().slug()
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_with_many_requests_takes_no_more_than_its_own_places() {
        let (admission, [a, b, _]) = admission();
        let _greedy = (enter(&admission, &a).await.unwrap(), enter(&admission, &a).await.unwrap());
        let other = enter(&admission, &b).await;
        assert!(other.is_ok(), "the last place of all is free for others");
        let (queued, refused) = tokio::join!(enter(&admission, &a), enter(&admission, &a));
        assert_eq!(slug(queued), "overloaded", "its time ran out");
        assert_eq!(slug(refused), "overloaded", "the queue was full");
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_is_refused_at_once_and_a_queued_request_gets_its_turn() {
        let (admission, [a, ..]) = admission();
        let first = enter(&admission, &a).await.unwrap();
        let _second = enter(&admission, &a).await.unwrap();
        let began = Instant::now();
        let queued = enter(&admission, &a);
        let refused = async {
            assert_eq!(slug(enter(&admission, &a).await), "overloaded");
            assert_eq!(admission.count().in_callers_lines, 1, "who was refused is in no line");
            assert_eq!(began.elapsed(), Duration::ZERO);
            first.wait();
        };
        let (queued, ()) = tokio::join!(queued, refused);
        assert!(queued.is_ok());
        assert_eq!(admission.count().in_callers_lines, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_stands_in_the_line_of_all_is_counted_for_as_long_as_it_does() {
        let (admission, [a, b, c]) = admission();
        let busy = (enter(&admission, &a).await.unwrap(), enter(&admission, &a).await.unwrap());
        let _last = enter(&admission, &b).await.unwrap();
        let _waiting = wait(&admission, &b).await.unwrap();
        let freed = async {
            let (working, waiting) = (Taken { now: 3, max: 3 }, Taken { now: 1, max: 3 });
            let expected = PlaceCount { working, waiting, in_callers_lines: 0, in_line_of_all: 1 };
            assert_eq!(admission.count(), expected);
            drop(busy);
        };
        let (turn, ()) = tokio::join!(enter(&admission, &c), freed);
        let _turn = turn.unwrap();
        let count = admission.count();
        assert_eq!((count.working.now, count.in_line_of_all), (2, 0));
    }

    /// Those at work and those that wait: of all, and of the caller.
    fn free(admission: &Admission, caller: &CallerPlaces) -> [usize; 4] {
        let free = |it: &Places| [it.working.available_permits(), it.waiting.available_permits()];
        let ([a, b], [c, d]) = (free(&admission.all), free(&caller.places));
        [a, b, c, d]
    }

    /// Once for all clones, and only while there is a place for who waits.
    #[tokio::test(start_paused = true)]
    async fn who_waits_exchanges_its_place_and_keeps_it_when_there_is_none() {
        let (admission, [a, ..]) = admission();
        let first = enter(&admission, &a).await.unwrap();
        assert_eq!(free(&admission, &a), [2, 3, 1, 2]);
        first.clone().wait();
        assert_eq!(free(&admission, &a), [3, 2, 2, 1]);
        let second = enter(&admission, &a).await.unwrap();
        second.wait();
        let third = enter(&admission, &a).await.unwrap();
        third.wait();
        assert_eq!(free(&admission, &a), [2, 1, 1, 0], "the third keeps its place");
        drop((first, second, third));
        assert_eq!(free(&admission, &a), [3, 3, 2, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_come_to_wait_for_long_is_told_when_there_is_no_place_for_that() {
        let (admission, [a, ..]) = admission();
        let until = soon() + Duration::from_secs(300);
        let waiting = [enter(&admission, &a).await.unwrap(), enter(&admission, &a).await.unwrap()];
        for turn in &waiting {
            assert_eq!(turn.waits_until(), None);
            assert!(turn.wait_until(until));
            assert_eq!(turn.clone().waits_until(), Some(until));
        }
        let third = enter(&admission, &a).await.unwrap();
        assert!(!third.wait_until(until), "all are taken");
        assert_eq!(third.waits_until(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_wait_have_places_of_their_own() {
        let (admission, [a, b, c]) = admission();
        let _waiting = (wait(&admission, &a).await.unwrap(), wait(&admission, &a).await.unwrap());
        assert_eq!(slug(wait(&admission, &a).await), "overloaded");
        let _other = wait(&admission, &b).await.unwrap();
        assert_eq!(slug(wait(&admission, &c).await), "overloaded", "all are taken");
        assert!(enter(&admission, &a).await.is_ok() && enter(&admission, &c).await.is_ok());
    }
}
