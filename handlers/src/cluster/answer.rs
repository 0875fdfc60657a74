//! Answers of Kubernetes, read while their bytes come in.
//!
//! A tool can fill its namespace with objects of 1.5 MB, so that one list of them has hundreds of
//! megabytes. Hence a list is never held as a whole: each object is read as soon as its last byte is
//! there ([`ListReader`]), and what we do not use of it is forgotten. Beyond its first bytes an
//! answer is read one after the other: one of a tool at once, and few of all tools. While an answer
//! waits for its turn TCP holds back the rest of it, and nothing of it is here.

mod cutter;
mod list;

use bytes::Bytes;
use http_body_util::BodyExt;
use tjf_runtime::BoxError;
use tokio::{
    sync::{Mutex, Semaphore},
    task::yield_now,
    time::{Instant, timeout_at},
};

pub(super) use self::list::ListReader;
use super::{ClusterError, connection::CALL_TIME_MAX};

/// The largest object that is read. etcd takes 1.5 MiB; JSON writes a character such as `<` in six.
pub(crate) const OBJECT_BYTES_MAX: usize = 12 * 1024 * 1024;
/// What of an answer is read without a turn: as much as fifty ordinary jobs have.
const FREE_BYTES_MAX: usize = 256 * 1024;
/// Larger answers that are read at once. Each holds an object at most, beside what is kept of those
/// before it.
pub(crate) const LARGE_ANSWERS_MAX: usize = 4;
/// Of the body of a refusal; Kubernetes' own have less than 1 KiB.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Makes something of an answer while its bytes come in.
pub(super) trait Reader {
    /// What it makes.
    type Output;

    /// Takes the next bytes.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), ClusterError>;

    /// That was all.
    fn finish(self) -> Result<Self::Output, ClusterError>;
}

/// Holds all bytes of one object, and reads them at the end.
pub(super) struct Whole<F> {
    bytes: Vec<u8>,
    read: F,
}

impl<T, F: FnOnce(&[u8]) -> serde_json::Result<T>> Whole<F> {
    pub(super) fn new(read: F) -> Self {
        Self { bytes: Vec::new(), read }
    }
}

impl<T, F: FnOnce(&[u8]) -> serde_json::Result<T>> Reader for Whole<F> {
    type Output = T;

    fn feed(&mut self, bytes: &[u8]) -> Result<(), ClusterError> {
        append(&mut self.bytes, bytes)
    }

    fn finish(self) -> Result<T, ClusterError> {
        (self.read)(&self.bytes).map_err(ClusterError::Unreadable)
    }
}

/// That it was done is all that an answer says.
pub(super) struct Unread;

impl Reader for Unread {
    type Output = ();

    fn feed(&mut self, _: &[u8]) -> Result<(), ClusterError> {
        Ok(())
    }

    fn finish(self) -> Result<(), ClusterError> {
        Ok(())
    }
}

/// Adds to the bytes of one object.
fn append(object: &mut Vec<u8>, bytes: &[u8]) -> Result<(), ClusterError> {
    if object.len() + bytes.len() > OBJECT_BYTES_MAX {
        return Err(ClusterError::TooLarge);
    }
    object.extend_from_slice(bytes);
    Ok(())
}

/// The bytes of an answer.
pub(super) trait Incoming: BodyExt<Data = Bytes, Error: Into<BoxError>> + Unpin {}

impl<B: BodyExt<Data = Bytes, Error: Into<BoxError>> + Unpin> Incoming for B {}

/// What calls of a tool share, with each other and with those of other tools.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    /// Calls of the tool that are under way.
    pub(super) calls: &'a Semaphore,
    /// The tool's turn to read a large answer.
    pub(super) large_of_tool: &'a Mutex<()>,
    /// Turns of all tools.
    pub(super) large_of_all: &'a Semaphore,
}

/// Reads an answer to its end. It has until `end` to come; what waits for its turn may go on to
/// wait until `deadline`, and then has the time of another call.
pub(super) async fn read<R: Reader>(
    mut body: impl Incoming,
    mut reader: R,
    bounds: Bounds<'_>,
    (mut end, deadline): (Instant, Instant),
) -> Result<R::Output, ClusterError> {
    let mut bytes_read = 0;
    let first_beyond = loop {
        let Some(bytes) = next(&mut body, end).await? else { return reader.finish() };
        bytes_read += bytes.len();
        if bytes_read > FREE_BYTES_MAX {
            break bytes;
        }
        reader.feed(&bytes)?;
    };
    let turn = async {
        let of_tool = bounds.large_of_tool.lock().await;
        (of_tool, bounds.large_of_all.acquire().await)
    };
    let _turn = timeout_at(deadline, turn).await.map_err(lost)?;
    end = deadline.min(Instant::now() + CALL_TIME_MAX);
    reader.feed(&first_beyond)?;
    drop(first_beyond);
    while let Some(bytes) = next(&mut body, end).await? {
        reader.feed(&bytes)?;
        // The bytes may come faster than they are read, and others want to be answered meanwhile.
        yield_now().await;
    }
    reader.finish()
}

/// Reads the body of a refusal. What is too long was not written by Kubernetes.
pub(super) async fn read_refusal(
    mut body: impl Incoming,
    end: Instant,
) -> Result<Vec<u8>, ClusterError> {
    let mut text = Vec::new();
    while let Some(bytes) = next(&mut body, end).await? {
        if text.len() + bytes.len() > REFUSAL_BYTES_MAX {
            break;
        }
        text.extend_from_slice(&bytes);
    }
    Ok(text)
}

/// The next bytes; none at the end.
async fn next(body: &mut impl Incoming, end: Instant) -> Result<Option<Bytes>, ClusterError> {
    let Some(frame) = timeout_at(end, body.frame()).await.map_err(lost)? else { return Ok(None) };
    // Trailers say nothing.
    Ok(Some(frame.map_err(lost)?.into_data().unwrap_or_default()))
}

fn lost(error: impl Into<BoxError>) -> ClusterError {
    ClusterError::Lost(error.into())
}

#[cfg(test)]
mod tests;
