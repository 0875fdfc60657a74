//! Open files: how many this process may have, who gets how many, and what is said when there are
//! none left.
//!
//! A connection is an open file. Whoever opens files has a limit, and all limits together stay below
//! that of the operating system, so that it is the service itself that turns somebody away, in its
//! own words, and not a call in its midst that fails.

use std::{error::Error, io, time::Duration};

use rustix::{
    io::Errno,
    process::{Resource, Rlimit, getrlimit, setrlimit},
};
use thiserror::Error;
use tokio::time::Instant;

use crate::{
    config::Limits,
    files::THREADS_MAX,
    pool::{HOMES_READ_MAX, PoolLimits, causes},
};

/// What the operating system calls the limit.
pub const RLIMIT_NOFILE: &str = "RLIMIT_NOFILE";

/// Fewer are not enough for a service that anybody would want.
const OPEN_FILES_MIN: u64 = 512;
/// The connections that a Kubernetes client holds: a look asks for three kinds side by side, and a
/// second request may be at work.
const CONNECTIONS_PER_CLIENT: usize = 4;
/// Files that the reading of a home holds at once: two folders, and the file.
const FILES_PER_HOME: usize = 3;
/// The same of a file in a home that is read for a caller: two folders.
const FOLDERS_PER_FILE: usize = 2;
/// Files in homes that a request which waits holds: what a program writes goes to two.
const FILES_PER_WAIT: usize = 2;
/// Homes that are read; standard streams, listeners, the runtime's own, files that are read anew,
/// questions to a name server; and whatever is in no share.
const KEPT_BACK: usize = HOMES_READ_MAX * FILES_PER_HOME + THREADS_MAX * FOLDERS_PER_FILE + 64;
/// The same is told in the log so often.
const TELL_TIME: Duration = Duration::from_secs(60);

/// The operating system allows too few open files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "{0} open files are too few, the service needs at least {OPEN_FILES_MIN}: raise the hard limit"
)]
pub struct TooFew(u64);

/// Open files, shared out among all that open them.
#[derive(Debug, Clone, Copy)]
pub struct Shares {
    /// What the server may have.
    pub limits: Limits,
    /// What the pool of Kubernetes clients may have.
    pub pool_limits: PoolLimits,
}

impl Shares {
    /// What everybody gets when there is enough.
    pub const PRODUCTION: Self =
        Self { limits: Limits::PRODUCTION, pool_limits: PoolLimits::PRODUCTION };

    /// Shares out so many open files: to everybody what they have in production, or with too few of
    /// them each the same part of it.
    ///
    /// # Errors
    /// When there are so few that nothing could be done with them.
    pub fn of(open_files: u64) -> Result<Self, TooFew> {
        if open_files < OPEN_FILES_MIN {
            return Err(TooFew(open_files));
        }
        let full = Self::PRODUCTION;
        let open_files = usize::try_from(open_files).unwrap_or(usize::MAX);
        let needed = full.open_files_max() - KEPT_BACK;
        let there_are = open_files.saturating_sub(KEPT_BACK);
        if there_are >= needed {
            return Ok(full);
        }
        // Rounds down, so that the sum is never larger than what there is.
        let part = |of: usize| (of * there_are / needed).max(1);
        let connections_max = part(full.limits.connections_max);
        let half = connections_max.div_ceil(2);
        let clients_max = part(full.pool_limits.clients_max);
        let requests_waiting_max = part(full.limits.requests_waiting_max);
        let limits = Limits {
            connections_max,
            unproven_connections_max: part(full.limits.unproven_connections_max),
            connections_per_certificate_max: half.min(full.limits.connections_per_certificate_max),
            admin_connections_max: part(full.limits.admin_connections_max),
            // Each may need a client of its own.
            requests_in_flight_max: clients_max.min(full.limits.requests_in_flight_max),
            requests_waiting_max,
            requests_waiting_per_caller_max: requests_waiting_max
                .div_ceil(2)
                .min(full.limits.requests_waiting_per_caller_max),
            ..full.limits
        };
        let pool_limits = PoolLimits { clients_max, ..full.pool_limits };
        Ok(Self { limits, pool_limits })
    }

    /// How many files are open when everybody has as many as they may.
    pub fn open_files_max(&self) -> usize {
        KEPT_BACK
            + self.limits.connections_max
            + self.limits.admin_connections_max
            + self.pool_limits.clients_max * CONNECTIONS_PER_CLIENT
            + self.limits.requests_waiting_max * FILES_PER_WAIT
    }

    /// Says in the log what the limits are, and why.
    pub fn tell(&self, open_files: u64) {
        let all = Self::PRODUCTION.open_files_max();
        let why = if self.open_files_max() < all {
            format!("fewer than the {all} that would be needed for more")
        } else {
            "enough".to_owned()
        };
        tracing::info!(
            "{open_files} files may be open, {why}: at most {} connections, {} requests at work, {} \
             Kubernetes clients",
            self.limits.connections_max,
            self.limits.requests_in_flight_max,
            self.pool_limits.clients_max,
        );
    }
}

/// Raises the number of files that this process may have open as far as it is allowed to, and gives
/// it.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let is_raised = setrlimit(Resource::Nofile, raised).is_ok();
    // Without a number there is no limit.
    if is_raised { maximum } else { current }.unwrap_or(u64::MAX)
}

/// Whether something failed because this process, or the machine, has no open file left: it says
/// nothing about whoever was asked.
pub fn has_no_file_left(error: &(dyn Error + 'static)) -> bool {
    causes(error).filter_map(|cause| cause.downcast_ref()).any(is_no_file_left)
}

fn is_no_file_left(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}

/// When a connection can't be accepted: so long until the next try.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Tells in the log why no connection is accepted, once a minute and not at every try.
#[derive(Debug, Default)]
pub(crate) struct Complaint(Option<(String, Instant)>);

impl Complaint {
    pub(crate) fn about(&mut self, error: &io::Error) {
        if let Some(sentence) = self.due(error) {
            tracing::warn!("{sentence}");
        }
    }

    /// What is to be told now, if anything.
    fn due(&mut self, error: &io::Error) -> Option<String> {
        let sentence = sentence(error);
        let is_told =
            |(told, at): &(String, Instant)| *told == sentence && at.elapsed() < TELL_TIME;
        if self.0.as_ref().is_some_and(is_told) {
            return None;
        }
        self.0 = Some((sentence.clone(), Instant::now()));
        Some(sentence)
    }
}

fn sentence(error: &io::Error) -> String {
    match Errno::from_io_error(error) {
        Some(Errno::MFILE) => {
            "no connection is accepted: the service has as many files open as it \
                               may; it goes on when one is closed"
                .to_owned()
        }
        Some(Errno::NFILE) => {
            "no connection is accepted: the machine has as many files open as it \
                               may; it goes on when one is closed"
                .to_owned()
        }
        _ => format!("a connection can't be accepted: {}", crate::reload::reason(error)),
    }
}

#[cfg(test)]
mod tests;
