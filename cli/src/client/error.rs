//! What can go wrong between the command and the API.

use std::io;

use bytes::Bytes;
use hyper::{Response, StatusCode, header};
use tjf_api_types::{PROBLEMS, Problem, REQUEST_ID};

use crate::trust;

/// Why a request has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection; nothing was sent.
    #[error("cannot connect to `{server}`: {source}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// What the system says.
        source: io::Error,
    },
    /// One side does not trust the other's certificate; no request was looked at.
    #[error(
        "no trusted connection to `{server}`: {}{source}{}",
        trust::matter(source),
        ended(ended_on.as_deref())
    )]
    Untrusted {
        /// The server's address.
        server: String,
        /// What the library says.
        source: Box<rustls::Error>,
        /// The day on which the tool's certificate ended, when it is over and the server does not
        /// take it.
        ended_on: Option<Box<str>>,
    },
    /// The request went out; what came of it is not known.
    #[error("the connection to `{server}` broke before the answer was complete")]
    Lost {
        /// The server's address.
        server: String,
        /// What the library says.
        source: hyper::Error,
    },
    /// The request went out; no answer came in time.
    #[error("`{server}` did not answer within {after_s} seconds")]
    TimedOut {
        /// The server's address.
        server: String,
        /// How long it was waited for.
        after_s: u64,
    },
    /// The server answered with an error.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The server answered with something that is not the API's.
    #[error("the server's answer can't be understood: {source}")]
    Unreadable {
        /// The request's id.
        request_id: Option<String>,
        /// What is wrong with it.
        source: serde_json::Error,
        /// The answer, when it is JSON all the same: that of a newer server, perhaps.
        json: Option<Bytes>,
    },
    /// The server answered well, but not with a log: it is another one.
    #[error("what `{server}` answered is not a log")]
    NotALog {
        /// The server's address.
        server: String,
    },
    /// A job was asked for, also repeatedly, and it is not known whether it was created. The last
    /// attempt ended like this, but one of them may have done its work.
    #[error("it is not known whether the job was created: {0}")]
    Unconfirmed(#[source] Box<Self>),
    /// The request can't be put into words of HTTP and JSON.
    #[error("the request can't be written: {0}")]
    Unwritable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// The stable name of this kind of error, when the API itself answered.
    pub slug: Option<String>,
    /// What went wrong.
    pub detail: String,
    /// The field at fault.
    pub field: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// Seconds after which the server would like to be asked again.
    pub retry_after_s: Option<u64>,
}

impl Refusal {
    /// A proxy in front of the API answers with pages of its own; the status is all they tell.
    pub(super) fn read(response: &Response<Bytes>) -> Self {
        let status = response.status();
        let request_id = request_id(response).map(str::to_owned);
        let retry_after_s = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let problem: Problem = serde_json::from_slice(response.body()).unwrap_or_default();
        let said = |text: &String| !text.is_empty();
        let slug = problem.kind.strip_prefix(PROBLEMS).map(str::to_owned);
        let Problem { title, detail, instance, message, field, .. } = problem;
        let silence = || format!("the server answered `{status}` and did not say why");
        Self {
            status: status.as_u16(),
            slug,
            detail: [detail, message, title].into_iter().find(said).unwrap_or_else(silence),
            field,
            request_id: request_id.or(Some(instance).filter(said)),
            retry_after_s,
        }
    }

    /// Whether the fault is the caller's.
    pub fn is_callers_fault(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// Whether the fault is the service's, or that of a proxy in front of it.
    pub fn is_servers_fault(&self) -> bool {
        (500..600).contains(&self.status)
    }
}

fn ended(day: Option<&str>) -> String {
    day.map(|day| format!("; the tool's certificate ended on {day}")).unwrap_or_default()
}

impl ClientError {
    /// The error document's data, when the server answered with an error.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Unconfirmed(cause) => cause.refusal(),
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Lost { .. }
            | Self::TimedOut { .. }
            | Self::Unreadable { .. }
            | Self::NotALog { .. }
            | Self::Unwritable(_) => None,
        }
    }

    /// Whether the service itself said that there is no such job. A 404 alone does not: a proxy that
    /// has lost the service has a page for that, and an unknown path is one too.
    pub fn is_job_not_found(&self) -> bool {
        self.refusal().is_some_and(|refusal| {
            refusal.status == StatusCode::NOT_FOUND.as_u16()
                && refusal.slug.as_deref() == Some("job-not-found")
        })
    }

    /// Whether one side did not take the other's certificate, or the caller for what it is. With
    /// another certificate the same request may be answered.
    pub fn is_about_identity(&self) -> bool {
        match self {
            Self::Untrusted { .. } => true,
            Self::Refused(refusal) => matches!(refusal.status, 401 | 403),
            Self::Unconfirmed(cause) => cause.is_about_identity(),
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::TimedOut { .. }
            | Self::Unreadable { .. }
            | Self::NotALog { .. }
            | Self::Unwritable(_) => false,
        }
    }

    /// A good answer that this version does not understand.
    pub(crate) fn unread_json(&self) -> Option<&Bytes> {
        match self {
            Self::Unreadable { json, .. } => json.as_ref(),
            Self::Unconfirmed(cause) => cause.unread_json(),
            Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Lost { .. }
            | Self::TimedOut { .. }
            | Self::Refused(_)
            | Self::NotALog { .. }
            | Self::Unwritable(_) => None,
        }
    }

    /// The id under which the server's log has this request.
    pub fn request_id(&self) -> Option<&str> {
        if let Self::Unreadable { request_id, .. } = self {
            return request_id.as_deref();
        }
        self.refusal()?.request_id.as_deref()
    }

    pub(super) fn unwritable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unwritable(source.into())
    }
}

pub(super) fn request_id<T>(response: &Response<T>) -> Option<&str> {
    response.headers().get(REQUEST_ID)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Response<Bytes> {
        Response::builder()
            .status(status)
            .header(REQUEST_ID, "r1")
            .header(header::RETRY_AFTER, "2")
            .body(Bytes::from_static(body.as_bytes()))
            .unwrap()
    }

    #[test]
    fn a_proxys_page_is_told_by_its_status() {
        let refusal = Refusal::read(&answer(502, "<html>"));
        assert_eq!(refusal.detail, "the server answered `502 Bad Gateway` and did not say why");
        assert_eq!((refusal.slug, refusal.request_id.as_deref()), (None, Some("r1")));
        assert_eq!(refusal.retry_after_s, Some(2));
    }

    #[test]
    fn only_the_services_own_word_says_that_there_is_no_such_job() {
        for (status, body, expected) in [
            (
                404,
                r#"{"type":"/problems/job-not-found","title":"","status":404,"detail":"","message":"","instance":""}"#,
                true,
            ),
            (
                404,
                r#"{"type":"/problems/route-not-found","title":"","status":404,"detail":"","message":"","instance":""}"#,
                false,
            ),
            (
                503,
                r#"{"type":"/problems/job-not-found","title":"","status":404,"detail":"","message":"","instance":""}"#,
                false,
            ),
            (404, "<html>", false),
            (404, "{}", false),
            (404, "", false),
        ] {
            let error = ClientError::from(Box::new(Refusal::read(&answer(status, body))));
            assert_eq!(error.is_job_not_found(), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_callers_faults_are_the_four_hundreds_and_the_servers_the_five_hundreds() {
        for (status, callers, servers) in [
            (399, false, false),
            (400, true, false),
            (499, true, false),
            (500, false, true),
            (599, false, true),
            (600, false, false),
        ] {
            let refusal = Refusal::read(&answer(status, ""));
            let faults = (refusal.is_callers_fault(), refusal.is_servers_fault());
            assert_eq!(faults, (callers, servers), "{status}");
        }
    }
}
