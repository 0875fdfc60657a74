//! What crosses the wire between `toolforge-jobs-api` and its clients.
//!
//! Names, paths, requests, views and the problem document: everything that server and command must
//! agree on, and nothing else. No I/O, no async, no HTTP and no Kubernetes, so that the command
//! links no server and the server no terminal.

pub mod path;

mod answer;
mod container;
mod health;
mod job;
mod log;
mod name;
mod problem;
mod quota;
mod run;
#[cfg(feature = "schema")]
mod schema;
mod shown;
mod text;
mod word;

pub use container::{ContainerState, ContainerView};
pub use health::{HealthCheck, HealthCheckType, HealthCheckView, PortProtocol};
pub use job::{
    ClockChangeView, ClockEffect, Deleted, JobType, JobView, LastRunView, Phase, StatusView,
};
pub use log::{Interleaver, LogPosition, LogPositionError, LogQuery, LogStream};
pub use name::{JobName, NameError, ObjectName, SUFFIX_LENGTH, Suffix, ToolName};
pub use problem::{KINDS, Kind, PROBLEMS, Problem, kind_of_problem};
pub use quota::{QuotaCategory, QuotaItem, QuotaView};
pub use run::{Emails, Mount, RunRequest};
pub use shown::Shown;
pub use text::{Named, ShellText};
pub use word::{Word, Words};

/// Header that carries the request's id, in both directions.
pub const REQUEST_ID: &str = "x-request-id";

/// Header that makes `run` safe to repeat: at most 64 visible ASCII characters.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Header of a single log file's answer: the place in the file of the answer's first byte.
pub const LOG_POSITION: &str = "log-position";

/// Header of a single log file's answer: when something was written into it last, RFC 3339 UTC.
pub const LOG_MODIFIED: &str = "log-modified";

/// Header of a single log file's answer: how many bytes the file had.
pub const LOG_LENGTH: &str = "log-length";

/// Media type of every error (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
