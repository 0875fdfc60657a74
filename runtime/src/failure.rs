//! What went wrong, for two readers.
//!
//! There are three sources of failure: a request that is wrong, a cluster that says no, and
//! ourselves. Whatever the source, the caller reads a [`Problem`] that says what would be right,
//! and the log gets the chain of causes, once. Nothing of the second may leak into the first: a
//! cause can quote a path, a Kubernetes object or somebody else's name. Layers below the handlers
//! know neither statuses nor slugs.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tjf_api_types::{Problem, Shown, kind_of_problem};

use crate::request_id::RequestId;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The slug of what is our own fault.
pub(crate) const INTERNAL: &str = "internal";

/// No sentence of ours is longer. What is, repeats something that it should have cut.
const DETAIL_CHARACTERS_MAX: usize = 600;

/// A status that says that something went wrong; one of 200 can't be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorStatus {
    /// 400
    BadRequest,
    /// 401
    Unauthorized,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 405
    MethodNotAllowed,
    /// 406
    NotAcceptable,
    /// 409
    Conflict,
    /// 413
    PayloadTooLarge,
    /// 415
    UnsupportedMediaType,
    /// 500
    Internal,
    /// 503
    ServiceUnavailable,
    /// 504
    GatewayTimeout,
}

impl ErrorStatus {
    /// The same as a number.
    pub fn code(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Conflict => StatusCode::CONFLICT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::GatewayTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

/// What went wrong: `detail` and `field` for the caller, `cause` for the log.
#[derive(Debug)]
pub struct Failure(Box<Parts>);

/// Boxed, so that the results of what goes well stay small.
#[derive(Debug)]
struct Parts {
    status: ErrorStatus,
    slug: &'static str,
    detail: String,
    field: Option<String>,
    cause: Option<BoxError>,
    retry_after: Option<Duration>,
    allow: Option<String>,
    close: bool,
}

impl Failure {
    /// A failure of one kind. The detail is a sentence that says what would be right. What it repeats
    /// of a request it repeats as [`Shown`]; should it not, it is kept on one line here.
    pub fn new(status: ErrorStatus, slug: &'static str, detail: impl Into<String>) -> Self {
        debug_assert_eq!(
            kind_of_problem(slug).map(|kind| kind.status),
            Some(status.code().as_u16()),
            "`{slug}` is not in the table of `KINDS` with this status"
        );
        Self(Box::new(Parts {
            status,
            slug,
            detail: Shown::up_to(&detail.into(), DETAIL_CHARACTERS_MAX).to_string(),
            field: None,
            cause: None,
            retry_after: None,
            allow: None,
            close: false,
        }))
    }

    /// A wrong request; `field` is the culprit.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::bad_request(detail).field(field)
    }

    /// A request that is wrong as a whole.
    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ErrorStatus::BadRequest, "invalid-request", detail)
    }

    /// Our own fault. The text is constant; what really happened goes to the log only.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        let detail = "something went wrong inside the service; its administrators find the cause \
                      under the request's id";
        Self::new(ErrorStatus::Internal, INTERNAL, detail).because(cause)
    }

    /// Too much at once.
    pub fn overloaded(detail: impl Into<String>) -> Self {
        Self::new(ErrorStatus::ServiceUnavailable, "overloaded", detail)
            .retry_after(Duration::from_secs(1))
    }

    /// Not done in time.
    pub fn deadline_exceeded(detail: impl Into<String>) -> Self {
        Self::new(ErrorStatus::GatewayTimeout, "deadline-exceeded", detail)
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(Shown::new(&field.into()).to_string());
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub fn retry_after(mut self, time: Duration) -> Self {
        self.0.retry_after = Some(time);
        self
    }

    /// The same after something was changed, which comes first in what is said. Nobody may be told
    /// then, as a 503 does, that nothing was done.
    #[must_use]
    pub fn after(mut self, change: &str) -> Self {
        let detail = format!("{change}. {}", self.0.detail);
        if self.0.status != ErrorStatus::ServiceUnavailable {
            self.0.detail = Shown::up_to(&detail, DETAIL_CHARACTERS_MAX).to_string();
            return self;
        }
        let mut failure = Self::deadline_exceeded(detail);
        failure.0.cause = self.0.cause;
        failure
    }

    /// Says which methods there are.
    #[must_use]
    pub(crate) fn allow(mut self, methods: String) -> Self {
        self.0.allow = Some(methods);
        self
    }

    /// Ends the connection after the answer.
    #[must_use]
    pub(crate) fn and_close(mut self) -> Self {
        self.0.close = true;
        self
    }

    /// The stable name of this kind of failure.
    pub fn slug(&self) -> &'static str {
        self.0.slug
    }

    /// The document that the caller will read.
    pub fn problem(&self, id: &RequestId) -> Problem {
        let problem = Problem::new(
            self.0.slug,
            self.0.status.code().as_u16(),
            self.0.detail.as_str(),
            id.as_str(),
        );
        match &self.0.field {
            Some(field) => problem.with_field(field.as_str()),
            None => problem,
        }
    }

    /// The chain of causes, outermost first.
    pub(crate) fn causes(&self) -> Option<String> {
        let mut text = self.0.cause.as_ref()?.to_string();
        let mut source = self.0.cause.as_ref()?.source();
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        Some(text)
    }

    /// The status that it is answered with.
    pub(crate) fn status(&self) -> ErrorStatus {
        self.0.status
    }

    /// What would be right, in a sentence for the caller.
    pub(crate) fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Headers of its answer.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(time) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, time.as_secs().max(1).into());
        }
        if let Some(allow) = self.0.allow.as_ref().and_then(|methods| methods.try_into().ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if self.0.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_goes_to_the_log_and_never_to_the_caller() {
        let cause = std::io::Error::other("/data/project/secret is not there");
        let failure = Failure::internal(cause);
        assert_eq!(failure.causes().unwrap(), "/data/project/secret is not there");
        let problem = failure.problem(&RequestId::from_text("r1"));
        assert!(!serde_json::to_string(&problem).unwrap().contains("secret"));
        assert_eq!((problem.status, problem.slug()), (500, "internal"));
    }

    /// Whoever words a refusal may have forgotten to.
    #[test]
    fn what_is_said_stays_on_one_line_and_has_an_end() {
        let failure = Failure::invalid("a\u{202e}".repeat(1000), "x\n\u{2028}".repeat(1000));
        let problem = failure.problem(&RequestId::from_text("r1"));
        assert!(problem.detail.starts_with(r"x\n\u{2028}x"), "{}", problem.detail);
        assert!(problem.detail.chars().count() <= DETAIL_CHARACTERS_MAX + 1);
        assert!(problem.field.unwrap().chars().count() <= Shown::CHARACTERS_MAX + 1);
    }

    #[test]
    fn what_comes_after_a_change_never_says_that_nothing_was_done() {
        let id = RequestId::from_text("r1");
        let busy = Failure::overloaded("try again").because("why").after("it was deleted");
        assert_eq!((busy.problem(&id).status, busy.slug()), (504, "deadline-exceeded"));
        assert_eq!(busy.problem(&id).detail, "it was deleted. try again");
        assert_eq!(busy.causes().unwrap(), "why");
        assert!(busy.headers().is_empty());
        let wrong = Failure::invalid("cmd", "write it").after("it was deleted").problem(&id);
        assert_eq!((wrong.status, wrong.field.as_deref()), (400, Some("cmd")));
        assert_eq!(wrong.detail, "it was deleted. write it");
    }

    #[test]
    fn when_to_try_again_is_never_said_to_be_at_once() {
        let failure = Failure::overloaded("wait").retry_after(Duration::from_millis(10));
        assert_eq!(failure.headers()[header::RETRY_AFTER], "1");
    }
}
