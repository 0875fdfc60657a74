//! From method and path to a handler, segment by segment.
//!
//! Matching by segments makes trailing and doubled slashes count for nothing. A table that could
//! answer one request in two ways is refused when it is built, by a panic that names both routes:
//! it is a mistake in the program, and the program does not start with it.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;
use http::Method;

use crate::{
    context::{Application, Context},
    failure::{ErrorStatus, Failure},
    handler::Handler,
    input::Received,
    reply::Response,
};

type Call<S> = Arc<
    dyn Fn(Context<S>, Received) -> BoxFuture<'static, Result<Response, Failure>> + Send + Sync,
>;

struct Route<S: Application> {
    method: Method,
    pattern: &'static str,
    call: Call<S>,
}

/// The table of routes.
pub struct Router<S: Application> {
    routes: Vec<Route<S>>,
}

/// A request's place in the table.
pub(crate) struct Matched<S: Application> {
    /// The pattern, for the log and the metrics: a path would be as many values as there are names.
    pub(crate) pattern: &'static str,
    pub(crate) call: Call<S>,
    pub(crate) variable: Option<String>,
}

impl<S: Application> Router<S> {
    /// A table without routes.
    #[expect(clippy::new_without_default, reason = "an empty router is a beginning, not a default")]
    pub fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a handler for GET.
    #[must_use]
    pub fn get<A>(self, pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        self.add(Method::GET, pattern, handler)
    }

    /// Adds a handler for POST.
    #[must_use]
    pub fn post<A>(self, pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        self.add(Method::POST, pattern, handler)
    }

    /// Adds a handler for DELETE.
    #[must_use]
    pub fn delete<A>(self, pattern: &'static str, handler: impl Handler<S, A>) -> Self {
        self.add(Method::DELETE, pattern, handler)
    }

    fn add<A>(
        mut self,
        method: Method,
        pattern: &'static str,
        handler: impl Handler<S, A>,
    ) -> Self {
        let variables = segments(pattern).filter(|segment| is_variable(segment)).count();
        assert!(variables <= 1, "`{pattern}` has more than one variable");
        let twin = self
            .routes
            .iter()
            .find(|route| route.method == method && overlap(route.pattern, pattern));
        if let Some(twin) = twin {
            panic!("{method} `{pattern}` and `{}` could both answer one request", twin.pattern);
        }
        let call: Call<S> =
            Arc::new(move |context, received| handler.clone().call(context, received));
        self.routes.push(Route { method, pattern, call });
        self
    }

    /// Every method and pattern of the table, in the order in which they were added.
    pub fn routes(&self) -> impl Iterator<Item = (&Method, &'static str)> {
        self.routes.iter().map(|route| (&route.method, route.pattern))
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
        let mut allowed = Vec::new();
        for route in here {
            if route.method == *method {
                let variable = variable(route.pattern, path)?;
                return Ok(Matched {
                    pattern: route.pattern,
                    call: Arc::clone(&route.call),
                    variable,
                });
            }
            allowed.push(route.method.as_str());
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

/// The value of the pattern's variable, percent-decoded.
fn variable(pattern: &str, path: &str) -> Result<Option<String>, Failure> {
    let Some((_, value)) =
        segments(pattern).zip(segments(path)).find(|(wanted, _)| is_variable(wanted))
    else {
        return Ok(None);
    };
    percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .map(|text| Some(text.into_owned()))
        .map_err(|_| Failure::invalid("name", "the name in the path is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::reply::Json;

    async fn nothing(_: Context<()>) -> Result<Json<()>, Failure> {
        Ok(Json(()))
    }

    fn router() -> Router<()> {
        Router::new()
            .get("/v1/list/", nothing)
            .get("/v1/show/{name}/", nothing)
            .delete("/v1/show/{name}/", nothing)
    }

    fn find(method: &Method, path: &str) -> Result<(&'static str, Option<String>), Failure> {
        router().find(method, path).map(|matched| (matched.pattern, matched.variable))
    }

    #[test]
    fn slashes_at_the_end_or_doubled_do_not_count() {
        for path in ["/v1/list/", "/v1/list", "//v1//list//"] {
            assert_eq!(find(&Method::GET, path).unwrap().0, "/v1/list/", "{path}");
        }
    }

    #[test]
    fn a_variable_is_one_decoded_segment() {
        let (pattern, name) = find(&Method::GET, "/v1/show/a%2Fb%20c").unwrap();
        assert_eq!((pattern, name.as_deref()), ("/v1/show/{name}/", Some("a/b c")));
        assert_eq!(find(&Method::GET, "/v1/show/%FF").unwrap_err().slug(), "invalid-request");
    }

    #[test]
    fn what_is_not_in_the_table_is_not_there() {
        for path in ["/", "/v1", "/v1/show", "/v1/show/a/b", "/v1/LIST", "/v1/list/../list"] {
            assert_eq!(find(&Method::GET, path).unwrap_err().slug(), "route-not-found", "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let failure = find(&Method::POST, "/v1/show/a").unwrap_err();
        assert_eq!(failure.slug(), "method-not-allowed");
        let response = failure.into_response(&crate::RequestId::from_text("r1"));
        assert_eq!(response.headers()["allow"], "GET, DELETE");
    }

    #[test]
    fn a_table_with_two_answers_to_one_request_is_refused() {
        for pattern in ["/v1/list", "/v1/show/other/", "/{any}/list/"] {
            let attempt = catch_unwind(AssertUnwindSafe(|| router().get(pattern, nothing)));
            let text = *attempt.err().unwrap().downcast::<String>().unwrap();
            assert!(text.contains("could both answer"), "{text}");
        }
    }
}
