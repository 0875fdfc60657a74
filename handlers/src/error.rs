//! What can go wrong, and how each is answered.
//!
//! Handlers speak in these terms; the one `match` below is all that turns them into statuses and
//! slugs, and has an arm for each, so that a new kind of error can't be forgotten.

use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use tjf_api_types::Shown;
use tjf_runtime::{BoxError, ErrorStatus, Failure, files::FileError, pool::ConnectError};

use crate::{
    cluster::ClusterError,
    job::{
        quota::room::TooManyUnfinished,
        request::{Invalid, Rule},
        requested_name::RequestedName,
        time,
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
    #[error("there is no job {0}")]
    JobNotFound(RequestedName),
    /// A path names a tool that is not the caller.
    #[error("the path is that of the tool `{named}`, and the caller is `{own}`")]
    OtherTool {
        /// The tool of the path.
        named: String,
        /// The caller.
        own: String,
    },
    /// The name is taken.
    #[error("the name `{name}` is taken")]
    JobExists {
        /// The name.
        name: String,
        /// Whether by an object that is not one of our jobs.
        by_foreign_object: bool,
    },
    /// The name's old job is still ending.
    #[error("the job `{name}` is still ending")]
    JobEnding {
        /// The name.
        name: String,
        /// Since when, if that is known.
        since: Option<Timestamp>,
    },
    /// A one-off was to be restarted.
    #[error("the one-off `{0}` can't be restarted")]
    OneOffRestarted(String),
    /// An idempotency key was used for something else before.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Too many one-offs have not ended.
    #[error(transparent)]
    TooManyUnfinished(#[from] TooManyUnfinished),
    /// Kubernetes was asked for a change, and nobody can say whether it made it.
    #[error("{detail}")]
    NotKnown {
        /// What is not known, and who tells.
        detail: String,
        /// Why.
        source: ClusterError,
    },
    /// A job was deleted to make room for another of its name, which is not there.
    #[error("the job `{name}` was deleted, and the new one is not there")]
    NotReplaced {
        /// The name.
        name: String,
        /// Why not.
        #[source]
        why: Box<Self>,
    },
    /// As many requests wait for something as may.
    #[error("too many requests wait already")]
    TooManyWait,
    /// Kubernetes did not do it.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A log file can't be read.
    #[error("the job's log: {0}")]
    File(#[from] FileError),
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
            Error::OtherTool { named, own } => {
                let named = Shown::new(&named);
                let detail = format!(
                    "this is the path of the tool `{named}`, and your certificate is that of `{own}`"
                );
                Self::new(ErrorStatus::Forbidden, "forbidden", detail)
            }
            Error::JobExists { name, by_foreign_object } => {
                let name = Shown::new(&name);
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
            Error::OneOffRestarted(name) => {
                let name = Shown::new(&name);
                let detail =
                    format!("`{name}` is a one-off, which can't be restarted: run it again");
                Self::invalid("name", detail)
            }
            Error::JobEnding { name, since } => {
                let name = Shown::new(&name);
                let since = since.map(|at| format!(", since {}", time::written(at)));
                let detail = format!(
                    "the job `{name}` is being deleted{}, and has not gone yet: try again later, \
                     or choose another name",
                    since.unwrap_or_default()
                );
                Self::new(ErrorStatus::Conflict, "job-exists", detail)
            }
            Error::TooManyUnfinished(why) => {
                Self::new(ErrorStatus::Forbidden, "quota-exceeded", why.to_string())
            }
            Error::TooManyWait => Self::overloaded(
                "too many of your requests, or of all, wait already: try again in a moment",
            ),
            Error::NotReplaced { name, why } => not_replaced(&name, *why),
            Error::NotKnown { detail, source } => Self::deadline_exceeded(detail).because(source),
            Error::Cluster(error) => cluster(error),
            Error::File(error) => file(error),
            Error::Internal(..) => Self::internal(error),
        }
    }
}

fn not_replaced(name: &str, why: Error) -> Failure {
    let name = Shown::new(name);
    let before = format!("the old job `{name}` was deleted, and the new one is not there");
    Failure::from(why).after(&before)
}

fn file(error: FileError) -> Failure {
    match error {
        FileError::Silent => home_silent(),
        FileError::Refused(why) => {
            let detail = format!("the job's log is not shown: {why}");
            Failure::new(ErrorStatus::Forbidden, "forbidden", detail)
        }
        FileError::NoFileLeft => too_much_open().because(error),
        FileError::Unreadable(_) => {
            let detail = "your home can't be read at the moment: try again soon";
            Failure::new(ErrorStatus::ServiceUnavailable, "cluster-unavailable", detail)
                .retry_after(RETRY_AFTER)
                .because(error)
        }
    }
}

fn home_silent() -> Failure {
    let detail = "your home does not answer: its file server may be down";
    Failure::new(ErrorStatus::ServiceUnavailable, "cluster-unavailable", detail)
        .retry_after(RETRY_AFTER)
}

fn cluster(error: ClusterError) -> Failure {
    match &error {
        ClusterError::Connect(why) => connect(why).because(error),
        ClusterError::NotReached(_) | ClusterError::OutOfTime | ClusterError::Lost(_) => {
            unavailable(RETRY_AFTER).because(error)
        }
        ClusterError::NoFileLeft(_) => too_much_open().because(error),
        ClusterError::Busy { retry_after, .. } | ClusterError::Failing { retry_after, .. } => {
            unavailable(retry_after.unwrap_or(RETRY_AFTER)).because(error)
        }
        // It broke off, or the version of a list was forgotten between two of its pages.
        ClusterError::Unreadable(why) if why.is_eof() || why.is_syntax() => {
            unavailable(RETRY_AFTER).because(error)
        }
        // Kubernetes does answer, and to try again would not help: what is in the way is an object
        // of the tool's own, and the tool can make it smaller.
        ClusterError::TooLarge => {
            let detail = "an object in the tool's namespace is too large to be read: \
                          delete it, or make it smaller";
            Failure::new(ErrorStatus::Conflict, "object-too-large", detail)
        }
        ClusterError::NoSuchVersion { .. } => unavailable(RETRY_AFTER).because(error),
        ClusterError::Unknown { source, .. } => {
            let mut detail =
                "it is not known whether all of this was done: `show` and `list` tell".to_owned();
            if let ClusterError::Forbidden { tool, action, .. } = &**source {
                detail = format!("{detail}. {}", forbidden(tool, action));
            }
            Failure::deadline_exceeded(detail).because(error)
        }
        ClusterError::CredentialsRejected => rejected(),
        ClusterError::Forbidden { tool, action, .. } => {
            let detail = forbidden(tool, action);
            Failure::new(ErrorStatus::Forbidden, "forbidden", detail).because(error)
        }
        ClusterError::QuotaExceeded(refusal) => {
            Failure::new(ErrorStatus::Forbidden, "quota-exceeded", refusal.to_string())
        }
        // Where one of these can come it is dealt with; anywhere else it is a fault of ours.
        ClusterError::NotFound
        | ClusterError::AlreadyExists { .. }
        | ClusterError::OtherObject
        | ClusterError::Refused { .. }
        | ClusterError::Unreadable(_)
        | ClusterError::Unwritable(_) => Failure::internal(error),
    }
}

fn forbidden(tool: &str, action: &str) -> String {
    format!("Kubernetes does not let tool {tool} {action}: ask an administrator")
}

fn too_much_open() -> Failure {
    Failure::overloaded("the service has too much open: try again soon").retry_after(RETRY_AFTER)
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
        ConnectError::NotValidNow => Failure::new(
            ErrorStatus::Forbidden,
            "credentials-rejected",
            "the certificate in the tool's home has ended or not begun: ask an administrator to \
             renew it",
        ),
        ConnectError::Rejected => rejected(),
        ConnectError::NoFileLeft => too_much_open(),
        ConnectError::HomeSilent => home_silent(),
        ConnectError::Misconfigured(_) => Failure::internal("no client can be built"),
    }
}

fn rejected() -> Failure {
    let detail = "Kubernetes refuses the tool's certificate: ask an administrator to renew it";
    Failure::new(ErrorStatus::Forbidden, "credentials-rejected", detail)
}

fn unavailable(retry_after: Duration) -> Failure {
    let detail = "Kubernetes does not answer at the moment: try again soon";
    Failure::new(ErrorStatus::ServiceUnavailable, "cluster-unavailable", detail)
        .retry_after(retry_after)
}

#[cfg(test)]
mod tests;
