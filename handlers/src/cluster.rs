//! Kubernetes, as one tool sees it: the only I/O of a handler.
//!
//! Every call is the tool's own, with its own certificate, in its own namespace; both come from the
//! caller that the runtime proved, and neither from anything that was sent.

mod answer;
mod call;
mod connection;
mod create;
mod error;
mod follow;
mod nudge;
mod precedence;
mod quota;
mod read;
mod remove;
mod repeat;
mod restart;
mod service;
mod survey;
mod verb;
pub mod wait;

use std::{sync::Arc, time::Duration};

use tjf_api_types::ToolName;
use tjf_runtime::pool::HomeClient;
use tokio::time::Instant;

pub(crate) use self::answer::LARGE_ANSWERS_MAX;
pub use self::error::{ClusterError, Outcome};
use self::{call::Filter, connection::Connection};
use crate::{
    Context,
    job::{
        manifest::Owner,
        quota::{
            Limits,
            objects::{LimitRange, ResourceQuota},
        },
    },
    state::KnownTool,
};

/// What is left of a request's time for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);

/// Kubernetes, for the length of one request.
pub struct Cluster {
    context: Context,
    connection: Connection,
    /// When the last call has to be over.
    deadline: Instant,
}

impl Cluster {
    /// The caller's own view of Kubernetes.
    ///
    /// # Errors
    /// When the caller has no client.
    pub async fn of(context: &Context) -> Result<Self, ClusterError> {
        let connection =
            Connection::of(context.caller.name.tool().clone(), context.clients()).await?;
        let deadline = context.deadline - ANSWER_TIME;
        Ok(Self { context: context.clone(), connection, deadline })
    }

    fn tool(&self) -> &ToolName {
        self.connection.tool()
    }

    /// The owner of the tool's home, as which its programs run.
    fn owner(&self) -> Owner {
        let HomeClient { uid, gid, .. } = self.connection.client().client;
        Owner::of_home(uid, gid)
    }

    /// What the namespace allows; asked at most once a minute.
    async fn limits(&self, known: &KnownTool) -> Result<Arc<Limits>, ClusterError> {
        if let Some(limits) = known.limits(Instant::now()) {
            return Ok(limits);
        }
        let (ranges, quotas) = futures_util::join!(
            self.list::<LimitRange>(Filter::all()),
            self.list::<ResourceQuota>(Filter::all()),
        );
        let (ranges, quotas) = (ranges.map(|it| it.items), quotas.map(|it| it.items));
        let limits = Arc::new(Limits::new(if_allowed(ranges)?, &if_allowed(quotas)?));
        known.set_limits(Arc::clone(&limits), Instant::now());
        Ok(limits)
    }
}

/// What a tool may not read tells it nothing, and is not a reason to tell it nothing else: an
/// explanation is missing then, or a check that Kubernetes itself makes all the same.
fn if_allowed<T>(outcome: Result<Vec<T>, ClusterError>) -> Result<Vec<T>, ClusterError> {
    match outcome {
        Err(ClusterError::Forbidden { .. }) => Ok(Vec::new()),
        outcome => outcome,
    }
}
