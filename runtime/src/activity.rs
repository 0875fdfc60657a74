//! What a connection is doing, and when that has taken too long.
//!
//! hyper's own timer for heads counts from the last answer, so it can't tell a kept connection that
//! is idle from a request head that somebody sends a byte at a time. Here the request's own life
//! tells: its head begins with a first byte and ends with an empty line; its answer begins with the
//! handler's and ends when all of it has been handed over and flushed. What comes behind a request
//! is kept back until then, so that it is known to be the beginning of another head.
//!
//! A client that sends no more may still read, as `ncat` does, or have gone: both end the stream in
//! the same way. hyper would take either for gone, so it is not told of the end before its request has
//! been answered. Who has gone and said so by a reset is known at once; whoever does not, in the time
//! that any ordinary request has.

mod watched;

use std::{
    sync::{Arc, Mutex, MutexGuard},
    task::Waker,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

pub(crate) use self::watched::{Arriving, Watched};
use crate::{config::Limits, lock::lock};

/// What a connection does, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Shakes hands.
    Handshake(Instant),
    /// Nothing; kept for a next request.
    Idle(Instant),
    /// A request head has begun.
    Head(Instant),
    /// A request is at work.
    Request,
    /// An answer is on its way out.
    Answer(Instant),
    /// An answer that has no end of its own: it may be quiet, but what there is has to be taken.
    Stream,
    /// All of an answer has been handed over, and the last of it is on its way.
    Sent(Instant),
}

/// How far into a head the bytes have come. A head ends with an empty line, whatever ends lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    /// Nothing of a head has come.
    #[default]
    None,
    /// A line has begun.
    Begun,
    /// A line has ended.
    Ended,
    /// An empty line has ended.
    EmptyEnded,
}

impl Line {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            // Empty lines before a head are passed over (RFC 9112, section 2.2).
            (Self::None, b'\r' | b'\n') => Self::None,
            (Self::Ended, b'\n') => Self::EmptyEnded,
            (Self::Ended, b'\r') => Self::Ended,
            (_, b'\n') => Self::Ended,
            _ => Self::Begun,
        }
    }
}

#[derive(Debug)]
struct State {
    doing: Doing,
    line: Line,
    /// How much of the request's body has not come yet; `None` when it does not say.
    body_left: Option<u64>,
    /// Whether somebody has read all of it.
    body_is_read: bool,
    /// How many bytes came behind what is being read, and are kept back.
    kept_bytes: usize,
    /// Since when what there is to send can't be sent.
    blocked_since: Option<Instant>,
    /// Since when the client sends no more, though it is still to be answered.
    silent_since: Option<Instant>,
    /// Waits for its turn to read on.
    reader: Option<Waker>,
}

impl State {
    /// Whether all of the request has come.
    fn has_all(&self) -> bool {
        self.body_left == Some(0) || self.body_is_read
    }
}

/// Shared by a connection's bytes, its service and its guard.
pub(crate) struct Activity {
    state: Mutex<State>,
    changed: Notify,
}

/// An answer that has not been handed over; dropped with its body.
pub(crate) struct Answering(Arc<Activity>);

impl Drop for Answering {
    fn drop(&mut self) {
        let mut state = self.0.state();
        if matches!(state.doing, Doing::Answer(_) | Doing::Stream) {
            state.doing = Doing::Sent(Instant::now());
        }
        drop(state);
        self.0.changed.notify_one();
    }
}

impl Activity {
    /// Of a connection that begins to shake hands.
    pub(crate) fn new() -> Arc<Self> {
        let state = State {
            doing: Doing::Handshake(Instant::now()),
            line: Line::None,
            body_left: Some(0),
            body_is_read: false,
            kept_bytes: 0,
            blocked_since: None,
            silent_since: None,
            reader: None,
        };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn set(&self, doing: Doing) {
        let reader = {
            let mut state = self.state();
            state.doing = doing;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
        self.changed.notify_one();
    }

    /// The handshake is done.
    pub(crate) fn established(&self) {
        self.set(Doing::Idle(Instant::now()));
    }

    /// A head is complete; its body has so many bytes, if it says so.
    pub(crate) fn request_begins(&self, body_bytes: Option<u64>) {
        let mut state = self.state();
        (state.body_left, state.body_is_read) = (body_bytes, false);
        drop(state);
        self.set(Doing::Request);
    }

    /// Its answer is being sent, for as long as this is kept.
    pub(crate) fn answer_begins(self: &Arc<Self>, is_stream: bool) -> Answering {
        self.set(if is_stream { Doing::Stream } else { Doing::Answer(Instant::now()) });
        Answering(Arc::clone(self))
    }

    /// Everything that was handed over has been sent.
    fn flushed(&self) {
        let mut state = self.state();
        state.blocked_since = None;
        if !matches!(state.doing, Doing::Sent(_)) {
            return;
        }
        state.line = Line::None;
        drop(state);
        self.set(Doing::Idle(Instant::now()));
    }

    /// Whether what there is to send has to wait.
    fn set_blocked(&self, is_blocked: bool) {
        let mut state = self.state();
        if state.blocked_since.is_some() == is_blocked {
            return;
        }
        state.blocked_since = is_blocked.then(Instant::now);
        drop(state);
        self.changed.notify_one();
    }

    /// The stream of what the client sends has ended. True when all of a request had come, which is
    /// still to be answered.
    fn client_sends_no_more(&self) -> bool {
        let mut state = self.state();
        let has_come = match state.doing {
            Doing::Request => state.has_all(),
            Doing::Answer(_) | Doing::Stream | Doing::Sent(_) => true,
            Doing::Handshake(_) | Doing::Idle(_) | Doing::Head(_) => false,
        };
        if has_come && state.silent_since.is_none() {
            state.silent_since = Some(Instant::now());
            drop(state);
            self.changed.notify_one();
        }
        has_come
    }

    /// What has come is no head, and nobody knows where it ends.
    pub(crate) fn head_is_malformed(&self) {
        let mut state = self.state();
        (state.body_left, state.body_is_read) = (None, false);
    }

    /// Whether the client may be sending a body that nobody has read. What little of it is here already,
    /// hyper reads over.
    pub(crate) fn has_unread(&self) -> bool {
        let state = self.state();
        let is_here = |left: u64| left <= state.kept_bytes as u64;
        !state.body_is_read && !state.body_left.is_some_and(is_here)
    }

    /// How many of these bytes belong to what is being read. The others belong to the next request.
    fn take(&self, bytes: &[u8]) -> usize {
        let mut state = self.state();
        match state.doing {
            Doing::Handshake(_) => bytes.len(),
            Doing::Idle(_) | Doing::Head(_) if state.line == Line::EmptyEnded => 0,
            Doing::Idle(_) | Doing::Head(_) => {
                let mut line = state.line;
                let end = bytes.iter().position(|byte| {
                    line = line.after(*byte);
                    line == Line::EmptyEnded
                });
                state.line = line;
                let begins = line != Line::None && matches!(state.doing, Doing::Idle(_));
                if begins {
                    state.doing = Doing::Head(Instant::now());
                }
                drop(state);
                if begins {
                    self.changed.notify_one();
                }
                end.map_or(bytes.len(), |end| end + 1)
            }
            Doing::Request | Doing::Answer(_) | Doing::Stream | Doing::Sent(_) => {
                let Some(left) = &mut state.body_left else { return bytes.len() };
                let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= taken as u64;
                taken
            }
        }
    }

    /// Since when nothing has been going on.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        match self.state().doing {
            Doing::Idle(since) => Some(since),
            Doing::Handshake(_)
            | Doing::Head(_)
            | Doing::Request
            | Doing::Answer(_)
            | Doing::Stream
            | Doing::Sent(_) => None,
        }
    }

    /// Whether a request is at work, or its answer on its way.
    pub(crate) fn is_at_work(&self) -> bool {
        match self.state().doing {
            Doing::Request | Doing::Answer(_) | Doing::Stream | Doing::Sent(_) => true,
            Doing::Handshake(_) | Doing::Idle(_) | Doing::Head(_) => false,
        }
    }

    /// When what the connection does has taken too long. A request has its own deadline, which counts
    /// for as long as its client is there.
    fn due(&self, limits: &Limits) -> Option<Instant> {
        let state = self.state();
        match state.doing {
            Doing::Handshake(since) | Doing::Head(since) => {
                Some(since + limits.header_read_time_max)
            }
            // What came behind a body that did not say its length can't be told from the body.
            Doing::Idle(since) if state.body_left.is_none() => {
                Some(since + limits.header_read_time_max)
            }
            Doing::Idle(since) => Some(since + limits.idle_connection_time_max),
            Doing::Answer(since) | Doing::Sent(since) => Some(since + limits.request_time_max),
            Doing::Stream => {
                let since = [state.blocked_since, state.silent_since].into_iter().flatten().min();
                Some(since? + limits.request_time_max)
            }
            Doing::Request => Some(state.silent_since? + limits.request_time_max),
        }
    }

    /// Ends when the connection has taken too long over whatever it does.
    pub(crate) async fn overdue(&self, limits: &Limits) {
        loop {
            match self.due(limits) {
                Some(due) if due <= Instant::now() => return,
                Some(due) => tokio::select! {
                    () = sleep_until(due) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }
}

#[cfg(test)]
mod tests;
