//! One Kubernetes client a caller, built from the caller's own certificate and kept.
//!
//! The rules, each with a test beside it: one look at a home at a time, and a failure is not kept;
//! no lock is held across an await; what is on disk is looked at again every few seconds, and a
//! changed pair replaces the client; a look that hangs delays only its own caller; what
//! Kubernetes refused is not shown to it again;
//! and clients end with the service, because a client's worker lives in the runtime that built it.
//! How many are kept, and for how long, is in `callers`.

mod client;
mod exchange;
mod home;
mod looks;
mod slot;
mod threads;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use thiserror::Error;
use tokio::{sync::watch, time::timeout};

pub use self::{
    client::Calls,
    exchange::{was_never_sent, was_refused_by_tls},
    home::{HomeClient, HomeDirectory, KeyFiles},
};
pub(crate) use self::{
    exchange::causes,
    home::{open_beneath, open_home, open_homes},
    looks::Looks as LookCounts,
    slot::Slot,
    threads::{HOMES_READ_MAX, Threads},
};
use self::{looks::Looks, slot::Next};
pub use crate::callers::ClientSource;
use crate::{failure::BoxError, identity::CommonName};

/// Why a caller has no client. Says what to do; the cause is for the log.
#[derive(Debug, Clone, Error)]
pub enum ConnectError {
    /// The home, or the key files in it, are missing, unreadable or not the tool's own.
    #[error("the home holds no usable certificate")]
    NoCredentials(#[source] Arc<BoxError>),
    /// The certificate in the home is somebody else's.
    #[error("the certificate in the home has another name")]
    ForeignCertificate,
    /// The certificate in the home has ended, or has not begun.
    #[error("the certificate in the home is not valid at this time")]
    NotValidNow,
    /// Kubernetes refused what is in the home, and it is still the same.
    #[error("Kubernetes refused the certificate in the home")]
    Rejected,
    /// We have no file left to open it with.
    #[error("no file can be opened")]
    NoFileLeft,
    /// The home's file system does not answer, or those of so many others that no thread is free.
    #[error("the home does not answer")]
    HomeSilent,
    /// Our own configuration is at fault.
    #[error("the client can't be built")]
    Misconfigured(#[source] Arc<BoxError>),
}

impl ConnectError {
    /// Each kind there is.
    const KINDS: [&str; 7] = [
        "no-credentials",
        "foreign-certificate",
        "not-valid-now",
        "rejected",
        "no-file-left",
        "home-silent",
        "misconfigured",
    ];

    /// What it is called where such errors are counted.
    fn kind(&self) -> &'static str {
        let [credentials, foreign, not_valid, rejected, no_file, silent, misconfigured] =
            Self::KINDS;
        match self {
            Self::NoCredentials(_) => credentials,
            Self::ForeignCertificate => foreign,
            Self::NotValidNow => not_valid,
            Self::Rejected => rejected,
            Self::NoFileLeft => no_file,
            Self::HomeSilent => silent,
            Self::Misconfigured(_) => misconfigured,
        }
    }
}

/// What a look at a caller's credentials found.
pub enum Look<C> {
    /// The same as last time.
    Unchanged,
    /// A client of what is there now, and the version to compare with next time.
    Changed(C, Version),
}

/// Tells one set of credentials from another: a digest, or in tests any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version(pub u64);

/// What is known of a caller's credentials before a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing that counts: a client is to be built of whatever is there.
    Nothing,
    /// There is a client of this version.
    Good(Version),
    /// Kubernetes refused this version, and there is no client.
    Refused(Version),
}

impl Known {
    /// The version that need not be looked at closer.
    pub fn version(self) -> Option<Version> {
        match self {
            Self::Nothing => None,
            Self::Good(version) | Self::Refused(version) => Some(version),
        }
    }
}

/// How a caller's client comes to be. In production from its home, in tests from anything.
pub trait Connect<C>: Send + Sync + 'static {
    /// Looks at the caller's credentials, and builds a client when they are not those of `known`.
    fn look(
        &self,
        name: &CommonName,
        known: Known,
    ) -> BoxFuture<'static, Result<Look<C>, ConnectError>>;

    /// Where the calls of its clients are counted.
    fn calls(&self) -> Calls {
        Calls::default()
    }
}

/// How many clients may be kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Callers at once: at some 50 KiB each with a kept connection, about 100 MiB.
    pub clients_max: usize,
    /// What is kept of a caller goes when nobody used it for so long.
    pub client_idle_max: Duration,
    /// A client is built anew by the first look after this, whatever its files look like.
    pub client_age_max: Duration,
    /// The files are looked at again at most this often.
    pub certificate_look_age_max: Duration,
    /// Credentials that Kubernetes refused are not shown to it again until they change, or for so
    /// long: it may have been at fault itself, as when it starts or changes its CA.
    pub refusal_age_max: Duration,
    /// How long callers wait for a look.
    pub look_time_max: Duration,
}

impl PoolLimits {
    /// The limits of the service in production.
    pub const PRODUCTION: Self = Self {
        clients_max: 2048,
        client_idle_max: Duration::from_secs(5 * 60),
        client_age_max: Duration::from_secs(60 * 60),
        certificate_look_age_max: Duration::from_secs(10),
        refusal_age_max: Duration::from_secs(60),
        look_time_max: Duration::from_secs(5),
    };
}

/// One of a caller's clients.
#[derive(Debug, Clone)]
pub struct Pooled<C> {
    /// The client.
    pub client: C,
    /// Which of a caller's clients this is, so that a newer one is not evicted in its place.
    pub(crate) generation: u64,
    /// Which of them the caller has now, if any.
    current: watch::Receiver<Option<u64>>,
}

impl<C> Pooled<C> {
    /// Waits until this is not the caller's client any more: another has taken its place,
    /// Kubernetes refused it, or nobody used it for long. What goes on for longer than a call, such
    /// as a watch, ends then, since the certificate may have ended too.
    pub async fn retired(&self) {
        let mut current = self.current.clone();
        // An error says that all that was kept of the caller is gone.
        let _ = current.wait_for(|current| *current != Some(self.generation)).await;
    }
}

struct Inner<C> {
    connect: Box<dyn Connect<C>>,
    limits: PoolLimits,
    generations: AtomicU64,
    looks: Looks,
}

/// How clients come to be, and within which limits. Clones are the same.
pub struct Clients<C>(Arc<Inner<C>>);

impl<C> Clients<C> {
    /// Clients that are made by `connect`.
    pub fn new(connect: impl Connect<C>, limits: PoolLimits) -> Self {
        let generations = AtomicU64::new(0);
        let looks = Looks::default();
        Self(Arc::new(Inner { connect: Box::new(connect), limits, generations, looks }))
    }

    pub(crate) fn limits(&self) -> &PoolLimits {
        &self.0.limits
    }

    /// What became of looks.
    pub(crate) fn looks(&self) -> Looks {
        self.0.looks.clone()
    }

    fn next_generation(&self) -> u64 {
        self.0.generations.fetch_add(1, Ordering::Relaxed)
    }
}

impl<C: Clone + Send + Sync + 'static> Clients<C> {
    /// The calls of all clients.
    pub(crate) fn calls(&self) -> Calls {
        self.0.connect.calls()
    }

    /// The client in the slot of this name.
    ///
    /// A client that is kept is given at once, even while its files are looked at again: it is good
    /// until Kubernetes says otherwise. Without one, callers wait for the same look, for as long as
    /// the limit says.
    pub(crate) async fn client<H>(
        &self,
        name: &CommonName,
        holder: &H,
    ) -> Result<Pooled<C>, ConnectError>
    where
        H: AsRef<Slot<C>> + Clone + Send + 'static,
    {
        loop {
            let look = match Slot::next(self, name, holder)? {
                Next::Client(pooled) => return Ok(pooled),
                Next::Look(look) => look,
            };
            match timeout(self.0.limits.look_time_max, look).await {
                Ok(Some(found)) => return found,
                // The next look knows that there is no client, and so its word is the last.
                Ok(None) => {}
                Err(_) => return Err(ConnectError::HomeSilent),
            }
        }
    }
}

impl<C> Clone for Clients<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Clients<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
