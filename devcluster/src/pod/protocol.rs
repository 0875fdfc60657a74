//! What the kubelet and a supervisor say to each other.
//!
//! One JSON document per line. The kubelet writes a [`Start`] to the supervisor's standard input,
//! which has to be a pipe, and then any number of [`Order`]s. The end of that pipe means that the
//! kubelet is gone: everything is killed. The supervisor answers on its standard output with
//! [`Report::Started`] and in the end with [`Report::Ended`], or with [`Report::NotStarted`] alone.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

/// 128 and the number of SIGKILL: the exit code of what was killed.
pub const EXIT_CODE_KILLED: i32 = 137;

/// What to start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The program and its arguments. A name without `/` is looked up in `PATH` of `env`.
    pub argv: Vec<String>,
    /// All of its environment variables.
    pub env: BTreeMap<String, String>,
    /// Where it starts.
    pub working_dir: PathBuf,
    /// Whose process it is; without it the supervisor's own user.
    pub user: Option<User>,
    /// What all processes together may have in memory.
    pub memory_bytes_max: Option<u64>,
    /// The file to which their output is appended. It is made if there is none.
    pub log: PathBuf,
}

/// A user and the only group of theirs that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Number of the user.
    pub uid: u32,
    /// Number of the group.
    pub gid: u32,
}

/// What the kubelet wants of a running pod. Anything else on the line kills the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// End: SIGTERM for the main process now, SIGKILL for all after the grace. A later stop can
    /// only shorten the grace.
    Stop {
        /// How long everybody may take to end.
        grace_seconds: u64,
    },
}

/// What became of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// The main process runs.
    Started,
    /// No process is left.
    Ended {
        /// Exit code of the main process; a signal as 128 and its number.
        exit_code: i32,
        /// Whether all were killed because they took too much memory.
        oom_killed: bool,
    },
    /// The main process could not be started, and nothing runs. Kubernetes calls it `StartError`
    /// and gives it the exit code 128.
    NotStarted {
        /// What was wrong, for people.
        reason: String,
    },
}
