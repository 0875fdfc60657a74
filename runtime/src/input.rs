//! What handlers are given: a body, a query, or a path's variable, read into a valid type.

mod form;
mod json;
mod refusal;

pub use self::form::yes_or_no;

use std::{fmt::Display, str::FromStr};

use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;

use crate::{
    accept::Media,
    failure::{ErrorStatus, Failure},
    reply::Json,
    router::Variables,
};

/// A request whose body has arrived.
#[derive(Debug)]
pub struct Received {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    /// The values of the route's variables, decoded.
    pub(crate) variables: Variables,
    /// How the answer will be written.
    pub(crate) media: Media,
}

impl Received {
    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// The value of one of the route's variables, decoded; none when its pattern has no such one.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name)
    }
}

/// A type that a request can be read into.
pub trait Input: Sized + Send + 'static {
    /// Whether it is read from the query.
    const READS_QUERY: bool = false;
    /// The header that it is read from, in lower case.
    const HEADER: Option<&'static str> = None;

    /// Reads the request.
    ///
    /// # Errors
    /// When the request is not of this type; the failure names the field at fault.
    fn from_request(received: &Received) -> Result<Self, Failure>;
}

/// The route's variable `{name}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T> Input for Path<T>
where
    T: FromStr<Err: Display> + Send + 'static,
{
    fn from_request(received: &Received) -> Result<Self, Failure> {
        let text = received.variable("name").unwrap_or_default();
        text.parse().map(Path).map_err(|error: T::Err| Failure::invalid("name", error.to_string()))
    }
}

/// The query, read by the rules of a form. Unknown parameters are refused by name when the type
/// denies unknown fields, which it should: a misspelt one must not look like an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned + Send + 'static> Input for Query<T> {
    const READS_QUERY: bool = true;

    fn from_request(received: &Received) -> Result<Self, Failure> {
        let query = received.parts.uri.query().unwrap_or_default().as_bytes();
        form::Form::parse(query)
            .and_then(T::deserialize)
            .map(Query)
            .map_err(|refusal| refusal.into_failure("the query"))
    }
}

impl<T: DeserializeOwned + Send + 'static> Input for Json<T> {
    fn from_request(received: &Received) -> Result<Self, Failure> {
        // Some editors begin every file with a byte order mark, which says nothing.
        let body = received.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&received.body);
        match media_type(&received.parts.headers).as_deref() {
            Some("application/json") => json::Tree::parse(body).and_then(T::deserialize),
            Some("application/x-www-form-urlencoded") => {
                form::Form::parse_body(body).and_then(T::deserialize)
            }
            _ => {
                return Err(Failure::new(
                    ErrorStatus::UnsupportedMediaType,
                    "unsupported-media-type",
                    "send `content-type: application/json` or `application/x-www-form-urlencoded`",
                ));
            }
        }
        .map(Json)
        .map_err(|refusal| refusal.into_failure("the body"))
    }
}

/// The media type of a body, in lower case and without parameters. Of two, neither is what was meant
/// for sure.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let text = values.next()?.to_str().ok().filter(|_| values.next().is_none())?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
