//! What a process takes, as Linux tells it.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::time::{Duration, Instant, interval};

/// How often the processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pids {
    pub(crate) service: Option<u32>,
    pub(crate) kubernetes: Option<u32>,
}

/// One look at the processes that are known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Look {
    /// From the run's start.
    pub(crate) at_s: f64,
    /// Memory of the service.
    pub(crate) service_rss_kib: Option<u64>,
    /// Processor time of the service since the look before, in hundredths of one processor.
    pub(crate) service_cpu_percent: Option<f64>,
    /// The same of the API server.
    pub(crate) kubernetes_cpu_percent: Option<f64>,
}

/// The looks so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Looks(Arc<Mutex<Vec<Look>>>);

impl Looks {
    pub(crate) fn all(&self) -> Vec<Look> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks again and again, until nobody wants it any more.
    pub(crate) async fn keep_looking(self, pids: Pids, began: Instant) {
        let mut ticks = interval(LOOK_EVERY);
        let mut before: Option<(Instant, [Option<f64>; 2])> = None;
        loop {
            ticks.tick().await;
            let now = Instant::now();
            let used = [pids.service, pids.kubernetes].map(|pid| pid.and_then(cpu_seconds));
            let percent = |which: usize| {
                let (then, used_then) = before?;
                let passed = (now - then).as_secs_f64();
                Some((used[which]? - used_then[which]?) / passed * 100.0)
            };
            let look = Look {
                at_s: (now - began).as_secs_f64(),
                service_rss_kib: pids.service.and_then(rss_kib),
                service_cpu_percent: percent(0),
                kubernetes_cpu_percent: percent(1),
            };
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(look);
            before = Some((now, used));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "/proc is memory, and never hangs")]
fn read(pid: u32, file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
}

fn rss_kib(pid: u32) -> Option<u64> {
    let status = read(pid, "status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

fn cpu_seconds(pid: u32) -> Option<f64> {
    let ticks = cpu_ticks(&read(pid, "stat")?)?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The program's name is in brackets and may contain anything, so all is counted from behind it.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11);
    let mut number = || times.next()?.parse::<u64>().ok();
    Some(number()? + number()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_programs_name_can_not_mislead() {
        let stat = "7 (a) b 1 2) S 1 7 7 0 -1 4194560 90 0 0 0 250 50 0 0 20 0 1 0 9 8 7";
        assert_eq!(cpu_ticks(stat), Some(300));
    }

    #[test]
    fn this_process_has_memory_and_has_taken_time() {
        assert!(rss_kib(std::process::id()).unwrap() > 100);
        assert!(cpu_seconds(std::process::id()).unwrap() >= 0.0);
        assert_eq!(rss_kib(u32::MAX), None);
    }
}
