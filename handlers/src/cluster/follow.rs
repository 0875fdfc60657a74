//! Following: what changes in a tool's namespace, told to its store as it comes.
//!
//! Each kind has a watch, and all of them one connection. A watch that ends when it was asked to is
//! begun again where it ended. Whatever else becomes of one ends the store, since there is nothing
//! to mend: the next request reads everything anew.

use std::{borrow::Cow, convert::Infallible, time::Duration};

use bytes::BytesMut;
use http::{Request, StatusCode, Version as HttpVersion};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;
use tjf_runtime::{
    BoxError, chance,
    pool::{HomeClient, Pooled},
};
use tokio::time::{Instant, timeout};

use super::answer::OBJECT_BYTES_MAX;
use crate::{
    job::{
        kind::Kind,
        objects::{BatchJob, CronJob, ListMeta, Meta, Named, Pod, ReplicationController, Version},
    },
    store::{Change, Ended, Feed, Followed},
};

/// A watch outlives the rights of its tool and the dates of its certificate; a new one does not.
const WATCH_TIME_MAX: Duration = Duration::from_secs(290);
/// All that were begun at once should not end at once.
const WATCH_TIME_SPREAD: Duration = Duration::from_secs(30);
/// A watch that ends earlier than this was not ended because its time was up.
const WATCH_TIME_MIN: Duration = Duration::from_secs(200);
/// How long a watch may take to begin.
const BEGIN_TIME_MAX: Duration = Duration::from_secs(5);
/// The same of a watch over a connection that nothing checks.
const UNCHECKED_WATCH_TIME_MAX: Duration = Duration::from_secs(30);
/// Kubernetes sends a bookmark a minute where nothing changes.
const SILENCE_MAX: Duration = Duration::from_secs(150);

/// Why the watches of a tool have ended.
#[derive(Debug, Error)]
enum End {
    #[error("it could not begin")]
    NotBegun(#[source] BoxError),
    #[error("it was refused with {0}")]
    Refused(StatusCode),
    #[error("the connection is not of HTTP/2, so nothing tells whether it lives")]
    NotHttp2,
    #[error("it broke off")]
    BrokenOff(#[source] BoxError),
    #[error("nothing was told for {SILENCE_MAX:?}")]
    Silent,
    #[error("Kubernetes ended it: {0}")]
    Told(String),
    #[error("it ended before its time")]
    TooEarly,
    #[error("what it tells can't be read")]
    Unreadable(#[source] serde_json::Error),
    #[error("an object is too large")]
    TooLarge,
    #[error("the store has ended")]
    Ended,
    #[error("the tool has another client now, or none")]
    Retired,
}

impl End {
    /// Whether it would only happen again.
    fn lasts(&self) -> bool {
        match self {
            Self::NotBegun(_) | Self::Refused(_) | Self::NotHttp2 => true,
            Self::Unreadable(_) | Self::TooLarge => true,
            Self::BrokenOff(_) | Self::Silent | Self::Told(_) | Self::TooEarly => false,
            Self::Ended | Self::Retired => false,
        }
    }
}

impl From<Ended> for End {
    fn from(Ended: Ended) -> Self {
        Self::Ended
    }
}

/// What a watch tells.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(rename = "type", borrow)]
    what: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// How far a bookmark goes.
#[derive(Deserialize)]
struct Bookmark {
    metadata: ListMeta,
}

/// What Kubernetes says of an error.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
}

/// Begins to follow what changes in a namespace, until something ends that.
pub(super) fn begin(client: Pooled<HomeClient>, namespace: &str, feed: Feed) {
    let kube = client.client.kube.clone();
    let namespace = namespace.to_owned();
    #[expect(clippy::disallowed_methods, reason = "it outlives the request that began it")]
    tokio::spawn(async move {
        let all = async {
            futures_util::try_join!(
                follow::<BatchJob>(&kube, &namespace, &feed),
                follow::<CronJob>(&kube, &namespace, &feed),
                follow::<ReplicationController>(&kube, &namespace, &feed),
                follow::<Pod>(&kube, &namespace, &feed),
            )
        };
        let end = tokio::select! {
            outcome = all => match outcome {
                Err(end) => end,
                Ok((never, ..)) => match never {},
            },
            () = client.retired() => End::Retired,
        };
        let error: &dyn std::error::Error = &end;
        if end.lasts() {
            tracing::warn!(
                namespace,
                error,
                "what changes can't be followed: Kubernetes is asked each time"
            );
        } else {
            tracing::debug!(namespace, error, "nothing is followed any more");
        }
        feed.end(end.lasts());
    });
}

/// Waits until one Job has changed since this was read of it, or for as long as a watch of it may be
/// trusted. The watch has a connection of its own, of any version of HTTP, and nothing asks that
/// connection whether it lives.
///
/// # Errors
/// When it can't be watched.
pub(super) async fn one(kube: &kube::Client, namespace: &str, job: &Meta) -> Result<(), BoxError> {
    let from = job.version.number().unwrap_or_default();
    let path = format!(
        "{}?watch=true&fieldSelector=metadata.name%3D{}&resourceVersion={from}&timeoutSeconds={}",
        Kind::JOBS.path(namespace),
        job.name,
        UNCHECKED_WATCH_TIME_MAX.as_secs(),
    );
    let response =
        timeout(BEGIN_TIME_MAX, kube.send(Request::get(path).body(Body::empty())?)).await??;
    if !response.status().is_success() {
        return Err(End::Refused(response.status()).into());
    }
    let first = timeout(UNCHECKED_WATCH_TIME_MAX, response.into_body().frame()).await;
    first.ok().flatten().transpose()?;
    Ok(())
}

/// Follows one kind, with one watch after the other.
async fn follow<T: Followed>(
    kube: &kube::Client,
    namespace: &str,
    feed: &Feed,
) -> Result<Infallible, End> {
    loop {
        let began = Instant::now();
        watch::<T>(kube, namespace, feed).await?;
        if began.elapsed() < WATCH_TIME_MIN {
            return Err(End::TooEarly);
        }
    }
}

/// Follows one kind until its watch has had its time.
async fn watch<T: Followed>(kube: &kube::Client, namespace: &str, feed: &Feed) -> Result<(), End> {
    let path = path(T::KIND, namespace, feed.version(T::KIND)?);
    let request = Request::get(path).version(HttpVersion::HTTP_2).body(Body::empty());
    let request = request.map_err(|error| End::NotBegun(error.into()))?;
    let response = timeout(BEGIN_TIME_MAX, kube.send(request)).await;
    let response = response.map_err(|elapsed| End::NotBegun(elapsed.into()))?;
    let response = response.map_err(|error| End::NotBegun(error.into()))?;
    if !response.status().is_success() {
        return Err(End::Refused(response.status()));
    }
    if response.version() != HttpVersion::HTTP_2 {
        return Err(End::NotHttp2);
    }
    feed.begun(T::KIND)?;
    let mut body = response.into_body();
    let mut unread = BytesMut::new();
    while let Some(frame) = timeout(SILENCE_MAX, body.frame()).await.map_err(|_| End::Silent)? {
        let frame = frame.map_err(|error| End::BrokenOff(error.into()))?;
        let Ok(bytes) = frame.into_data() else { continue };
        if unread.len() + bytes.len() > OBJECT_BYTES_MAX {
            return Err(End::TooLarge);
        }
        let mut from = unread.len();
        unread.extend_from_slice(&bytes);
        while let Some(length) = unread[from..].iter().position(|byte| *byte == b'\n') {
            let line = unread.split_to(from + length + 1);
            tell::<T>(&line, feed)?;
            from = 0;
        }
        if unread.is_empty() {
            // A large object does not keep its room.
            unread = BytesMut::new();
        }
    }
    Ok(())
}

fn path(kind: Kind, namespace: &str, from: Version) -> String {
    let spread = chance::number() % WATCH_TIME_SPREAD.as_secs();
    let seconds = WATCH_TIME_MAX.as_secs() - spread;
    let from = from.number().unwrap_or_default();
    format!(
        "{}?watch=true&allowWatchBookmarks=true&resourceVersion={from}&timeoutSeconds={seconds}",
        kind.path(namespace)
    )
}

/// Tells the store one line.
fn tell<T: Followed>(line: &[u8], feed: &Feed) -> Result<(), End> {
    let Told { what, object } = serde_json::from_slice(line).map_err(End::Unreadable)?;
    let object = object.get();
    match &*what {
        "ADDED" | "MODIFIED" => match serde_json::from_str(object) {
            Ok(object) => feed.apply(Change::<T>::Is(object), line.len())?,
            // As a list does, which leaves out what can't be read.
            Err(_) => feed.apply(gone::<T>(object)?, line.len())?,
        },
        "DELETED" => feed.apply(gone::<T>(object)?, line.len())?,
        "BOOKMARK" => {
            let Bookmark { metadata } = serde_json::from_str(object).map_err(End::Unreadable)?;
            feed.bookmark(T::KIND, Version::parse(&metadata.resource_version))?;
        }
        _ => {
            let status = serde_json::from_str::<Status>(object).map_err(End::Unreadable)?;
            return Err(End::Told(status.message));
        }
    }
    Ok(())
}

fn gone<T>(object: &str) -> Result<Change<T>, End> {
    let Named { metadata } = serde_json::from_str(object).map_err(End::Unreadable)?;
    Ok(Change::Gone(Box::new(metadata)))
}

#[cfg(test)]
mod tests;
