//! What one call may know and use.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    admission::Turn,
    identity::Caller,
    pool::{ClientPool, ClientSource, HomeClient},
    request_id::RequestId,
};

/// Everything one call may know and use. Cheap to clone.
pub struct Context<S> {
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
    pub(crate) pool: ClientPool<HomeClient>,
    pub(crate) turn: Turn,
}

impl<S> Context<S> {
    /// Where the caller's own Kubernetes client comes from.
    pub fn clients(&self) -> ClientSource {
        ClientSource::new(self.pool.clone(), self.caller.name.clone())
    }

    /// Lets the next request in while this one only waits.
    pub fn give_back_turn(&self) {
        self.turn.give_back();
    }
}

impl<S> Clone for Context<S> {
    fn clone(&self) -> Self {
        Self {
            request_id: self.request_id.clone(),
            caller: self.caller.clone(),
            deadline: self.deadline,
            idempotency_key: self.idempotency_key.clone(),
            state: Arc::clone(&self.state),
            pool: self.pool.clone(),
            turn: self.turn.clone(),
        }
    }
}
