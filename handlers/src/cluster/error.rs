//! What Kubernetes said, when it did not do what it was asked.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use kube::core::Status;
use thiserror::Error;
use tjf_runtime::{
    BoxError,
    open_files::has_no_file_left,
    pool::{ConnectError, was_never_sent, was_refused_by_tls},
};

use crate::job::quota::QuotaRefusal;

/// What Kubernetes did not do, and why.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The tool has no client.
    #[error("no client for the tool")]
    Connect(#[source] ConnectError),
    /// No connection could be made.
    #[error("Kubernetes can't be reached")]
    NotReached(#[source] BoxError),
    /// No connection could be made, because this service has too many files open.
    #[error("the service has no open file left")]
    NoFileLeft(#[source] BoxError),
    /// The request's time was over before it was asked.
    #[error("there was no time left to ask Kubernetes")]
    OutOfTime,
    /// It is too busy, or its own bookkeeping or a webhook that it has to ask was in the way.
    #[error("Kubernetes answered {code}: {message}")]
    Busy {
        /// Its status.
        code: u16,
        /// Its words.
        message: String,
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// It was asked, and there was no answer, or half of one.
    #[error("Kubernetes did not answer")]
    Lost(#[source] BoxError),
    /// Something in it is broken.
    #[error("Kubernetes answered {code}: {message}")]
    Failing {
        /// Its status.
        code: u16,
        /// Its words.
        message: String,
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// Its answer can't be understood.
    #[error("the answer of Kubernetes can't be understood")]
    Unreadable(#[source] serde_json::Error),
    /// An object is larger than etcd takes as it is set up everywhere, and than we read. It stays so
    /// until somebody makes it smaller, so that it is not asked for again.
    #[error("an object is too large to be read")]
    TooLarge,
    /// A change may have been made, and nothing says whether it was.
    #[error("whether Kubernetes did it is not known: {action}")]
    Unknown {
        /// What it was asked, such as `create jobs`.
        action: String,
        /// The last try.
        source: Box<Self>,
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
    /// It is another object than was meant: its uid is another.
    #[error("it is another object than was meant")]
    OtherObject,
    /// It has no objects of that version any more, or not yet.
    #[error("Kubernetes can't show that version: {message}")]
    NoSuchVersion {
        /// Its words.
        message: String,
    },
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
    /// We could not write down what to send, which is our fault too.
    #[error("a request to Kubernetes can't be written")]
    Unwritable(#[source] serde_json::Error),
}

impl From<ConnectError> for ClusterError {
    fn from(error: ConnectError) -> Self {
        if matches!(error, ConnectError::Rejected) {
            return Self::CredentialsRejected;
        }
        Self::Connect(error)
    }
}

/// Whether what was asked has been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not, and will not be.
    Refused,
    /// It was not, and may be if it is asked again.
    NotDone,
    /// Nobody can say.
    Unknown,
}

impl ClusterError {
    /// Whether the call got no answer, or none to its end.
    pub(super) fn is_without_answer(&self) -> bool {
        matches!(
            self,
            Self::NotReached(_) | Self::NoFileLeft(_) | Self::Lost(_) | Self::CredentialsRejected
        )
    }

    /// Whether what was asked has been done.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotReached(_) | Self::NoFileLeft(_) | Self::OutOfTime | Self::Busy { .. } => {
                Outcome::NotDone
            }
            Self::Lost(_)
            | Self::Failing { .. }
            | Self::Unreadable(_)
            | Self::TooLarge
            | Self::Unknown { .. } => Outcome::Unknown,
            Self::Connect(_)
            | Self::CredentialsRejected
            | Self::Forbidden { .. }
            | Self::QuotaExceeded(_)
            | Self::NotFound
            | Self::AlreadyExists { .. }
            | Self::OtherObject
            | Self::NoSuchVersion { .. }
            | Self::Refused { .. }
            | Self::Unwritable(_) => Outcome::Refused,
        }
    }

    /// Whether the object that was to be changed had been changed meanwhile, so that nothing was done.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self, Self::Busy { code: 409, .. })
    }

    /// What it means that a call got no answer.
    pub(super) fn without_answer(error: kube::Error) -> Self {
        match was_never_sent(&error) {
            _ if was_refused_by_tls(&error) => {
                tracing::info!(%error, "TLS refused a tool's certificate");
                Self::CredentialsRejected
            }
            true if has_no_file_left(&error) => Self::NoFileLeft(error.into()),
            true => Self::NotReached(error.into()),
            false => Self::Lost(error.into()),
        }
    }

    /// What the error means for a change that was to come after this call: that one was not made.
    #[must_use]
    pub(super) fn before_the_change(self) -> Self {
        if let Self::Unknown { source, .. } = self { *source } else { self }
    }

    /// What it means when a change may have been made before it: what was asked, such as `create
    /// jobs`, is not known to be done or not done.
    #[must_use]
    pub(super) fn leaving_unknown(self, action: String) -> Self {
        if matches!(self, Self::Unknown { .. }) {
            return self;
        }
        Self::Unknown { action, source: Box::new(self) }
    }

    /// When to try again, if Kubernetes said so.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Busy { retry_after, .. } | Self::Failing { retry_after, .. } = self {
            return *retry_after;
        }
        None
    }
}

/// What an answer means that is not a success. `tool` and `action` say in words who tried what.
pub(super) fn refused(
    code: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    (tool, action): (&str, &str),
) -> ClusterError {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let is_of_the_future = status.details.as_ref().is_some_and(|details| {
        details.causes.iter().any(|cause| cause.reason == "ResourceVersionTooLarge")
    });
    let Status { reason, message, .. } = status;
    let seconds = || headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok();
    let retry_after = || seconds().map(Duration::from_secs);
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
        // Told from the next case by nothing but the words.
        (409, _) if message.contains("recondition") => ClusterError::OtherObject,
        // A patch that names another uid than the object of this name has.
        (422, _) if message.contains("metadata.uid: ") && message.contains("is immutable") => {
            ClusterError::OtherObject
        }
        // Under load the quota's own bookkeeping, which comes first and then does nothing.
        (code @ (409 | 429), _) => ClusterError::Busy { code, message, retry_after: retry_after() },
        (410, _) => ClusterError::NoSuchVersion { message },
        _ if is_of_the_future => ClusterError::NoSuchVersion { message },
        // Admission comes before anything is stored.
        (code @ 500, _) if message.contains("failed calling webhook") => {
            ClusterError::Busy { code, message, retry_after: retry_after() }
        }
        (code @ 500.., _) => ClusterError::Failing { code, message, retry_after: retry_after() },
        (code, _) => ClusterError::Refused { code, reason, message },
    }
}
