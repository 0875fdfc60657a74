//! The Kubernetes protocol over the store: HTTP, mutual TLS, JSON.
//!
//! It speaks as much as the product and its tests need, in Kubernetes' own words, and everything
//! else by name. It knows no controller: whatever it changes, the log tells.

mod content;
mod fault;
mod path;
mod read;
mod selector;
mod status;
mod tls;
mod user;
mod validate;
mod watch;
mod write;

use std::{io, path::PathBuf, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use rustls::{
    pki_types::{CertificateDer, UnixTime},
    server::danger::ClientCertVerifier,
};
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch as watch_channel,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

pub use self::fault::{Effect, Fault, RecordedCall};
use self::{
    content::Sent,
    path::{Part, Query, Target},
    status::Refused,
    user::User,
};
pub(crate) use self::{fault::Faults, user::ADMINISTRATORS};
use crate::{
    Authority,
    kind::Kind,
    object::Object,
    shared::Shared,
    store::{Deleted, Deletion},
};

const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

type Body = BoxBody<Bytes, io::Error>;
type Outcome = Result<Response<Body>, Refused>;

/// Serves the store.
pub(crate) struct ApiServer {
    shared: Arc<Shared>,
    verifier: Arc<dyn ClientCertVerifier>,
    acceptor: TlsAcceptor,
    stands_still: watch_channel::Sender<bool>,
    /// What tests let go wrong.
    pub(crate) faults: Faults,
    /// Where the logs of pods are, by uid.
    logs: PathBuf,
}

impl ApiServer {
    /// A server for clients whose certificates this authority signs.
    pub(crate) fn new(shared: Arc<Shared>, authority: &Authority, logs: PathBuf) -> Arc<Self> {
        let (verifier, config) = tls::config(authority);
        Arc::new(Self {
            shared,
            verifier,
            acceptor: config.into(),
            stands_still: watch_channel::Sender::new(false),
            faults: Faults::default(),
            logs,
        })
    }

    /// Takes connections and answers nothing, or goes on.
    pub(crate) fn stand_still(&self, stands_still: bool) {
        self.stands_still.send_replace(stands_still);
    }

    async fn until_it_goes_on(&self) {
        // The sender lives as long as we do.
        let _ = self.stands_still.subscribe().wait_for(|stands_still| !stands_still).await;
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(Arc::clone(&self).connection(stream));
                    }
                    // Too many open files, most often: it passes.
                    Err(_) => tokio::task::yield_now().await,
                },
                Some(_) = connections.join_next() => {}
            }
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        self.until_it_goes_on().await;
        let stream = timeout(HANDSHAKE_TIME_MAX, self.acceptor.accept(stream)).await??;
        let peer = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
        let peer = Arc::new(peer.map(|certificate| certificate.clone().into_owned()));
        let this = Arc::clone(&self);
        let service = service_fn(move |request| {
            let (this, peer) = (Arc::clone(&this), Arc::clone(&peer));
            async move { this.answer(peer.as_ref().as_ref(), request).await }
        });
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http2().timer(TokioTimer::new());
        // What was asked is done, although its sender has left.
        builder.http1().timer(TokioTimer::new()).half_close(true);
        let serving = builder.serve_connection(TokioIo::new(stream), service);
        self.unless_it_stands_still(serving).await.map_err(io::Error::other)
    }

    /// Serves a connection, and while the server stands still touches nothing of it.
    async fn unless_it_stands_still<T>(&self, serving: impl Future<Output = T>) -> T {
        let mut stands_still = self.stands_still.subscribe();
        let mut serving = pin!(serving);
        loop {
            tokio::select! {
                biased;
                _ = stands_still.wait_for(|stands_still| *stands_still) => {}
                served = &mut serving => return served,
            }
            self.until_it_goes_on().await;
        }
    }

    async fn answer(
        &self,
        peer: Option<&CertificateDer<'_>>,
        request: Request<Incoming>,
    ) -> io::Result<Response<Body>> {
        match self.judge(peer, &request) {
            Ok((user, verb, target, query)) => {
                let effect = self.faults.meet(user.name(), verb, &target);
                let done = async {
                    let outcome = self.outcome(target, query, request).await;
                    outcome.unwrap_or_else(|refused| refusal(&refused))
                };
                fault::inflict(effect, done).await
            }
            Err(refused) => Ok(refusal(&refused)),
        }
    }

    /// Who asks for what, if they may.
    fn judge(
        &self,
        peer: Option<&CertificateDer<'_>>,
        request: &Request<Incoming>,
    ) -> Result<(User, &'static str, Target, Query), Refused> {
        let user = User::of(peer, &self.verifier, UnixTime::now())?;
        let target = path::parse(request.uri().path())?;
        let query = Query::of(request.uri())?;
        let verb = target.verb(request.method(), query.is("watch"));
        let verb = verb.ok_or_else(Refused::method_not_allowed)?;
        user.may(verb, &target)?;
        if query.get("dryRun").is_some_and(|how| how != "All" || verb != "create") {
            let message = "this development cluster knows dryRun of creates only, and only `All`";
            return Err(Refused::bad_request(message));
        }
        Ok((user, verb, target, query))
    }

    async fn outcome(&self, target: Target, query: Query, request: Request<Incoming>) -> Outcome {
        let (parts, body) = request.into_parts();
        match parts.method {
            Method::GET if target.part == Some(Part::Log) => self.log(&target, &query).await,
            Method::GET if query.is("watch") => self.watch(target, &query),
            Method::GET => self.look(&target, &query),
            Method::DELETE => {
                let deletion = write::deletion(&whole(body).await?, &query)?;
                let warnings = write::warnings(&target, &deletion);
                let outcome = self.delete(&target, &query, &deletion);
                Ok(warned(outcome.unwrap_or_else(|refused| refusal(&refused)), &warnings))
            }
            Method::PATCH => {
                content::check_type(&parts.headers, "application/merge-patch+json")?;
                let body = whole(body).await?;
                let (object, warnings) =
                    self.shared.with(|store, _| write::patch(store, &target, &query, &body))?;
                Ok(warned(json_response(StatusCode::OK, &object.to_value()), &warnings))
            }
            method => {
                content::check_type(&parts.headers, "application/json")?;
                let sent = content::read(&whole(body).await?, &target, &query)?;
                self.write(&method, &target, sent)
            }
        }
    }

    fn look(&self, target: &Target, query: &Query) -> Outcome {
        let value = self.shared.with(|store, _| match target.name {
            Some(_) => read::get(store, &target.key()).map(|object| object.to_value()),
            None => read::list(store, target, query).map(|list| list.to_value(target.kind)),
        })?;
        Ok(json_response(StatusCode::OK, &value))
    }

    fn watch(&self, target: Target, query: &Query) -> Outcome {
        let lines = StreamBody::new(watch::begin(&self.shared, target, query)?);
        Ok(response(StatusCode::OK, "application/json", BodyExt::boxed(lines)))
    }

    async fn log(&self, target: &Target, query: &Query) -> Outcome {
        let pod = self.shared.with(|store, _| read::get(store, &target.key()))?;
        // A pod that has not begun has no log, which is not told from an empty one.
        let text = tokio::fs::read(self.logs.join(pod.uid())).await.unwrap_or_default();
        let lines_max = query.number("tailLines")?.and_then(|lines| usize::try_from(lines).ok());
        let lines = last_lines(text, lines_max.unwrap_or(usize::MAX));
        Ok(response(StatusCode::OK, "text/plain", full(lines.into())))
    }

    fn write(&self, method: &Method, target: &Target, mut sent: Sent) -> Outcome {
        let warnings = std::mem::take(&mut sent.warnings);
        let (code, object) = self.shared.with(|store, now| match *method {
            Method::POST => Ok((StatusCode::CREATED, write::create(store, sent, now)?)),
            _ => Ok((StatusCode::OK, write::replace(store, target, sent.object)?)),
        })?;
        Ok(warned(json_response(code, &object.to_value()), &warnings))
    }

    fn delete(&self, target: &Target, query: &Query, deletion: &Deletion) -> Outcome {
        if target.name.is_none() {
            let deleted = self
                .shared
                .with(|store, now| write::delete_all(store, target, query, deletion, now))?;
            return Ok(json_response(StatusCode::OK, &deleted.to_value(target.kind)));
        }
        let key = target.key();
        let value =
            match self.shared.with(|store, now| write::delete(store, &key, deletion, now))? {
                Deleted::Going(object) => object.to_value(),
                // These say what they were; the others have a `Status` for it.
                Deleted::Gone(object) if matches!(key.kind, Kind::Pod | Kind::ResourceQuota) => {
                    object.to_value()
                }
                Deleted::Gone(object) if key.kind == Kind::Service => {
                    let mut before = Object::clone(&object);
                    before.metadata.deletion_timestamp = None;
                    before.metadata.deletion_grace_period_seconds = None;
                    before.to_value()
                }
                Deleted::Gone(object) => status::deleted(&key, object.uid()),
            };
        Ok(json_response(StatusCode::OK, &value))
    }
}

async fn whole(body: Incoming) -> Result<Bytes, Refused> {
    match Limited::new(body, content::BYTES_MAX).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refused::too_large(content::BYTES_MAX)),
        Err(error) => Err(Refused::bad_request(error.to_string())),
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn response(code: StatusCode, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = code;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

fn json_response(code: StatusCode, value: &Value) -> Response<Body> {
    response(code, "application/json", full(value.to_string().into()))
}

fn refusal(refused: &Refused) -> Response<Body> {
    let mut response = json_response(refused.code, &refused.to_value());
    if let Some(seconds) = refused.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn warned(mut response: Response<Body>, warnings: &[String]) -> Response<Body> {
    for warning in warnings {
        let text = format!("299 - \"{}\"", warning.replace('"', "\\\""));
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

fn last_lines(text: Vec<u8>, lines_max: usize) -> Vec<u8> {
    let mut starts = (0..text.len()).rev().filter(|at| *at == 0 || text[at - 1] == b'\n');
    match lines_max.checked_sub(1).map(|skipped| starts.nth(skipped)) {
        None => Vec::new(),
        Some(Some(start)) => text[start..].to_vec(),
        Some(None) => text,
    }
}
