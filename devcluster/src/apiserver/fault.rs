//! What tests let go wrong with the calls of one user, and what calls that user made.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Body, full, json_response, path::Target, refusal, response, status::Refused};
use crate::kind::Kind;

/// Larger than any version that a cluster of tests comes to.
const FUTURE_VERSION: &str = "999999999999";

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing is done, and the connection is closed.
    ResetBefore,
    /// It is done, and the connection is closed without an answer.
    ResetAfter,
    /// Nothing is done, and the answer is this status: 409, 429, 500 or 503.
    Refuse(u16),
    /// It is done, and the answer is this status all the same.
    FailAfter(u16),
    /// It is done, and the connection is closed after the head and half of the body.
    HalfAnswer,
    /// It is done so much later, also when the caller has left meanwhile.
    DelayBefore(Duration),
    /// It is done, and answered so much later.
    DelayAfter(Duration),
    /// It is done, and the answer's `metadata.resourceVersion` is one that has not come yet.
    FutureVersion,
}

/// Which calls something goes wrong with, and what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Only calls with this verb of authorisation, such as `get`, `create` or `deletecollection`.
    pub verb: Option<&'static str>,
    /// Only calls about this kind.
    pub kind: Option<Kind>,
    /// So many such calls go well before.
    pub skip: usize,
    /// Then it goes wrong so many times.
    pub times: usize,
    /// What goes wrong.
    pub effect: Effect,
}

impl Fault {
    /// The very next call, whatever it is.
    pub fn next(effect: Effect) -> Self {
        Self { verb: None, kind: None, skip: 0, times: 1, effect }
    }

    /// The next call with this verb about this kind.
    pub fn on(verb: &'static str, kind: Kind, effect: Effect) -> Self {
        Self { verb: Some(verb), kind: Some(kind), ..Self::next(effect) }
    }

    fn is_about(&self, call: &RecordedCall) -> bool {
        self.verb.is_none_or(|verb| verb == call.verb)
            && self.kind.is_none_or(|kind| kind == call.kind)
    }
}

/// A call that a user made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedCall {
    /// The verb of authorisation.
    pub verb: &'static str,
    /// What it was about.
    pub kind: Kind,
    /// The object's name; `None` for a collection.
    pub name: Option<String>,
    /// What went wrong with it.
    pub effect: Option<Effect>,
}

impl fmt::Display for RecordedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.kind.plural())?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, "/{name}"))
    }
}

/// The faults that wait, and the calls that were made, by user.
#[derive(Default)]
pub(crate) struct Faults(Mutex<BTreeMap<String, Watched>>);

#[derive(Default)]
struct Watched {
    faults: Vec<Fault>,
    calls: Vec<RecordedCall>,
}

impl Faults {
    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<String, Watched>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds a fault for a user.
    pub(crate) fn add(&self, user: &str, fault: Fault) {
        self.with(|users| users.entry(user.to_owned()).or_default().faults.push(fault));
    }

    /// Takes away the faults of a user that are left.
    pub(crate) fn clear(&self, user: &str) {
        self.with(|users| users.entry(user.to_owned()).or_default().faults.clear());
    }

    /// Gives the calls of a user since the last time. It begins to note them with the first fault,
    /// or when this is asked first.
    pub(crate) fn take_calls(&self, user: &str) -> Vec<RecordedCall> {
        self.with(|users| std::mem::take(&mut users.entry(user.to_owned()).or_default().calls))
    }

    /// Notes a call, and says what goes wrong with it.
    pub(super) fn meet(&self, user: &str, verb: &'static str, target: &Target) -> Option<Effect> {
        self.with(|users| {
            let Watched { faults, calls } = users.get_mut(user)?;
            let Target { kind, name, .. } = target;
            let mut call = RecordedCall { verb, kind: *kind, name: name.clone(), effect: None };
            for fault in faults.iter_mut().filter(|fault| fault.is_about(&call)) {
                if fault.skip > 0 {
                    fault.skip -= 1;
                } else if fault.times > 0 {
                    fault.times -= 1;
                    call.effect = Some(fault.effect);
                    break;
                }
            }
            calls.push(call.clone());
            call.effect
        })
    }
}

/// Lets a call go wrong.
///
/// # Errors
/// When there is no answer.
pub(super) async fn inflict(
    effect: Option<Effect>,
    done: impl Future<Output = Response<Body>>,
) -> io::Result<Response<Body>> {
    match effect {
        None => Ok(done.await),
        Some(Effect::ResetBefore) => Err(closed()),
        Some(Effect::ResetAfter) => {
            done.await;
            Err(closed())
        }
        Some(Effect::Refuse(code)) => Ok(failure(code)),
        Some(Effect::FailAfter(code)) => {
            done.await;
            Ok(failure(code))
        }
        Some(Effect::HalfAnswer) => Ok(half(done.await).await),
        Some(Effect::DelayBefore(time)) => {
            sleep(time).await;
            Ok(done.await)
        }
        Some(Effect::DelayAfter(time)) => {
            let response = done.await;
            sleep(time).await;
            Ok(response)
        }
        Some(Effect::FutureVersion) => {
            let (head, body) = done.await.into_parts();
            let body = body.collect().await?.to_bytes();
            let mut value: Value = serde_json::from_slice(&body).map_err(io::Error::other)?;
            value["metadata"]["resourceVersion"] = json!(FUTURE_VERSION);
            Ok(json_response(head.status, &value))
        }
    }
}

fn closed() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

/// As the real one says it: who throttles does not even write a `Status`.
fn failure(code: u16) -> Response<Body> {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if code != StatusCode::TOO_MANY_REQUESTS {
        return refusal(&Refused::by_fault(code));
    }
    let text = full("Too many requests, please try again later.\n".into());
    let mut response = response(code, "text/plain", text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

async fn half(response: Response<Body>) -> Response<Body> {
    let (mut head, body) = response.into_parts();
    let whole = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    head.headers.insert(header::CONTENT_LENGTH, whole.len().into());
    let pieces = stream::unfold(Some(whole.slice(..whole.len() / 2)), |half| async move {
        if let Some(half) = half {
            return Some((Ok(Frame::data(half)), None));
        }
        // The half is on its way by then.
        tokio::task::yield_now().await;
        Some((Err(closed()), None::<Bytes>))
    });
    Response::from_parts(head, BodyExt::boxed(StreamBody::new(pieces)))
}
