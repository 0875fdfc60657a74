//! The bytes of a connection and the bodies in them, as [`Activity`] wants to see them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Activity;

/// Bytes in and out, watched.
pub(crate) struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
    /// What came behind a request: at most as much as was read at once.
    kept: Vec<u8>,
    /// Whether the end of what comes has been kept back once.
    is_end_kept: bool,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self { inner, activity, kept: Vec::new(), is_end_kept: false }
    }

    /// Whether the client may have sent what nobody has read.
    pub(crate) fn has_unread(&self) -> bool {
        !self.kept.is_empty() || self.activity.has_unread()
    }

    /// What was watched, to be read on without anybody looking.
    pub(crate) fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Watched<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.kept.is_empty() {
            let before = buf.filled().len();
            let read = ready!(Pin::new(&mut this.inner).poll_read(cx, buf));
            // Over TLS some say that they will send no more, and others just end the stream.
            let is_end = match &read {
                Ok(()) => buf.filled().len() == before,
                Err(error) => error.kind() == io::ErrorKind::UnexpectedEof,
            };
            if is_end && this.activity.client_sends_no_more() {
                this.activity.state().reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if is_end && !this.is_end_kept {
                // Its reader may just be about to learn that a body without a length was whole.
                this.is_end_kept = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            read?;
            let came = &buf.filled()[before..];
            let taken = this.activity.take(came);
            if taken == came.len() {
                return Poll::Ready(Ok(()));
            }
            this.kept.extend_from_slice(&came[taken..]);
            this.activity.state().kept_bytes = this.kept.len();
            buf.set_filled(before + taken);
            if taken > 0 {
                return Poll::Ready(Ok(()));
            }
        } else {
            let taken = this.activity.take(&this.kept[..this.kept.len().min(buf.remaining())]);
            if taken > 0 {
                buf.put_slice(&this.kept[..taken]);
                this.kept.drain(..taken);
                this.activity.state().kept_bytes = this.kept.len();
                return Poll::Ready(Ok(()));
            }
        }
        this.activity.state().reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Watched<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.activity.set_blocked(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.activity.set_blocked(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.inner).poll_flush(cx);
        match &polled {
            Poll::Ready(_) => self.activity.flushed(),
            Poll::Pending => self.activity.set_blocked(true),
        }
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A request's body. It tells when all of it has been read: of one that does not say its length,
/// nobody else knows.
pub(crate) struct Arriving {
    body: Incoming,
    activity: Arc<Activity>,
}

impl Arriving {
    pub(crate) fn new(body: Incoming, activity: Arc<Activity>) -> Self {
        Self { body, activity }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() {
            self.activity.state().body_is_read = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
