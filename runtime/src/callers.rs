//! All that is kept of each caller, in one place: its turn, its client, and what the application
//! knows of it.
//!
//! There is one entry a caller. It stays for as long as it is in use, by a request or by a look at
//! the caller's home, and then until nobody has used it for a while; and when there are too many,
//! the one that was not used for longest goes first. What is kept in it goes all at once.

use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard},
};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use tokio::time::{Instant, sleep_until};

use crate::{
    admission::CallerPlaces,
    config::Limits,
    identity::CommonName,
    lock::lock,
    pool::{Clients, ConnectError, HomeClient, Pooled, Slot},
};

/// The entries of callers, by the name that a certificate proved. Clones are the same.
pub(crate) struct Callers<P, C = HomeClient>(Arc<Inner<P, C>>);

struct Inner<P, C> {
    clients: Clients<C>,
    limits: Limits,
    entries: Mutex<HashMap<CommonName, Arc<Kept<P, C>>>>,
    evictions: Evictions,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Evicted {
    reason: &'static str,
}

/// Nobody used it for long.
const IDLE: Evicted = Evicted { reason: "idle" };
/// A new one needed the room.
const ROOM: Evicted = Evicted { reason: "room" };

/// How many entries have ended. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Evictions(Family<Evicted, Counter>);

impl Default for Evictions {
    /// Each reason is there from the beginning: of a count that begins with 1 nobody sees the rise.
    fn default() -> Self {
        let this = Self(Family::default());
        this.add(&IDLE, 0);
        this.add(&ROOM, 0);
        this
    }
}

impl Evictions {
    fn add(&self, reason: &Evicted, entries: usize) {
        self.0.get_or_create(reason).inc_by(entries as u64);
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let help = "Callers of whom nothing is kept any more, by reason";
        registry.register("caller_evictions", help, self.0.clone());
    }
}

/// How many callers something is kept of, and of how many of them that is a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallerCount {
    pub(crate) callers: usize,
    pub(crate) clients: usize,
}

/// What is kept of one caller.
pub(crate) struct Kept<P, C> {
    /// Its places.
    pub(crate) places: Arc<CallerPlaces>,
    /// What the application knows of it.
    pub(crate) known: P,
    slot: Slot<C>,
    used_at: Mutex<Instant>,
}

/// One caller's entry; it is in use until all of these are dropped.
pub(crate) struct Entry<P, C = HomeClient>(Arc<Kept<P, C>>);

impl<P, C> Callers<P, C> {
    pub(crate) fn new(clients: Clients<C>, limits: Limits) -> Self {
        let (entries, evictions) = (Mutex::default(), Evictions::default());
        Self(Arc::new(Inner { clients, limits, entries, evictions }))
    }

    /// Ends entries when nobody has used them for long, for as long as it is polled.
    pub(crate) async fn tend(&self) {
        loop {
            sleep_until(self.end_idle()).await;
        }
    }

    /// Ends the entries that nobody has used for long, and gives when the next may be due.
    fn end_idle(&self) -> Instant {
        let idle_time_max = self.0.clients.limits().client_idle_max;
        let now = Instant::now();
        let mut entries = self.lock();
        let idle: Vec<_> = entries
            .extract_if(|_, kept| {
                is_idle(kept) && now.duration_since(kept.used_at()) >= idle_time_max
            })
            .collect();
        let next = entries.values().filter(|kept| is_idle(kept)).map(|kept| kept.used_at()).min();
        drop(entries);
        self.0.evictions.add(&IDLE, idle.len());
        drop(idle);
        // What is in use now is due later than what is not.
        next.unwrap_or(now) + idle_time_max
    }

    /// How many callers something is kept of, and of how many of them that is a client.
    pub(crate) fn count(&self) -> CallerCount {
        let entries = self.lock();
        let clients = entries.values().filter(|kept| kept.slot.is_filled()).count();
        CallerCount { callers: entries.len(), clients }
    }

    /// What became of looks at homes.
    #[cfg(test)]
    pub(crate) fn looks(&self) -> crate::pool::LookCounts {
        self.0.clients.looks()
    }

    /// How many entries have ended.
    pub(crate) fn evictions(&self) -> Evictions {
        self.0.evictions.clone()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CommonName, Arc<Kept<P, C>>>> {
        lock(&self.0.entries)
    }
}

impl<P: Default, C> Callers<P, C> {
    /// The entry of a caller. Makes room for a new one if it can: what is in use stays, or a second
    /// look might begin at a home that hangs.
    pub(crate) fn entry(&self, name: &CommonName) -> Entry<P, C> {
        let mut entries = self.lock();
        if let Some(kept) = entries.get(name) {
            return Entry(Arc::clone(kept));
        }
        let mut ended = None;
        if entries.len() >= self.0.clients.limits().clients_max {
            let idle = entries.iter().filter(|(_, kept)| is_idle(kept));
            let oldest = idle.min_by_key(|(_, kept)| kept.used_at()).map(|(name, _)| name.clone());
            ended = oldest.and_then(|name| entries.remove(&name));
        }
        let kept = Arc::new(Kept {
            places: CallerPlaces::new(&self.0.limits),
            known: P::default(),
            slot: Slot::default(),
            used_at: Mutex::new(Instant::now()),
        });
        entries.insert(name.clone(), Arc::clone(&kept));
        drop(entries);
        self.0.evictions.add(&ROOM, usize::from(ended.is_some()));
        drop(ended);
        Entry(kept)
    }
}

impl<P, C> Callers<P, C>
where
    P: Default + Send + Sync + 'static,
    C: Clone + Send + Sync + 'static,
{
    /// The client of this name.
    ///
    /// # Errors
    /// What the look found wrong, or [`ConnectError::HomeSilent`] when it hangs.
    pub(crate) async fn client(&self, name: &CommonName) -> Result<Pooled<C>, ConnectError> {
        self.0.clients.client(name, &self.entry(name)).await
    }

    /// Forgets a client that Kubernetes refused, unless a newer one has taken its place, and does
    /// not build another of the same credentials.
    pub(crate) fn refuse(&self, name: &CommonName, generation: u64) {
        self.entry(name).slot.refuse(generation, self.0.clients.limits());
    }
}

/// Whether nobody has the entry but the map, whose lock is held: only who has it can give it on.
fn is_idle<P, C>(kept: &Arc<Kept<P, C>>) -> bool {
    Arc::strong_count(kept) == 1
}

impl<P, C> Kept<P, C> {
    fn used_at(&self) -> Instant {
        *lock(&self.used_at)
    }
}

impl<P, C> Deref for Entry<P, C> {
    type Target = Kept<P, C>;

    fn deref(&self) -> &Kept<P, C> {
        &self.0
    }
}

impl<P, C> AsRef<Slot<C>> for Entry<P, C> {
    fn as_ref(&self) -> &Slot<C> {
        &self.0.slot
    }
}

impl<P, C> Clone for Entry<P, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P, C> Drop for Entry<P, C> {
    fn drop(&mut self) {
        *lock(&self.0.used_at) = Instant::now();
    }
}

impl<P, C> Clone for Callers<P, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Where one caller's client comes from. It belongs to no request, so that what outlives one can
/// keep it; and it keeps nothing of the caller itself.
pub struct ClientSource<P> {
    callers: Callers<P>,
    name: CommonName,
}

impl<P: Default + Send + Sync + 'static> ClientSource<P> {
    pub(crate) fn new(callers: Callers<P>, name: CommonName) -> Self {
        Self { callers, name }
    }

    /// The caller's client; built on first use, then kept.
    ///
    /// # Errors
    /// When the caller's home gives no usable certificate.
    pub async fn get(&self) -> Result<Pooled<HomeClient>, ConnectError> {
        self.callers.client(&self.name).await
    }

    /// The same after Kubernetes refused that client's certificate: forgets it, if nobody did yet,
    /// and builds another of what is in the home by now.
    ///
    /// # Errors
    /// As [`ClientSource::get`]; and [`ConnectError::Rejected`] when that is still the same.
    pub async fn renewed(
        &self,
        refused: &Pooled<HomeClient>,
    ) -> Result<Pooled<HomeClient>, ConnectError> {
        self.callers.refuse(&self.name, refused.generation);
        self.get().await
    }
}

impl<P> Clone for ClientSource<P> {
    fn clone(&self) -> Self {
        Self { callers: self.callers.clone(), name: self.name.clone() }
    }
}

#[cfg(test)]
mod tests;
