//! What one call may know and use.

use std::{fmt::Display, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Turn,
    callers::{Callers, ClientSource, Entry},
    exchange::Exchange,
    failure::{ErrorStatus, Failure},
    identity::{Caller, Refusal},
    input::Received,
    record::{self, About},
    request_id::RequestId,
};

/// What the handlers are the handlers of: what all calls share.
pub trait Application: Send + Sync + 'static {
    /// What is kept of each caller beside, for as long as its client is: while it calls, and some
    /// minutes longer.
    type PerCaller: Default + Send + Sync + 'static;
}

impl Application for () {
    type PerCaller = ();
}

/// What a handler is given first: it says who may ask.
pub trait Scope<S: Application>: Sized + Send {
    /// Whether callers must have proven who they are.
    const NEEDS_CALLER: bool;

    /// Takes what it needs.
    ///
    /// # Errors
    /// When nobody has proven anything, although this needs it, or when the request is one that this
    /// caller must not make.
    fn of(exchange: Exchange<S>, received: &Received) -> Result<Self, Failure>;
}

/// Everything one call of a proven caller may know and use. Cheap to clone.
pub struct Context<S: Application> {
    /// The request's id.
    pub request_id: RequestId,
    /// Who calls; proven by a certificate, never by the request.
    pub caller: Caller,
    /// When the answer is due; tokio's instant, so that tests can stop the clock.
    pub deadline: Instant,
    /// What the application shares among all calls.
    pub state: Arc<S>,
    pub(crate) callers: Callers<S::PerCaller>,
    pub(crate) entry: Entry<S::PerCaller>,
    pub(crate) turn: Option<Turn>,
    pub(crate) about: About,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl<S: Application> Context<S> {
    /// Where the caller's own Kubernetes client comes from.
    pub fn clients(&self) -> ClientSource<S::PerCaller> {
        ClientSource::new(self.callers.clone(), self.caller.name.clone())
    }

    /// What the application knows of the caller.
    pub fn known(&self) -> &S::PerCaller {
        &self.entry.known
    }

    /// Lets the next request in, if there is a place for one more that only waits: from now on this
    /// one does.
    pub fn waits(&self) {
        if let Some(turn) = &self.turn {
            turn.wait();
        }
    }

    /// The same call, which from now on only waits, and is answered at this instant at the latest.
    /// `None` when too many of the caller's, or of all, wait already: those who wait for long must
    /// not keep the places of those who do not.
    pub fn waits_until(&self, deadline: Instant) -> Option<Self> {
        let may_wait = self.turn.as_ref().is_none_or(|turn| turn.wait_until(deadline));
        may_wait.then(|| Self { deadline, ..self.clone() })
    }

    /// The same call, as if it had to be answered at this instant.
    #[must_use]
    pub fn due_at(&self, deadline: Instant) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// Says in the log which thing the request is about. The first name counts.
    pub fn is_about(&self, name: impl Display) {
        record::set_about(&self.about, name);
    }

    /// Does something for the caller beside the answer, for so long at most. It goes on when the
    /// request has ended, holds none of its places, and a drain waits for it.
    pub fn beside<W>(&self, time_max: Duration, work: impl FnOnce(Self) -> W)
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let deadline = Instant::now() + time_max;
        let work = work(Self { deadline, turn: None, ..self.clone() });
        self.tasks.spawn(async move {
            // What has not come to its end by then was given its time.
            let _ = timeout_at(deadline, work).await;
        });
    }

    /// Ends when the server is about to stop: whoever holds an answer gives it then.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }
}

impl<S: Application> Scope<S> for Context<S> {
    const NEEDS_CALLER: bool = true;

    fn of(exchange: Exchange<S>, _: &Received) -> Result<Self, Failure> {
        let caller = exchange.caller.ok_or_else(|| refused(Refusal::NoCertificate))?;
        let (caller, entry) = caller;
        Ok(Self {
            request_id: exchange.request_id,
            caller,
            deadline: exchange.deadline,
            state: exchange.state,
            callers: exchange.callers,
            entry,
            turn: exchange.turn,
            about: exchange.about,
            stopping: exchange.stopping,
            tasks: exchange.tasks,
        })
    }
}

impl<S: Application> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self {
            request_id: self.request_id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            state: Arc::clone(&self.state),
            callers: self.callers.clone(),
            entry: self.entry.clone(),
            turn: self.turn.clone(),
            about: Arc::clone(&self.about),
            stopping: self.stopping.clone(),
            tasks: self.tasks.clone(),
        }
    }
}

/// What a call may know that anybody may make. It has no client.
pub struct Anonymous<S> {
    /// The request's id.
    pub request_id: RequestId,
    /// What the application shares among all calls.
    pub state: Arc<S>,
}

impl<S: Application> Scope<S> for Anonymous<S> {
    const NEEDS_CALLER: bool = false;

    fn of(exchange: Exchange<S>, _: &Received) -> Result<Self, Failure> {
        Ok(Self { request_id: exchange.request_id, state: exchange.state })
    }
}

/// What nobody, or nobody we serve, is told.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    let detail = refusal.to_string();
    match refusal {
        Refusal::NoCertificate | Refusal::NoUsableName | Refusal::NotTheProxy => {
            Failure::new(ErrorStatus::Unauthorized, "unauthenticated", detail)
        }
        // The next handshake will say no; this connection must not go on for ever.
        Refusal::NotValidNow => {
            Failure::new(ErrorStatus::Unauthorized, "unauthenticated", detail).and_close()
        }
        Refusal::ForeignOrganization => Failure::new(ErrorStatus::Forbidden, "forbidden", detail),
        Refusal::HeaderNotTaken => Failure::invalid(crate::identity::SUBJECT_HEADER, detail),
    }
}
