//! A request that was let in, on its way to its handler.

use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    admission::Turn,
    callers::{Callers, Entry},
    context::Application,
    identity::Caller,
    record::About,
    request_id::RequestId,
};

/// What a handler's scope is made from.
pub struct Exchange<S: Application> {
    pub(crate) request_id: RequestId,
    /// Who calls, and what is kept of it, if that was asked.
    pub(crate) caller: Option<(Caller, Entry<S::PerCaller>)>,
    pub(crate) deadline: Instant,
    pub(crate) state: Arc<S>,
    pub(crate) callers: Callers<S::PerCaller>,
    pub(crate) turn: Option<Turn>,
    pub(crate) about: About,
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
}
