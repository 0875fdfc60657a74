//! What must never be read where it was not sent: keys anywhere, and the commands and `env` values
//! of users in what the service keeps for its administrator.
//!
//! There is one of it for the process, since keys are made, requests sent and bytes received in
//! places that know nothing of each other. It is off until the suite begins.

mod needles;

use std::{
    collections::BTreeSet,
    io,
    pin::Pin,
    sync::{Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
};

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::needles::Needles;

/// Shorter texts of users are words that come by chance, such as `sleep 3600`.
const SENT_BYTES_MIN: usize = 12;
/// So much of the beginning and of the end of a longer one is looked for: a log may cut it.
const SENT_BYTES: usize = 24;
/// Of a key, so much: what it is, and the secret itself.
const KEY_BYTES: usize = 72;
/// In what pieces. Three bytes are four letters of base64, and 48 are one line of PEM.
const KEY_PIECE: usize = 24;
/// What is told of where a secret was.
const CONTEXT_BYTES: usize = 160;
/// More of them say nothing more.
const FOUND_MAX: usize = 50;

static SECRETS: OnceLock<Mutex<Secrets>> = OnceLock::new();

#[derive(Default)]
struct Secrets {
    keys: Needles,
    sent: Needles,
    searched: usize,
    found: BTreeSet<String>,
}

/// What was searched, and what was found.
#[derive(Debug)]
pub(crate) struct Account {
    /// In one sentence.
    pub(crate) searched: String,
    /// Where there was a secret, and what stood before it.
    pub(crate) found: Vec<String>,
}

/// From now on secrets are noted and searched for.
pub(crate) fn begin() {
    SECRETS.get_or_init(|| {
        let mut secrets = Secrets::default();
        secrets.know_key_in_any_form(b"PRIVATE KEY-----");
        Mutex::new(secrets)
    });
}

/// What came of it so far; nothing when it has not begun.
pub(crate) fn account() -> Option<Account> {
    locked(|Secrets { keys, sent, searched, found }| {
        let (keys, sent) = (keys.count(), sent.count());
        let searched = format!(
            "searched {searched} bytes for {keys} pieces of keys and {sent} of what was sent"
        );
        Account { searched, found: found.iter().cloned().collect() }
    })
}

fn locked<T>(with: impl FnOnce(&mut Secrets) -> T) -> Option<T> {
    let secrets = SECRETS.get()?;
    Some(with(&mut secrets.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Notes a private key in PEM.
pub(crate) fn know_key(pem: &str) {
    locked(|secrets| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let Some(der) = needles::from_base64(&body) else { return };
        for (at, piece) in der[..der.len().min(KEY_BYTES)].chunks_exact(KEY_PIECE).enumerate() {
            secrets.know_key_in_any_form(piece);
            // As it stands in the file, and as that is written in a kubeconfig.
            let from = at * KEY_PIECE / 3 * 4;
            let text = body.get(from..from + KEY_PIECE / 3 * 4);
            text.into_iter().for_each(|text| secrets.know_key_in_any_form(text.as_bytes()));
        }
    });
}

/// Notes what a request has of a user: its `cmd` and the values in its `env`, in JSON or in a form.
pub(crate) fn know_request(body: &[u8]) {
    locked(|secrets| {
        if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
            let variables = fields.get("env").and_then(Value::as_object);
            let values = variables.into_iter().flat_map(|it| it.values());
            let texts = fields.get("cmd").into_iter().chain(values);
            texts.filter_map(Value::as_str).for_each(|text| secrets.know_sent(text));
        }
        let pairs = form_urlencoded::parse(body).filter(|(name, _)| name == "cmd");
        pairs.for_each(|(_, text)| secrets.know_sent(&text));
    });
}

/// Notes what the words of the command `toolforge-jobs` have of a user. One with blanks is not a name.
pub(crate) fn know_words(words: &[&str]) {
    locked(|secrets| {
        let texts = words.iter().filter(|word| word.contains(' '));
        texts.for_each(|text| secrets.know_sent(text));
        let values = words.windows(2).filter(|pair| pair[0] == "--env");
        let values = values.filter_map(|pair| pair[1].split_once('='));
        values.for_each(|(_, value)| secrets.know_sent(value));
    });
}

/// Looks for keys in what somebody is answered.
pub(crate) fn search_answer(what: &str, bytes: &[u8]) {
    locked(|secrets| secrets.search(what, bytes, false));
}

/// Looks for keys and for what users sent in what an administrator reads.
pub(crate) fn search_record(what: &str, bytes: &[u8]) {
    locked(|secrets| secrets.search(what, bytes, true));
}

impl Secrets {
    fn know_key_in_any_form(&mut self, bytes: &[u8]) {
        needles::forms(bytes).into_iter().for_each(|form| self.keys.add(form));
    }

    fn know_sent(&mut self, text: &str) {
        // A log is searched line by line.
        for text in text.lines().map(str::to_owned).chain(needles::spellings(text)) {
            let bytes = text.as_bytes();
            if bytes.len() >= SENT_BYTES_MIN {
                self.sent.add(bytes[..bytes.len().min(SENT_BYTES)].to_vec());
                self.sent.add(bytes[bytes.len().saturating_sub(SENT_BYTES)..].to_vec());
            }
        }
    }

    fn search(&mut self, what: &str, bytes: &[u8], is_record: bool) {
        self.searched += bytes.len();
        let key = self.keys.find(bytes).map(|at| ("a key", at));
        let sent = || self.sent.find(bytes).map(|at| ("what a user sent", at));
        let Some((secret, at)) = key.or_else(|| if is_record { sent() } else { None }) else {
            return;
        };
        if self.found.len() < FOUND_MAX {
            let before = String::from_utf8_lossy(&bytes[at.saturating_sub(CONTEXT_BYTES)..at]);
            self.found.insert(format!("{secret} is in {what}, behind {before:?}"));
        }
    }
}

/// A stream on which everything that comes is searched for keys.
#[derive(Debug)]
pub struct Searched<S> {
    inner: S,
    /// The end of what came: the rest of a key may be next.
    end: Vec<u8>,
}

impl<S> Searched<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, end: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Searched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, end } = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(inner).poll_read(context, buffer))?;
        locked(|secrets| {
            secrets.searched -= end.len();
            end.extend_from_slice(&buffer.filled()[before..]);
            secrets.search("an answer", end, false);
            end.drain(..end.len().saturating_sub(needles::BYTES_MAX - 1));
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Searched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
