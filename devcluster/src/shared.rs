//! The store behind a lock, the time, and who wants to know of changes.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::{controllers::engine::Engine, store::Store};

/// What API server, controllers and kubelet have in common.
pub(crate) struct Shared {
    engine: Mutex<Engine>,
    clock: Clock,
    changed: watch::Sender<u64>,
}

enum Clock {
    /// The machine's, with what it is ahead of it.
    Real(Mutex<SignedDuration>),
    Explicit(Mutex<Timestamp>),
}

impl Shared {
    /// With the machine's clock, or with one that stands at a time until it is moved.
    pub(crate) fn new(store: Store, stands_at: Option<Timestamp>) -> Self {
        let clock = stands_at
            .map_or_else(|| Clock::Real(Mutex::default()), |at| Clock::Explicit(Mutex::new(at)));
        let changed = watch::Sender::new(store.version());
        Self { engine: Mutex::new(Engine::new(store)), clock, changed }
    }

    /// The time.
    pub(crate) fn now(&self) -> Timestamp {
        match &self.clock {
            Clock::Real(ahead) => {
                let now = Timestamp::now();
                now.checked_add(*lock(ahead)).unwrap_or(now)
            }
            Clock::Explicit(at) => *lock(at),
        }
    }

    /// Moves the clock: one that stands, or one that goes and is ahead of the machine's from then
    /// on.
    pub(crate) fn advance(&self, by: SignedDuration) {
        match &self.clock {
            Clock::Real(ahead) => *lock(ahead) += by,
            Clock::Explicit(at) => {
                let mut at = lock(at);
                *at = at.checked_add(by).unwrap_or(*at);
            }
        }
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
