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

/// As many as a path of any of our routes has: a tool's name and a job's.
const VARIABLES_MAX: usize = 2;

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
    /// Under which it is found, too.
    other_pattern: Option<&'static str>,
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

    /// A handler for PATCH.
    pub fn patch<A>(pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        Self::new(Method::PATCH, pattern, handler)
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
        Self { method, pattern, other_pattern: None, call, policy }
    }

    /// Where it is found, too: for those behind a gateway that leaves out a part of each path.
    #[must_use]
    pub fn also_at(mut self, pattern: &'static str) -> Self {
        self.other_pattern = Some(pattern);
        self
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

    /// Its path, with a name in braces in the place of each variable: `{name}`.
    pub fn pattern(&self) -> &'static str {
        self.pattern
    }

    /// The other path under which it is found.
    pub fn other_pattern(&self) -> Option<&'static str> {
        self.other_pattern
    }

    fn patterns(&self) -> impl Iterator<Item = &'static str> {
        [Some(self.pattern), self.other_pattern].into_iter().flatten()
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
    pub(crate) variables: Variables,
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
    /// When it has more than two variables, or two of one name, or another route could answer the
    /// same request.
    #[must_use]
    pub fn route(mut self, route: Route<S>) -> Self {
        let method = &route.method;
        for pattern in route.patterns() {
            let variables: Vec<_> = segments(pattern).filter_map(variable).collect();
            assert!(variables.len() <= VARIABLES_MAX, "`{pattern}` has more than two variables");
            let are_one = variables.len() == 2 && variables[0] == variables[1];
            assert!(!are_one, "`{pattern}` has two variables of one name");
            let others = self.routes.iter().filter(|other| other.method == method);
            let twin = others.flat_map(Route::patterns).find(|other| overlap(other, pattern));
            if let Some(twin) = twin {
                panic!("{method} `{pattern}` and `{twin}` could both answer one request");
            }
        }
        self.routes.push(route);
        self
    }

    /// Every method and first pattern of the table, in the order in which they were added.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.routes.iter().map(|route| (&route.method, route.pattern))
    }

    /// Every route of the table, with its policy.
    pub fn table(&self) -> &[Route<S>] {
        &self.routes
    }

    /// What answers under a path can be written as that no route has, or not with this method: as
    /// those of the routes that begin likewise, since the same programs ask for them.
    pub(crate) fn answers_near(&self, path: &str) -> &'static [Media] {
        let begins_likewise = |route: &&Route<S>| {
            route.patterns().any(|pattern| {
                let head: Vec<_> = segments(pattern).take_while(|it| !is_variable(it)).collect();
                let has_variable = head.len() < segments(pattern).count();
                has_variable && segments(path).take(head.len()).eq(head)
            })
        };
        self.routes.iter().find(begins_likewise).map_or(Media::EITHER, |it| it.policy.answers)
    }

    /// Finds the handler of a request.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Result<Matched<S>, Failure> {
        let pattern = |route: &Route<S>| route.patterns().find(|pattern| matches(pattern, path));
        let mut here =
            self.routes.iter().filter_map(|route| Some((route, pattern(route)?))).peekable();
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
        for (route, pattern) in here {
            if route.method == *wanted {
                return Ok(Matched {
                    pattern: route.pattern,
                    policy: route.policy,
                    call: Arc::clone(&route.call),
                    variables: Variables::of(pattern, path),
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

/// The name of the variable that this segment of a pattern is.
fn variable(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

fn is_variable(segment: &str) -> bool {
    variable(segment).is_some()
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

/// The values of a pattern's variables, each with its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Variables([Option<(&'static str, String)>; VARIABLES_MAX]);

impl Variables {
    /// The values, percent-decoded. What is not UTF-8 becomes U+FFFD, which is in no name: so it is
    /// the name of nothing.
    fn of(pattern: &'static str, path: &str) -> Self {
        let mut found = segments(pattern).zip(segments(path)).filter_map(|(wanted, value)| {
            let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
            Some((variable(wanted)?, value.into_owned()))
        });
        Self(std::array::from_fn(|_| found.next()))
    }

    /// The value of the variable of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().flatten().find(|(own, _)| *own == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests;
