//! The client that one caller's calls to Kubernetes go over.

mod calls;

use std::time::Duration;

use hyper_rustls::HttpsConnectorBuilder;
use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
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
/// How often a connection with watches is asked whether its other end lives, and how long that has
/// to answer: TCP itself would say so even of a process that has been stopped.
const PING_TIME: Duration = Duration::from_secs(10);
const PONG_TIME_MAX: Duration = Duration::from_secs(5);
/// What of one watch may be on its way before it is read, and of all watches of a connection.
const WATCH_WINDOW_BYTES: u32 = 64 * 1024;
const WATCHES_WINDOW_BYTES: u32 = 8 * WATCH_WINDOW_BYTES;

/// Builds a client of a caller's key pair, as `kube` itself would but for four things: it lets go
/// of connections that are not used, its buffers stay small, it writes nothing to the log, and its
/// calls are counted. It also repeats no call: a create that a proxy answered with 503 or 504 may have been done, and
/// would then answer itself with a 409.
pub(super) fn client(config: &kube::Config, calls: &Calls) -> Result<kube::Client, kube::Error> {
    let connector = timed(config.rustls_https_connector()?);
    let client = legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .http1_max_buf_size(READ_BUFFER_MAX)
        .build::<_, Body>(connector);
    Ok(counted(client, config, calls))
}

/// Builds the client that watches of the same caller go over: all of them share one connection of
/// HTTP/2, which is asked every few seconds whether its other end lives. Calls do not go over it:
/// of a connection that many share nobody can tell which call a TLS alert was about, or was never
/// sent.
pub(super) fn watching(config: &kube::Config, calls: &Calls) -> Result<kube::Client, kube::Error> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config.rustls_client_config()?)
        .https_or_http()
        .enable_http2()
        .wrap_connector(connector);
    let client = legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .http2_only(true)
        .http2_keep_alive_interval(PING_TIME)
        .http2_keep_alive_timeout(PONG_TIME_MAX)
        .http2_initial_stream_window_size(WATCH_WINDOW_BYTES)
        .http2_initial_connection_window_size(WATCHES_WINDOW_BYTES)
        .build::<_, Body>(timed(connector));
    Ok(counted(client, config, calls))
}

fn timed<T>(connector: T) -> TimeoutConnector<T>
where
    T: tower::Service<http::Uri> + Send,
    T::Response: hyper::rt::Read + hyper::rt::Write + Send + Unpin,
    T::Future: Send + 'static,
    T::Error: Into<crate::failure::BoxError>,
{
    let mut connector = TimeoutConnector::new(connector);
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    connector
}

fn counted<C>(client: legacy::Client<C, Body>, config: &kube::Config, calls: &Calls) -> kube::Client
where
    C: legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    ClientBuilder::new(client, "default")
        .with_layer(&config.base_uri_layer())
        .with_layer(&layer_fn(|inner| calls.counting(inner)))
        .build()
}

#[cfg(test)]
mod tests;
