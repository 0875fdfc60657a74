//! What handlers are given: a body, a query, or a path's variable, read into a valid type.

mod form;

use std::{fmt::Display, str::FromStr};

use bytes::Bytes;
use http::{HeaderMap, header, request::Parts};
use serde::de::DeserializeOwned;

use crate::{
    accept::Media,
    failure::{ErrorStatus, Failure},
    reply::Json,
};

/// A request whose body has arrived.
#[derive(Debug)]
pub struct Received {
    pub(crate) parts: Parts,
    pub(crate) body: Bytes,
    /// The value of the route's variable, decoded.
    pub(crate) variable: Option<String>,
    /// How the answer will be written.
    pub(crate) media: Media,
}

impl Received {
    /// The request's headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }
}

/// A type that a request can be read into.
pub trait Input: Sized + Send + 'static {
    /// Whether it is read from the query.
    const READS_QUERY: bool = false;

    /// Reads the request.
    ///
    /// # Errors
    /// When the request is not of this type; the failure names the field at fault.
    fn from_request(received: &Received) -> Result<Self, Failure>;
}

/// The route's one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T> Input for Path<T>
where
    T: FromStr<Err: Display> + Send + 'static,
{
    fn from_request(received: &Received) -> Result<Self, Failure> {
        let text = received.variable.as_deref().unwrap_or_default();
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
        from_form(received.parts.uri.query().unwrap_or_default().as_bytes()).map(Query)
    }
}

impl<T: DeserializeOwned + Send + 'static> Input for Json<T> {
    fn from_request(received: &Received) -> Result<Self, Failure> {
        match media_type(&received.parts.headers).as_deref() {
            Some("application/json") => from_json(&received.body),
            Some("application/x-www-form-urlencoded") => from_form(&received.body),
            _ => Err(Failure::new(
                ErrorStatus::UnsupportedMediaType,
                "unsupported-media-type",
                "send `content-type: application/json` or `application/x-www-form-urlencoded`",
            )),
        }
        .map(Json)
    }
}

/// The media type of a body, in lower case and without parameters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next()?.trim().to_ascii_lowercase())
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    // serde would take an array for a struct, field by field in their order: nobody means that.
    if body.trim_ascii_start().starts_with(b"[") {
        return Err(refused(None, "the body is an array: send an object"));
    }
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let field = field_of(&error.path().to_string(), &error.inner().to_string());
        refused(field, &error.into_inner().to_string())
    })?;
    json.end().map_err(|error| refused(None, &error.to_string()))?;
    Ok(value)
}

fn from_form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let form = form::Form::parse(body).map_err(|error| refused(None, &error))?;
    serde_path_to_error::deserialize(form).map_err(|error| {
        let field = field_of(&error.path().to_string(), &error.inner().to_string());
        refused(field, &error.into_inner().to_string())
    })
}

/// The field at fault. serde knows the path to a wrong value, but says only in words which field is
/// missing or is there twice.
fn field_of(path: &str, error: &str) -> Option<String> {
    // A path that begins with `?` is not a path: the text ended, or was not JSON, before a field had a
    // name.
    if path != "." && !path.starts_with('?') {
        let first = path.split(['.', '[']).next().unwrap_or(path);
        return Some(first.to_owned());
    }
    ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| error.strip_prefix(start)?.split('`').next())
        .map(str::to_owned)
}

fn refused(field: Option<String>, error: &str) -> Failure {
    let detail = match &field {
        Some(field) if !error.contains(&format!("`{field}`")) => format!("`{field}`: {error}"),
        _ => error.to_owned(),
    };
    let failure = Failure::new(ErrorStatus::BadRequest, "invalid-request", detail);
    match field {
        Some(field) => failure.field(field),
        None => failure,
    }
}

#[cfg(test)]
mod tests;
