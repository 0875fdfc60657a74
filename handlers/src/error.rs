//! What can go wrong, and how each is answered.
//!
//! Handlers speak in these terms; the one `match` below is all that turns them into statuses and
//! slugs, and has an arm for each, so that a new kind of error can't be forgotten.

use std::time::Duration;

use thiserror::Error;
use tjf_api_types::ObjectName;
use tjf_runtime::{BoxError, ErrorStatus, Failure, pool::ConnectError};

use crate::{
    cluster::ClusterError,
    job::{
        limits::QuotaRefusal,
        request::{Invalid, Rule},
        room::UNFINISHED_MAX,
    },
};

/// What handlers give back.
pub type Result<T> = std::result::Result<T, Error>;

/// When to try again, when Kubernetes itself does not say.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What a handler could not do.
#[derive(Debug, Error)]
pub enum Error {
    /// A field can't be as it is.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such job.
    #[error("there is no job `{0}`")]
    JobNotFound(ObjectName),
    /// The name is taken.
    #[error("the name `{name}` is taken")]
    JobExists {
        /// The name.
        name: String,
        /// Whether by an object that is not one of our jobs.
        by_foreign_object: bool,
    },
    /// An idempotency key was used for something else before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Too many one-offs have not ended.
    #[error("{unfinished} one-off jobs have not ended")]
    TooManyUnfinished {
        /// How many.
        unfinished: usize,
    },
    /// Kubernetes refused for a quota.
    #[error("the quota is exceeded")]
    QuotaExceeded(QuotaRefusal),
    /// Kubernetes did not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Our own fault.
    #[error("{0}")]
    Internal(&'static str, #[source] BoxError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(invalid) => {
                let slug = match invalid.rule {
                    Rule::Request => "invalid-request",
                    Rule::Schedule => "invalid-schedule",
                    Rule::Container => "invalid-container",
                    Rule::Limits => "invalid-limits",
                };
                Self::new(ErrorStatus::BadRequest, slug, invalid.detail).field(invalid.field)
            }
            Error::JobNotFound(_) => {
                let detail = format!("{error}: `list` shows the jobs that there are");
                Self::new(ErrorStatus::NotFound, "job-not-found", detail)
            }
            Error::JobExists { name, by_foreign_object } => {
                let detail = if by_foreign_object {
                    format!(
                        "the name `{name}` is taken by an object that is not a job of this service: choose another"
                    )
                } else {
                    format!(
                        "there is a job `{name}` already: delete it first, or choose another name"
                    )
                };
                Self::new(ErrorStatus::Conflict, "job-exists", detail)
            }
            Error::KeyReused => Self::invalid(
                "Idempotency-Key",
                "this key was used for another job: send a fresh key for each job",
            ),
            Error::TooManyUnfinished { unfinished } => {
                let detail = format!(
                    "one-off jobs that have not ended: 1 asked, {unfinished} used, {UNFINISHED_MAX} allowed"
                );
                Self::new(ErrorStatus::Forbidden, "quota-exceeded", detail)
            }
            Error::QuotaExceeded(refusal) => {
                Self::new(ErrorStatus::Forbidden, "quota-exceeded", refusal.to_string())
            }
            Error::Cluster(error) => cluster(error),
            Error::Internal(..) => Self::internal(error),
        }
    }
}

fn cluster(error: ClusterError) -> Failure {
    match &error {
        ClusterError::Connect(why) => connect(why).because(error),
        ClusterError::Unreachable(_) => unavailable(RETRY_AFTER).because(error),
        ClusterError::Failing { retry_after, .. } => {
            unavailable(retry_after.unwrap_or(RETRY_AFTER)).because(error)
        }
        ClusterError::CredentialsRejected => {
            let detail =
                "Kubernetes refuses the tool's certificate: ask an administrator to renew it";
            Failure::new(ErrorStatus::Forbidden, "credentials-rejected", detail)
        }
        ClusterError::Forbidden { tool, action, .. } => {
            let detail =
                format!("Kubernetes does not let tool {tool} {action}: ask an administrator");
            Failure::new(ErrorStatus::Forbidden, "forbidden", detail).because(error)
        }
        ClusterError::QuotaExceeded(refusal) => {
            Failure::new(ErrorStatus::Forbidden, "quota-exceeded", refusal.to_string())
        }
        // Who meets these expected them; whoever did not has a fault.
        ClusterError::NotFound | ClusterError::AlreadyExists { .. } | ClusterError::Conflict => {
            Failure::internal(error)
        }
        ClusterError::Refused { .. } | ClusterError::Unreadable(_) => Failure::internal(error),
    }
}

fn connect(why: &ConnectError) -> Failure {
    match why {
        ConnectError::NoCredentials(_) => Failure::new(
            ErrorStatus::Forbidden,
            "no-credentials",
            "the tool's home holds no certificate that can be used: ask an administrator",
        ),
        ConnectError::ForeignCertificate => Failure::new(
            ErrorStatus::Forbidden,
            "forbidden",
            "the certificate in the tool's home is not this tool's: ask an administrator",
        ),
        ConnectError::HomeSilent => Failure::new(
            ErrorStatus::ServiceUnavailable,
            "cluster-unavailable",
            "your home does not answer: its file server may be down",
        )
        .retry_after(RETRY_AFTER),
        ConnectError::Misconfigured(_) => Failure::internal("no client can be built"),
    }
}

fn unavailable(retry_after: Duration) -> Failure {
    let detail = "Kubernetes does not answer at the moment: try again soon";
    Failure::new(ErrorStatus::ServiceUnavailable, "cluster-unavailable", detail)
        .retry_after(retry_after)
}

#[cfg(test)]
mod tests;
