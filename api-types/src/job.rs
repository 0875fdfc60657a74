//! The job object: what `run`, `show` and `list` answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ContainerState, Emails, Mount};

/// One job. Every key is always there; a field that does not apply is `null`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// Name, unique among the tool's jobs.
    pub name: String,
    /// Kubernetes' own identity of this very object: a new job of the same name has another.
    pub uid: String,
    /// Shell text as it was given.
    pub cmd: String,
    /// Short name of the container.
    pub imagename: String,
    /// What really runs.
    pub image: String,
    /// Whether the container is still on offer.
    pub image_state: ContainerState,
    /// One-off, scheduled or continuous.
    pub job_type: JobType,
    /// Schedule as it was typed.
    pub schedule: Option<String>,
    /// Schedule as Kubernetes has it: macros are spread.
    pub schedule_actual: Option<String>,
    /// Time zone of the schedule.
    pub timezone: Option<String>,
    /// Whether the job never ends; the same as `job_type`, for older clients.
    pub continuous: bool,
    /// Whether output is kept in files.
    pub filelog: bool,
    /// Absolute path of the file for standard output.
    pub filelog_stdout: Option<String>,
    /// Absolute path of the file for standard error.
    pub filelog_stderr: Option<String>,
    /// Memory limit as it was typed.
    pub memory: Option<String>,
    /// CPU limit as it was typed.
    pub cpu: Option<String>,
    /// How often a failed run is tried again.
    pub retry: Option<i64>,
    /// Seconds after which a run is ended.
    pub timeout: Option<i64>,
    /// Copies of a continuous job.
    pub replicas: Option<i64>,
    /// When e-mail is sent.
    pub emails: Emails,
    /// Whether the home is mounted.
    pub mount: Mount,
    /// Environment variables.
    pub env: BTreeMap<String, String>,
    /// When the object was made, RFC 3339 UTC.
    pub created_at: String,
    /// Since when it is being deleted, RFC 3339 UTC; something holds it, or its last words.
    pub deleting_since: Option<String>,
    /// One line for a table; exactly `Completed` or `Failed` for a one-off that has ended.
    pub status_short: String,
    /// A sentence or two for a person.
    pub status_long: String,
    /// The same for programs.
    pub status: StatusView,
}

/// The three kinds of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobType {
    /// Runs once.
    #[serde(rename = "one-off")]
    OneOff,
    /// Runs when its schedule says so.
    #[serde(rename = "scheduled")]
    Scheduled,
    /// Is kept running.
    #[serde(rename = "continuous")]
    Continuous,
}

impl JobType {
    /// The word as it crosses the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OneOff => "one-off",
            Self::Scheduled => "scheduled",
            Self::Continuous => "continuous",
        }
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Waits: for its time, for room, for an image.
    Pending,
    /// A program of it runs.
    Running,
    /// Ended well; final, one-offs only.
    Succeeded,
    /// Ended badly; final, one-offs only.
    Failed,
    /// A lost node, or an object that can't be understood.
    Unknown,
}

impl Phase {
    /// Whether nothing more will happen.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What is known of a job's present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusView {
    /// Where the job is in its life.
    pub phase: Phase,
    /// One word that says why: `OOMKilled`, `QuotaExceeded`, `ExitCode`, …
    pub reason: Option<String>,
    /// More about the reason.
    pub message: Option<String>,
    /// When the present or last run began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended it, read from exit codes 129 to 159.
    pub signal: Option<i32>,
    /// Whether it outgrew its memory.
    pub oom_killed: Option<bool>,
    /// How often a continuous job's program was started anew.
    pub restarts: Option<i64>,
    /// How often a one-off was tried.
    pub attempts: Option<i64>,
    /// When a schedule last came due.
    pub last_scheduled_at: Option<String>,
    /// When it comes due next.
    pub next_scheduled_at: Option<String>,
    /// A scheduled job's last run that ended.
    pub last_run: Option<LastRunView>,
}

/// The last finished run of a scheduled job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastRunView {
    /// How it ended.
    pub phase: Phase,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// Its exit code.
    pub exit_code: Option<i32>,
    /// One word that says why it failed.
    pub reason: Option<String>,
}

/// What `delete` and `flush` answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Names of the jobs that were deleted, sorted.
    pub deleted: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_types_cross_the_wire_with_a_hyphen() {
        for kind in [JobType::OneOff, JobType::Scheduled, JobType::Continuous] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
