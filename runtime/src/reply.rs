//! What handlers give back.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;
use tjf_api_types::PROBLEM_JSON;

use crate::{
    accept::Media,
    body::{ReplyBody, Response},
    failure::{BoxError, Failure},
    request_id::RequestId,
};

/// A value that becomes an answer.
pub trait Reply: Send {
    /// The answer, written as the caller wants it: one of those that its route says it has.
    ///
    /// # Errors
    /// When the value can't be written down; that is our own fault.
    fn into_response(self, media: Media) -> Result<Response, Failure>;
}

/// A value as JSON: what a body is read into, and what an answer is written from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + Send> Reply for Json<T> {
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let body = serde_json::to_vec(&self.0).map_err(Failure::internal)?;
        Ok(of_type(body.into(), "application/json"))
    }
}

/// JSON that is written already, and is sent as often as it is asked for. Its tag is another when a
/// byte of it is.
#[derive(Debug, Clone)]
pub struct Written {
    json: Bytes,
    tag: u64,
}

impl Written {
    /// What has been written as JSON.
    pub fn from_json(json: Bytes) -> Self {
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        Self { json, tag: hasher.finish() }
    }

    /// The JSON.
    pub fn json(&self) -> &Bytes {
        &self.json
    }
}

impl Reply for Written {
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let mut response = of_type(self.json.into(), "application/json");
        let tag = HeaderValue::try_from(format!("\"{:016x}\"", self.tag));
        response.headers_mut().insert(header::ETAG, tag.map_err(Failure::internal)?);
        Ok(response)
    }
}

/// A new thing: 201, where to find it, and the thing itself as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    /// The path under which the thing is found.
    pub location: String,
    /// The thing.
    pub value: T,
}

impl<T: Serialize + Send> Reply for Created<T> {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        let mut response = Json(self.value).into_response(media)?;
        *response.status_mut() = StatusCode::CREATED;
        let location = HeaderValue::try_from(self.location).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        Ok(response)
    }
}

/// A text that comes bit by bit. It may be quiet for as long as it likes; it breaks off when the
/// server stops, and a reader tells that from its end. Proxies are asked to pass each bit on.
#[derive(Debug)]
pub struct TextStream<T> {
    /// The text.
    pub text: T,
    /// Headers that say what it is a part of.
    pub headers: Vec<(&'static str, String)>,
}

/// Tells nginx, and who else has learnt it, not to collect an answer before it passes it on.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

impl<T> Reply for TextStream<T>
where
    T: Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
{
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let body = ReplyBody::stream(self.text.boxed());
        let mut response = of_type(body, "text/plain; charset=utf-8");
        response.headers_mut().extend([NO_BUFFERING]);
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value).map_err(Failure::internal)?;
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

/// The answer to what went wrong: a problem document, or one line for who reads text.
pub(crate) fn of_failure(failure: &Failure, id: &RequestId, media: Media) -> Response {
    let mut response = match media {
        Media::Json => {
            let problem = serde_json::to_vec(&failure.problem(id)).unwrap_or_default();
            of_type(problem.into(), PROBLEM_JSON)
        }
        Media::Text => {
            let line = format!("{}\n", failure.detail());
            of_type(line.into_bytes().into(), "text/plain; charset=utf-8")
        }
    };
    *response.status_mut() = failure.status().code();
    response.headers_mut().extend(failure.headers());
    response
}

fn of_type(body: ReplyBody, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
