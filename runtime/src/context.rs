//! What one call may know and use.

use std::{fmt::Display, sync::Arc};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::Turn,
    exchange::Exchange,
    failure::{ErrorStatus, Failure},
    identity::{Caller, Refusal},
    pool::{ClientPool, ClientSource, HomeClient},
    record::{self, About},
    request_id::RequestId,
};

/// What a handler is given first: it says who may ask.
pub trait Scope<S>: Sized + Send {
    /// Whether callers must have proven who they are.
    const NEEDS_CALLER: bool;

    /// Takes what it needs.
    ///
    /// # Errors
    /// When nobody has proven anything, although this needs it.
    fn of(exchange: Exchange<S>) -> Result<Self, Failure>;
}

/// Everything one call of a proven caller may know and use. Cheap to clone.
pub struct Context<S> {
    /// The request's id.
    pub request_id: RequestId,
    /// Who calls; proven by a certificate, never by the request.
    pub caller: Caller,
    /// When the answer is due; tokio's instant, so that tests can stop the clock.
    pub deadline: Instant,
    /// What the application shares among all calls.
    pub state: Arc<S>,
    pub(crate) pool: ClientPool<HomeClient>,
    pub(crate) turn: Option<Turn>,
    pub(crate) about: About,
    pub(crate) stopping: CancellationToken,
}

impl<S> Context<S> {
    /// Where the caller's own Kubernetes client comes from.
    pub fn clients(&self) -> ClientSource {
        ClientSource::new(self.pool.clone(), self.caller.name.clone())
    }

    /// Lets the next request in, if there is a place for one more that only waits: from now on this
    /// one does.
    pub fn waits(&self) {
        if let Some(turn) = &self.turn {
            turn.wait();
        }
    }

    /// Says in the log which thing the request is about. The first name counts.
    pub fn is_about(&self, name: impl Display) {
        record::set_about(&self.about, name);
    }

    /// Ends when the server is about to stop: whoever holds an answer gives it then.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }
}

impl<S: Send + Sync + 'static> Scope<S> for Context<S> {
    const NEEDS_CALLER: bool = true;

    fn of(exchange: Exchange<S>) -> Result<Self, Failure> {
        let caller = exchange.caller.ok_or_else(|| refused(Refusal::NoCertificate))?;
        Ok(Self {
            request_id: exchange.request_id,
            caller,
            deadline: exchange.deadline,
            state: exchange.state,
            pool: exchange.pool,
            turn: exchange.turn,
            about: exchange.about,
            stopping: exchange.stopping,
        })
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self {
            request_id: self.request_id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            state: Arc::clone(&self.state),
            pool: self.pool.clone(),
            turn: self.turn.clone(),
            about: Arc::clone(&self.about),
            stopping: self.stopping.clone(),
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

impl<S: Send + Sync + 'static> Scope<S> for Anonymous<S> {
    const NEEDS_CALLER: bool = false;

    fn of(exchange: Exchange<S>) -> Result<Self, Failure> {
        Ok(Self { request_id: exchange.request_id, state: exchange.state })
    }
}

/// What nobody, or nobody we serve, is told.
pub(crate) fn refused(refusal: Refusal) -> Failure {
    let detail = refusal.to_string();
    match refusal {
        Refusal::NoCertificate | Refusal::NoUsableName => {
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
