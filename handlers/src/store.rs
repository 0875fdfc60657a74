//! What is in a tool's namespace, remembered: filled by the lists that answered a request, and kept
//! true by watches.
//!
//! It may say yes, and never no: what is not here may be there all the same, created through another
//! server a moment ago. And it says nothing it can't stand for: while a watch is not under way, or
//! has not told yet what this server itself has done, Kubernetes is asked. Whatever goes wrong with
//! a watch ends all of it; the next request fills it anew.
//!
//! No I/O is here: [`Feed`] is the end that the watches have, in `cluster/follow`.

mod contents;
mod page;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tjf_runtime::lock;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

pub use self::{
    contents::{Change, Contents, Followed},
    page::Page,
};
use crate::{
    job::{
        kind::Kind,
        objects::{Event, Version},
        observe::Objects,
    },
    state::Creates,
};

/// How long a reader waits for what this server itself has done, or for watches to begin. Both take
/// some milliseconds; to ask Kubernetes takes no longer than a few times that.
const CATCH_UP_TIME_MAX: Duration = Duration::from_millis(500);
/// After watches failed nothing is followed for so long: whatever it was, it may go on.
const PAUSE: Duration = Duration::from_secs(30);

/// How much all stores may hold, in bytes as Kubernetes writes them, which is some three times what
/// they take here.
const BYTES_MAX: usize = 256 * 1024 * 1024;
/// The same of one tool: some 4,000 jobs with their pods. Who has more is answered by Kubernetes.
const BYTES_PER_TOOL_MAX: usize = 32 * 1024 * 1024;
/// Tools that are followed at once. Each has four watches, on one connection.
const STORES_MAX: usize = 1024;

/// What all stores share.
#[derive(Debug, Default)]
pub struct StoreRoom {
    bytes: AtomicUsize,
    stores: AtomicUsize,
}

/// A tool's store.
#[derive(Debug)]
pub struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Counts changes, for whoever waits for one.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    /// Counts what this server has done to the tool's objects.
    writes: u64,
    /// Which filling this is, so that watches of an earlier one change nothing.
    filling: u64,
    paused_until: Option<Instant>,
    held: Option<Held>,
}

impl State {
    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }
}

#[derive(Debug)]
struct Held {
    contents: Contents,
    _place: Place,
    share: Share,
}

/// A place among all stores.
#[derive(Debug)]
struct Place(Arc<StoreRoom>);

/// A store's share of the bytes of all.
#[derive(Debug)]
struct Share {
    room: Arc<StoreRoom>,
    bytes: usize,
}

/// Tells that something has changed, or that nothing is followed any more.
pub type Changes = watch::Receiver<u64>;

/// The end of a store that its watches have.
#[derive(Debug, Clone)]
pub struct Feed {
    shared: Arc<Shared>,
    filling: u64,
}

/// What lists showed: the objects, and the bytes that they had.
#[derive(Debug, Default)]
pub struct Filling {
    /// Everything in the namespace, each kind at the version of its list.
    pub objects: Objects,
    /// The version of each list.
    pub versions: Vec<(Kind, Version)>,
    /// Bytes of all of them, as Kubernetes wrote them.
    pub bytes: usize,
}

/// Why nothing more may be fed: this filling has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended;

impl Default for Store {
    fn default() -> Self {
        Self(Arc::new(Shared { state: Mutex::default(), changes: watch::Sender::new(0) }))
    }
}

impl Store {
    /// How many changes this server has made. A filling is worth nothing when it began before one
    /// and ended after it: nobody knows on which side of it each list was.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    /// Notes that this server created something.
    pub fn note_created(&self) {
        self.lock().writes += 1;
    }

    /// Notes that this server had this object deleted, which it knew at this version.
    pub fn note_deleted(&self, kind: Kind, uid: &str, version: Version) {
        let mut state = self.lock();
        state.writes += 1;
        if let Some(held) = &mut state.held {
            held.contents.expect_to_go(kind, uid, version);
        }
    }

    /// Whether a filling is wanted: there is none, and none went wrong a moment ago.
    pub fn is_wanted(&self) -> bool {
        let state = self.lock();
        state.held.is_none() && !state.is_paused()
    }

    /// Whether something went wrong a moment ago, perhaps with the connection that watches share.
    pub fn is_paused(&self) -> bool {
        self.lock().is_paused()
    }

    /// Takes what lists showed that began when so many changes had been made. `None` when that was
    /// for nothing: another request was quicker, something was changed meanwhile, or there is no
    /// room.
    pub fn fill(&self, room: &Arc<StoreRoom>, writes: u64, filling: Filling) -> Option<Feed> {
        let mut state = self.lock();
        if state.held.is_some() || state.writes != writes {
            return None;
        }
        let share = Share::of(room, filling.bytes);
        let place = Place::take(room);
        let (Some(share), Some(place)) = (share, place) else {
            state.paused_until = Some(Instant::now() + PAUSE);
            return None;
        };
        let contents = Contents::new(filling);
        state.filling += 1;
        state.held = Some(Held { contents, _place: place, share });
        Some(Feed { shared: Arc::clone(&self.0), filling: state.filling })
    }

    /// Looks at what is there, once it stands for all that this server has done. `None` when that
    /// can't be waited for.
    pub async fn with<T>(
        &self,
        creates: &Creates,
        mut look: impl FnMut(&mut Contents) -> T,
    ) -> Option<T> {
        let mut changes = self.0.changes.subscribe();
        let caught_up = async {
            loop {
                changes.mark_unchanged();
                {
                    let mut state = self.lock();
                    let contents = &mut state.held.as_mut()?.contents;
                    if contents.stands_for(creates) {
                        return Some(look(contents));
                    }
                }
                changes.changed().await.ok()?;
            }
        };
        timeout(CATCH_UP_TIME_MAX, caught_up).await.ok()?
    }

    /// Tells of all changes from now on.
    pub fn changes(&self) -> Changes {
        self.0.changes.subscribe()
    }

    /// Looks at what is there, be it up to date or not. `None` when nothing is followed.
    pub fn peek<T>(&self, look: impl FnOnce(&Contents) -> T) -> Option<T> {
        self.lock().held.as_ref().map(|held| look(&held.contents))
    }

    /// Remembers warnings that were asked for a moment ago.
    pub fn set_events(&self, events: &[Event]) {
        if let Some(held) = &mut self.lock().held {
            held.contents.set_events(events.to_vec(), Instant::now());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        lock(&self.0.state)
    }
}

impl Feed {
    /// Notes that the watch of this kind is under way.
    pub fn begun(&self, kind: Kind) -> Result<(), Ended> {
        self.change(|contents| contents.begun(kind))
    }

    /// Notes that nothing of this kind has changed up to this version.
    pub fn bookmark(&self, kind: Kind, version: Version) -> Result<(), Ended> {
        self.change(|contents| contents.bookmark(kind, version))
    }

    /// Notes a change, told in so many bytes.
    ///
    /// # Errors
    /// When this filling has ended, or ends now because it has become too large.
    pub fn apply<T: Followed>(&self, change: Change<T>, bytes: usize) -> Result<(), Ended> {
        self.change(|contents| contents.apply(change, bytes))
    }

    /// Up to which version this kind is known.
    pub fn version(&self, kind: Kind) -> Result<Version, Ended> {
        let mut state = lock(&self.shared.state);
        Ok(self.held(&mut state)?.contents.version(kind))
    }

    /// Ends this filling. Without a pause the next request fills the store anew at once.
    pub fn end(&self, with_pause: bool) {
        let mut state = lock(&self.shared.state);
        if state.filling == self.filling {
            state.held = None;
            if with_pause {
                state.paused_until = Some(Instant::now() + PAUSE);
            }
            drop(state);
            self.shared.changes.send_modify(|changes| *changes += 1);
        }
    }

    /// What this filling holds.
    fn held<'a>(&self, state: &'a mut State) -> Result<&'a mut Held, Ended> {
        let is_this = state.filling == self.filling;
        state.held.as_mut().filter(|_| is_this).ok_or(Ended)
    }

    fn change<T>(&self, act: impl FnOnce(&mut Contents) -> T) -> Result<T, Ended> {
        let mut state = lock(&self.shared.state);
        let held = self.held(&mut state)?;
        let outcome = act(&mut held.contents);
        if !held.share.set(held.contents.bytes()) {
            state.held = None;
            state.paused_until = Some(Instant::now() + PAUSE);
        }
        drop(state);
        self.shared.changes.send_modify(|changes| *changes += 1);
        Ok(outcome)
    }
}

impl Place {
    fn take(room: &Arc<StoreRoom>) -> Option<Self> {
        if room.stores.fetch_add(1, Ordering::Relaxed) >= STORES_MAX {
            room.stores.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(Arc::clone(room)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.stores.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Share {
    fn of(room: &Arc<StoreRoom>, bytes: usize) -> Option<Self> {
        let mut share = Self { room: Arc::clone(room), bytes: 0 };
        share.set(bytes).then_some(share)
    }

    /// False when that is too much, of this store or of all.
    fn set(&mut self, bytes: usize) -> bool {
        let before = std::mem::replace(&mut self.bytes, bytes);
        let all = self.room.bytes.fetch_sub(before, Ordering::Relaxed) - before;
        self.room.bytes.fetch_add(bytes, Ordering::Relaxed);
        bytes <= BYTES_PER_TOOL_MAX && (all + bytes <= BYTES_MAX || bytes <= before)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
