//! One request, from its head to its answer.

use std::{
    any::Any, future::poll_fn, mem, panic::AssertUnwindSafe, pin::pin, sync::Arc, task::Poll,
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use tjf_api_types::{REQUEST_ID, Shown};
use tokio::time::{Instant, error::Elapsed, timeout_at};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use tracing::Instrument;

use crate::{
    accept::{Media, negotiate},
    admission::{Admission, Class, Turn},
    body::Response,
    callers::Callers,
    config::{Config, Limits},
    context::{Application, refused},
    exchange::Exchange,
    failure::{BoxError, ErrorStatus, Failure},
    identity::{Gate, PeerCertificate},
    input::Received,
    metrics::{Held, Metrics},
    pool::{Clients, HomeClient},
    record::{Log, Record},
    reply::of_failure,
    request_id::RequestId,
    router::{Matched, Router},
};

/// Everything that answers requests.
pub struct Service<S: Application> {
    router: Router<S>,
    state: Arc<S>,
    callers: Callers<S::PerCaller>,
    gate: Gate,
    limits: Limits,
    admission: Admission,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) log: Arc<Log>,
    /// Work that goes on when its client has left; a drain waits for it.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when answers that are held, or have no end, have to come to one.
    pub(crate) stopping: CancellationToken,
}

/// A request that may be answered, and all that its handler needs.
struct Admitted<S: Application> {
    matched: Matched<S>,
    exchange: Exchange<S>,
    received: Received,
}

impl<S: Application> Service<S> {
    /// A service of these routes, with this state and these clients.
    pub fn new(
        config: &Config,
        limits: Limits,
        router: Router<S>,
        state: Arc<S>,
        clients: Clients<HomeClient>,
    ) -> Self {
        let (looks, calls) = (clients.looks(), clients.calls());
        let callers = Callers::new(clients, limits);
        let metrics = Arc::new(Metrics::new(looks, calls, callers.evictions()));
        Self {
            router,
            state,
            callers,
            gate: Gate::new(config),
            limits,
            admission: Admission::new(limits),
            log: Arc::new(Log::new(Arc::clone(&metrics))),
            metrics,
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }

    pub(crate) fn callers(&self) -> &Callers<S::PerCaller> {
        &self.callers
    }

    /// What is held now.
    pub(crate) fn held(&self) -> Held {
        Held { callers: self.callers.count(), places: self.admission.count() }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Whether this certificate is one over which the requests of many callers come.
    pub(crate) fn is_proxy(&self, peer: &PeerCertificate) -> bool {
        self.gate.is_proxy(peer)
    }

    /// Answers one request. `peer` is the verified certificate of the connection, if it presented
    /// one.
    pub async fn respond<B>(&self, peer: Option<&PeerCertificate>, request: Request<B>) -> Response
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let mut record = self.record(&request);
        match self.admit(peer, request, &mut record).await {
            Ok(admitted) => self.call(admitted, record).await,
            Err(failure) => finish(record, (), Err(failure), &self.stopping),
        }
    }

    /// Refuses a request that is not let as far as its route.
    pub(crate) fn refuse<B>(
        &self,
        peer: Option<&PeerCertificate>,
        request: &Request<B>,
        failure: Failure,
    ) -> Response {
        let mut record = self.record(request);
        let caller = self.gate.admit(peer, request.headers(), SystemTime::now());
        record.caller = caller.ok().map(|caller| caller.name.to_string());
        let answers = self.router.answers_near(request.uri().path());
        let media = negotiate(request.headers(), answers);
        record.media = media.unwrap_or_else(|| whatever_is_wanted(answers));
        finish(record, (), Err(failure), &self.stopping)
    }

    fn record<B>(&self, request: &Request<B>) -> Record {
        let id = RequestId::of(request.headers());
        Record::new(Arc::clone(&self.log), id, request.method())
    }

    /// Lets a request in, or says why not: hops two to five of eight.
    async fn admit<B>(
        &self,
        peer: Option<&PeerCertificate>,
        request: Request<B>,
        record: &mut Record,
    ) -> Result<Admitted<S>, Failure>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let found = self.router.find(&parts.method, parts.uri.path());
        let near = |_: &Failure| self.router.answers_near(parts.uri.path());
        let answers = found.as_ref().map_or_else(near, |matched| matched.policy.answers);
        let media = negotiate(&parts.headers, answers);
        record.media = media.unwrap_or_else(|| whatever_is_wanted(answers));
        record.has_choice = answers.len() > 1;
        // Who is nobody learns nothing about routes, unless they are for everybody.
        let caller = if found.as_ref().is_ok_and(|matched| !matched.policy.needs_caller) {
            None
        } else {
            let caller = self.gate.admit(peer, &parts.headers, SystemTime::now());
            Some(caller.map_err(refused)?)
        };
        record.caller = caller.as_ref().map(|caller| caller.name.to_string());
        let caller = caller.map(|caller| {
            let entry = self.callers.entry(&caller.name);
            (caller, entry)
        });
        let mut matched = found?;
        let policy = matched.policy;
        record.route = matched.pattern;
        if !policy.reads_query {
            check_query(&parts)?;
        }
        check_encoding(&parts)?;
        let media = media.ok_or_else(|| not_acceptable(answers))?;
        let now = Instant::now();
        let soon = now + self.limits.request_time_max;
        let (body, turn) = match (policy.class, &caller) {
            (Class::Free, _) | (_, None) => (self.read(body, soon).await?, None),
            (class, Some((_, entry))) => {
                // The body is read at the caller's own expense: a slow one takes no place of all.
                let place = self.admission.caller_place(&entry.places, class, soon).await?;
                let body = self.read(body, soon).await?;
                (body, Some(self.admission.turn(place, soon).await?))
            }
        };
        let exchange = Exchange {
            request_id: record.id().clone(),
            caller,
            deadline: policy.time_max.map_or(soon, |time| now + time),
            state: Arc::clone(&self.state),
            callers: self.callers.clone(),
            turn,
            about: record.about(),
            stopping: self.stopping.clone(),
            tasks: self.tasks.clone(),
        };
        let variables = mem::take(&mut matched.variables);
        let received = Received { parts, body, variables, media };
        Ok(Admitted { matched, exchange, received })
    }

    /// Reads a body, up to the limit.
    async fn read<B>(&self, body: B, deadline: Instant) -> Result<Bytes, Failure>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let bytes_max = self.limits.body_bytes_max;
        let too_large = || {
            let detail = format!("a request's body may have {bytes_max} bytes");
            Failure::new(ErrorStatus::PayloadTooLarge, "body-too-large", detail).and_close()
        };
        // What says that it is too large need not be read first.
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(too_large());
        }
        match timeout_at(deadline, Limited::new(body, bytes_max).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
            Ok(Err(error)) => {
                Err(Failure::bad_request("the body broke off").because(error).and_close())
            }
            Err(_) => {
                Err(Failure::deadline_exceeded("the body did not arrive in time").and_close())
            }
        }
    }

    /// Calls the handler. What can't answer at once goes on in a task of its own: a client that leaves
    /// takes its GET with it; what changes something goes on to its end or its deadline. The record
    /// goes along, so that either is in the log.
    async fn call(&self, admitted: Admitted<S>, record: Record) -> Response {
        let Admitted { matched, exchange, received } = admitted;
        let is_read = matches!(received.parts.method, Method::GET | Method::HEAD);
        let deadline = exchange.deadline;
        // The caller's entry too: as long as it is answered, its places must not be made anew.
        let entry = exchange.caller.as_ref().map(|(_, entry)| entry.clone());
        let turn = exchange.turn.clone();
        let held = (turn.clone(), entry);
        let (id, media) = (record.id().clone(), record.media);
        // What is logged below is found by the request's id.
        let span = tracing::info_span!("request", id = %id);
        let work = (matched.call)(exchange, received).instrument(span);
        let work = AssertUnwindSafe(work).catch_unwind();
        let stopping = self.stopping.clone();
        let mut work = Box::pin(async move {
            let outcome = match in_time(deadline, turn.as_ref(), work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => Err(Failure::internal(words_of(panic.as_ref()))),
                Err(_) => Err(Failure::deadline_exceeded(
                    "this took too long, and may have been done all the same",
                )),
            };
            finish(record, held, outcome, &stopping)
        });
        // An answer from memory is there at the first look, and needs no task.
        if let Poll::Ready(answer) =
            poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await
        {
            return answer;
        }
        let task = self.tasks.spawn(work);
        let answer = if is_read { AbortOnDropHandle::new(task).await } else { task.await };
        answer.unwrap_or_else(|error| of_failure(&Failure::internal(error), &id, media))
    }
}

/// Gives work its time: until its deadline, or for as long as it has come to wait.
async fn in_time<T>(
    mut deadline: Instant,
    turn: Option<&Turn>,
    work: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    loop {
        let outcome = timeout_at(deadline, &mut work).await;
        let later = turn.and_then(Turn::waits_until).filter(|later| *later > deadline);
        match (outcome, later) {
            (Err(_), Some(later)) => deadline = later,
            (outcome, _) => return outcome,
        }
    }
}

/// Makes an outcome the answer, which keeps the request's record and its place until it is sent.
fn finish(
    mut record: Record,
    held: impl Send + 'static,
    outcome: Result<Response, Failure>,
    stopping: &CancellationToken,
) -> Response {
    let cause = outcome.as_ref().err().map(|failure| (failure.slug(), failure.causes()));
    let mut response =
        outcome.unwrap_or_else(|failure| of_failure(&failure, record.id(), record.media));
    record.answered(response.status(), cause);
    if let Ok(id) = HeaderValue::from_str(record.id().as_str()) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    if record.has_choice {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    }
    response.body_mut().until(stopping.clone().cancelled_owned());
    response.body_mut().hold_record(record);
    response.body_mut().hold(held);
    response
}

/// What a panic said.
fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("a handler panicked: {}", words.unwrap_or("without words"))
}

/// How somebody is refused who can read nothing of what there is.
fn whatever_is_wanted(answers: &[Media]) -> Media {
    if answers.contains(&Media::Wrapped) { Media::Wrapped } else { Media::Json }
}

fn not_acceptable(answers: &[Media]) -> Failure {
    let names: Vec<_> = answers.iter().map(|media| media.name()).collect();
    let first = names.first().copied().unwrap_or_default();
    let detail = format!("answers are `{}`: send `accept: {first}`", names.join("` or `"));
    Failure::new(ErrorStatus::NotAcceptable, "not-acceptable", detail)
}

/// A misspelt parameter must not look like an answer.
fn check_query(parts: &Parts) -> Result<(), Failure> {
    let query = parts.uri.query().unwrap_or_default();
    match form_urlencoded::parse(query.as_bytes()).next() {
        Some((key, _)) => {
            let shown = Shown::new(&key);
            Err(Failure::invalid(&*key, format!("there is no query parameter `{shown}` here")))
        }
        None => Ok(()),
    }
}

/// A body is read as it comes: what is packed has no size that could be limited.
fn check_encoding(parts: &Parts) -> Result<(), Failure> {
    for (name, plain) in
        [(header::CONTENT_ENCODING, "identity"), (header::TRANSFER_ENCODING, "chunked")]
    {
        let values = parts.headers.get_all(&name).iter();
        for value in values.map(|value| String::from_utf8_lossy(value.as_bytes())) {
            let mut codings = value.split(',').map(str::trim).filter(|coding| !coding.is_empty());
            if let Some(coding) = codings.find(|coding| !coding.eq_ignore_ascii_case(plain)) {
                let coding = Shown::new(coding);
                let detail = format!("`{name}: {coding}` is not taken: send the body as it is");
                let status = ErrorStatus::UnsupportedMediaType;
                return Err(Failure::new(status, "unsupported-media-type", detail));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
