//! The job object: what `run`, `show` and `list` answer.

use std::collections::BTreeMap;

use crate::{
    ContainerState, Emails, HealthCheckView, Mount, PortProtocol, Word, Words, answer::answer,
};

answer! {
    /// One job. Every key is always there; a field that does not apply is `null`.
    pub struct JobView {
        required:
        /// Name, unique among the tool's jobs.
        pub name: String,

        optional:
        /// Kubernetes' own identity of this very object: a new job of the same name has another.
        pub uid: String,
        /// Shell text as it was given.
        pub cmd: String,
        /// Short name of the container.
        pub imagename: String,
        /// What really runs.
        pub image: String,
        /// Whether the container is still on offer.
        pub image_state: Word<ContainerState>,
        /// One-off, scheduled or continuous.
        pub job_type: Word<JobType>,
        /// Schedule as it was typed.
        pub schedule: Option<String>,
        /// Schedule as Kubernetes has it: macros are spread.
        pub schedule_actual: Option<String>,
        /// Time zone of the schedule.
        pub timezone: Option<String>,
        /// Whether the job never ends; the same as `job_type`, for older clients.
        pub continuous: Option<bool>,
        /// Whether output is kept in files.
        pub filelog: Option<bool>,
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
        /// Port of a continuous job, reached under its name inside the cluster.
        pub port: Option<i64>,
        /// Protocol of the port.
        pub port_protocol: Option<Word<PortProtocol>>,
        /// How Kubernetes finds out whether a continuous job works.
        pub health_check: Option<HealthCheckView>,
        /// When e-mail is sent.
        pub emails: Word<Emails>,
        /// Whether the home is mounted.
        pub mount: Word<Mount>,
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
}

impl JobView {
    /// The status in a few words: those that the answer has, else the one of its phase.
    pub fn status_words(&self) -> &str {
        if self.status_short.is_empty() { self.status.phase.as_str() } else { &self.status_short }
    }
}

/// The three kinds of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobType {
    /// Runs once.
    OneOff,
    /// Runs when its schedule says so.
    Scheduled,
    /// Is kept running.
    Continuous,
}

impl Words for JobType {
    const ALL: &'static [Self] = &[Self::OneOff, Self::Scheduled, Self::Continuous];

    fn as_str(self) -> &'static str {
        match self {
            Self::OneOff => "one-off",
            Self::Scheduled => "scheduled",
            Self::Continuous => "continuous",
        }
    }
}

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

impl Words for Phase {
    const ALL: &'static [Self] =
        &[Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Unknown];

    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl Word<Phase> {
    /// Whether nothing more will happen. Nobody can say that of a phase of another version.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Known(Phase::Succeeded | Phase::Failed))
    }
}

answer! {
    /// What is known of a job's present.
    #[derive(Default)]
    pub struct StatusView {
        optional:
        /// Where the job is in its life.
        pub phase: Word<Phase>,
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
        /// When it comes due the next three times; none of what is not scheduled, or suspended.
        pub next_times: Vec<String>,
        /// The next change of clocks, within a year and a month, that skips or doubles a run.
        pub clock_change: Option<ClockChangeView>,
        /// A scheduled job's last run that ended.
        pub last_run: Option<LastRunView>,
    }
}

answer! {
    /// A change of the clocks that skips or doubles a run of a scheduled job.
    pub struct ClockChangeView {
        optional:
        /// When the clocks of the job's time zone change, RFC 3339 UTC.
        pub at: String,
        /// What becomes of a run, the first one of several.
        pub effect: Word<ClockEffect>,
        /// When that run is due by the clock on the wall: `2027-03-28T02:30`.
        pub local_time: String,
    }
}

/// What a change of the clocks does to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockEffect {
    /// It does not come.
    Skipped,
    /// It comes once more than it should.
    Doubled,
}

impl Words for ClockEffect {
    const ALL: &'static [Self] = &[Self::Skipped, Self::Doubled];

    fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Doubled => "doubled",
        }
    }
}

answer! {
    /// The last finished run of a scheduled job.
    pub struct LastRunView {
        optional:
        /// How it ended.
        pub phase: Word<Phase>,
        /// When it began.
        pub started_at: Option<String>,
        /// When it ended.
        pub finished_at: Option<String>,
        /// Its exit code.
        pub exit_code: Option<i32>,
        /// One word that says why it failed.
        pub reason: Option<String>,
    }
}

answer! {
    /// What `delete` and `flush` answer.
    #[derive(Eq)]
    pub struct Deleted {
        required:
        /// Names of the jobs that were deleted, sorted.
        pub deleted: Vec<String>,
    }
}

#[cfg(test)]
mod tests;
