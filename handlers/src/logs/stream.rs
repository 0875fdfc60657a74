//! A job's log files as one text, now or for as long as there is more to come.

use std::{mem, sync::Arc, time::Duration};

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
pub(crate) enum BrokenOff {
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
pub(crate) type Ended = Shared<BoxFuture<'static, Result<(), BrokenOff>>>;

/// How the lines of several files become one text.
pub(crate) trait Form: Send + 'static {
    /// Takes what has come of one file, once there is nothing left to tell of what came before.
    fn push(&mut self, stream: LogStream, bytes: Bytes);
    /// What comes next is the beginning of a file.
    fn begins_anew(&mut self, stream: LogStream);
    /// What has begun will have no end.
    fn finish(&mut self);
    /// What can be told by now; empty when that is nothing.
    fn take(&mut self) -> Vec<u8>;
}

/// Each line behind the name of its stream.
#[derive(Default)]
pub(super) struct Prefixed {
    interleaver: Interleaver,
    text: Vec<u8>,
}

impl Form for Prefixed {
    fn push(&mut self, stream: LogStream, bytes: Bytes) {
        self.interleaver.push(stream, &bytes, &mut self.text);
    }

    fn begins_anew(&mut self, _: LogStream) {}

    fn finish(&mut self) {
        self.interleaver.finish(&mut self.text);
    }

    fn take(&mut self) -> Vec<u8> {
        mem::take(&mut self.text)
    }
}

/// The files of a text: one as it is, or all by the line.
pub(crate) enum Files<S: Source> {
    /// One file. Its reader counts bytes, so it ends where the file does.
    One(Tail<S>),
    /// One that nobody counts the bytes of.
    Uncounted(Tail<S>),
    /// Standard output and standard error, or whichever there are.
    ByLine(Vec<(LogStream, Tail<S>)>, Box<dyn Form>),
}

/// What there is at this moment.
pub(crate) fn now<S: Source>(
    files: Files<S>,
) -> impl Stream<Item = Result<Bytes, BoxError>> + Send {
    try_unfold(files, async |mut files| {
        let text = files.rest().await?;
        Ok(text.map(|text| (text, files)))
    })
}

/// What there is, and what comes until the job has ended.
pub(crate) fn followed<S: Source>(
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
                return Ok(self.files.remainder());
            }
            match self.files.look().await? {
                Found::Text(text) => return Ok(Some(text.into())),
                Found::Something => continue,
                // This look began when the job had ended.
                Found::Nothing if self.ended.is_none() && !self.files.have_successor() => {
                    self.is_done = true;
                    self.files.finish();
                    continue;
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
    /// These files by the line, in this form.
    pub(crate) fn by_line(sources: Vec<(LogStream, S)>, form: impl Form) -> Self {
        let tails = sources.into_iter().map(|(stream, source)| (stream, Tail::new(source)));
        Self::ByLine(tails.collect(), Box::new(form))
    }

    /// Opens what is there, and finds where to begin.
    pub(crate) async fn begin(&mut self, start: Start) -> Result<(), FileError> {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => drop(tail.begin(start).await?),
            Self::ByLine(tails, _) => {
                for (_, tail) in tails {
                    tail.begin(start).await?;
                }
            }
        }
        Ok(())
    }

    fn have_successor(&self) -> bool {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => tail.has_successor(),
            Self::ByLine(tails, _) => tails.iter().any(|(_, tail)| tail.has_successor()),
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
            Self::ByLine(tails, form) => {
                let left = form.take();
                if !left.is_empty() {
                    return Ok(Found::Text(left));
                }
                let mut found = Found::Nothing;
                for (stream, tail) in tails {
                    match tail.look().await? {
                        Look::More(bytes) => {
                            form.push(*stream, bytes);
                            found = Found::Something;
                        }
                        Look::Anew => {
                            form.begins_anew(*stream);
                            found = Found::Something;
                        }
                        Look::Nothing => {}
                    }
                }
                let text = form.take();
                Ok(if text.is_empty() { found } else { Found::Text(text) })
            }
        }
    }

    /// No more will come, the end of a line neither.
    fn finish(&mut self) {
        if let Self::ByLine(_, form) = self {
            form.finish();
        }
    }

    /// What is left to tell when nothing more comes.
    fn remainder(&mut self) -> Option<Bytes> {
        let Self::ByLine(_, form) = self else { return None };
        let text = form.take();
        (!text.is_empty()).then(|| text.into())
    }

    /// More of what was there at the beginning.
    async fn rest(&mut self) -> Result<Option<Bytes>, FileError> {
        match self {
            Self::One(tail) | Self::Uncounted(tail) => rest(tail).await,
            Self::ByLine(tails, form) => {
                let mut text = form.take();
                while text.is_empty()
                    && let Some((stream, tail)) = tails.first_mut()
                {
                    match rest(tail).await? {
                        Some(bytes) => form.push(*stream, bytes),
                        // What has begun is of this file, since the others have not been read.
                        None => {
                            form.finish();
                            tails.remove(0);
                        }
                    }
                    text = form.take();
                }
                Ok((!text.is_empty()).then(|| text.into()))
            }
        }
    }
}

async fn rest<S: Source>(tail: &mut Tail<S>) -> Result<Option<Bytes>, FileError> {
    let end = tail.file().map_or(0, File::length);
    tail.up_to(end).await
}

#[cfg(test)]
mod tests;
