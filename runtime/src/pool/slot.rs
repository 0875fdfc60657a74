//! One caller's client, and the look at its home that is under way.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{sync::watch, task::AbortHandle, time::Instant};

use super::{Clients, ConnectError, Known, Look, PoolLimits, Pooled, Version};
use crate::{failure::BoxError, identity::CommonName, lock::lock};

/// How long a client is kept whose files are missing or no pair: they may be being renewed. After
/// that they were taken away.
const UNUSABLE_TIME_MAX: Duration = Duration::from_secs(60);

/// `None` when the client that the look knew of was refused meanwhile, so that there is nothing to
/// confirm, and nothing to keep when the look failed.
type Found<C> = Option<Result<Pooled<C>, ConnectError>>;
type SharedLook<C> = Shared<BoxFuture<'static, Found<C>>>;

/// The place of one caller's client.
pub(crate) struct Slot<C> {
    state: Mutex<State<C>>,
    /// Which client is held.
    current: watch::Sender<Option<u64>>,
}

struct State<C> {
    held: Option<Held<C>>,
    refused: Option<Refused>,
    /// When a refusal last had the home looked at at once.
    hurried_at: Option<Instant>,
    looking: Option<Looking<C>>,
}

struct Held<C> {
    pooled: Pooled<C>,
    version: Version,
    built_at: Instant,
    looked_at: Instant,
    /// Since when its files can't be used any more.
    unusable_since: Option<Instant>,
}

/// Credentials that Kubernetes refused.
struct Refused {
    version: Version,
    since: Instant,
    /// `None` when the next caller is to look whether there are others by now.
    looked_at: Option<Instant>,
}

struct Looking<C> {
    since: Instant,
    outcome: SharedLook<C>,
    task: AbortHandle,
}

/// What a caller gets now.
pub(super) enum Next<C> {
    Client(Pooled<C>),
    Look(SharedLook<C>),
}

impl<C> Default for Slot<C> {
    fn default() -> Self {
        let state =
            Mutex::new(State { held: None, refused: None, hurried_at: None, looking: None });
        Self { state, current: watch::Sender::new(None) }
    }
}

impl<C> Slot<C> {
    /// Whether there is a client.
    pub(crate) fn is_filled(&self) -> bool {
        self.lock().held.is_some()
    }

    /// Forgets a client that Kubernetes refused, unless a newer one has taken its place, and
    /// remembers that it did. Whether there are other credentials by now is looked at at once; but
    /// not again and again, in a home that always has others and none that are good.
    pub(crate) fn refuse(&self, generation: u64, limits: &PoolLimits) {
        let mut state = self.lock();
        let Some(held) = state.held.take_if(|held| held.pooled.generation <= generation) else {
            return;
        };
        self.current.send_replace(None);
        let now = Instant::now();
        let is_due = |at: Instant| now - at >= limits.certificate_look_age_max;
        let mut looked_at = Some(held.looked_at);
        if state.hurried_at.is_none_or(is_due) {
            (state.hurried_at, looked_at) = (Some(now), None);
        }
        state.refused = Some(Refused { version: held.version, since: now, looked_at });
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        lock(&self.state)
    }
}

impl<C: Clone + Send + Sync + 'static> Slot<C> {
    /// The client that is held, or else the look to wait for. Starts a look when one is due, which
    /// keeps `holder` until it is over.
    pub(super) fn next<H>(
        clients: &Clients<C>,
        name: &CommonName,
        holder: &H,
    ) -> Result<Next<C>, ConnectError>
    where
        H: AsRef<Self> + Clone + Send + 'static,
    {
        let limits = clients.limits();
        let slot = holder.as_ref();
        let mut state = slot.lock();
        let now = Instant::now();
        // A look clears its own entry, unless it panicked.
        state.looking.take_if(|look| look.task.is_finished());
        state.refused.take_if(|refused| now - refused.since >= limits.refusal_age_max);
        if !state.is_fresh(now, limits) && state.looking.is_none() {
            let known = state.known(now, limits);
            state.looking = Some(start_look(clients, name, holder.clone(), known));
        }
        match (&state.held, &state.looking) {
            (Some(held), _) => Ok(Next::Client(held.pooled.clone())),
            (None, Some(look)) if now - look.since < limits.look_time_max => {
                Ok(Next::Look(look.outcome.clone()))
            }
            (None, Some(_)) => Err(ConnectError::HomeSilent),
            (None, None) => Err(ConnectError::Rejected),
        }
    }

    /// Puts what a look found in the place of what is held.
    fn settle(
        &self,
        clients: &Clients<C>,
        name: &CommonName,
        known: Known,
        found: Result<Look<C>, ConnectError>,
    ) -> Found<C> {
        let mut state = self.lock();
        state.looking = None;
        let is_changed = matches!(found, Ok(Look::Changed(..)));
        let is_good = matches!(known, Known::Good(_));
        if is_good && state.held.is_none() && !is_changed {
            // Whoever knows of a client does not wait for a half-written pair: look anew.
            return None;
        }
        let now = Instant::now();
        match found {
            // They were refused while somebody looked.
            Ok(Look::Changed(_, version)) if state.is_refused(version) => {
                state.confirm_refusal(now)
            }
            Ok(Look::Changed(client, version)) => {
                state.refused = None;
                let generation = clients.next_generation();
                self.current.send_replace(Some(generation));
                let pooled = Pooled { client, generation, current: self.current.subscribe() };
                state.held = Some(Held {
                    pooled: pooled.clone(),
                    version,
                    built_at: now,
                    looked_at: now,
                    unusable_since: None,
                });
                Some(Ok(pooled))
            }
            Ok(Look::Unchanged) => match &mut state.held {
                Some(held) => {
                    (held.looked_at, held.unusable_since) = (now, None);
                    Some(Ok(held.pooled.clone()))
                }
                None => state.confirm_refusal(now),
            },
            Err(error) => {
                let is_silent = matches!(error, ConnectError::HomeSilent);
                let kept = state.held.as_mut().filter(|_| is_good || is_silent);
                // A home that is silent says nothing about its files.
                let kept = kept.filter(|held| {
                    let since = held.unusable_since;
                    is_silent || since.is_none_or(|since| now - since < UNUSABLE_TIME_MAX)
                });
                if let Some(held) = kept {
                    tracing::warn!(tool.name = %name, %error, "keeping the client as it was");
                    held.looked_at = now;
                    if !is_silent {
                        held.unusable_since.get_or_insert(now);
                    }
                } else if state.held.take().is_some() {
                    self.current.send_replace(None);
                }
                Some(Err(error))
            }
        }
    }
}

impl<C> State<C> {
    fn is_fresh(&self, now: Instant, limits: &PoolLimits) -> bool {
        let looked_at = match (&self.held, &self.refused) {
            (Some(held), _) => Some(held.looked_at),
            (None, Some(refused)) => refused.looked_at,
            (None, None) => None,
        };
        looked_at.is_some_and(|at| now - at < limits.certificate_look_age_max)
    }

    fn known(&self, now: Instant, limits: &PoolLimits) -> Known {
        match (&self.held, &self.refused) {
            // It is built anew, and is good until that is done.
            (Some(held), _) if now - held.built_at >= limits.client_age_max => Known::Nothing,
            (Some(held), _) => Known::Good(held.version),
            (None, Some(refused)) => Known::Refused(refused.version),
            (None, None) => Known::Nothing,
        }
    }

    fn is_refused(&self, version: Version) -> bool {
        self.held.is_none() && self.refused.as_ref().is_some_and(|it| it.version == version)
    }

    /// What a caller gets when a look found what was refused; nothing when that is forgotten.
    fn confirm_refusal(&mut self, now: Instant) -> Found<C> {
        self.refused.as_mut()?.looked_at = Some(now);
        Some(Err(ConnectError::Rejected))
    }
}

/// Starts a task that looks and then puts what it found into the slot. The task outlives the
/// callers that wait for it: a read that hangs can't be ended, and must not be begun a second time.
fn start_look<C, H>(clients: &Clients<C>, name: &CommonName, holder: H, known: Known) -> Looking<C>
where
    C: Clone + Send + Sync + 'static,
    H: AsRef<Slot<C>> + Send + 'static,
{
    let look = clients.0.connect.look(name, known);
    let look = clients.0.looks.count(look, known, clients.limits().look_time_max);
    let (clients, name) = (clients.clone(), name.clone());
    #[expect(clippy::disallowed_methods, reason = "must outlive the request that began it")]
    let task = tokio::spawn(async move {
        let found = look.await;
        holder.as_ref().settle(&clients, &name, known, found)
    });
    let abort = task.abort_handle();
    let panicked = |panic: BoxError| ConnectError::Misconfigured(panic.into());
    let outcome =
        async move { task.await.unwrap_or_else(|panic| Some(Err(panicked(panic.into())))) };
    Looking { since: Instant::now(), outcome: outcome.boxed().shared(), task: abort }
}
