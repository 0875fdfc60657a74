//! One run of a container: its supervisor, from the kubelet's side.

use std::{io, path::Path, process::Stdio};

use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::pod::protocol::{Order, Report, Start};

/// A supervisor that was started. When it is dropped, its standard input ends, and it kills
/// everything; it is not killed itself, or nobody would do that.
pub(super) struct Process {
    child: Child,
    orders: ChildStdin,
    reports: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts a process under a supervisor.
    ///
    /// # Errors
    /// When there can be no supervisor.
    pub(super) async fn start(program: &Path, start: &Start) -> io::Result<Self> {
        let mut child = Command::new(program)
            .arg("pod")
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (orders, reports) = pipes.ok_or_else(|| io::Error::other("no pipes"))?;
        let mut process = Self { child, orders, reports: BufReader::new(reports).lines() };
        process.tell(start).await?;
        Ok(process)
    }

    /// What it reports next; `None` when it has nothing more to say.
    pub(super) async fn report(&mut self) -> Option<Report> {
        let line = self.reports.next_line().await.ok().flatten()?;
        serde_json::from_str(&line).ok()
    }

    /// Asks everything to end.
    pub(super) async fn stop(&mut self, grace_seconds: u64) {
        // One that has just ended hears nothing any more.
        let _ = self.tell(&Order::Stop { grace_seconds }).await;
    }

    /// Waits until the supervisor itself has gone.
    pub(super) async fn gone(mut self) {
        let _ = self.child.wait().await;
    }

    async fn tell(&mut self, what: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(what)?;
        line.push(b'\n');
        self.orders.write_all(&line).await?;
        self.orders.flush().await
    }
}
