//! What one call may know and use.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    admission::Turn,
    callers::{Callers, ClientSource, Entry},
    identity::Caller,
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

/// Everything one call may know and use. Cheap to clone.
pub struct Context<S: Application> {
    /// The request's id.
    pub request_id: RequestId,
    /// Who calls; proven by a certificate, never by the request.
    pub caller: Caller,
    /// When the answer is due; tokio's instant, so that tests can stop the clock.
    pub deadline: Instant,
    /// The caller's key that makes a create safe to repeat.
    pub idempotency_key: Option<String>,
    /// What the application shares among all calls.
    pub state: Arc<S>,
    pub(crate) callers: Callers<S::PerCaller>,
    pub(crate) entry: Entry<S::PerCaller>,
    pub(crate) turn: Turn,
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

    /// Lets the next request in while this one only waits.
    pub fn give_back_turn(&self) {
        self.turn.give_back();
    }
}

impl<S: Application> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self {
            request_id: self.request_id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            idempotency_key: self.idempotency_key.clone(),
            state: Arc::clone(&self.state),
            callers: self.callers.clone(),
            entry: self.entry.clone(),
            turn: self.turn.clone(),
        }
    }
}
