//! Which of a host's addresses is talked to: the first that answers (RFC 8305).
//!
//! An address that swallows packets takes minutes to fail, so nobody waits for that. The next one is
//! tried a moment later or once one has failed, and the ones before go on meanwhile.

use std::{io, net::SocketAddr};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant, timeout_at},
};

/// How long an attempt is alone before the next one joins it. The RFC recommends it.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Tries all of the addresses until one works.
///
/// # Errors
///
/// Why each of them does not, in the order of failing; when the time is up, that comes first.
pub(super) async fn first<T, F>(
    addresses: impl Iterator<Item = SocketAddr>,
    deadline: Instant,
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<T, Vec<io::Error>>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = interleaved(addresses).into_iter();
    let mut running = JoinSet::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = waiting.next() {
            running.spawn(attempt(address));
        }
        let next = if waiting.len() > 0 { Instant::now() + ATTEMPT_DELAY } else { deadline };
        match timeout_at(next.min(deadline), running.join_next()).await {
            Ok(Some(ended)) => match ended.unwrap_or_else(|error| Err(error.into())) {
                Ok(connection) => return Ok(connection),
                Err(failure) => failures.push(failure),
            },
            Ok(None) => return Err(failures),
            Err(_) if next >= deadline => {
                failures.insert(0, io::ErrorKind::TimedOut.into());
                return Err(failures);
            }
            Err(_) => {}
        }
    }
}

/// The two families in turns, since it is often a whole family that is cut off. The system has put
/// the better address first.
fn interleaved(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.peekable();
    let first_is_ipv6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (preferred, others): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv6() == first_is_ipv6);
    let count = preferred.len() + others.len();
    let (mut preferred, mut others) = (preferred.into_iter(), others.into_iter());
    let mut order = Vec::with_capacity(count);
    while order.len() < count {
        order.extend(preferred.next());
        order.extend(others.next());
    }
    order
}

#[cfg(test)]
mod tests;
