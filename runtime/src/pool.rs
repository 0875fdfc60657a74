//! One Kubernetes client a caller, built from the caller's own certificate and kept.
//!
//! The rules, each with a test beside it: one build a name at a time, and a failure is not kept; no
//! lock is held across an await; never more than `clients_max`, the least recently used goes first,
//! and idle ones go; the key is the name that the caller's certificate proved; what is on disk is
//! looked at again every few seconds, and a changed pair replaces the client; a look that hangs
//! delays only its own caller; a 401 evicts; and the pool is owned by the service, because a
//! client's worker lives in the runtime that built it.

mod home;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use thiserror::Error;
use tokio::{
    task::AbortHandle,
    time::{Instant, timeout},
};

pub use self::home::{HomeClient, HomeDirectory, was_never_sent};
use crate::{failure::BoxError, identity::CommonName};

/// Why a caller has no client. Says what to do; the cause is for the log.
#[derive(Debug, Clone, Error)]
pub enum ConnectError {
    /// The home, or the key files in it, are missing, unreadable or not the tool's own.
    #[error("the home holds no usable certificate")]
    NoCredentials(#[source] Arc<BoxError>),
    /// The certificate in the home is somebody else's.
    #[error("the certificate in the home has another name")]
    ForeignCertificate,
    /// The home's file system does not answer.
    #[error("the home does not answer")]
    HomeSilent,
    /// Our own configuration is at fault.
    #[error("the client can't be built")]
    Misconfigured(#[source] Arc<BoxError>),
}

/// What a look at a caller's credentials found.
pub enum Look<C> {
    /// The same as last time.
    Unchanged,
    /// A client of what is there now, and the version to compare with next time.
    Changed(C, Version),
}

/// Tells one set of credentials from another: a digest, or in tests any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u64);

/// How a caller's client comes to be. In production from its home, in tests from anything.
pub trait Connect<C>: Send + Sync + 'static {
    /// Looks at the caller's credentials, and builds a client when they are not those of `known`.
    fn look(
        &self,
        name: &CommonName,
        known: Option<Version>,
    ) -> BoxFuture<'static, Result<Look<C>, ConnectError>>;
}

/// How much the pool may hold, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Clients at once: at some 50 KiB each with a kept connection, about 100 MiB.
    pub clients_max: usize,
    /// A client that nobody asked for goes after this.
    pub client_idle_max: Duration,
    /// A client is built anew after this, whatever its files look like.
    pub client_age_max: Duration,
    /// The files are looked at again at most this often.
    pub certificate_look_age_max: Duration,
    /// How long callers wait for a look.
    pub look_time_max: Duration,
}

impl PoolLimits {
    /// The limits of the service in production.
    pub const PRODUCTION: Self = Self {
        clients_max: 2048,
        client_idle_max: Duration::from_secs(5 * 60),
        client_age_max: Duration::from_secs(60 * 60),
        certificate_look_age_max: Duration::from_secs(10),
        look_time_max: Duration::from_secs(5),
    };
}

/// A client out of the pool.
#[derive(Debug, Clone)]
pub struct Pooled<C> {
    /// The client.
    pub client: C,
    /// Which of a caller's clients this is, so that a newer one is not evicted in its place.
    pub(crate) generation: u64,
}

/// `None` when the client that the look knew of was evicted meanwhile, so that there is nothing to
/// confirm, and nothing to keep when the look failed.
type Found<C> = Option<Result<Pooled<C>, ConnectError>>;
type SharedLook<C> = Shared<BoxFuture<'static, Found<C>>>;

/// One caller's client, and the look that is under way.
struct Slot<C> {
    state: Mutex<State<C>>,
}

struct State<C> {
    held: Option<Held<C>>,
    looking: Option<Looking<C>>,
    used_at: Instant,
}

struct Held<C> {
    pooled: Pooled<C>,
    version: Version,
    built_at: Instant,
    looked_at: Instant,
}

struct Looking<C> {
    since: Instant,
    outcome: SharedLook<C>,
    task: AbortHandle,
}

/// What a caller gets now.
enum Next<C> {
    Client(Pooled<C>),
    Look(SharedLook<C>),
}

struct Inner<C> {
    connect: Box<dyn Connect<C>>,
    limits: PoolLimits,
    slots: Mutex<HashMap<CommonName, Arc<Slot<C>>>>,
    generations: AtomicU64,
}

/// A bounded set of clients, by name. Clones are the same pool.
pub struct ClientPool<C>(Arc<Inner<C>>);

impl<C: Clone + Send + Sync + 'static> ClientPool<C> {
    /// An empty pool.
    pub fn new(connect: impl Connect<C>, limits: PoolLimits) -> Self {
        Self(Arc::new(Inner {
            connect: Box::new(connect),
            limits,
            slots: Mutex::default(),
            generations: AtomicU64::new(0),
        }))
    }

    /// The client of this name.
    ///
    /// A client that is kept is given at once, even while its files are looked at again: it is good
    /// until Kubernetes says otherwise. Without one, callers wait for the same look, for as long as
    /// the limit says.
    ///
    /// # Errors
    /// What the look found wrong, or [`ConnectError::HomeSilent`] when it hangs.
    pub async fn client(&self, name: &CommonName) -> Result<Pooled<C>, ConnectError> {
        loop {
            let look = match self.next(name)? {
                Next::Client(pooled) => return Ok(pooled),
                Next::Look(look) => look,
            };
            match timeout(self.0.limits.look_time_max, look).await {
                Ok(Some(found)) => return found,
                // The next look knows of no client, and so its word is the last.
                Ok(None) => {}
                Err(_) => return Err(ConnectError::HomeSilent),
            }
        }
    }

    /// The client that is held, or else the look to wait for. Starts a look when one is due.
    fn next(&self, name: &CommonName) -> Result<Next<C>, ConnectError> {
        let limits = &self.0.limits;
        let slot = self.0.slot(name);
        let mut state = lock(&slot.state);
        let now = Instant::now();
        state.held.take_if(|held| now - held.built_at >= limits.client_age_max);
        // A look clears its own entry, unless it panicked.
        state.looking.take_if(|look| look.task.is_finished());
        let is_fresh = |held: &Held<C>| now - held.looked_at < limits.certificate_look_age_max;
        if !state.held.as_ref().is_some_and(is_fresh) && state.looking.is_none() {
            let known = state.held.as_ref().map(|held| held.version);
            state.looking = Some(self.start_look(name, Arc::clone(&slot), known));
        }
        match (&state.held, &state.looking) {
            (Some(held), _) => Ok(Next::Client(held.pooled.clone())),
            (None, Some(look)) if now - look.since < limits.look_time_max => {
                Ok(Next::Look(look.outcome.clone()))
            }
            (None, _) => Err(ConnectError::HomeSilent),
        }
    }

    /// Forgets a client that Kubernetes refused, unless a newer one has taken its place.
    pub(crate) fn evict(&self, name: &CommonName, generation: u64) {
        let slot = self.0.slot(name);
        lock(&slot.state).held.take_if(|held| held.pooled.generation <= generation);
    }

    /// How many clients there are.
    pub fn len(&self) -> usize {
        lock(&self.0.slots).values().filter(|slot| lock(&slot.state).held.is_some()).count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Starts a task that looks and then puts what it found into the slot. The task outlives the
    /// callers that wait for it: a read that hangs can't be ended, and must not be begun a second
    /// time.
    fn start_look(
        &self,
        name: &CommonName,
        slot: Arc<Slot<C>>,
        known: Option<Version>,
    ) -> Looking<C> {
        let look = self.0.connect.look(name, known);
        let inner = Arc::clone(&self.0);
        let name = name.clone();
        #[expect(clippy::disallowed_methods, reason = "must outlive the request that began it")]
        let task = tokio::spawn(async move {
            let found = look.await;
            let mut state = lock(&slot.state);
            state.looking = None;
            let is_changed = matches!(found, Ok(Look::Changed(..)));
            if known.is_some() && state.held.is_none() && !is_changed {
                // Whoever knows of a client does not wait for a half-written pair: look anew.
                return None;
            }
            inner.settle(&name, &mut state, found)
        });
        let abort = task.abort_handle();
        let outcome = async move {
            task.await.unwrap_or_else(|panic| {
                Some(Err(ConnectError::Misconfigured(Arc::new(panic.into()))))
            })
        };
        Looking { since: Instant::now(), outcome: outcome.boxed().shared(), task: abort }
    }
}

impl<C: Clone> Inner<C> {
    /// The slot of a name. Makes room for a new one, but never forgets a slot whose look is under
    /// way: a second look at a home that hangs must not begin.
    fn slot(&self, name: &CommonName) -> Arc<Slot<C>> {
        let mut slots = lock(&self.slots);
        let now = Instant::now();
        if let Some(slot) = slots.get(name) {
            // Said before anybody else can make room: a slot that is found must not be forgotten
            // before it is used, or a second look might begin beside its own.
            lock(&slot.state).used_at = now;
            return Arc::clone(slot);
        }
        let removable = |slot: &Arc<Slot<C>>| lock(&slot.state).looking.is_none();
        slots.retain(|_, slot| {
            now - lock(&slot.state).used_at < self.limits.client_idle_max || !removable(slot)
        });
        if slots.len() >= self.limits.clients_max {
            let oldest = slots
                .iter()
                .filter(|(_, slot)| removable(slot))
                .min_by_key(|(_, slot)| lock(&slot.state).used_at)
                .map(|(name, _)| name.clone());
            if let Some(oldest) = oldest {
                slots.remove(&oldest);
            }
        }
        let state = State { held: None, looking: None, used_at: now };
        let slot = Arc::new(Slot { state: Mutex::new(state) });
        slots.insert(name.clone(), Arc::clone(&slot));
        slot
    }

    /// Puts what a look found in the place of what is held.
    fn settle(
        &self,
        name: &CommonName,
        state: &mut State<C>,
        found: Result<Look<C>, ConnectError>,
    ) -> Found<C> {
        let now = Instant::now();
        match found {
            Ok(Look::Changed(client, version)) => {
                let generation = self.generations.fetch_add(1, Ordering::Relaxed);
                let pooled = Pooled { client, generation };
                let held = Held { pooled: pooled.clone(), version, built_at: now, looked_at: now };
                state.held = Some(held);
                Some(Ok(pooled))
            }
            Ok(Look::Unchanged) => {
                let held = state.held.as_mut()?;
                held.looked_at = now;
                Some(Ok(held.pooled.clone()))
            }
            Err(error) => {
                if let Some(held) = &mut state.held {
                    tracing::warn!(tool.name = %name, %error, "keeping the client as it was");
                    held.looked_at = now;
                }
                Some(Err(error))
            }
        }
    }
}

/// Where one caller's client comes from. It belongs to no request, so that what outlives one can
/// keep it.
#[derive(Clone)]
pub struct ClientSource {
    pool: ClientPool<HomeClient>,
    name: CommonName,
}

impl ClientSource {
    pub(crate) fn new(pool: ClientPool<HomeClient>, name: CommonName) -> Self {
        Self { pool, name }
    }

    /// The caller's client; built on first use, then kept.
    ///
    /// # Errors
    /// When the caller's home gives no usable certificate.
    pub async fn get(&self) -> Result<Pooled<HomeClient>, ConnectError> {
        self.pool.client(&self.name).await
    }

    /// The same after Kubernetes answered 401 to that client: forgets it, if nobody did yet, and
    /// builds anew.
    ///
    /// # Errors
    /// As [`ClientSource::get`].
    pub async fn renewed(
        &self,
        refused: &Pooled<HomeClient>,
    ) -> Result<Pooled<HomeClient>, ConnectError> {
        self.pool.evict(&self.name, refused.generation);
        self.pool.client(&self.name).await
    }
}

impl<C> Clone for ClientPool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for ClientPool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientPool").finish_non_exhaustive()
    }
}

/// No code panics while it holds one of these locks, and what they guard is consistent at every
/// step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
