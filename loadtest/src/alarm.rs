//! A clock that is more exact than the runtime's, which knows whole milliseconds only: answers come
//! in tenths of one, and a request that goes out late counts as slow.

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::{
    net::unix::pipe,
    time::{Instant, sleep_until},
};

/// Waits until then, to some hundredths of a millisecond.
pub(crate) async fn wait_until(at: Instant) {
    let left = at.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return;
    }
    let timer = set(Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    });
    // Without one, for instance for want of open files, the runtime's own clock does.
    match timer {
        Ok(timer) => drop(timer.readable().await),
        Err(_) => sleep_until(at).await,
    }
}

/// A timer can be waited for as a pipe can: it becomes readable.
fn set(after: Timespec) -> std::io::Result<pipe::Receiver> {
    let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
    let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
    let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: after };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once)?;
    pipe::Receiver::from_owned_fd_unchecked(timer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_rings_early() {
        for us in [0, 1, 300, 2500] {
            let at = Instant::now() + Duration::from_micros(us);
            wait_until(at).await;
            assert!(Instant::now() >= at, "{us} µs");
        }
    }
}
