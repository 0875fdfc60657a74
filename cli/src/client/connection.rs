//! Connections, kept for the next request.
//!
//! A command needs one; a load test as many as it has requests under way. A kept connection that
//! the server has closed meanwhile is noticed before the request is lost: hyper hands the request
//! back when none of it was sent, and only then it goes to a new connection.
//!
//! A new one goes to whichever of the host's addresses answers first. Which that is, is decided
//! after TLS: a server that lets connections in and then says nothing is no better than one that
//! swallows packets.

use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, ServerName},
};
use tokio::{
    net::{TcpStream, lookup_host},
    task::{JoinError, JoinHandle},
    time::{Duration, Instant, timeout, timeout_at},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ClientError, Server, race, tls};

/// For the look-up and all addresses, TCP and TLS; a server that is there needs milliseconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// From the request's first byte to the answer's last. Proxies cut at 60 s, so no more can come.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

type Sender = SendRequest<Full<Bytes>>;

/// Connections to one server.
pub(super) struct Connections {
    url: String,
    host: String,
    port: u16,
    name: ServerName<'static>,
    tls: TlsConnector,
    /// The tool's own.
    certificate: Option<CertificateDer<'static>>,
    idle: Mutex<Vec<Sender>>,
}

impl Connections {
    pub(super) fn new(
        server: &Server,
        tls: Arc<ClientConfig>,
        certificate: Option<CertificateDer<'static>>,
    ) -> Self {
        Self {
            url: server.url.clone(),
            host: server.host.clone(),
            port: server.port,
            name: server.name.clone(),
            tls: tls.into(),
            certificate,
            idle: Mutex::default(),
        }
    }

    /// Sends one request over a kept connection or a new one, and reads the whole answer.
    pub(super) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, ClientError> {
        let (sender, response, deadline) = self.begin(request).await?;
        let whole = timeout_at(deadline, collect(response)).await.map_err(|_| self.timed_out())?;
        let response = whole.map_err(|source| self.lost(source))?;
        self.keep(sender);
        Ok(response)
    }

    /// The same, up to the answer's head. Its body comes bit by bit; the connection ends with it.
    pub(super) async fn open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Pieces>, ClientError> {
        let (sender, response, _) = self.begin(request).await?;
        let (head, body) = response.into_parts();
        let pieces = Pieces { body, server: self.url.clone(), _sender: sender };
        Ok(Response::from_parts(head, pieces))
    }

    /// Sends one request, and gives the answer's head and when the rest of it is due.
    async fn begin(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<(Sender, Response<Incoming>, Instant), ClientError> {
        while let Some(mut sender) = self.take_idle() {
            if sender.ready().await.is_err() {
                continue;
            }
            let deadline = Instant::now() + ANSWER_TIMEOUT;
            match self.answer(&mut sender, request, deadline).await {
                Ok(response) => return Ok((sender, response, deadline)),
                Err(Unanswered::NotSent(unsent, _)) => request = *unsent,
                Err(Unanswered::Failed(error)) => return Err(error),
            }
        }
        let (mut sender, ended) = self.connect().await?;
        let deadline = Instant::now() + ANSWER_TIMEOUT;
        match self.answer(&mut sender, request, deadline).await {
            Ok(response) => Ok((sender, response, deadline)),
            Err(Unanswered::NotSent(_, source)) => Err(self.unused(&source, ended.await)),
            Err(Unanswered::Failed(error)) => Err(error),
        }
    }

    fn take_idle(&self) -> Option<Sender> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn keep(&self, sender: Sender) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
    }

    async fn connect(&self) -> Result<(Sender, Ended), ClientError> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let addresses = timeout_at(deadline, lookup_host((self.host.as_str(), self.port)))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|source| self.unreachable(source))?;
        self.connect_to_any(addresses, deadline).await
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the task ends with its connection, which ends with the client: nothing to drain"
    )]
    async fn connect_to_any(
        &self,
        addresses: impl Iterator<Item = SocketAddr>,
        deadline: Instant,
    ) -> Result<(Sender, Ended), ClientError> {
        let attempt = |address| handshake(self.tls.clone(), self.name.clone(), address);
        let tls = race::first(addresses, deadline, attempt)
            .await
            .map_err(|failures| self.unconnected(failures))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(tls)).await.map_err(|source| self.lost(source))?;
        // What the connection fails of, the request under way is told too.
        Ok((sender, tokio::spawn(connection)))
    }

    async fn answer(
        &self,
        sender: &mut Sender,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response<Incoming>, Unanswered> {
        let head = timeout_at(deadline, sender.try_send_request(request)).await;
        match head.map_err(|_| self.timed_out())? {
            Ok(response) => Ok(response),
            Err(mut error) => match error.take_message() {
                Some(unsent) => Err(Unanswered::NotSent(Box::new(unsent), error.into_error())),
                None => Err(self.lost(error.into_error()).into()),
            },
        }
    }

    fn timed_out(&self) -> ClientError {
        let after_s = ANSWER_TIMEOUT.as_secs();
        ClientError::TimedOut { server: self.url.clone(), after_s }
    }

    /// Of several reasons, that of a server that was there says the most.
    fn unconnected(&self, failures: Vec<io::Error>) -> ClientError {
        let untrusted = failures.iter().find_map(|failure| self.untrusted(failure));
        untrusted.unwrap_or_else(|| {
            let first = failures.into_iter().next();
            self.unreachable(first.unwrap_or(io::ErrorKind::AddrNotAvailable.into()))
        })
    }

    /// Why nothing was sent over a new connection. A server that has judged the client's certificate
    /// at once is heard before it is asked: by the request when it waits to be sent, else by the
    /// connection.
    fn unused(
        &self,
        source: &hyper::Error,
        ended: Result<hyper::Result<()>, JoinError>,
    ) -> ClientError {
        let connection = ended.ok().and_then(Result::err);
        self.untrusted(source)
            .or_else(|| self.untrusted(&connection?))
            .unwrap_or_else(|| self.unreachable(io::ErrorKind::ConnectionReset.into()))
    }

    fn unreachable(&self, source: io::Error) -> ClientError {
        ClientError::Unreachable { server: self.url.clone(), source }
    }

    /// With TLS 1.3 the server judges the client's certificate only after the handshake, so that
    /// its refusal arrives in the place of the answer. It is not a lost answer: no request was looked
    /// at.
    fn lost(&self, source: hyper::Error) -> ClientError {
        self.untrusted(&source)
            .unwrap_or_else(|| ClientError::Lost { server: self.url.clone(), source })
    }

    fn untrusted(&self, error: &(dyn StdError + 'static)) -> Option<ClientError> {
        let source = Box::new(find_tls_error(error)?.clone());
        // What the server says is about the tool's certificate; what is wrong here is the server's.
        let is_told = matches!(*source, rustls::Error::AlertReceived(_));
        let certificate = self.certificate.as_ref().filter(|_| is_told);
        let ended_on = certificate.and_then(tls::ended_on);
        Some(ClientError::Untrusted { server: self.url.clone(), source, ended_on })
    }
}

async fn handshake(
    tls: TlsConnector,
    name: ServerName<'static>,
    address: SocketAddr,
) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    // Requests are small and complete: waiting for more to send would only delay them.
    tcp.set_nodelay(true)?;
    tls.connect(name, tcp).await
}

/// An answer's body, bit by bit.
#[derive(Debug)]
pub(super) struct Pieces {
    body: Incoming,
    server: String,
    // Without it the connection ends.
    _sender: Sender,
}

impl Pieces {
    /// The next bit; `None` at the body's end, as its sender meant it.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            let lost = |source| ClientError::Lost { server: self.server.clone(), source };
            if let Ok(bytes) = frame.map_err(lost)?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// All of it, when it is not longer than this.
    pub(super) async fn all(&mut self, bytes_max: usize) -> Result<Bytes, ClientError> {
        let mut all = Vec::new();
        let whole = async {
            while let Some(bytes) = self.next().await? {
                all.extend_from_slice(&bytes);
                if all.len() > bytes_max {
                    break;
                }
            }
            Ok::<_, ClientError>(())
        };
        // What comes too slowly, or is too long, is cut.
        timeout(ANSWER_TIMEOUT, whole).await.unwrap_or(Ok(()))?;
        Ok(all.into())
    }
}

/// How a connection ends.
type Ended = JoinHandle<hyper::Result<()>>;

/// Why there is no answer.
#[derive(Debug)]
enum Unanswered {
    /// The connection had ended before, for this reason; nothing went out.
    NotSent(Box<Request<Full<Bytes>>>, hyper::Error),
    Failed(ClientError),
}

impl From<ClientError> for Unanswered {
    fn from(error: ClientError) -> Self {
        Self::Failed(error)
    }
}

async fn collect(response: Response<Incoming>) -> Result<Response<Bytes>, hyper::Error> {
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

/// `io::Error::source` skips the error that it wraps, so each link is asked for its inside first.
fn find_tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut link = Some(error);
    while let Some(error) = link {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(tls);
        }
        link = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
