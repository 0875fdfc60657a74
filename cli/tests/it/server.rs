//! A server that answers from a script.

use std::{
    collections::VecDeque,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Condvar, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, future, stream};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Request, Response,
    body::{Frame, Incoming},
    header,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::PrivateKeyDer,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use serde::Serialize;
use tjf_api_types::IDEMPOTENCY_KEY;
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinSet,
    time::sleep,
};
use tokio_rustls::TlsAcceptor;

/// When everything is answered.
const DATE: &str = "Mon, 06 May 2024 07:11:17 GMT";

/// One answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// A status and a body.
    Answer(u16, Bytes),
    /// The same, with `Retry-After` in seconds.
    Later(u16, Bytes, u64),
    /// The same, after more than a second.
    Slow(u16, Bytes),
    /// The same, with an `ETag`.
    Tagged(u16, Bytes, &'static str),
    /// A log.
    Log(Log),
    /// The request is read and the connection closed.
    HangUp,
}

/// An answer with a log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// Headers, without the `log-` that each begins with.
    headers: Vec<(&'static str, String)>,
    text: &'static str,
    end: End,
}

/// What comes after the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum End {
    #[default]
    IsSaid,
    BreaksOff,
    NeverComes,
}

impl Log {
    /// What comes from here on, of a file that was so long.
    pub(crate) fn at(position: &str, length: usize, text: &'static str) -> Self {
        let headers = vec![("position", position.to_owned()), ("length", length.to_string())];
        Self { headers, text, end: End::IsSaid }
    }

    /// Of which there may be more.
    pub(crate) fn breaks_off(self) -> Reply {
        Reply::Log(Self { end: End::BreaksOff, ..self })
    }

    /// When something was written into its file last.
    pub(crate) fn modified(mut self, at: &str) -> Self {
        self.headers.push(("modified", at.to_owned()));
        self
    }

    /// Of which there is more to come.
    pub(crate) fn stays(self) -> Reply {
        Reply::Log(Self { end: End::NeverComes, ..self })
    }

    /// All of it.
    pub(crate) fn ends(self) -> Reply {
        Reply::Log(self)
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::Answer(status, serde_json::to_vec(body).unwrap().into())
    }

    pub(crate) fn text(status: u16, body: &'static str) -> Self {
        Self::Answer(status, Bytes::from_static(body.as_bytes()))
    }

    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        match self {
            Self::Answer(status, body) | Self::Later(status, body, _) => {
                Self::Later(status, body, seconds)
            }
            Self::Slow(..) | Self::Tagged(..) | Self::HangUp | Self::Log(_) => self,
        }
    }

    pub(crate) fn tagged(self, tag: &'static str) -> Self {
        match self {
            Self::Answer(status, body) => Self::Tagged(status, body, tag),
            other @ (Self::Later(..)
            | Self::Slow(..)
            | Self::Tagged(..)
            | Self::HangUp
            | Self::Log(_)) => other,
        }
    }
}

/// A CA of a test's own, with what it signs.
pub(crate) struct Ca {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) certificate: rcgen::Certificate,
}

impl Ca {
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.self_signed(&key).unwrap();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// Certificate and key; `name` is a DNS name or an address.
    pub(crate) fn sign(&self, name: &str) -> Identity {
        self.sign_odd(name, |_| ())
    }

    /// The same, with something odd about it.
    pub(crate) fn sign_odd(&self, name: &str, odd: impl Fn(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        odd(&mut params);
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// A certificate and its key.
pub(crate) type Identity = (rcgen::Certificate, KeyPair);

/// The server. It ends with its value.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    script: Arc<Script>,
    /// Has it listen, and tells when it does.
    open: Option<(oneshot::Sender<()>, mpsc::Receiver<()>)>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Answers to come and requests that came.
#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    seen: Mutex<Vec<Seen>>,
    has_seen: Condvar,
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) key: Option<String>,
    /// The tag of an answer that need not come again.
    pub(crate) known: Option<String>,
    pub(crate) body: String,
}

impl Server {
    /// Answers with the replies in turn; the last one is for all requests that are left. It refuses
    /// connections until it is opened.
    pub(crate) fn start(
        ca: &Ca,
        identity: Identity,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        let script = Arc::new(Script {
            replies: Mutex::new(replies.into_iter().collect()),
            ..Script::default()
        });
        let acceptor = TlsAcceptor::from(Arc::new(tls(ca, identity)));
        let (tell_address, address) = mpsc::channel();
        let (open, opened) = oneshot::channel();
        let (tell_listening, listening) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn({
            let script = Arc::clone(&script);
            move || {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    // A socket that does not listen has its port, and refuses.
                    let socket = TcpSocket::new_v4().unwrap();
                    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
                    tell_address.send(socket.local_addr().unwrap()).unwrap();
                    let serve = async {
                        if opened.await.is_ok() {
                            let listener = socket.listen(128).unwrap();
                            tell_listening.send(()).unwrap();
                            accept(listener, acceptor, script).await;
                        }
                    };
                    tokio::select! {
                        () = serve => {}
                        _ = stopped => {}
                    }
                });
            }
        });
        let address = address.recv().unwrap();
        let open = Some((open, listening));
        Self { address, script, open, stop: Some(stop), thread: Some(thread) }
    }

    /// Lets connections in, from now on.
    pub(crate) fn open(&mut self) {
        let (open, listening) = self.open.take().unwrap();
        open.send(()).unwrap();
        listening.recv().unwrap();
    }

    /// What has come so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.seen.lock().unwrap().clone()
    }

    /// The requests' methods and paths.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// Blocks until as many requests have come.
    pub(crate) fn wait_for(&self, count: usize) {
        let seen = self.script.seen.lock().unwrap();
        drop(self.script.has_seen.wait_while(seen, |seen| seen.len() < count).unwrap());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn tls(ca: &Ca, (certificate, key): Identity) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(ca.certificate.der().clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, script: Arc<Script>) {
    let mut connections = JoinSet::new();
    loop {
        let (tcp, _) = listener.accept().await.unwrap();
        connections.spawn(converse(tcp, acceptor.clone(), Arc::clone(&script)));
    }
}

async fn converse(tcp: TcpStream, acceptor: TlsAcceptor, script: Arc<Script>) {
    let tls = match acceptor.accept(tcp).into_fallible().await {
        Ok(tls) => tls,
        Err((_, mut tcp)) => {
            // Closing with bytes unread would reset the connection before the alert is read.
            drop(tokio::io::copy(&mut tcp, &mut tokio::io::sink()).await);
            return;
        }
    };
    let service = service_fn(|request| answer(Arc::clone(&script), request));
    // An error is what hanging up looks like from here.
    drop(http1::Builder::new().serve_connection(TokioIo::new(tls), service).await);
}

async fn answer(
    script: Arc<Script>,
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, io::Error>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let header = |name| head.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let seen = Seen {
        line: format!("{} {}", head.method, head.uri),
        key: header(IDEMPOTENCY_KEY),
        known: header(header::IF_NONE_MATCH.as_str()),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let whole = |body| Full::new(body).map_err(|never| match never {}).boxed();
    let reply = script.take(seen);
    let (status, body, more) = match reply {
        Reply::HangUp => return Err(io::ErrorKind::ConnectionAborted.into()),
        Reply::Log(log) => return Ok(log_answer(log)),
        Reply::Answer(status, body) => (status, body, None),
        Reply::Slow(status, body) => {
            // This is the fault that it is for.
            sleep(Duration::from_millis(1_500)).await;
            (status, body, None)
        }
        Reply::Later(status, body, seconds) => {
            (status, body, Some((header::RETRY_AFTER, seconds.to_string())))
        }
        Reply::Tagged(status, body, tag) => (status, body, Some((header::ETAG, tag.to_owned()))),
    };
    let mut response = Response::builder()
        .status(status)
        .header(header::DATE, DATE)
        .header(header::CONTENT_TYPE, "application/json");
    if let Some((name, value)) = more {
        response = response.header(name, value);
    }
    Ok(response.body(whole(body)).unwrap())
}

fn log_answer(Log { headers, text, end }: Log) -> Response<BoxBody<Bytes, io::Error>> {
    let mut response =
        Response::builder().header(header::CONTENT_TYPE, "text/plain; charset=utf-8");
    for (name, value) in headers {
        response = response.header(format!("log-{name}"), value);
    }
    let text = Ok(Frame::data(Bytes::from_static(text.as_bytes())));
    let end = async move {
        match end {
            End::IsSaid => None,
            // What is there goes out before the connection ends.
            End::BreaksOff => {
                tokio::task::yield_now().await;
                Some(Err(io::ErrorKind::ConnectionAborted.into()))
            }
            End::NeverComes => future::pending().await,
        }
    };
    let end = Box::pin(stream::once(end).filter_map(future::ready));
    let pieces = stream::iter([text]).chain(end);
    response.body(BodyExt::boxed(StreamBody::new(pieces))).unwrap()
}

impl Script {
    fn take(&self, seen: Seen) -> Reply {
        let wants_log = seen.line.contains("/logs/");
        self.seen.lock().unwrap().push(seen);
        self.has_seen.notify_all();
        let mut replies = self.replies.lock().unwrap();
        // Who waits asks beside who reads a log, and is not told of that.
        let other = replies.iter().position(|reply| wants_log || !matches!(reply, Reply::Log(_)));
        if let Some(at @ 1..) = other {
            return replies.remove(at).unwrap();
        }
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }.unwrap()
    }
}
