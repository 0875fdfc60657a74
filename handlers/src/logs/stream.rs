//! A job's log files as one text, now or for as long as there is more to come.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    Stream,
    future::{BoxFuture, Shared},
    stream::try_unfold,
};
use thiserror::Error;
use tjf_api_types::{Interleaver, LogStream};
use tjf_runtime::{BoxError, files::FileError};
use tokio::time::sleep;

use super::{
    source::{File, Source},
    tail::{Look, Start, Tail},
};
use crate::cluster::ClusterError;

/// The pause between looks: network file systems tell nobody of changes.
pub(super) const LOOK_TIME: Duration = Duration::from_millis(250);

/// Why a followed text breaks off although there may be more: who asks again goes on.
#[derive(Debug, Clone, Error)]
pub(super) enum BrokenOff {
    /// Another file comes next, and the reader counts the bytes of this one.
    #[error("another file begins")]
    Anew,
    /// It has gone on for as long as an answer may, and its caller may have lost its rights.
    #[error("an answer has an end")]
    TooLong,
    /// Kubernetes does not let the tool see its job any more.
    #[error("the job can't be seen any more")]
    Refused(#[source] Arc<ClusterError>),
}

impl From<ClusterError> for BrokenOff {
    fn from(error: ClusterError) -> Self {
        Self::Refused(Arc::new(error))
    }
}

/// Ends when nothing more will be written; or fails when nobody may read on.
pub(super) type Ended = Shared<BoxFuture<'static, Result<(), BrokenOff>>>;

/// The files of a text: one as it is, or both by the line.
pub(super) enum Files<S: Source> {
    /// One file. Its reader counts bytes, so it ends where the file does.
    One(Tail<S>),
    /// One that nobody counts the bytes of.
    Uncounted(Tail<S>),
    /// Standard output and standard error.
    Both([Tail<S>; 2], Interleaver),
}

/// What there is at this moment.
pub(super) fn now<S: Source>(
    files: Files<S>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    try_unfold(files, async |mut files| {
        let text = files.rest().await?;
        Ok(text.map(|text| (text, files)))
    })
}

/// What there is, and what comes until the job has ended.
pub(super) fn followed<S: Source>(
    files: Files<S>,
    ended: Ended,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    let follower = Follower { files, ended: Some(ended), is_done: false };
    try_unfold(follower, async |mut follower: Follower<S>| {
        let text = follower.next().await?;
        Ok(text.map(|text| (text, follower)))
    })
}

struct Follower<S: Source> {
    files: Files<S>,
    /// There until it has come true.
    ended: Option<Ended>,
    is_done: bool,
}

/// What a look at all files found.
enum Found {
    Text(Vec<u8>),
    /// Something, of which no line is whole yet; or the beginning of a file.
    Something,
    Nothing,
}

impl<S: Source> Follower<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        loop {
            if self.is_done {
                return Ok(None);
            }
            match self.files.look().await? {
                Found::Text(text) => return Ok(Some(text.into())),
                Found::Something => continue,
                // This look began when the job had ended.
                Found::Nothing if self.ended.is_none() && !self.files.have_successor() => {
                    self.is_done = true;
                    return Ok(self.files.remainder());
                }
                Found::Nothing => {}
            }
            match &mut self.ended {
                Some(ended) => tokio::select! {
                    outcome = ended => {
                        outcome?;
                        self.ended = None;
                    }
                    () = sleep(LOOK_TIME) => {}
                },
                None => sleep(LOOK_TIME).await,
            }
        }
    }
}

impl<S: Source> Files<S> {
    /// Opens what is there, and finds where to begin.
    pub(super) async fn begin(&mut self, start: Start) -> Result<(), FileError> {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => drop(tail.begin(start).await?),
            Self::Both(tails, _) => {
                for tail in tails {
                    tail.begin(start).await?;
                }
            }
        }
        Ok(())
    }

    fn have_successor(&self) -> bool {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => tail.has_successor(),
            Self::Both(tails, _) => tails.iter().any(Tail::has_successor),
        }
    }

    async fn look(&mut self) -> Result<Found, BoxError> {
        match self {
            Self::One(tail) => match tail.look().await? {
                Look::More(bytes) => Ok(Found::Text(bytes.into())),
                Look::Anew => Err(BrokenOff::Anew.into()),
                Look::Nothing => Ok(Found::Nothing),
            },
            Self::Uncounted(tail) => Ok(match tail.look().await? {
                Look::More(bytes) => Found::Text(bytes.into()),
                Look::Anew => Found::Something,
                Look::Nothing => Found::Nothing,
            }),
            Self::Both(tails, interleaver) => {
                let (mut text, mut found) = (Vec::new(), Found::Nothing);
                for (tail, stream) in tails.iter_mut().zip(STREAMS) {
                    match tail.look().await? {
                        Look::More(bytes) => {
                            interleaver.push(stream, &bytes, &mut text);
                            found = Found::Something;
                        }
                        Look::Anew => found = Found::Something,
                        Look::Nothing => {}
                    }
                }
                Ok(if text.is_empty() { found } else { Found::Text(text) })
            }
        }
    }

    /// A line whose end will not come.
    fn remainder(&mut self) -> Option<Bytes> {
        let Self::Both(_, interleaver) = self else { return None };
        let mut text = Vec::new();
        interleaver.finish(&mut text);
        (!text.is_empty()).then(|| text.into())
    }

    /// More of what was there at the beginning.
    async fn rest(&mut self) -> Result<Option<Bytes>, FileError> {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => rest(tail).await,
            Self::Both(tails, interleaver) => {
                let mut text = Vec::new();
                for (tail, stream) in tails.iter_mut().zip(STREAMS) {
                    while text.is_empty() {
                        match rest(tail).await? {
                            Some(bytes) => interleaver.push(stream, &bytes, &mut text),
                            None => {
                                interleaver.finish(&mut text);
                                break;
                            }
                        }
                    }
                }
                Ok((!text.is_empty()).then(|| text.into()))
            }
        }
    }
}

const STREAMS: [LogStream; 2] = [LogStream::Stdout, LogStream::Stderr];

async fn rest<S: Source>(tail: &mut Tail<S>) -> Result<Option<Bytes>, FileError> {
    let end = tail.file().map_or(0, File::length);
    tail.up_to(end).await
}

#[cfg(test)]
mod tests;
