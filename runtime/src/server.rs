//! The listener: connections in, limits on all of them, and a drain at the end.

mod clear;

use std::{convert::Infallible, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use http::{HeaderValue, Request, header};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::task::TaskTracker;

use crate::{
    activity::{Arriving, Watched},
    admin::{self, Admin},
    config::{ADMIN_LISTEN, Config, Faults, LISTEN},
    connections::{Connection, ConnectionLimits, Connections},
    context::Application,
    failure::Failure,
    host,
    identity::PeerCertificate,
    linger::linger,
    memory,
    open_files::{ACCEPT_PAUSE, Complaint},
    reload::{LookNow, reason},
    service::Service,
    shutdown::Shutdown,
    tls::{self, OwnCertificate},
};

/// A request head of more than this is answered with 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How often the log says what was left out of it.
const TELL_TIME: Duration = Duration::from_secs(10);

/// Why the service does not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Settings, or the files that they name, can't be used.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// Addresses can't be listened on.
    #[error("{0}")]
    Listen(Faults),
    /// TLS can't be spoken.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The operating system refuses something else.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// A service whose addresses are taken and whose certificates are good.
pub struct Bound<S: Application> {
    service: Arc<Service<S>>,
    own_certificate: Arc<OwnCertificate>,
    acceptor: TlsAcceptor,
    listener: TcpListener,
    admin_listener: TcpListener,
}

/// Reads certificates and takes both addresses, so that what can't work fails before anything is
/// served.
///
/// # Errors
/// When a file is not usable or an address is taken.
pub async fn bind<S: Application>(
    config: &Config,
    service: Service<S>,
) -> Result<Bound<S>, StartError> {
    let own_certificate = Arc::new(tls::own_certificate(config)?);
    let verifier = tls::client_verifier(config)?;
    let tls = tls::server_config(verifier, Arc::clone(&own_certificate))?;
    let mut faults = Faults::default();
    let listener = listen(LISTEN, config.listen, &mut faults).await;
    let admin_listener = listen(ADMIN_LISTEN, config.admin_listen, &mut faults).await;
    let both = faults.finish(listener.zip(admin_listener));
    let (listener, admin_listener) = both.map_err(StartError::Listen)?;
    Ok(Bound {
        service: Arc::new(service),
        own_certificate,
        acceptor: TlsAcceptor::from(tls),
        listener,
        admin_listener,
    })
}

async fn listen(key: &str, address: SocketAddr, faults: &mut Faults) -> Option<TcpListener> {
    match TcpListener::bind(address).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            faults.add(key, format_args!("can't listen on {address}: {}", reason(&error)));
            None
        }
    }
}

impl<S: Application> Bound<S> {
    /// Where the API listens.
    ///
    /// # Errors
    /// When the operating system does not know.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where health and metrics are served.
    ///
    /// # Errors
    /// When the operating system does not know.
    pub fn admin_address(&self) -> io::Result<SocketAddr> {
        self.admin_listener.local_addr()
    }

    /// Serves until `shutdown` says so and everything begun is done, or the time for that is up. Our
    /// own certificate is read anew when `look_now` asks for it.
    pub async fn serve(self, shutdown: Shutdown, look_now: LookNow) {
        let limits = *self.service.limits();
        let connections = Connections::new(ConnectionLimits {
            all_max: limits.connections_max,
            unproven_max: limits.unproven_connections_max,
            per_certificate_max: limits.connections_per_certificate_max,
        });
        let admin = Arc::new(Admin {
            metrics: Arc::clone(&self.service.metrics),
            connections: Arc::clone(&connections),
            held: Box::new({
                let service = Arc::clone(&self.service);
                move || service.held()
            }),
            shutdown: shutdown.clone(),
            own_certificate: Arc::clone(&self.own_certificate),
        });
        let tracker = TaskTracker::new();
        let listener = Listener {
            acceptor: self.acceptor,
            service: Arc::clone(&self.service),
            connections,
            shutdown: shutdown.clone(),
            tracker: tracker.clone(),
        };
        let stopping = async {
            shutdown.draining().await;
            sleep(limits.drain_notice_time).await;
            self.service.stopping.cancel();
            std::future::pending().await
        };
        let telling = async {
            loop {
                sleep(TELL_TIME).await;
                self.service.log.tell_left_out();
            }
        };
        let serving = async {
            listener.accept_until_drained(&self.listener).await;
            drop(self.listener);
            tracker.close();
            tracker.wait().await;
            self.service.tasks.close();
            self.service.tasks.wait().await;
        };
        let time_is_up = async {
            shutdown.draining().await;
            sleep(limits.drain_time_max).await;
            tracing::warn!("not everything was answered in the time for a drain");
        };
        tokio::select! {
            () = serving => tracing::info!("drained"),
            () = time_is_up => {}
            () = shutdown.aborted() => {}
            () = admin::serve(self.admin_listener, admin, limits.admin_connections_max) => {}
            () = tls::watch_dates(Arc::clone(&self.own_certificate)) => {}
            () = self.own_certificate.watch(look_now) => {}
            () = stopping => {}
            () = telling => {}
            () = self.service.callers().tend() => {}
            () = memory::give_back_regularly() => {}
        }
        self.service.log.tell_left_out();
    }
}

/// What every connection needs.
struct Listener<S: Application> {
    acceptor: TlsAcceptor,
    service: Arc<Service<S>>,
    connections: Arc<Connections>,
    shutdown: Shutdown,
    tracker: TaskTracker,
}

impl<S: Application> Clone for Listener<S> {
    fn clone(&self) -> Self {
        Self {
            acceptor: self.acceptor.clone(),
            service: Arc::clone(&self.service),
            connections: Arc::clone(&self.connections),
            shutdown: self.shutdown.clone(),
            tracker: self.tracker.clone(),
        }
    }
}

impl<S: Application> Listener<S> {
    /// Accepts until some seconds after the drain began: until then the cluster may still send
    /// callers.
    async fn accept_until_drained(&self, listener: &TcpListener) {
        let mut complaint = Complaint::default();
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.service.stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) => match self.connections.enter() {
                    Some(connection) => {
                        self.tracker.spawn(self.clone().connection(stream, connection));
                    }
                    None => {
                        self.service.metrics.connections_refused.inc();
                    }
                },
                Err(error) => {
                    complaint.about(&error);
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// One connection, from handshake to end.
    async fn connection(self, stream: TcpStream, open: Connection) {
        let metrics = &self.service.metrics;
        // A small answer must not wait for the acknowledgement of its head.
        let _ = stream.set_nodelay(true);
        let time_max = self.service.limits().header_read_time_max;
        // On the heap, and only when something comes: who says nothing costs next to nothing.
        let handshake = async {
            let mut first = [0];
            stream.peek(&mut first).await?;
            if clear::is_http(first[0]) {
                Box::pin(clear::refuse(stream)).await;
                return Err(io::ErrorKind::InvalidData.into());
            }
            Box::pin(self.acceptor.accept(stream)).await
        };
        let accepted = tokio::select! {
            accepted = timeout(time_max, handshake) => accepted,
            () = open.close.cancelled() => {
                metrics.connections_refused.inc();
                return;
            }
        };
        let Ok(Ok(stream)) = accepted else {
            metrics.handshakes_failed.inc();
            return;
        };
        let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first).cloned();
        let peer = certificate.as_deref().and_then(PeerCertificate::from_der);
        // Over a proxy's certificate come the requests of all.
        let is_proxy = peer.as_ref().is_some_and(|peer| self.service.is_proxy(peer));
        let counted = certificate.as_deref().filter(|_| !is_proxy);
        let is_welcome = certificate.is_none() || open.prove(counted);
        if !is_welcome {
            metrics.connections_refused.inc();
        }
        open.activity.established();
        Box::pin(self.exchange(stream, &open, peer, is_welcome)).await;
    }

    /// Requests and answers on one connection, for as long as it keeps to the limits.
    async fn exchange(
        &self,
        stream: TlsStream<TcpStream>,
        open: &Connection,
        peer: Option<PeerCertificate>,
        is_welcome: bool,
    ) {
        let mut stream = Watched::new(stream, Arc::clone(&open.activity));
        let has_ended = self.answer_all(&mut stream, open, peer, is_welcome).await;
        if has_ended && stream.has_unread() {
            // From now on it makes room as an idle one does.
            open.activity.established();
            // On the heap, so that no connection is larger for what few come to.
            let lingering = Box::pin(linger(stream.into_inner()));
            tokio::select! {
                () = lingering => {}
                () = open.close.cancelled() => {}
            }
        }
    }

    /// True when the connection came to its end by itself; else it was cut off.
    async fn answer_all(
        &self,
        stream: &mut Watched<TlsStream<TcpStream>>,
        open: &Connection,
        peer: Option<PeerCertificate>,
        is_welcome: bool,
    ) -> bool {
        let answer = service_fn(|request: Request<Incoming>| {
            open.activity.request_begins(request.body().size_hint().exact());
            let request = request.map(|body| Arriving::new(body, Arc::clone(&open.activity)));
            let peer = peer.as_ref();
            async move {
                let mut response = match self.refusal(&request, is_welcome) {
                    Some(failure) => self.service.refuse(peer, &request, failure),
                    None => self.service.respond(peer, request).await,
                };
                // hyper closes a connection with half a body on it, and does not say so.
                if self.shutdown.is_draining() || open.activity.has_unread() {
                    response
                        .headers_mut()
                        .insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                let is_stream = response.body().is_stream();
                response.body_mut().hold(open.activity.answer_begins(is_stream));
                Ok::<_, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), answer);
        let mut connection = pin!(connection);
        tokio::select! {
            ended = &mut connection => {
                if ended.is_err_and(|error| error.is_parse() || error.is_parse_too_large()) {
                    self.service.metrics.requests_malformed.inc();
                    open.activity.head_is_malformed();
                }
                return true;
            }
            () = open.activity.overdue(self.service.limits()) => return false,
            () = open.close.cancelled() => {
                self.service.metrics.connections_refused.inc();
                if !open.activity.is_at_work() {
                    return false;
                }
            }
            () = self.service.stopping.cancelled() => {}
        }
        // Finishes the request that is at work, if any; an idle connection ends at once.
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => true,
            () = open.activity.overdue(self.service.limits()) => false,
        }
    }

    /// Why a request is refused before anybody looks at what it asks.
    fn refusal<B>(&self, request: &Request<B>, is_welcome: bool) -> Option<Failure> {
        if !is_welcome {
            return Some(too_many_connections());
        }
        let bad = host::check(request).err()?;
        Some(Failure::invalid("Host", bad.to_string()).and_close())
    }
}

fn too_many_connections() -> Failure {
    let detail = "there are too many connections with this certificate: close some, or send \
                  several requests over one";
    Failure::overloaded(detail).and_close()
}

#[cfg(test)]
mod tests;
