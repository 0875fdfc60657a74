//! A request that was let in, on its way to its handler.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    admission::Turn,
    identity::Caller,
    pool::{ClientPool, HomeClient},
    record::About,
    request_id::RequestId,
};

/// What a handler's scope is made from.
pub struct Exchange<S> {
    pub(crate) request_id: RequestId,
    /// Who calls, if that was asked.
    pub(crate) caller: Option<Caller>,
    pub(crate) deadline: Instant,
    pub(crate) state: Arc<S>,
    pub(crate) pool: ClientPool<HomeClient>,
    pub(crate) turn: Option<Turn>,
    pub(crate) about: About,
    pub(crate) stopping: CancellationToken,
}
