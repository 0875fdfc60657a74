//! The client that one caller's calls to Kubernetes go over.

mod calls;

use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::{Body, ClientBuilder, ConfigExt};
use tower::layer::layer_fn;

pub use self::calls::Calls;

/// Below the 10 s that other parts of a cluster wait, so that it can be told apart in their logs.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next call. A new one costs a handshake of a millisecond or
/// two, an old one its buffers; the API server itself would keep it for a minute and a half or more.
const IDLE_TIME_MAX: Duration = Duration::from_secs(20);
/// What is read from a connection at once, at most: a connection that has carried one large answer
/// keeps a buffer of this size. A response's head must fit too; those of Kubernetes have a KiB.
const READ_BUFFER_MAX: usize = 64 * 1024;

/// Builds a client of a caller's key pair, as `kube` itself would but for four things: it lets go
/// of connections that are not used, its buffers stay small, it writes nothing to the log, and its
/// calls are counted. It also repeats no call: a create that a proxy answered with 503 or 504 may have been done, and
/// would then answer itself with a 409.
pub(super) fn client(config: &kube::Config, calls: &Calls) -> Result<kube::Client, kube::Error> {
    let mut connector = TimeoutConnector::new(config.rustls_https_connector()?);
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .http1_max_buf_size(READ_BUFFER_MAX)
        .build::<_, Body>(connector);
    Ok(ClientBuilder::new(client, "default")
        .with_layer(&config.base_uri_layer())
        .with_layer(&layer_fn(|inner| calls.counting(inner)))
        .build())
}

#[cfg(test)]
mod tests;
