//! One connection's life: what it is doing, and when that has taken too long.
//!
//! hyper's own timer for heads counts from the last answer, so it can't tell a kept connection that
//! is idle from a request head that somebody sends a byte at a time. Here the bytes themselves are
//! watched: the first byte after an answer begins a head, the call of the service ends it.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::config::Limits;

/// What a connection does, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Shakes hands.
    Handshake(Instant),
    /// Nothing; kept for a next request.
    Idle(Instant),
    /// A request head has begun and is not complete.
    Head(Instant),
    /// A request is at work.
    Request,
    /// An answer is on its way out.
    Answer(Instant),
}

/// Shared by a connection's bytes, its service and its guard.
pub(crate) struct Activity {
    doing: Mutex<Doing>,
    changed: Notify,
}

impl Activity {
    fn doing(&self) -> MutexGuard<'_, Doing> {
        self.doing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, doing: Doing) {
        *self.doing() = doing;
        self.changed.notify_one();
    }

    /// The handshake is done.
    pub(crate) fn established(&self) {
        self.set(Doing::Idle(Instant::now()));
    }

    /// A head is complete.
    pub(crate) fn request_begins(&self) {
        self.set(Doing::Request);
    }

    /// Its answer is being sent.
    pub(crate) fn answer_begins(&self) {
        self.set(Doing::Answer(Instant::now()));
    }

    fn bytes_came(&self) {
        let is_idle = matches!(*self.doing(), Doing::Idle(_));
        if is_idle {
            self.set(Doing::Head(Instant::now()));
        }
    }

    fn all_sent(&self) {
        let was_answering = matches!(*self.doing(), Doing::Answer(_));
        if was_answering {
            self.set(Doing::Idle(Instant::now()));
        }
    }

    fn idle_since(&self) -> Option<Instant> {
        match *self.doing() {
            Doing::Idle(since) => Some(since),
            Doing::Handshake(_) | Doing::Head(_) | Doing::Request | Doing::Answer(_) => None,
        }
    }

    /// When what the connection does has taken too long. A request has its own deadline.
    fn due(&self, limits: &Limits) -> Option<Instant> {
        match *self.doing() {
            Doing::Handshake(since) | Doing::Head(since) => {
                Some(since + limits.header_read_time_max)
            }
            Doing::Idle(since) => Some(since + limits.idle_connection_time_max),
            Doing::Answer(since) => Some(since + limits.request_time_max),
            Doing::Request => None,
        }
    }

    /// Ends when the connection has taken too long over whatever it does.
    pub(crate) async fn overdue(&self, limits: &Limits) {
        loop {
            match self.due(limits) {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }
}

/// Bytes in and out, watched.
pub(crate) struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self { inner, activity }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if polled.is_ready() && buf.filled().len() > filled {
            self.activity.bytes_came();
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        if polled.is_ready() {
            self.activity.all_sent();
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Every connection there is, so that none is one too many.
pub(crate) struct Connections {
    limits: Limits,
    open: Mutex<HashMap<u64, Entry>>,
    ids: AtomicU64,
}

struct Entry {
    activity: Arc<Activity>,
    close: CancellationToken,
    certificate: Option<Vec<u8>>,
}

/// A connection's place among all; gone when it is dropped.
pub(crate) struct Place {
    connections: Arc<Connections>,
    id: u64,
    /// What the connection is doing.
    pub(crate) activity: Arc<Activity>,
    /// Asks the connection to end, because another needs its place.
    pub(crate) close: CancellationToken,
}

impl Connections {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self { limits, open: Mutex::default(), ids: AtomicU64::new(0) })
    }

    /// A place for a new connection. When there is none, the one that was idle longest makes room;
    /// when all are busy the newcomer has to go.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut open = self.lock();
        if open.len() >= self.limits.connections_max {
            let (id, _) = open
                .iter()
                .filter_map(|(id, entry)| Some((*id, entry.activity.idle_since()?)))
                .min_by_key(|(_, since)| *since)?;
            open.remove(&id)?.close.cancel();
        }
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let activity = Arc::new(Activity {
            doing: Mutex::new(Doing::Handshake(Instant::now())),
            changed: Notify::new(),
        });
        let close = CancellationToken::new();
        let entry =
            Entry { activity: Arc::clone(&activity), close: close.clone(), certificate: None };
        open.insert(id, entry);
        Some(Place { connections: Arc::clone(self), id, activity, close })
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts the connection among those of its certificate. False when there are too many of them.
    pub(crate) fn count_certificate(&self, certificate: &[u8]) -> bool {
        let mut open = self.connections.lock();
        let same = |entry: &&Entry| entry.certificate.as_deref() == Some(certificate);
        if open.values().filter(same).count()
            >= self.connections.limits.connections_per_certificate_max
        {
            return false;
        }
        if let Some(entry) = open.get_mut(&self.id) {
            entry.certificate = Some(certificate.to_vec());
        }
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    fn connections(connections_max: usize) -> Arc<Connections> {
        Connections::new(Limits {
            connections_max,
            connections_per_certificate_max: 2,
            ..Limits::PRODUCTION
        })
    }

    async fn seconds_until_overdue(place: &Place) -> u64 {
        let began = Instant::now();
        place.activity.overdue(&Limits::PRODUCTION).await;
        began.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_idle_connection_makes_room_and_a_busy_one_never_does() {
        let connections = connections(2);
        let first = connections.enter().unwrap();
        let second = connections.enter().unwrap();
        assert!(connections.enter().is_none(), "both shake hands");
        second.activity.established();
        tokio::time::advance(Duration::from_secs(1)).await;
        first.activity.established();
        let third = connections.enter().unwrap();
        assert!(second.close.is_cancelled() && !first.close.is_cancelled());
        first.activity.request_begins();
        third.activity.request_begins();
        assert!(connections.enter().is_none(), "both are at work");
        drop(third);
        assert!(connections.enter().is_some());
    }

    #[tokio::test]
    async fn connections_of_one_certificate_are_bounded() {
        let connections = connections(10);
        let places: Vec<_> =
            std::iter::repeat_with(|| connections.enter().unwrap()).take(4).collect();
        let counted: Vec<_> =
            places[..3].iter().map(|place| place.count_certificate(b"a")).collect();
        assert_eq!(counted, [true, true, false]);
        assert!(places[3].count_certificate(b"b"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_begun_head_has_five_seconds_and_an_idle_connection_seventy_five() {
        let connections = connections(1);
        let place = connections.enter().unwrap();
        assert_eq!(seconds_until_overdue(&place).await, 5, "a handshake");
        place.activity.established();
        assert_eq!(seconds_until_overdue(&place).await, 75);

        let (mut client, server) = duplex(64);
        let mut server = Watched::new(server, Arc::clone(&place.activity));
        client.write_all(b"G").await.unwrap();
        server.read_u8().await.unwrap();
        tokio::time::advance(Duration::from_secs(3)).await;
        client.write_all(b"E").await.unwrap();
        server.read_u8().await.unwrap();
        assert_eq!(seconds_until_overdue(&place).await, 2, "a second byte buys no time");

        place.activity.request_begins();
        place.activity.answer_begins();
        server.write_all(b"200").await.unwrap();
        assert_eq!(seconds_until_overdue(&place).await, 30, "nobody reads the answer");
        server.flush().await.unwrap();
        assert_eq!(seconds_until_overdue(&place).await, 75);
    }
}
