//! What handlers give back.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderValue, StatusCode, header};
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

/// A value, and the JSON that it was written as, which is sent as often as it is asked for. Its tag
/// is another when a byte of it is.
#[derive(Debug)]
pub struct Written<T> {
    value: T,
    json: Bytes,
    tag: String,
}

impl<T: Serialize> Written<T> {
    /// Writes a value.
    ///
    /// # Errors
    /// When it can't be written down; that is our own fault.
    pub fn of(value: T) -> serde_json::Result<Self> {
        let json = serde_json::to_vec(&value)?;
        let mut hasher = DefaultHasher::new();
        json.hash(&mut hasher);
        let tag = format!("\"{:016x}\"", hasher.finish());
        Ok(Self { value, json: json.into(), tag })
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }
}

impl<T: Send + Sync> Reply for Arc<Written<T>> {
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let mut response = of_type(self.json.clone().into(), "application/json");
        let tag = HeaderValue::try_from(self.tag.as_str()).map_err(Failure::internal)?;
        response.headers_mut().insert(header::ETAG, tag);
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
/// server stops, and a reader tells that from its end.
#[derive(Debug)]
pub struct TextStream<T>(pub T);

impl<T> Reply for TextStream<T>
where
    T: Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
{
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        Ok(of_type(ReplyBody::stream(self.0.boxed()), "text/plain; charset=utf-8"))
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
