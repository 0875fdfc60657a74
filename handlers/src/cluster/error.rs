//! What Kubernetes said, when it did not do what it was asked.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use kube::core::Status;
use thiserror::Error;
use tjf_runtime::{BoxError, pool::ConnectError};

use crate::job::limits::QuotaRefusal;

/// What Kubernetes did not do, and why.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The tool has no client.
    #[error("no client for the tool")]
    Connect(#[from] ConnectError),
    /// No answer, or half of one.
    #[error("Kubernetes did not answer")]
    Unreachable(#[source] BoxError),
    /// It is too busy, or broken.
    #[error("Kubernetes answered {code}: {message}")]
    Failing {
        /// Its status.
        code: u16,
        /// Its words.
        message: String,
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// It does not know the tool's certificate.
    #[error("Kubernetes refused the tool's certificate")]
    CredentialsRejected,
    /// The tool may not do that.
    #[error("Kubernetes forbade it: {message}")]
    Forbidden {
        /// The tool.
        tool: String,
        /// What it may not do, such as `create jobs`.
        action: String,
        /// Kubernetes' words.
        message: String,
    },
    /// A quota is in the way.
    #[error("a quota is in the way")]
    QuotaExceeded(QuotaRefusal),
    /// There is no such object.
    #[error("there is no such object")]
    NotFound,
    /// The name is taken.
    #[error("the name is taken")]
    AlreadyExists {
        /// Whether only until the old object has gone.
        being_deleted: bool,
    },
    /// It is another object than was meant.
    #[error("it is another object than was meant")]
    Conflict,
    /// It did not like what it was sent, which is our fault.
    #[error("Kubernetes answered {code} ({reason}): {message}")]
    Refused {
        /// Its status.
        code: u16,
        /// Its word.
        reason: String,
        /// Its words.
        message: String,
    },
    /// Its answer can't be understood.
    #[error("the answer of Kubernetes can't be understood")]
    Unreadable(#[source] serde_json::Error),
}

/// What an answer means that is no success. `action` is in words what was tried.
pub(super) fn refused(
    code: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    tool: &str,
    action: &str,
) -> ClusterError {
    let Status { reason, message, .. } = serde_json::from_slice(body).unwrap_or_default();
    let seconds = || headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok();
    match (code.as_u16(), reason.as_str()) {
        (401, _) => ClusterError::CredentialsRejected,
        // A certificate without a name we would accept, or none at all, is "anonymous", not a 401.
        (403, _) if message.contains("User \"system:anonymous\"") => {
            ClusterError::CredentialsRejected
        }
        (403, _) => match QuotaRefusal::parse(&message) {
            Some(refusal) => ClusterError::QuotaExceeded(refusal),
            None => ClusterError::Forbidden {
                tool: tool.to_owned(),
                action: action.to_owned(),
                message,
            },
        },
        (404, _) => ClusterError::NotFound,
        (409, "AlreadyExists") => ClusterError::AlreadyExists {
            being_deleted: message.starts_with("object is being deleted"),
        },
        (409, _) => ClusterError::Conflict,
        (code @ (429 | 500..), _) => {
            ClusterError::Failing { code, message, retry_after: seconds().map(Duration::from_secs) }
        }
        (code, _) => ClusterError::Refused { code, reason, message },
    }
}
