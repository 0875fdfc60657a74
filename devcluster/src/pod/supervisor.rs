//! What happens to a pod's processes, and when.

use std::{
    io::{self, stdin},
    os::fd::AsFd,
    time::Duration,
};

use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    net::unix::pipe::Receiver,
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{
    processes::Processes,
    protocol::{EXIT_CODE_KILLED, Order, Report, Start},
};

/// Between two looks at the memory.
const LOOK_TIME: Duration = Duration::from_millis(250);
/// Longer than anybody waits, and short enough to be added to any time.
const GRACE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// The kubelet's end of the line.
pub(super) struct Kubelet {
    lines: Lines<BufReader<Receiver>>,
}

impl Kubelet {
    /// Listens to standard input.
    pub(super) fn connect() -> io::Result<Self> {
        // Not tokio's own standard input, for that waits for a line in a thread that can't end.
        let pipe = Receiver::from_owned_fd(stdin().as_fd().try_clone_to_owned()?)?;
        Ok(Self { lines: BufReader::new(pipe).lines() })
    }

    /// What the kubelet says next; nothing if it is gone, or not to be understood.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> Option<T> {
        let line = self.lines.next_line().await.ok()??;
        serde_json::from_str(&line).ok()
    }
}

/// The signals that matter to a supervisor.
pub(super) struct Signals {
    child: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Keeps every signal from now on until it is asked for.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }
}

/// One run of a pod's container.
pub(super) struct Supervisor {
    processes: Processes,
    kubelet: Kubelet,
    signals: Signals,
    memory_bytes_max: Option<u64>,
    grace_end: Option<Instant>,
}

/// Why whoever is left has to go.
#[derive(PartialEq, Eq)]
enum End {
    Reached,
    OutOfMemory,
}

impl Supervisor {
    /// Starts the command.
    pub(super) fn start(start: &Start, kubelet: Kubelet, signals: Signals) -> Result<Self, String> {
        let processes = Processes::start(start)?;
        let memory_bytes_max = start.memory_bytes_max;
        Ok(Self { processes, kubelet, signals, memory_bytes_max, grace_end: None })
    }

    /// Lets it run until nobody is left.
    pub(super) async fn run(mut self) -> Report {
        let end = self.until_end().await;
        self.processes.kill_all();
        let exit_code = self.processes.exit_code().unwrap_or(EXIT_CODE_KILLED);
        match end {
            End::Reached => Report::Ended { exit_code, oom_killed: false },
            End::OutOfMemory => Report::Ended { exit_code: EXIT_CODE_KILLED, oom_killed: true },
        }
    }

    async fn until_end(&mut self) -> End {
        let mut looks = interval(LOOK_TIME);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // The values of disabled branches are never used.
            let grace_end = self.grace_end.unwrap_or_else(Instant::now);
            let bytes_max = self.memory_bytes_max.unwrap_or(u64::MAX);
            tokio::select! {
                _ = self.signals.child.recv() => if self.is_over() { return End::Reached },
                order = self.kubelet.next() => match order {
                    Some(Order::Stop { grace_seconds }) => self.stop(grace_seconds),
                    None => return End::Reached,
                },
                _ = self.signals.terminate.recv() => return End::Reached,
                _ = self.signals.interrupt.recv() => return End::Reached,
                () = sleep_until(grace_end), if self.grace_end.is_some() => return End::Reached,
                _ = looks.tick(), if self.memory_bytes_max.is_some() => {
                    if self.processes.take_more_than(bytes_max) {
                        return End::OutOfMemory;
                    }
                }
            }
        }
    }

    /// The kernel kills the rest of a container when process 1 ends. Only after a stop there may
    /// be others to wait for: a job's process 1 does that itself, but here it isn't process 1.
    fn is_over(&mut self) -> bool {
        let anybody_left = self.processes.reap();
        let main_ended = self.processes.exit_code().is_some();
        !anybody_left || (main_ended && self.grace_end.is_none())
    }

    fn stop(&mut self, grace_seconds: u64) {
        let grace = Duration::from_secs(grace_seconds).min(GRACE_MAX);
        let end = Instant::now() + grace;
        if self.grace_end.is_none() {
            self.processes.terminate_main();
        }
        self.grace_end = Some(self.grace_end.map_or(end, |earlier| earlier.min(end)));
    }
}
