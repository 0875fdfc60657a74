//! The client that one caller's calls to Kubernetes go over.

mod calls;

use std::{sync::Arc, time::Duration};

use http::{Request, Uri, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{
        self,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use kube::client::{Body, middleware::BaseUriLayer};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tower::{Layer, service_fn};

pub use self::calls::Calls;

/// Below the 10 s that other parts of a cluster wait, so that it can be told apart in their logs.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection is kept for the next call. A new one costs a handshake of a millisecond or
/// two, an old one some 50 KiB; the API server itself would keep it for a minute and a half or more.
/// Calls come in bursts: what is read often is remembered, and asks for nothing.
const IDLE_TIME_MAX: Duration = Duration::from_secs(5);
/// What is read from a connection at once, at most: a connection that has carried one large answer
/// keeps a buffer of this size. TLS hands over no more at once. A response's head must fit too; those
/// of Kubernetes have a KiB.
const READ_BUFFER_MAX: usize = 16 * 1024;
/// How often a connection with watches is asked whether its other end lives, and how long that has
/// to answer: TCP itself would say so even of a process that has been stopped.
const PING_TIME: Duration = Duration::from_secs(10);
const PONG_TIME_MAX: Duration = Duration::from_secs(5);
/// What of one answer may be on its way before it is read, and of all answers of a connection: so
/// many may wait to be read, and none of the watches is held up.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 16 * STREAM_WINDOW_BYTES;

/// Sessions that are kept for the next connection; there is one server. rustls itself would have room
/// for 32 servers, which is 16 KiB a caller.
const SESSIONS_MAX: usize = 8;

/// What a caller shows to Kubernetes, and whose word counts there. Fails when the pair does not fit
/// together.
pub(super) fn tls(
    roots: Arc<RootCertStore>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ClientConfig, rustls::Error> {
    let tls = ClientConfig::builder().with_root_certificates(roots);
    let mut tls = tls.with_client_auth_cert(chain, key)?;
    tls.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Ok(tls)
}

/// Builds a client. It lets go of connections that are not used, its buffers stay small, it writes
/// nothing to the log, and its calls are counted. It repeats no call: a create that a proxy answered
/// with 503 or 504 may have been done, and would then answer itself with a 409.
///
/// What asks for HTTP/2 goes over one connection of it that all such requests share: watches, and what
/// may be asked again. All other calls have connections of their own: of one that many share nobody
/// can tell which call a TLS alert was about, or was never sent.
pub(super) fn client(server: &Uri, tls: &ClientConfig, calls: &Calls) -> kube::Client {
    let (apart, shared) = (apart(tls), shared(tls));
    let send = move |request: Request<Body>| match request.version() {
        Version::HTTP_2 => shared.request(request),
        _ => apart.request(request),
    };
    let service = BaseUriLayer::new(server.clone()).layer(service_fn(send));
    kube::Client::new(calls.counting(service), "default")
}

/// Has a connection of HTTP/1.1 for each call that is under way.
fn apart(tls: &ClientConfig) -> legacy::Client<impl Connect + Clone + use<>, Body> {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls.clone());
    let connector = connector.https_or_http().enable_http1().wrap_connector(tcp());
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIME_MAX)
        .http1_max_buf_size(READ_BUFFER_MAX)
        .build(timed(connector))
}

/// Has one connection of HTTP/2, which is asked every few seconds whether its other end lives. It
/// stays for as long as the client: watches begin minutes apart, and each would find none otherwise,
/// and make another.
fn shared(tls: &ClientConfig) -> legacy::Client<impl Connect + Clone + use<>, Body> {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls.clone());
    let connector = connector.https_or_http().enable_http2().wrap_connector(tcp());
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_idle_timeout(None)
        .http2_only(true)
        .http2_keep_alive_interval(PING_TIME)
        .http2_keep_alive_timeout(PONG_TIME_MAX)
        .http2_keep_alive_while_idle(true)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
        .http2_initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .build(timed(connector))
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    // Requests are small and complete: waiting for more to send would only delay them.
    connector.set_nodelay(true);
    connector
}

fn timed(
    connector: HttpsConnector<HttpConnector>,
) -> TimeoutConnector<HttpsConnector<HttpConnector>> {
    let mut connector = TimeoutConnector::new(connector);
    connector.set_connect_timeout(Some(CONNECT_TIME_MAX));
    connector
}

#[cfg(test)]
mod tests;
