//! An answer's body: whole or a stream, and what lives until its last byte.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{FutureExt, Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use hyper::body::{Body, Frame, SizeHint};
use thiserror::Error;

use crate::{failure::BoxError, record::Record};

/// An answer, ready to be sent.
pub type Response = http::Response<ReplyBody>;

/// A whole body is handed over in pieces of this size, so that it is not taken for sent before
/// nearly all of it is.
const PIECE_BYTES: usize = 16 * 1024;

/// The body of an answer. The request's place and its line in the log live as long as this.
pub struct ReplyBody {
    content: Content,
    /// Ends what has no end of its own.
    cut: Option<BoxFuture<'static, ()>>,
    held: Held,
}

enum Content {
    Whole(Bytes),
    Stream(BoxStream<'static, Result<Bytes, BoxError>>),
    Ended,
}

/// What ends with the body.
#[derive(Default)]
struct Held {
    record: Option<Record>,
    others: Vec<Box<dyn Send>>,
}

/// A stream was ended because the server stops. Whoever reads it may go on with another server.
#[derive(Debug, Error)]
#[error("the server stops")]
struct Cut;

impl ReplyBody {
    /// A body that comes bit by bit. It may be quiet for as long as it likes, and breaks off when
    /// the server stops.
    pub fn stream(content: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static) -> Self {
        Self { content: Content::Stream(content.boxed()), cut: None, held: Held::default() }
    }

    /// Whether it has no end that is known before it comes.
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self.content, Content::Stream(_))
    }

    /// Breaks a stream off when this is over.
    pub(crate) fn until(&mut self, over: impl Future<Output = ()> + Send + 'static) {
        if self.is_stream() {
            self.cut = Some(over.boxed());
        }
    }

    /// Keeps the request's line in the log until the end.
    pub(crate) fn hold_record(&mut self, record: Record) {
        self.held.record = Some(record);
    }

    /// Keeps something else until the end, such as the request's place among others.
    pub(crate) fn hold(&mut self, other: impl Send + 'static) {
        self.held.others.push(Box::new(other));
    }

    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        match &mut self.content {
            Content::Whole(bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
            }
            Content::Stream(stream) => {
                if let Some(cut) = &mut self.cut
                    && cut.poll_unpin(cx).is_ready()
                {
                    return Poll::Ready(Some(Err(Cut.into())));
                }
                stream.poll_next_unpin(cx)
            }
            Content::Ended => Poll::Ready(None),
        }
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self { content: Content::Whole(bytes), cut: None, held: Held::default() }
    }
}

impl From<Vec<u8>> for ReplyBody {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let next = ready!(self.next(cx));
        let is_last = match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Stream(_) | Content::Ended => next.is_none(),
        };
        if is_last {
            self.content = Content::Ended;
        }
        Poll::Ready(next.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Stream(_) => false,
            Content::Ended => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_) => SizeHint::default(),
            Content::Ended => SizeHint::with_exact(0),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        let is_sent = self.is_end_stream();
        if let Some(record) = self.held.record.as_mut().filter(|_| !is_sent) {
            record.client_left();
        }
    }
}
