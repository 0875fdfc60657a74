//! The store behind a lock, the time, and who wants to know of changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{controllers::engine::Engine, store::Store};

/// What API server, controllers and kubelet have in common.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    /// Where the clock stands; without it, it goes with the machine's.
    stands_at: Option<Timestamp>,
    /// What the clock is ahead of that.
    ahead: Mutex<SignedDuration>,
    changed: watch::Sender<u64>,
}

impl Shared {
    /// With the machine's clock, or with one that stands at a time until it is moved.
    pub(crate) fn new(store: Store, stands_at: Option<Timestamp>) -> Self {
        let changed = watch::Sender::new(store.version());
        let engine = Mutex::new(Engine::new(store));
        Self { engine, stands_at, ahead: Mutex::default(), changed }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.stands_at.unwrap_or_else(Timestamp::now);
        now.checked_add(*lock(&self.ahead)).unwrap_or(now)
    }

    /// Moves the clock: one that stands, or one that goes and is ahead of the machine's from then
    /// on.
    pub(crate) fn advance(&self, by: SignedDuration) {
        *lock(&self.ahead) += by;
        // Whoever waits for a time has to look anew.
        self.changed.send_modify(|_| {});
    }

    /// Looks at the store or changes it, and tells of it if it changed.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Store, Timestamp) -> T) -> T {
        self.with_engine(|engine, now| act(&mut engine.store, now))
    }

    /// Lets the controllers do everything that there is to do now. Gives when there will be more.
    pub(crate) fn settle(&self) -> Option<Timestamp> {
        self.with_engine(|engine, now| {
            engine.settle(now);
            engine.next_due()
        })
    }

    /// Lets one controller look at one object. False when there is none to look at.
    pub(crate) fn step(&self) -> bool {
        self.with_engine(Engine::step)
    }

    fn with_engine<T>(&self, act: impl FnOnce(&mut Engine, Timestamp) -> T) -> T {
        let now = self.now();
        let mut engine = lock(&self.engine);
        engine.store.forget_gone(now);
        let before = engine.store.version();
        let outcome = act(&mut engine, now);
        engine.store.note_gone(before, now);
        let version = engine.store.version();
        self.changed.send_if_modified(|seen| std::mem::replace(seen, version) != version);
        outcome
    }

    /// The version of the last change, and whatever comes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

/// What a panic left behind is still whole: every change of the store is one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
