//! Clients of a scripted cluster, without homes.

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    identity::CommonName,
    pool::{Clients, Connect, ConnectError, HomeClient, Known, Look, PoolLimits, Version},
};

/// The user that owns every home of a test.
pub const TEST_UID: u32 = 54321;

/// The same client for everybody.
pub fn clients_of(kube: kube::Client) -> Clients<HomeClient> {
    Fixed::clients(kube, false)
}

/// The same, by which what changes may be followed.
pub fn following_clients_of(kube: kube::Client) -> Clients<HomeClient> {
    Fixed::clients(kube, true)
}

/// The same client for everybody, and in each look as if it were of other files.
struct Fixed {
    kube: kube::Client,
    can_follow: bool,
    looks: AtomicU64,
}

impl Fixed {
    fn clients(kube: kube::Client, can_follow: bool) -> Clients<HomeClient> {
        Clients::new(Self { kube, can_follow, looks: AtomicU64::new(0) }, PoolLimits::PRODUCTION)
    }
}

impl Connect<HomeClient> for Fixed {
    fn look(
        &self,
        _: &CommonName,
        _: Known,
    ) -> BoxFuture<'static, Result<Look<HomeClient>, ConnectError>> {
        let Self { kube, can_follow, .. } = self;
        let client = HomeClient {
            kube: kube.clone(),
            can_follow: *can_follow,
            uid: TEST_UID,
            gid: TEST_UID,
        };
        let version = Version(self.looks.fetch_add(1, Ordering::Relaxed));
        async move { Ok(Look::Changed(client, version)) }.boxed()
    }
}
