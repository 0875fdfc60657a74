//! The one HTTP client of the API.
//!
//! A method a route, answers as wire types with the API's own JSON beside them. It is built for
//! more than one command: a load test calls the same methods, many at once, so every method takes
//! `&self` and the connections are shared. What may be sent again, and when, is decided here and
//! nowhere else; the reasons are in [`retry`].

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use tjf_api_types::IDEMPOTENCY_KEY;
use tokio::time::{Duration, Instant};

mod connection;
mod error;
mod log;
mod race;
mod retry;
mod routes;
mod server;
mod tls;

pub use error::{ClientError, Refusal};
pub use log::LogAnswer;
pub use server::ServerError;
pub use tls::TlsError;

use connection::Connections;
use retry::{Attempts, Repeat};
use server::Server;

use crate::{clock::Clock, credentials::Credentials};

/// How the command introduces itself.
const USER_AGENT: &str = concat!("toolforge-jobs/", env!("CARGO_PKG_VERSION"));

/// Talks to one server as one tool.
pub struct Client {
    server: Server,
    connections: Connections,
    may_repeat: bool,
    observer: Option<Observer>,
}

/// Is told of everything that happens between the client and the server.
pub type Observer = Box<dyn Fn(&Event<'_>) + Send + Sync>;

/// What an observer is told.
#[derive(Debug)]
pub enum Event<'a> {
    /// A request was sent; it may be one of several attempts.
    Exchange(Exchange<'a>),
    /// It will be sent again.
    Repetition(Repetition<'a>),
}

/// One request and what came of it.
#[derive(Debug)]
pub struct Exchange<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path and query.
    pub path: &'a str,
    /// The answer's status, whatever it is; an error when there was no answer.
    pub status: Result<u16, &'a ClientError>,
    /// The request id that the server gave it.
    pub request_id: Option<&'a str>,
    /// From the first attempt to connect to the answer's last byte; of a log, to the end of its head.
    pub duration: Duration,
}

/// Why and when a request is sent again.
#[derive(Debug)]
pub struct Repetition<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The request's path and query, without what the server's address has in front of it.
    pub path: &'a str,
    /// What the last attempt ended with.
    pub reason: &'a ClientError,
    /// From now to the next attempt.
    pub pause: Duration,
}

/// A successful answer.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What it says.
    pub value: T,
    /// The same as the API wrote it, byte for byte.
    pub json: Bytes,
    /// By which the service knows this very answer.
    pub tag: Option<String>,
    /// When it was answered.
    pub clock: Clock,
}

/// One request, as often as it has to be sent.
struct Call<'a> {
    method: Method,
    path: String,
    body: Bytes,
    key: Option<&'a str>,
    /// The tag of an answer that need not come again.
    known: Option<&'a str>,
    repeat: Repeat,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`SetupError`] when the address is not an `https://` URL or the credentials can't be used.
    pub fn new(server: &str, credentials: &Credentials) -> Result<Self, SetupError> {
        let server: Server = server.parse()?;
        let (tls, certificate) = tls::config(credentials)?;
        Ok(Self {
            connections: Connections::new(&server, Arc::new(tls), Some(certificate)),
            server,
            may_repeat: true,
            observer: None,
        })
    }

    /// Sends everything once only. A measurement must not hide failures behind repetitions.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.may_repeat = false;
        self
    }

    /// Reports every exchange and every repetition to `observer`.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Sends a call until it is answered well or must not be sent again.
    async fn send(&self, call: &Call<'_>) -> Result<Response<Bytes>, ClientError> {
        let mut attempts = Attempts::new(call.repeat, self.may_repeat);
        loop {
            let error = match self.send_once(call).await {
                Ok(response) if is_good(response.status()) => return Ok(response),
                Ok(response) => ClientError::Refused(Box::new(Refusal::read(&response))),
                Err(error) => error,
            };
            let Some(pause) = attempts.pause_after(&error) else {
                return Err(attempts.conclude(error));
            };
            self.tell(&Event::Repetition(Repetition {
                method: call.method.as_str(),
                path: &call.path,
                reason: &error,
                pause,
            }));
            tokio::time::sleep(pause).await;
        }
    }

    async fn send_once(&self, call: &Call<'_>) -> Result<Response<Bytes>, ClientError> {
        self.send_by(call, async |request| self.connections.exchange(request).await).await
    }

    /// Sends a call once, in this way, and tells of it.
    async fn send_by<B>(
        &self,
        call: &Call<'_>,
        send: impl AsyncFnOnce(Request<Full<Bytes>>) -> Result<Response<B>, ClientError>,
    ) -> Result<Response<B>, ClientError> {
        let path = format!("{}{}", self.server.path_prefix, call.path);
        let began = Instant::now();
        let result = match self.request(call, &path) {
            Ok(request) => send(request).await,
            Err(error) => Err(error),
        };
        self.tell(&Event::Exchange(Exchange {
            method: call.method.as_str(),
            path: &path,
            status: result.as_ref().map(|response| response.status().as_u16()),
            request_id: result.as_ref().ok().and_then(error::request_id),
            duration: began.elapsed(),
        }));
        result
    }

    fn tell(&self, event: &Event<'_>) {
        if let Some(observer) = &self.observer {
            observer(event);
        }
    }

    fn request(&self, call: &Call<'_>, path: &str) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(path)
            .header(header::HOST, &self.server.authority)
            .header(header::ACCEPT, "application/json")
            .header(header::USER_AGENT, USER_AGENT);
        if !call.body.is_empty() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(key) = call.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(tag) = call.known {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        request.body(Full::new(call.body.clone())).map_err(ClientError::unwritable)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server.url).finish_non_exhaustive()
    }
}

impl Call<'_> {
    fn read(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            body: Bytes::new(),
            key: None,
            known: None,
            repeat: Repeat::Freely,
        }
    }

    fn restart(path: String) -> Self {
        Self { method: Method::POST, repeat: Repeat::Never, ..Self::read(path) }
    }

    fn delete(path: String) -> Self {
        Self { method: Method::DELETE, repeat: Repeat::Never, ..Self::read(path) }
    }
}

/// Why no client can be made; nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The server's address is not an address.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The certificate, the key or the CA can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// What is known already is a good answer, too.
fn is_good(status: StatusCode) -> bool {
    status.is_success() || status == StatusCode::NOT_MODIFIED
}

/// Takes a good answer for what its route says that it is.
fn read<T: DeserializeOwned>(response: Response<Bytes>) -> Result<Answer<T>, ClientError> {
    match serde_json::from_slice(response.body()) {
        Ok(value) => {
            let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
            let clock = Clock::of_answer(text(header::DATE));
            let tag = text(header::ETAG).map(str::to_owned);
            Ok(Answer { value, json: response.into_body(), tag, clock })
        }
        Err(source) => {
            let request_id = error::request_id(&response).map(str::to_owned);
            let json = response.into_body();
            let is_json = serde_json::from_slice::<IgnoredAny>(&json).is_ok();
            let json = is_json.then_some(json);
            Err(ClientError::Unreadable { request_id, source, json })
        }
    }
}
