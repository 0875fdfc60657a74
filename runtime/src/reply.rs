//! What handlers give back.

use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Serialize, de::DeserializeOwned};
use tjf_api_types::{PROBLEM_JSON, Problem, ShellText};

use crate::{
    accept::Media,
    body::{ReplyBody, Response},
    failure::{BoxError, Failure},
    request_id::RequestId,
};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON_LINES: &str = "application/x-ndjson";

/// A value that becomes an answer.
pub trait Reply: Send {
    /// The answer, written as the caller wants it: one of those that its route says it has.
    ///
    /// # Errors
    /// When the value can't be written down; that is our own fault.
    fn into_response(self, media: Media) -> Result<Response, Failure>;
}

/// A value that crosses the wire: what a body is read into, and what an answer is written from, as
/// JSON or for a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + ShellText + Send> Reply for Json<T> {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        Ok(match media {
            Media::Json | Media::Wrapped => {
                let body = serde_json::to_vec(&self.0).map_err(Failure::internal)?;
                of_type(body.into(), JSON)
            }
            Media::Text => of_type(self.0.to_text().into_bytes().into(), TEXT),
        })
    }
}

/// A value for a route that answers with JSON alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonAlone<T>(pub T);

impl<T: Serialize + Send> Reply for JsonAlone<T> {
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let body = serde_json::to_vec(&self.0).map_err(Failure::internal)?;
        Ok(of_type(body.into(), JSON))
    }
}

/// JSON that is written already, and is sent as often as it is asked for. For a shell it is read
/// again, which costs only those who ask for that. Each has a tag, which is another when a byte is.
#[derive(Debug, Clone)]
pub struct Written {
    json: Bytes,
    tag: u64,
    to_text: fn(&[u8]) -> serde_json::Result<String>,
}

impl Written {
    /// A value that has been written as JSON.
    pub fn from_json<T: DeserializeOwned + ShellText>(json: Bytes) -> Self {
        let to_text = |json: &[u8]| serde_json::from_slice::<T>(json).map(|it| it.to_text());
        Self { tag: tag_of(&json), json, to_text }
    }

    /// JSON that is no value of ours, for a route that answers with nothing else.
    pub fn as_it_is(json: Bytes) -> Self {
        let to_text = |json: &[u8]| Ok(String::from_utf8_lossy(json).into_owned());
        Self { tag: tag_of(&json), json, to_text }
    }

    /// The JSON.
    pub fn json(&self) -> &Bytes {
        &self.json
    }
}

impl Reply for Written {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        let (mut response, tag) = match media {
            Media::Json | Media::Wrapped => (of_type(self.json.into(), JSON), self.tag),
            Media::Text => {
                let text = (self.to_text)(&self.json).map_err(Failure::internal)?.into_bytes();
                let tag = tag_of(&text);
                (of_type(text.into(), TEXT), tag)
            }
        };
        let tag = HeaderValue::try_from(format!("\"{tag:016x}\""));
        response.headers_mut().insert(header::ETAG, tag.map_err(Failure::internal)?);
        Ok(response)
    }
}

fn tag_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// A new thing: 201, where to find it, and the thing itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T> {
    /// The path under which the thing is found.
    pub location: String,
    /// The thing.
    pub value: T,
}

impl<T: Serialize + ShellText + Send> Reply for Created<T> {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        created(self.location, Json(self.value).into_response(media)?)
    }
}

impl<T: Serialize + Send> Reply for Created<JsonAlone<T>> {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        created(self.location, self.value.into_response(media)?)
    }
}

fn created(location: String, mut response: Response) -> Result<Response, Failure> {
    *response.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::try_from(location).map_err(Failure::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// One of two answers, for a route that can do two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

impl<A: Reply, B: Reply> Reply for Either<A, B> {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        match self {
            Self::First(answer) => answer.into_response(media),
            Self::Second(answer) => answer.into_response(media),
        }
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
        let mut response = of_type(ReplyBody::stream(self.text.boxed()), TEXT);
        response.headers_mut().extend([NO_BUFFERING]);
        for (name, value) in self.headers {
            let value = HeaderValue::try_from(value).map_err(Failure::internal)?;
            response.headers_mut().insert(name, value);
        }
        Ok(response)
    }
}

/// The same of objects of JSON, each on a line of its own.
#[derive(Debug)]
pub struct LineStream<T>(pub T);

impl<T> Reply for LineStream<T>
where
    T: Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
{
    fn into_response(self, _: Media) -> Result<Response, Failure> {
        let mut response = of_type(ReplyBody::stream(self.0.boxed()), JSON_LINES);
        response.headers_mut().extend([NO_BUFFERING]);
        Ok(response)
    }
}

/// The answer to what went wrong: a problem document, or one line for who reads text.
pub(crate) fn of_failure(failure: &Failure, id: &RequestId, media: Media) -> Response {
    let mut response = match media {
        Media::Json => of_problem(&failure.problem(id)),
        Media::Wrapped => {
            let problem = failure.problem(id);
            of_problem(&Wrapped { error: [&problem.detail], problem: &problem })
        }
        Media::Text => {
            let line = format!("{}\n", failure.detail());
            of_type(line.into_bytes().into(), TEXT)
        }
    };
    *response.status_mut() = failure.status().code();
    response.headers_mut().extend(failure.headers());
    response
}

/// A problem beside which its sentence stands once more.
#[derive(Serialize)]
struct Wrapped<'a> {
    error: [&'a str; 1],
    #[serde(flatten)]
    problem: &'a Problem,
}

fn of_problem(problem: &impl Serialize) -> Response {
    of_type(serde_json::to_vec(problem).unwrap_or_default().into(), PROBLEM_JSON)
}

fn of_type(body: ReplyBody, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
