//! From method and path to a handler, segment by segment.
//!
//! Matching by segments makes trailing and doubled slashes count for nothing. A table that could
//! answer one request in two ways is refused when it is built, by a panic that names both routes:
//! it is a mistake in the program, and the program does not start with it.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::Method;

use crate::{
    accept::Media,
    admission::Class,
    body::Response,
    context::Application,
    exchange::Exchange,
    failure::{ErrorStatus, Failure},
    handler::Handler,
    input::Received,
};

type Call<S> = Arc<
    dyn Fn(Exchange<S>, Received) -> BoxFuture<'static, Result<Response, Failure>> + Send + Sync,
>;

/// How the requests of a route are treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Whether callers must have proven who they are.
    pub(crate) needs_caller: bool,
    /// Whether there may be a query.
    pub(crate) reads_query: bool,
    /// Headers that are read by the handler's inputs.
    pub(crate) headers: &'static [Option<&'static str>],
    pub(crate) class: Class,
    /// How long a handler has; by default as long as the limits say.
    pub(crate) time_max: Option<Duration>,
    /// What the answer can be written as; the first when the caller does not mind.
    pub(crate) answers: &'static [Media],
}

/// A handler, where it is found, and how its requests are treated.
pub struct Route<S: Application> {
    method: Method,
    pattern: &'static str,
    call: Call<S>,
    policy: Policy,
}

impl<S: Application> Route<S> {
    /// A handler for GET, and so for HEAD.
    pub fn get<A>(pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        Self::new(Method::GET, pattern, handler)
    }

    /// A handler for POST.
    pub fn post<A>(pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        Self::new(Method::POST, pattern, handler)
    }

    /// A handler for DELETE.
    pub fn delete<A>(pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        Self::new(Method::DELETE, pattern, handler)
    }

    fn new<A, H: Handler<S, A>>(method: Method, pattern: &'static str, handler: H) -> Self {
        let policy = Policy {
            needs_caller: H::NEEDS_CALLER,
            reads_query: H::READS_QUERY,
            headers: H::HEADERS,
            class: Class::Ordinary,
            time_max: None,
            answers: Media::EITHER,
        };
        let call: Call<S> =
            Arc::new(move |exchange, received| handler.clone().call(exchange, received));
        Self { method, pattern, call, policy }
    }

    /// Whose places its requests hold.
    #[must_use]
    pub fn class(mut self, class: Class) -> Self {
        self.policy.class = class;
        self
    }

    /// How long its handler has.
    #[must_use]
    pub fn time_max(mut self, time: Duration) -> Self {
        self.policy.time_max = Some(time);
        self
    }

    /// What its answers can be written as; the first when a caller does not mind. If this is not
    /// said, either is.
    #[must_use]
    pub fn answers(mut self, media: &'static [Media]) -> Self {
        self.policy.answers = media;
        self
    }

    /// Its method. GET means HEAD, too.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Its path, with `{name}` in the place of its variable.
    pub fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// Whether callers must have proven who they are.
    pub fn needs_caller(&self) -> bool {
        self.policy.needs_caller
    }

    /// Whether its requests hold places; if not, nothing but memory is asked.
    pub fn takes_places(&self) -> bool {
        self.policy.class != Class::Free
    }

    /// Whether there may be a query.
    pub fn reads_query(&self) -> bool {
        self.policy.reads_query
    }

    /// The headers that its handler reads, in lower case.
    pub fn headers_read(&self) -> impl Iterator<Item = &'static str> {
        self.policy.headers.iter().copied().flatten()
    }

    /// What its answers can be written as.
    pub fn media(&self) -> &'static [Media] {
        self.policy.answers
    }
}

/// The table of routes.
pub struct Router<S: Application> {
    routes: Vec<Route<S>>,
}

/// A request's place in the table.
pub(crate) struct Matched<S: Application> {
    /// The pattern, for the log and the metrics: a path would be as many values as there are names.
    pub(crate) pattern: &'static str,
    pub(crate) policy: Policy,
    pub(crate) call: Call<S>,
    pub(crate) variable: Option<String>,
}

impl<S: Application> Router<S> {
    /// A table without routes.
    #[expect(clippy::new_without_default, reason = "an empty router is a beginning, not a default")]
    pub fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a route.
    ///
    /// # Panics
    /// When it has more than one variable, or another route could answer the same request.
    #[must_use]
    pub fn route(mut self, route: Route<S>) -> Self {
        let Route { method, pattern, .. } = &route;
        let variables = segments(pattern).filter(|segment| is_variable(segment)).count();
        assert!(variables <= 1, "`{pattern}` has more than one variable");
        let twin = self
            .routes
            .iter()
            .find(|other| other.method == *method && overlap(other.pattern, pattern));
        if let Some(twin) = twin {
            panic!("{method} `{pattern}` and `{}` could both answer one request", twin.pattern);
        }
        self.routes.push(route);
        self
    }

    /// Every method and pattern of the table, in the order in which they were added.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.routes.iter().map(|route| (&route.method, route.pattern))
    }

    /// Every route of the table, with its policy.
    pub fn table(&self) -> &[Route<S>] {
        &self.routes
    }

    /// Finds the handler of a request.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Matched<S>, Failure> {
        let mut here = self.routes.iter().filter(|route| matches(route.pattern, path)).peekable();
        if here.peek().is_none() {
            return Err(Failure::new(
                ErrorStatus::NotFound,
                "route-not-found",
                "there is nothing under this path; the README lists what there is",
            ));
        }
        // Who asks for a head is answered as one who asks for all; hyper leaves out the body.
        let wanted = if method == Method::HEAD { &Method::GET } else { method };
        let mut allowed = Vec::new();
        for route in here {
            if route.method == *wanted {
                return Ok(Matched {
                    pattern: route.pattern,
                    policy: route.policy,
                    call: Arc::clone(&route.call),
                    variable: variable(route.pattern, path),
                });
            }
            allowed.push(route.method.as_str());
            if route.method == Method::GET {
                allowed.push("HEAD");
            }
        }
        let allowed = allowed.join(", ");
        let detail = format!("this path takes {allowed}");
        Err(Failure::new(ErrorStatus::MethodNotAllowed, "method-not-allowed", detail)
            .allow(allowed))
    }
}

impl<S: Application> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.routes.iter().map(|route| format!("{} {}", route.method, route.pattern)))
            .finish()
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

fn is_variable(segment: &str) -> bool {
    segment.starts_with('{')
}

fn matches(pattern: &str, path: &str) -> bool {
    let mut path = segments(path);
    segments(pattern)
        .all(|wanted| path.next().is_some_and(|got| is_variable(wanted) || got == wanted))
        && path.next().is_none()
}

/// Whether some path fits both patterns.
fn overlap(one: &str, other: &str) -> bool {
    segments(one).count() == segments(other).count()
        && segments(one)
            .zip(segments(other))
            .all(|(a, b)| a == b || is_variable(a) || is_variable(b))
}

/// The value of the pattern's variable, percent-decoded. What is not UTF-8 becomes U+FFFD, which is in
/// no name: so it is the name of nothing.
fn variable(pattern: &str, path: &str) -> Option<String> {
    let (_, value) =
        segments(pattern).zip(segments(path)).find(|(wanted, _)| is_variable(wanted))?;
    Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests;
