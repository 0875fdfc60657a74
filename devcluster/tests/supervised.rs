//! A supervisor, as the kubelet meets it: a program with two pipes.

use std::{collections::BTreeMap, io::ErrorKind, path::PathBuf, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tjf_devcluster::{
    pod::protocol::{Report, Start},
    suite::{eventually, within},
};
use tokio::{
    fs,
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const SUPERVISOR: &str = env!("CARGO_BIN_EXE_tjf-devcluster");
/// For what takes milliseconds, on a machine with a lot to do.
const TIME_MAX: Duration = Duration::from_secs(30);

/// One supervisor and what it works on.
pub(crate) struct Pod {
    pub(crate) folder: TempDir,
    pub(crate) process: Child,
    pub(crate) orders: Option<ChildStdin>,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Pod {
    /// Starts a supervisor that has been told nothing yet; `words` are before its own.
    pub(crate) async fn new(words: &[&str]) -> Self {
        let words = [words, &[SUPERVISOR, "pod"]].concat();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Not killed with a test that fails: when the pipe closes it clears up and ends.
        let mut process = command.spawn().expect("a supervisor");
        let orders = process.stdin.take();
        let reports = BufReader::new(process.stdout.take().expect("a pipe")).lines();
        Self { folder: tempfile::tempdir().expect("a folder"), process, orders, reports }
    }

    /// Starts a pod with a line of shell.
    pub(crate) async fn shell(script: &str) -> Self {
        let mut pod = Self::new(&[]).await;
        let start = pod.start_of(&["/bin/sh", "-c", script]);
        pod.start(&start).await;
        pod
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn start_of(&self, argv: &[&str]) -> Start {
        Start {
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
            working_dir: self.folder.path().to_owned(),
            user: None,
            memory_bytes_max: None,
            log: self.path("log"),
        }
    }

    pub(crate) async fn start(&mut self, start: &Start) {
        self.tell(start).await;
        assert_eq!(self.report().await, Some(Report::Started));
    }

    pub(crate) async fn tell<T: serde::Serialize>(&mut self, what: &T) {
        let line = serde_json::to_string(what).expect("JSON") + "\n";
        let orders = self.orders.as_mut().expect("still open");
        orders.write_all(line.as_bytes()).await.expect("the supervisor listens");
    }

    /// What comes next; nothing at the end.
    pub(crate) async fn report(&mut self) -> Option<Report> {
        let line = within("a report", TIME_MAX, self.reports.next_line()).await;
        line.expect("text").map(|line| serde_json::from_str(&line).expect("a report"))
    }

    /// The exit code, of a pod that ends without having been killed for its memory.
    pub(crate) async fn exit_code(&mut self) -> i32 {
        match self.report().await {
            Some(Report::Ended { exit_code, oom_killed: false }) => exit_code,
            other => panic!("not a usual end: {other:?}"),
        }
    }

    /// A file in the pod's folder, once it has a whole line.
    pub(crate) async fn line(&self, name: &str) -> String {
        let file = self.path(name);
        eventually(&format!("a line in {name}"), TIME_MAX, async || {
            let text = fs::read_to_string(&file).await.map_err(|error| error.to_string())?;
            if text.ends_with('\n') { Ok(text) } else { Err(text) }
        })
        .await
    }

    pub(crate) async fn pid(&self, name: &str) -> Pid {
        let line = self.line(name).await;
        line.trim().parse().ok().and_then(Pid::from_raw).expect("a process's number")
    }

    /// Until the supervisor is over, well or not.
    pub(crate) async fn supervisor_ends(&mut self) {
        within("the supervisor's end", TIME_MAX, self.process.wait()).await.expect("it ends");
    }
}

/// Whether there is no such process, or only what its parent has not asked for yet.
pub(crate) async fn is_gone(pid: Pid) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")).await {
        Ok(stat) => stat.rsplit_once(") ").is_some_and(|(_, state)| state.starts_with('Z')),
        // The second if it ends while we read.
        Err(error) => error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(3),
    }
}

pub(crate) async fn goes(pid: Pid) {
    eventually(&format!("the end of {pid}"), TIME_MAX, async || {
        if is_gone(pid).await { Ok(()) } else { Err("still there") }
    })
    .await;
}

pub(crate) fn signal_to(child: &Child, signal: Signal) {
    let pid = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())).expect("not reaped yet");
    kill_process(pid, signal).expect("ours");
}
