//! One request, from its head to its answer.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use tjf_api_types::{IDEMPOTENCY_KEY, REQUEST_ID};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::{
    admission::Admission,
    config::{Config, Limits},
    context::Context,
    failure::{BoxError, ErrorStatus, Failure, INTERNAL},
    identity::{Gate, PeerCertificate, Refusal},
    input::Received,
    metrics::Metrics,
    pool::{ClientPool, HomeClient},
    reply::Response,
    request_id::RequestId,
    router::{Matched, Router},
};

/// What stands in a log or a metric for the route of a request that has none.
const NO_ROUTE: &str = "none";

/// Everything that answers requests.
pub struct Service<S> {
    router: Router<S>,
    state: Arc<S>,
    pool: ClientPool<HomeClient>,
    gate: Gate,
    limits: Limits,
    admission: Admission,
    pub(crate) metrics: Arc<Metrics>,
    /// Work that goes on when its client has left; a drain waits for it.
    pub(crate) tasks: TaskTracker,
}

/// What is learnt of a request on its way, for the log.
struct Seen {
    tool: Option<String>,
    route: &'static str,
    name: Option<String>,
}

impl<S: Send + Sync + 'static> Service<S> {
    /// A service of these routes, with this state and these clients.
    pub fn new(
        config: &Config,
        limits: Limits,
        router: Router<S>,
        state: Arc<S>,
        pool: ClientPool<HomeClient>,
    ) -> Self {
        Self {
            router,
            state,
            pool,
            gate: Gate::new(config),
            limits,
            admission: Admission::new(limits),
            metrics: Arc::new(Metrics::new()),
            tasks: TaskTracker::new(),
        }
    }

    pub(crate) fn pool(&self) -> &ClientPool<HomeClient> {
        &self.pool
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Answers one request. `peer` is the verified certificate of the connection, if it presented
    /// one.
    pub async fn respond<B>(&self, peer: Option<&PeerCertificate>, request: Request<B>) -> Response
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let began = Instant::now();
        let id = RequestId::of(request.headers());
        let method = request.method().clone();
        let mut seen = Seen { tool: None, route: NO_ROUTE, name: None };
        let outcome = self.answer(peer, request, &id, &mut seen).await;
        let cause = outcome.as_ref().err().and_then(Failure::causes);
        let slug = outcome.as_ref().err().map(Failure::slug);
        let mut response = outcome.unwrap_or_else(|failure| failure.into_response(&id));
        if let Ok(value) = HeaderValue::from_str(id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (status, time) = (response.status(), began.elapsed());
        self.metrics.answered(&method, seen.route, status, time);
        // Our own faults are what somebody has to look at; why a caller was refused is not.
        let (fault, cause) = if slug == Some(INTERNAL) { (cause, None) } else { (None, cause) };
        if let Some(fault) = fault {
            tracing::error!(request.id = %id, error = fault, "a request failed inside the service");
        }
        tracing::info!(
            request.id = %id,
            tool.name = seen.tool,
            job.name = seen.name,
            %method,
            route = seen.route,
            status = status.as_u16(),
            duration_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            slug,
            cause,
            "{method} {} {}",
            seen.route,
            status.as_u16(),
        );
        response
    }

    /// The eight hops of a request; the first, TLS, is behind it.
    async fn answer<B>(
        &self,
        peer: Option<&PeerCertificate>,
        request: Request<B>,
        id: &RequestId,
        seen: &mut Seen,
    ) -> Result<Response, Failure>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let deadline = Instant::now() + self.limits.request_time_max;
        let (parts, body) = request.into_parts();
        let caller = self.gate.admit(peer, &parts.headers, SystemTime::now()).map_err(refused)?;
        seen.tool = Some(caller.name.to_string());
        let matched = self.router.find(&parts.method, parts.uri.path())?;
        seen.route = matched.pattern;
        seen.name.clone_from(&matched.variable);
        check_query(&parts)?;
        check_accept(&parts.headers)?;
        let idempotency_key = idempotency_key(&parts.headers)?;
        // The body is read at the caller's own expense: a slow one takes no place of all.
        let place = self.admission.caller_place(&caller.name, deadline).await?;
        let body = self.read(body, deadline).await?;
        let turn = self.admission.turn(place, deadline).await?;
        let context = Context {
            request_id: id.clone(),
            caller,
            deadline,
            idempotency_key,
            state: Arc::clone(&self.state),
            pool: self.pool.clone(),
            turn,
        };
        self.call(matched, context, Received { parts, body, variable: None }).await
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
                let failure =
                    Failure::new(ErrorStatus::BadRequest, "invalid-request", "the body broke off");
                Err(failure.because(error).and_close())
            }
            Err(_) => {
                Err(Failure::deadline_exceeded("the body did not arrive in time").and_close())
            }
        }
    }

    /// Calls the handler in a task of its own, so that a panic ends that task alone. A client that
    /// leaves takes its GET with it; what changes something goes on to its end or its deadline.
    async fn call(
        &self,
        matched: Matched<S>,
        context: Context<S>,
        mut received: Received,
    ) -> Result<Response, Failure> {
        let deadline = context.deadline;
        let is_read = received.parts.method == Method::GET;
        received.variable = matched.variable;
        let work = (matched.call)(context, received);
        let task = self.tasks.spawn(async move {
            timeout_at(deadline, work).await.unwrap_or_else(|_| {
                Err(Failure::deadline_exceeded("this took too long: ask `show` what became of it"))
            })
        });
        let outcome = if is_read { AbortOnDropHandle::new(task).await } else { task.await };
        outcome.unwrap_or_else(|panic| Err(Failure::internal(panic)))
    }
}

fn refused(refusal: Refusal) -> Failure {
    let detail = refusal.to_string();
    match refusal {
        Refusal::NoCertificate | Refusal::NoUsableName | Refusal::NotTheProxy => {
            Failure::new(ErrorStatus::Unauthorized, "unauthenticated", detail)
        }
        // The next handshake will say no; this connection must not go on for ever.
        Refusal::NotValidNow => {
            Failure::new(ErrorStatus::Unauthorized, "unauthenticated", detail).and_close()
        }
        Refusal::ForeignOrganization => Failure::new(ErrorStatus::Forbidden, "forbidden", detail),
        Refusal::HeaderNotTaken => Failure::invalid(crate::identity::SUBJECT_HEADER, detail),
    }
}

/// No route has query parameters yet, and a misspelt one must not look like an answer.
fn check_query(parts: &Parts) -> Result<(), Failure> {
    let query = parts.uri.query().unwrap_or_default();
    match form_urlencoded::parse(query.as_bytes()).next() {
        Some((key, _)) => {
            Err(Failure::invalid(key.as_ref(), format!("there is no query parameter `{key}` here")))
        }
        None => Ok(()),
    }
}

/// Whether the caller can read JSON, which is what it will get.
fn check_accept(headers: &HeaderMap) -> Result<(), Failure> {
    let takes_json = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_wanted =
            !parts.any(|parameter| matches!(parameter, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        is_wanted && matches!(media_type.as_str(), "*/*" | "application/*" | "application/json")
    };
    let mut accepted = headers.get_all(header::ACCEPT).iter().peekable();
    let is_ok = accepted.peek().is_none()
        || accepted
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(takes_json);
    if is_ok {
        return Ok(());
    }
    let detail = "answers are `application/json`: send `accept: application/json`";
    Err(Failure::new(ErrorStatus::NotAcceptable, "not-acceptable", detail))
}

/// The key that makes a create safe to repeat: at most 64 visible characters, said once.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Failure> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    value
        .to_str()
        .ok()
        .filter(|text| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .filter(|_| values.next().is_none())
        .map(|text| Some(text.to_owned()))
        .ok_or_else(|| {
            Failure::invalid(
                "Idempotency-Key",
                "`Idempotency-Key` is 1 to 64 visible characters, sent once",
            )
        })
}

#[cfg(test)]
mod tests;
