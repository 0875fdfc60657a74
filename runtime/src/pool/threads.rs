//! Threads for whatever touches homes, which are on a network file system and may hang for ever.
//!
//! They are not tokio's: those serve whatever else blocks, such as the reload of a certificate, and
//! tokio does not end before they do. What hangs here keeps one thread, and nothing waits for it,
//! the end of the process neither.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, timeout},
};

use super::ConnectError;
use crate::lock::lock;

/// Homes that are read at once, each by a thread. Looks take some milliseconds each, so that a few
/// threads would do, and the others may hang.
pub(crate) const HOMES_READ_MAX: usize = 64;
/// A look that has taken so long hangs.
const QUICK_TIME_MAX: Duration = Duration::from_secs(1);

/// A bounded number of threads, one for each piece of work.
#[derive(Debug)]
pub(crate) struct Threads {
    max: usize,
    free: Arc<Semaphore>,
    busy: Arc<Busy>,
}

/// Since when each piece of work is under way, by number.
#[derive(Debug, Default)]
struct Busy(Mutex<(u64, HashMap<u64, Instant>)>);

/// The place of one thread.
struct Place {
    _permit: OwnedSemaphorePermit,
    busy: Arc<Busy>,
    number: u64,
}

impl Default for Threads {
    fn default() -> Self {
        Self::new(HOMES_READ_MAX)
    }
}

impl Threads {
    /// At most so many.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, free: Arc::new(Semaphore::new(max)), busy: Arc::default() }
    }

    /// Does something that may block, on a thread of its own and within tokio's runtime. It is not
    /// given up when nobody waits for it any more.
    ///
    /// # Errors
    /// [`ConnectError::HomeSilent`] when all threads hang, at once; and when no thread comes free.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ConnectError> {
        let place = self.place().await.ok_or(ConnectError::HomeSilent)?;
        let (done, outcome) = oneshot::channel();
        let runtime = Handle::current();
        let thread = thread::Builder::new().name("home".to_owned()).spawn(move || {
            let _runtime = runtime.enter();
            let found = work();
            // Whoever hears of it finds the thread free.
            drop(place);
            let _ = done.send(found);
        });
        if let Err(error) = thread {
            tracing::warn!(%error, "there is no thread for a look at a home");
            return Err(ConnectError::HomeSilent);
        }
        outcome.await.map_err(|_| ConnectError::Misconfigured(Arc::new("a look panicked".into())))
    }

    /// How many are at work.
    #[cfg(test)]
    pub(crate) fn busy(&self) -> usize {
        self.busy.lock().1.len()
    }

    /// A place, at once if possible. While all are taken, but some of them only for a moment, there
    /// will be one.
    async fn place(&self) -> Option<Place> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.busy.hanging() >= self.max => return None,
            Err(_) => {
                let free = Arc::clone(&self.free).acquire_owned();
                timeout(QUICK_TIME_MAX, free).await.ok()?.ok()?
            }
        };
        Some(Place::new(permit, &self.busy))
    }
}

impl Busy {
    /// How many hang.
    fn hanging(&self) -> usize {
        let now = Instant::now();
        let hangs = |since: &&Instant| now.duration_since(**since) >= QUICK_TIME_MAX;
        self.lock().1.values().filter(hangs).count()
    }

    fn lock(&self) -> MutexGuard<'_, (u64, HashMap<u64, Instant>)> {
        lock(&self.0)
    }
}

impl Place {
    fn new(permit: OwnedSemaphorePermit, busy: &Arc<Busy>) -> Self {
        let mut begun = busy.lock();
        begun.0 += 1;
        let number = begun.0;
        begun.1.insert(number, Instant::now());
        Self { _permit: permit, busy: Arc::clone(busy), number }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.busy.lock().1.remove(&self.number);
    }
}

#[cfg(test)]
mod tests;
