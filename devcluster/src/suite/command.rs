//! Running a program to its end.

use std::{
    ffi::OsStr, os::unix::process::ExitStatusExt, path::Path, process::Stdio, time::Duration,
};

use tokio::{io::AsyncReadExt, process::Command, time::timeout};

use crate::secrets;

/// A command may wait for Kubernetes' own controllers. After outages of the API server each of their
/// watches pauses for 30 to 60 s, and again when it then finds a server that has not caught up.
const TIME_MAX: Duration = Duration::from_secs(300);

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
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn();
    let mut child = child.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let pipes = child.stdout.take().zip(child.stderr.take());
    let (mut from_stdout, mut from_stderr) = pipes.expect("they were piped");
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let ended = timeout(TIME_MAX, async {
        tokio::join!(
            from_stdout.read_to_end(&mut stdout),
            from_stderr.read_to_end(&mut stderr),
            child.wait(),
        )
        .2
    })
    .await;
    for written in [&stdout, &stderr] {
        secrets::search_answer(&format!("the output of {}", program.display()), written);
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&stdout), text(&stderr));
    let status = ended.unwrap_or_else(|_| panic!("{words:?} does not end:\n{stdout}\n{stderr}"));
    let status = status.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    let signal = status.signal().map(|signal| signal + 128);
    Output { code: status.code().or(signal).unwrap_or(-1), stdout, stderr }
}
