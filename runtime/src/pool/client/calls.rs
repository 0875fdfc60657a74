//! Calls to Kubernetes, counted as they end.

use std::{
    fmt::{self, Write},
    task::{Context, Poll},
};

use futures_util::{FutureExt, future::BoxFuture};
use http::{Method, Request, Response, StatusCode, Uri};
use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder},
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::time::Instant;
use tower::Service;

/// Boundaries in seconds, from an answer out of the API server's cache to our deadlines.
const SECONDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0, 10.0, 30.0];
/// Kubernetes gives no longer names to its resources.
const RESOURCE_LENGTH_MAX: usize = 40;
/// Stands for every verb or resource that has no label of its own.
const OTHER: &str = "other";

/// What a call asks for, in Kubernetes' words. The resource is where the path has it, in front of
/// all that a caller may have named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    verb: &'static str,
    resource: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    verb: &'static str,
    resource: String,
    status: Status,
}

/// `None` when there was no answer, or nobody waited for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Status(Option<StatusCode>);

impl EncodeLabelValue for Status {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.0.as_ref().map_or("none", StatusCode::as_str))
    }
}

/// The counts of calls to Kubernetes. Clones are the same.
#[derive(Debug, Clone)]
pub struct Calls {
    answers: Family<Answered, Counter>,
    seconds: Family<Asked, Histogram, fn() -> Histogram>,
}

impl Default for Calls {
    fn default() -> Self {
        let seconds = Family::new_with_constructor((|| Histogram::new(SECONDS)) as fn() -> _);
        Self { answers: Family::default(), seconds }
    }
}

impl Calls {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "kube_requests",
            "Calls to Kubernetes, with status none when there was no answer",
            self.answers.clone(),
        );
        registry.register_with_unit(
            "kube_request_duration",
            "Time from a call to Kubernetes to the head of its answer",
            Unit::Seconds,
            self.seconds.clone(),
        );
    }

    /// A call without an answer.
    #[cfg(test)]
    pub(crate) fn happened(&self) {
        drop(self.begin(Asked { verb: "get", resource: "pods".to_owned() }));
    }

    /// A service whose calls are counted.
    pub(super) fn counting<S>(&self, inner: S) -> Counting<S> {
        Counting { inner, calls: self.clone() }
    }

    fn begin(&self, asked: Asked) -> Call {
        Call { calls: self.clone(), asked, began: Instant::now(), status: Status(None) }
    }
}

impl Asked {
    fn of(method: &Method, uri: &Uri) -> Self {
        let mut segments = uri.path().split('/').skip(1);
        // `/api/VERSION` or `/apis/GROUP/VERSION`, and then perhaps `/namespaces/NAME`.
        let version_at = match segments.next() {
            Some("api") => Some(0),
            Some("apis") => Some(1),
            _ => None,
        };
        let resource_segments = version_at.and_then(|at| {
            segments.nth(at)?;
            let rest: Vec<_> = segments.filter(|segment| !segment.is_empty()).collect();
            Some(match rest.as_slice() {
                ["namespaces", _, resource, rest @ ..] | [resource, rest @ ..] => {
                    (*resource, !rest.is_empty())
                }
                [] => (OTHER, false),
            })
        });
        let (resource, has_name) = resource_segments.unwrap_or((OTHER, false));
        let is_a_resource = resource.len() <= RESOURCE_LENGTH_MAX
            && resource.bytes().all(|byte| byte.is_ascii_lowercase());
        let resource = if is_a_resource { resource } else { OTHER }.to_owned();
        Self { verb: verb(method, uri.query(), has_name), resource }
    }
}

/// Kubernetes' word for a call of this shape.
fn verb(method: &Method, query: Option<&str>, has_name: bool) -> &'static str {
    let watches = || {
        form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .any(|(key, value)| key == "watch" && matches!(&*value, "true" | "1"))
    };
    match (method, has_name) {
        (&Method::GET, _) if watches() => "watch",
        (&Method::GET, true) => "get",
        (&Method::GET, false) => "list",
        (&Method::POST, _) => "create",
        (&Method::PUT, _) => "update",
        (&Method::PATCH, _) => "patch",
        (&Method::DELETE, true) => "delete",
        (&Method::DELETE, false) => "deletecollection",
        _ => OTHER,
    }
}

/// One call. It is counted when it is dropped, also when nobody waits for its answer any more.
struct Call {
    calls: Calls,
    asked: Asked,
    began: Instant,
    status: Status,
}

impl Call {
    fn ended(mut self, status: Option<StatusCode>) {
        self.status = Status(status);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let seconds = self.began.elapsed().as_secs_f64();
        self.calls.seconds.get_or_create(&self.asked).observe(seconds);
        let Asked { verb, resource } = self.asked.clone();
        let answered = Answered { verb, resource, status: self.status };
        self.calls.answers.get_or_create(&answered).inc();
    }
}

/// A service whose calls are counted.
#[derive(Debug, Clone)]
pub(super) struct Counting<S> {
    inner: S,
    calls: Calls,
}

impl<S, A, B> Service<Request<A>> for Counting<S>
where
    S: Service<Request<A>, Response = Response<B>, Future: Send + 'static>,
{
    type Response = Response<B>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<B>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let call = self.calls.begin(Asked::of(request.method(), request.uri()));
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await;
            call.ended(answer.as_ref().ok().map(Response::status));
            answer
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
