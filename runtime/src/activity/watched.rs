//! The bytes of a connection, as [`Activity`] wants to see them.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Activity;

/// Bytes in and out, watched.
pub(crate) struct Watched<T> {
    inner: T,
    activity: Arc<Activity>,
    /// What came behind a request: at most as much as was read at once.
    kept: Vec<u8>,
}

impl<T> Watched<T> {
    pub(crate) fn new(inner: T, activity: Arc<Activity>) -> Self {
        Self { inner, activity, kept: Vec::new() }
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
            read?;
            let came = &buf.filled()[before..];
            let taken = this.activity.take(came);
            if taken == came.len() {
                return Poll::Ready(Ok(()));
            }
            this.kept.extend_from_slice(&came[taken..]);
            buf.set_filled(before + taken);
            if taken > 0 {
                return Poll::Ready(Ok(()));
            }
        } else {
            let taken = this.activity.take(&this.kept[..this.kept.len().min(buf.remaining())]);
            if taken > 0 {
                buf.put_slice(&this.kept[..taken]);
                this.kept.drain(..taken);
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
