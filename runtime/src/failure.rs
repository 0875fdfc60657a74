//! What went wrong, for two readers.
//!
//! There are three sources of failure: a request that is wrong, a cluster that says no, and
//! ourselves. Whatever the source, the caller reads a [`Problem`] that says what would be right,
//! and the log gets the chain of causes, once. Nothing of the second may leak into the first: a
//! cause can quote a path, a Kubernetes object or somebody else's name. Layers below the handlers
//! know neither statuses nor slugs.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use tjf_api_types::Problem;

use crate::request_id::RequestId;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The slug of what is our own fault.
pub(crate) const INTERNAL: &str = "internal";

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
    /// A failure of one kind. The detail is a sentence that says what would be right.
    pub fn new(status: ErrorStatus, slug: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            status,
            slug,
            detail: detail.into(),
            field: None,
            cause: None,
            retry_after: None,
            allow: None,
            close: false,
        }))
    }

    /// A wrong request; `field` is the culprit.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(ErrorStatus::BadRequest, "invalid-request", detail).field(field)
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
        self.0.field = Some(field.into());
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

    #[test]
    fn when_to_try_again_is_never_said_to_be_at_once() {
        let failure = Failure::overloaded("wait").retry_after(Duration::from_millis(10));
        assert_eq!(failure.headers()[header::RETRY_AFTER], "1");
    }
}
