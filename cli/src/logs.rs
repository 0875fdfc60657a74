//! Reading one stream of a job's output to its end, whatever is in between.
//!
//! The reader knows where it is: the file, and how many bytes of it it has. When an answer breaks
//! off, because a connection or the service has gone or another file has begun, it asks again from
//! there. It asks for some bytes more that it knows already: when these are others now, the file was
//! written anew meanwhile, and is read from its beginning. So no byte is lost, and none comes twice.

use bytes::Bytes;
use tjf_api_types::{LogPosition, LogQuery, LogStream, ObjectName};
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::{
    client::{Client, ClientError, LogAnswer},
    error::Error,
    output::Printer,
    wait::{PAUSE_MAX, PAUSE_MIN, SILENCE_MAX, SILENT, with_chance},
};

/// A log that has been quiet for so long is asked for again: nobody tells when a connection leads
/// nowhere any more. Proxies cut at 60 s anyway.
const QUIET_MAX: Duration = Duration::from_secs(50);
/// Nobody waits longer to be told what is of earlier jobs.
const END_TIME_MAX: Duration = Duration::from_secs(2);
/// What is asked for although it is known. Few files have the same text there after they were
/// written anew.
const KNOWN_BYTES: usize = 64;

/// How the reading of a stream ended.
#[derive(Debug)]
pub(crate) enum Read {
    /// There is nothing more to come.
    All,
    /// Whoever reads what is printed here has gone.
    Unwanted,
    /// The service refuses to tell more, or does not answer any more.
    Failed(ClientError),
}

/// What there is to tell while a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum News {
    /// The service has begun not to answer.
    Silent,
    /// It answers again.
    Back,
}

/// Reads the streams of one job.
pub(crate) struct Reader<'a, F> {
    client: &'a Client,
    /// Makes a client with what the files hold by now: a job may outlive the certificate that it was
    /// started with.
    renew: F,
    printer: Printer,
    name: &'a ObjectName,
}

impl<'a, F: Fn() -> Option<Client>> Reader<'a, F> {
    pub(crate) fn new(
        client: &'a Client,
        renew: F,
        printer: Printer,
        name: &'a ObjectName,
    ) -> Self {
        Self { client, renew, printer, name }
    }

    /// Reads a stream, and hands over what comes. `pass_on` says whether more is wanted.
    pub(crate) async fn read(
        &self,
        query: LogQuery,
        pass_on: impl FnMut(&[u8]) -> Result<bool, Error>,
    ) -> Result<Read, Error> {
        let mut renewed = None;
        let ask = async |query| {
            let client = renewed.as_ref().unwrap_or(self.client);
            let answer = client.logs(self.name, &query).await;
            if answer.as_ref().is_err_and(ClientError::is_about_identity) {
                // Half-written files make none, and the next attempt tries again.
                renewed = (self.renew)().or(renewed.take());
            }
            answer
        };
        let tell = |news| {
            if self.printer.is_watched() {
                self.printer.note(match news {
                    News::Silent => SILENT,
                    News::Back => "the service answers again",
                });
            }
        };
        // It holds a whole exchange, which is large.
        Box::pin(read(ask, tell, query, pass_on)).await
    }

    /// Where a job's own output begins in the file of this stream, which may have that of earlier
    /// ones in it: at its end, when nothing has been written into it since the job was made. `None`
    /// when that can't be told: then all of it is shown, rather than too little.
    pub(crate) async fn beginning(
        &self,
        stream: LogStream,
        created_at: &str,
    ) -> Option<LogPosition> {
        let answer = end_of(self.client, self.name, stream).await?;
        let is_older = answer.modified.is_some_and(|modified| *modified < *created_at);
        answer.position.filter(|_| is_older)
    }
}

/// The end of what a job has written by now, for who is about to start the next one of this name.
/// `None` when there is no such job, or nobody says.
pub(crate) async fn end(
    client: &Client,
    name: &ObjectName,
    stream: LogStream,
) -> Option<LogPosition> {
    let found = timeout(END_TIME_MAX, end_of(client, name, stream)).await.ok()?;
    found?.position.filter(|position| *position != LogPosition::START)
}

async fn end_of(client: &Client, name: &ObjectName, stream: LogStream) -> Option<LogAnswer> {
    let query = LogQuery { stream, lines: Some(0), ..LogQuery::default() };
    client.logs(name, &query).await.ok()
}

/// An answer with a log.
trait Log {
    /// Where in its file it begins.
    fn position(&self) -> Option<LogPosition>;
    /// How long its file was at that moment.
    fn length(&self) -> Option<u64>;
    /// The next bit; `None` at its end.
    async fn next(&mut self) -> Result<Option<Bytes>, ClientError>;
}

impl Log for LogAnswer {
    fn position(&self) -> Option<LogPosition> {
        self.position
    }

    fn length(&self) -> Option<u64> {
        self.length
    }

    async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.next().await
    }
}

/// Where a reader is.
#[derive(Debug, Default)]
struct Place {
    /// The next byte; `None` before the first answer.
    at: Option<LogPosition>,
    /// What is right in front of it.
    known: Vec<u8>,
    /// How much of that the answer has to repeat yet.
    to_check: usize,
}

/// What the bytes of an answer are to a reader.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// These are new.
    New(Bytes),
    /// They are not those that were there before.
    Changed,
}

impl Place {
    /// What to ask for.
    fn query(&self, first: LogQuery) -> LogQuery {
        let Some(at) = self.at else { return first };
        let offset = at.offset - self.known.len() as u64;
        LogQuery { lines: None, from: Some(LogPosition { offset, ..at }), ..first }
    }

    /// An answer to that query begins. False when it is of no use, since the file is shorter than
    /// what was read of it.
    fn begin(&mut self, asked: LogQuery, log: &impl Log) -> bool {
        match self.at {
            Some(at) if log.position() == asked.from => {
                self.to_check = self.known.len();
                if log.length().is_some_and(|length| length < at.offset) {
                    self.start_anew();
                    return false;
                }
            }
            _ => *self = Self { at: log.position(), ..Self::default() },
        }
        true
    }

    fn start_anew(&mut self) {
        *self = Self { at: Some(LogPosition::START), ..Self::default() };
    }

    fn take(&mut self, mut bytes: Bytes) -> Taken {
        let checked = self.to_check.min(bytes.len());
        let from = self.known.len() - self.to_check;
        if bytes[..checked] != self.known[from..from + checked] {
            self.start_anew();
            return Taken::Changed;
        }
        self.to_check -= checked;
        let new = bytes.split_off(checked);
        if let Some(at) = &mut self.at {
            at.offset += new.len() as u64;
        }
        self.known.extend_from_slice(&new[new.len().saturating_sub(KNOWN_BYTES)..]);
        self.known.drain(..self.known.len().saturating_sub(KNOWN_BYTES));
        Taken::New(new)
    }
}

async fn read<L: Log>(
    mut ask: impl AsyncFnMut(LogQuery) -> Result<L, ClientError>,
    mut tell: impl FnMut(News),
    query: LogQuery,
    mut pass_on: impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<Read, Error> {
    let mut place = Place::default();
    let (mut answered_at, mut is_silent, mut pause) = (Instant::now(), false, PAUSE_MIN);
    loop {
        let asked = place.query(query);
        let error = match ask(asked).await {
            Ok(mut log) => {
                if std::mem::take(&mut is_silent) {
                    tell(News::Back);
                }
                if !place.begin(asked, &log) {
                    continue;
                }
                let began = Instant::now();
                let end = pour(&mut log, &mut place, &mut pass_on).await;
                answered_at = Instant::now();
                if began.elapsed() >= PAUSE_MAX {
                    pause = PAUSE_MIN;
                }
                match end? {
                    Poured::All => return Ok(Read::All),
                    Poured::Unwanted => return Ok(Read::Unwanted),
                    Poured::GoOn => continue,
                    Poured::BrokenOff(error) => error,
                }
            }
            Err(error) if is_final(&error, place.at.is_none()) => return Ok(Read::Failed(error)),
            Err(error) => {
                if !std::mem::replace(&mut is_silent, true) {
                    tell(News::Silent);
                }
                error
            }
        };
        // Without a position nobody can go on.
        let is_lost = place.at.is_none() && !is_silent;
        if is_lost || answered_at.elapsed() >= SILENCE_MAX {
            return Ok(Read::Failed(error));
        }
        sleep(with_chance(pause)).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// Whether the service itself has said no. What is about the certificate may be another time, but
/// not when nothing has been read yet.
fn is_final(error: &ClientError, is_first: bool) -> bool {
    let Some(refusal) = error.refusal() else { return false };
    let is_own_word = refusal.is_callers_fault() && refusal.slug.is_some();
    is_own_word && (is_first || !error.is_about_identity())
}

/// How the end of an answer was reached.
enum Poured {
    All,
    Unwanted,
    /// There may be more, and nothing has failed.
    GoOn,
    BrokenOff(ClientError),
}

/// Passes an answer on for as long as it lasts.
async fn pour(
    log: &mut impl Log,
    place: &mut Place,
    pass_on: &mut impl FnMut(&[u8]) -> Result<bool, Error>,
) -> Result<Poured, Error> {
    loop {
        let bytes = match timeout(QUIET_MAX, log.next()).await {
            Ok(Ok(Some(bytes))) => bytes,
            Ok(Ok(None)) => return Ok(Poured::All),
            Ok(Err(error)) => return Ok(Poured::BrokenOff(error)),
            Err(_) if place.at.is_none() => continue,
            Err(_) => return Ok(Poured::GoOn),
        };
        match place.take(bytes) {
            Taken::New(new) if new.is_empty() || pass_on(&new)? => {}
            Taken::New(_) => return Ok(Poured::Unwanted),
            Taken::Changed => return Ok(Poured::GoOn),
        }
    }
}

#[cfg(test)]
mod tests;
