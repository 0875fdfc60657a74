//! HTTP over TLS, as whoever the certificate says.
//!
//! Not the command's own client: that one sends only what is right, and half of these tests send
//! what is not.

mod following;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Method, Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tjf_api_types::Problem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub use self::following::{End, Following};
use super::described;
use crate::{
    Identity, Service,
    secrets::{self, Searched},
};

/// More than the service's own limit of 30 s, and than an answer may be held without a view of
/// Kubernetes.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// For TCP and TLS: where nobody is any more, the system tries for two minutes.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(10);
const BASE_PATH: &str = "/api/v1";

/// Talks to one service as one caller.
#[derive(Clone)]
pub struct Client {
    tls: TlsConnector,
    address: SocketAddr,
    server_name: ServerName<'static>,
    source: Option<IpAddr>,
}

/// A connection that is kept, for one request after the other. It ends when this is dropped.
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    address: SocketAddr,
    _driver: JoinSet<hyper::Result<()>>,
}

/// Why a kept connection brought no answer.
#[derive(Debug)]
pub enum Unanswered {
    /// It had ended before, and nothing of the request was sent: another connection may take it.
    NotSent,
    /// Nobody knows what became of the request.
    Lost(String),
}

/// One request.
#[derive(Debug, Clone)]
pub struct Call {
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// A request without a body; the path is what comes after `/api/v1`.
    pub fn new(method: Method, path: &str) -> Self {
        Self::to(method, &format!("{BASE_PATH}{path}"))
    }

    /// The same of a path that is whole.
    pub fn to(method: Method, path: &str) -> Self {
        Self { method, path: path.to_owned(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A GET.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `run`, as JSON.
    pub fn run(body: &Value) -> Self {
        let call = Self::new(Method::POST, "/run/").header("content-type", "application/json");
        call.body(body.to_string())
    }

    /// A `run`, as a form.
    pub fn run_form(body: &str) -> Self {
        Self::new(Method::POST, "/run/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.to_owned())
    }

    /// A `delete` of one job.
    pub fn delete(name: &str) -> Self {
        Self::new(Method::DELETE, &format!("/delete/{name}/"))
    }

    /// A `restart` of one job.
    pub fn restart(name: &str) -> Self {
        Self::new(Method::POST, &format!("/restart/{name}/"))
    }

    /// A `flush`.
    pub fn flush() -> Self {
        Self::new(Method::DELETE, "/flush/")
    }

    /// The same with one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(self, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..self }
    }

    fn request(self, host: SocketAddr) -> http::Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(header::HOST, host.to_string());
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body))
    }
}

/// One answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    async fn read(response: Response<Incoming>) -> hyper::Result<Self> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Self { status: head.status.as_u16(), headers: head.headers, body })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When the status is another, or the body can't be understood.
    #[track_caller]
    pub fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        assert_eq!(self.status, status, "{}", self.text());
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// The problem that an answer with this status tells.
    ///
    /// # Panics
    /// When the answer is another, or is not written as problems are.
    #[track_caller]
    pub fn expect_problem(&self, status: u16, slug: &str) -> Problem {
        let problem: Problem = self.expect(status);
        let content_type = self.headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes());
        assert_eq!(content_type, Some(&b"application/problem+json"[..]));
        assert_eq!((problem.slug(), problem.status), (slug, status), "{problem:?}");
        let request_id = self.headers.get("x-request-id").and_then(|value| value.to_str().ok());
        assert_eq!(request_id, Some(problem.instance.as_str()));
        problem
    }
}

impl Service {
    /// A client that shows this certificate, or none.
    pub fn client(&self, identity: Option<&Identity>) -> Client {
        Client::new(self.address, &self.ca, identity)
    }
}

impl Client {
    /// Prepares to talk to the service at `address`, whose certificate `ca` signed.
    ///
    /// # Panics
    /// When certificate or key can't be used.
    pub fn new(address: SocketAddr, ca: &str, identity: Option<&Identity>) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(ca.as_bytes()).expect("the CA's certificate");
        roots.add(ca).expect("the CA's certificate can be a root");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows TLS 1.3")
            .with_root_certificates(roots);
        let config = match identity {
            Some(Identity { certificate, key }) => {
                let certificate = CertificateDer::from_pem_slice(certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes());
                builder
                    .with_client_auth_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
                    .expect("the key is the certificate's")
            }
            None => builder.with_no_client_auth(),
        };
        let server_name = ServerName::IpAddress(address.ip().into());
        Self { tls: Arc::new(config).into(), address, server_name, source: None }
    }

    /// The same, but the server's certificate has this name instead of its address.
    ///
    /// # Panics
    /// When it can't be a name.
    #[must_use]
    pub fn expecting(self, name: &'static str) -> Self {
        Self { server_name: name.try_into().expect("a name"), ..self }
    }

    /// The same from another of this machine's addresses.
    #[must_use]
    pub fn sending_from(&self, source: IpAddr) -> Self {
        Self { source: Some(source), ..self.clone() }
    }

    /// A new connection, on which nothing has been said yet.
    ///
    /// # Errors
    /// When there is none.
    pub async fn connect(&self) -> io::Result<Searched<TlsStream<TcpStream>>> {
        let socket = match self.address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        self.tls.connect(self.server_name.clone(), stream).await.map(Searched::new)
    }

    /// A connection to keep.
    ///
    /// # Errors
    /// When there is none.
    pub async fn open(&self) -> io::Result<Connection> {
        let stream = timeout(CONNECTION_TIME_MAX, self.connect()).await??;
        let stream = TokioIo::new(stream);
        let (sender, connection) = http1::handshake(stream).await.map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        Ok(Connection { sender, address: self.address, _driver: driver })
    }

    /// Sends a request and reads its answer, on a connection of its own.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, call: Call) -> Answer {
        let what = format!("{} {}", call.method, call.path);
        match self.try_send(call).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer to {what}: {error}"),
        }
    }

    /// The same, when there may be no answer.
    ///
    /// # Errors
    /// When there is none.
    pub async fn try_send(
        &self,
        call: Call,
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        secrets::know_request(&call.body);
        let (method, path) = (call.method.clone(), call.path.clone());
        let exchange = async {
            let stream = TokioIo::new(self.connect().await?);
            let (mut sender, connection) = http1::handshake(stream).await?;
            let request = call.request(self.address)?;
            let answer = async { Ok(Answer::read(sender.send_request(request).await?).await?) };
            // The connection's own end says less than the answer's.
            let mut connection = std::pin::pin!(connection);
            let mut answer = std::pin::pin!(answer);
            tokio::select! {
                outcome = &mut answer => outcome,
                _ = &mut connection => answer.await,
            }
        };
        // On the heap: tests have many of them under way in one future.
        let answer = timeout(ANSWER_TIME_MAX, Box::pin(exchange)).await?;
        if let Ok(answer) = &answer {
            described::check(&method, &path, answer);
        }
        answer
    }

    /// Writes bytes as they are and reads whatever comes until the other side has had enough.
    ///
    /// # Panics
    /// When the other side neither answers nor closes in `time_max`.
    pub async fn send_raw(&self, bytes: &[u8], time_max: Duration) -> String {
        let stream = self.connect().await.expect("a connection");
        let (mut from, mut to) = tokio::io::split(stream);
        let mut heard = Vec::new();
        let say = async {
            // A refusal may come, and the connection go, before everything is written.
            let _ = to.write_all(bytes).await;
            let _ = to.flush().await;
        };
        let hear = async {
            let _ = from.read_to_end(&mut heard).await;
        };
        let ended = timeout(time_max, async { tokio::join!(say, hear) }).await;
        let heard = String::from_utf8_lossy(&heard).into_owned();
        assert!(ended.is_ok(), "still open after {time_max:?}; heard so far: {heard:?}");
        heard
    }
}

impl Connection {
    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn send(&mut self, call: Call) -> Result<Answer, Unanswered> {
        let lost = |error: &dyn std::fmt::Display| Unanswered::Lost(error.to_string());
        let request = call.request(self.address).map_err(|error| lost(&error))?;
        if self.sender.ready().await.is_err() {
            return Err(Unanswered::NotSent);
        }
        let exchange = async {
            match self.sender.try_send_request(request).await {
                Ok(response) => Answer::read(response).await.map_err(|error| lost(&error)),
                Err(mut error) => match error.take_message() {
                    Some(_) => Err(Unanswered::NotSent),
                    None => Err(lost(&error.into_error())),
                },
            }
        };
        timeout(ANSWER_TIME_MAX, exchange).await.unwrap_or_else(|late| Err(lost(&late)))
    }
}
