//! Every connection there is, so that none is one too many.
//!
//! Who has shown a certificate that was verified is proven. All others share a part of the places,
//! and their oldest gives way first: whoever opens many connections and says nothing takes places
//! from others of that kind, and from nobody who is known.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use tokio_util::sync::CancellationToken;

use crate::{activity::Activity, lock::lock};

/// How many connections there may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConnectionLimits {
    /// Of all.
    pub(crate) all_max: usize,
    /// Of those who have proven nothing.
    pub(crate) unproven_max: usize,
    /// Of one certificate.
    pub(crate) per_certificate_max: usize,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ConnectionCount {
    /// Of those who have proven nothing.
    pub(crate) unproven: usize,
    /// Of those who are kept for a next request.
    pub(crate) idle: usize,
    /// Of all others.
    pub(crate) busy: usize,
}

/// Every connection there is.
pub(crate) struct Connections {
    limits: ConnectionLimits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// In the order in which they came.
    all: BTreeMap<u64, Entry>,
    unproven: BTreeSet<u64>,
    by_certificate: HashMap<Arc<[u8]>, usize>,
    next_id: u64,
}

struct Entry {
    activity: Arc<Activity>,
    close: CancellationToken,
    certificate: Option<Arc<[u8]>>,
}

impl Open {
    /// Takes a connection away from all others. True when it was among them.
    fn remove(&mut self, id: u64) -> bool {
        self.unproven.remove(&id);
        let Some(entry) = self.all.remove(&id) else { return false };
        if let Some(certificate) = entry.certificate
            && let Some(count) = self.by_certificate.get_mut(&certificate)
        {
            *count -= 1;
            if *count == 0 {
                self.by_certificate.remove(&certificate);
            }
        }
        entry.close.cancel();
        true
    }

    /// The proven connection that has been idle longest.
    fn longest_idle(&self) -> Option<u64> {
        let idle = self.all.iter().filter_map(|(id, it)| Some((*id, it.activity.idle_since()?)));
        idle.min_by_key(|(_, since)| *since).map(|(id, _)| id)
    }
}

/// A connection among all others, until it is dropped.
pub(crate) struct Connection {
    connections: Arc<Connections>,
    id: u64,
    /// What the connection is doing.
    pub(crate) activity: Arc<Activity>,
    /// Asks the connection to end, because another needs its place.
    pub(crate) close: CancellationToken,
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default() })
    }

    /// A place for a new connection. When there is none, the oldest of those who have proven nothing
    /// makes room, and else the one that was idle longest; when all are busy the newcomer has to go.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Connection> {
        let mut open = self.lock();
        let is_full = open.all.len() >= self.limits.all_max;
        if is_full || open.unproven.len() >= self.limits.unproven_max {
            let oldest = open.unproven.first().copied();
            let leaving = oldest.or_else(|| open.longest_idle())?;
            open.remove(leaving);
        }
        let id = open.next_id;
        open.next_id += 1;
        let (activity, close) = (Activity::new(), CancellationToken::new());
        let entry =
            Entry { activity: Arc::clone(&activity), close: close.clone(), certificate: None };
        open.all.insert(id, entry);
        open.unproven.insert(id);
        Some(Connection { connections: Arc::clone(self), id, activity, close })
    }

    /// How many there are, by what they do.
    pub(crate) fn count(&self) -> ConnectionCount {
        let open = self.lock();
        let is_idle = |(id, it): &(&u64, &Entry)| {
            !open.unproven.contains(id) && it.activity.idle_since().is_some()
        };
        let (unproven, idle) = (open.unproven.len(), open.all.iter().filter(is_idle).count());
        ConnectionCount { unproven, idle, busy: open.all.len() - unproven - idle }
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        lock(&self.open)
    }
}

impl Connection {
    /// Counts the connection among those who are known. When a certificate is given, there may be
    /// so many of it and no more: false for one more, which stays unproven.
    pub(crate) fn prove(&self, certificate: Option<&[u8]>) -> bool {
        let mut open = self.connections.lock();
        if let Some(certificate) = certificate {
            let count = open.by_certificate.get(certificate).copied().unwrap_or(0);
            if count >= self.connections.limits.per_certificate_max {
                return false;
            }
            let certificate: Arc<[u8]> = certificate.into();
            let Some(entry) = open.all.get_mut(&self.id) else { return true };
            entry.certificate = Some(Arc::clone(&certificate));
            *open.by_certificate.entry(certificate).or_default() += 1;
        }
        open.unproven.remove(&self.id);
        true
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.connections.lock().remove(self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn connections(all_max: usize, unproven_max: usize) -> Arc<Connections> {
        Connections::new(ConnectionLimits { all_max, unproven_max, per_certificate_max: 2 })
    }

    fn known(connections: &Arc<Connections>) -> Connection {
        let place = connections.enter().unwrap();
        assert!(place.prove(None));
        place.activity.established();
        place
    }

    /// However many come and say nothing, they take places from each other alone.
    #[tokio::test(start_paused = true)]
    async fn who_has_proven_nothing_gives_way_first_and_the_oldest_of_them() {
        let connections = connections(4, 2);
        let proven = [known(&connections), known(&connections)];
        let silent: Vec<_> = (0..10).map(|_| connections.enter().unwrap()).collect();
        assert!(silent[..8].iter().all(|place| place.close.is_cancelled()));
        assert!(silent[8..].iter().all(|place| !place.close.is_cancelled()));
        assert!(proven.iter().all(|place| !place.close.is_cancelled()));
        proven[0].activity.request_begins(Some(0));
        // As one that is too many for its certificate, while it is told so.
        silent[9].activity.established();
        let expected = ConnectionCount { unproven: 2, idle: 1, busy: 1 };
        assert_eq!(connections.count(), expected);
        drop(silent);
        assert_eq!(connections.count(), ConnectionCount { unproven: 0, ..expected });
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_never_does() {
        let connections = connections(2, 1);
        let second = known(&connections);
        tokio::time::advance(Duration::from_secs(1)).await;
        let first = known(&connections);
        let third = known(&connections);
        assert!(second.close.is_cancelled() && !first.close.is_cancelled());
        first.activity.request_begins(Some(0));
        third.activity.request_begins(Some(0));
        assert!(connections.enter().is_none(), "both are at work");
        drop(third);
        assert!(connections.enter().is_some());
    }

    #[tokio::test]
    async fn connections_of_one_certificate_are_bounded() {
        let connections = connections(10, 5);
        let places: Vec<_> = (0..4).map(|_| connections.enter().unwrap()).collect();
        let counted: Vec<_> = places[..3].iter().map(|it| it.prove(Some(b"a"))).collect();
        assert_eq!(counted, [true, true, false]);
        assert!(places[3].prove(Some(b"b")));
        drop(places);
        let again = connections.enter().unwrap();
        assert!(again.prove(Some(b"a")));
    }
}
