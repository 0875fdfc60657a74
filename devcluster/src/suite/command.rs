//! Running a program to its end.

use std::{ffi::OsStr, path::Path, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};

const TIME_MAX: Duration = Duration::from_secs(120);

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Its exit code; a signal as 128 and its number.
    pub code: i32,
    /// What it wrote for machines.
    pub stdout: String,
    /// What it wrote for people.
    pub stderr: String,
}

/// Runs a program with these variables and no others.
///
/// # Panics
/// When it can't be run, or does not end.
pub async fn run_program(program: &Path, words: &[&str], variables: &[(&str, &OsStr)]) -> Output {
    let mut command = Command::new(program);
    command.args(words).env_clear().envs(variables.iter().copied());
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(TIME_MAX, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{words:?} does not end"));
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
    Output {
        code: output.status.code().or(signal.map(|signal| signal + 128)).unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
