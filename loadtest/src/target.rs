//! Whoever is asked.

use std::fmt;

use tokio::time::{Instant, sleep_until};

use crate::plan::{Operation, Request};

pub(crate) mod service;

/// Something that requests can be sent to.
pub(crate) trait Target: Send + Sync + 'static {
    /// Sends one request, and waits for the last byte of its answer.
    fn send(&self, request: Request) -> impl Future<Output = Reply> + Send;

    /// Waits until a request is due.
    fn wait_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        sleep_until(at)
    }
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// What was really asked: where nothing is left to delete, one is created.
    pub(crate) operation: Operation,
    /// The bytes of the answer's body.
    pub(crate) result: Result<u64, Failure>,
}

/// Why a request was not answered well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It was answered with an error.
    Status(u16),
    /// It was not answered in time.
    Timeout,
    /// There was no connection, or it broke.
    Connection(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Connection(why) => f.write_str(why),
        }
    }
}
