//! What the tests of clients and of callers share: homes as a test wants them.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::Notify;

use super::{Clients, Connect, ConnectError, HomeClient, Known, Look, PoolLimits, Version};
use crate::{callers::Callers, config::Limits, identity::CommonName};

pub(crate) const LIMITS: PoolLimits = PoolLimits {
    clients_max: 3,
    client_idle_max: Duration::from_secs(300),
    client_age_max: Duration::from_secs(3600),
    certificate_look_age_max: Duration::from_secs(10),
    refusal_age_max: Duration::from_secs(60),
    look_time_max: Duration::from_secs(5),
};

/// Homes as a test wants them. A client is the number of the look that built it.
#[derive(Default)]
pub(crate) struct Homes {
    pub(crate) looks: AtomicU32,
    pub(crate) version: AtomicU32,
    pub(crate) broken: AtomicBool,
    /// Whether there is no thread for a look.
    pub(crate) silent: AtomicBool,
    // Looks after this many are good again.
    pub(crate) mended_after: AtomicU32,
    pub(crate) panicking: AtomicBool,
    pub(crate) hanging: Mutex<HashSet<CommonName>>,
    pub(crate) go_on: Notify,
}

impl Connect<u32> for Arc<Homes> {
    fn look(
        &self,
        name: &CommonName,
        known: Known,
    ) -> BoxFuture<'static, Result<Look<u32>, ConnectError>> {
        let homes = Self::clone(self);
        let number = homes.looks.fetch_add(1, Ordering::Relaxed) + 1;
        let hangs = homes.hanging.lock().unwrap().contains(name);
        async move {
            if hangs {
                homes.go_on.notified().await;
            }
            tokio::task::yield_now().await;
            assert!(!homes.panicking.load(Ordering::Relaxed), "a look panics");
            let version = Version(homes.version.load(Ordering::Relaxed).into());
            let mended_after = homes.mended_after.load(Ordering::Relaxed);
            let is_mended = mended_after > 0 && number > mended_after;
            if homes.silent.load(Ordering::Relaxed) {
                Err(ConnectError::HomeSilent)
            } else if homes.broken.load(Ordering::Relaxed) && !is_mended {
                Err(ConnectError::NoCredentials(Arc::new("broken".into())))
            } else if known.version() == Some(version) {
                Ok(Look::Unchanged)
            } else {
                Ok(Look::Changed(number, version))
            }
        }
        .boxed()
    }
}

impl Homes {
    pub(crate) fn looks(&self) -> u32 {
        self.looks.load(Ordering::Relaxed)
    }

    pub(crate) fn renew(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn hang(&self, name: &CommonName) {
        self.hanging.lock().unwrap().insert(name.clone());
    }
}

/// Nobody has a home here.
pub(crate) struct Homeless;

impl Connect<HomeClient> for Homeless {
    fn look(
        &self,
        _: &CommonName,
        _: Known,
    ) -> BoxFuture<'static, Result<Look<HomeClient>, ConnectError>> {
        Box::pin(async { Err(ConnectError::HomeSilent) })
    }
}

/// Callers of whom nothing is kept but their clients.
pub(crate) type Pool = Callers<(), u32>;

pub(crate) fn pool() -> (Arc<Homes>, Pool) {
    let homes = Arc::new(Homes::default());
    let clients = Clients::new(Arc::clone(&homes), LIMITS);
    (homes, Callers::new(clients, Limits::PRODUCTION))
}

pub(crate) fn name(text: &str) -> CommonName {
    CommonName::parse(text).unwrap()
}

/// Lets every task that is ready do what it can.
pub(crate) async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

pub(crate) async fn client(pool: &Pool, tool: &str) -> u32 {
    pool.client(&name(tool)).await.unwrap().client
}
