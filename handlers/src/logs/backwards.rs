//! A file's lines from its end to its beginning, so that the end of a large log costs no more than
//! what is told of it.

use jiff::Timestamp;
use tjf_runtime::files::FileError;

use super::{
    lines::{LINE_BYTES_MAX, first_start, without_return},
    moment::{self, TIME_BYTES_MAX},
    source::{File, PIECE_BYTES, Source},
};

/// As much as a look towards the beginning of a file reads at once.
pub(super) const BACK_BYTES: usize = 64 * 1024;
/// A place is not sought for more closely than this.
const SOUGHT_BYTES: u64 = 4 * PIECE_BYTES as u64;

/// A file of which everything behind some place has been told.
pub(super) struct Backwards<S: Source> {
    source: S,
    file: S::File,
    /// Where `held` begins.
    from: u64,
    /// What has been read, and not been told.
    held: Vec<u8>,
}

/// A line, or a part of a long one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins.
    pub(super) from: u64,
    /// What is in it, without its end.
    pub(super) bytes: Vec<u8>,
    /// The time with which it begins.
    pub(super) at: Option<Timestamp>,
}

impl<S: Source> Backwards<S> {
    /// Everything in front of this place.
    pub(super) fn new(source: S, file: S::File, end: u64) -> Self {
        Self { source, file, from: end, held: Vec::new() }
    }

    /// The last line that has not been told.
    pub(super) async fn line(&mut self) -> Result<Option<Line>, FileError> {
        loop {
            // The end of the last line begins no other.
            let end = self.held.len() - usize::from(self.held.ends_with(b"\n"));
            let before = self.held[..end].iter().rposition(|byte| *byte == b'\n');
            let begins = before.map(|at| at + 1).or((self.from == 0).then_some(0));
            let start = match begins {
                Some(0) if self.held.is_empty() => return Ok(None),
                Some(start) if end - start <= LINE_BYTES_MAX => start,
                _ if end > LINE_BYTES_MAX => first_start(&self.held, end - LINE_BYTES_MAX),
                _ => {
                    self.read_on().await?;
                    continue;
                }
            };
            let is_whole = end < self.held.len();
            let mut bytes = self.held.split_off(start);
            bytes.truncate(end - start);
            let bytes = if is_whole { without_return(bytes) } else { bytes };
            let at = if begins == Some(start) { moment::of_line(&bytes) } else { None };
            return Ok(Some(Line { from: self.from + start as u64, bytes, at }));
        }
    }

    async fn read_on(&mut self) -> Result<(), FileError> {
        let length = BACK_BYTES.min(usize::try_from(self.from).unwrap_or(BACK_BYTES));
        let from = self.from - length as u64;
        let mut bytes = self.source.read(&self.file, from, length).await?.to_vec();
        // What is cut short meanwhile has nothing there any more.
        if bytes.len() < length {
            (self.held, bytes) = (Vec::new(), Vec::new());
        }
        self.from = if bytes.is_empty() { 0 } else { from };
        bytes.append(&mut self.held);
        self.held = bytes;
        Ok(())
    }

    /// The bytes right in front of a place, at most so many.
    pub(super) async fn in_front_of(
        &self,
        place: u64,
        bytes_max: usize,
    ) -> Result<bytes::Bytes, FileError> {
        let length = bytes_max.min(usize::try_from(place).unwrap_or(bytes_max));
        self.source.read(&self.file, place - length as u64, length).await
    }
}

/// Which way to look when a part of a file tells no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    /// The place may be in front of it.
    InFront,
    /// The place may be behind it.
    Behind,
}

/// About where the lines begin whose time is one of these, in a file whose times rise: some line in
/// front of that place, or behind it, as there is doubt. It takes a look at some twenty lines.
pub(super) async fn sought<S: Source>(
    source: &S,
    file: &S::File,
    is_it: impl Fn(Timestamp) -> bool,
    doubt: Doubt,
) -> Result<u64, FileError> {
    let (mut low, mut high) = (0, file.length());
    while high - low > SOUGHT_BYTES {
        let middle = low + (high - low) / 2;
        match first_time(source, file, middle).await? {
            Some((from, at)) if is_it(at) => high = from,
            Some((from, _)) => low = from,
            None if doubt == Doubt::InFront => high = middle,
            None => low = middle,
        }
    }
    Ok(if doubt == Doubt::InFront { low } else { high })
}

/// The first line in a piece of a file that begins with a time.
async fn first_time<S: Source>(
    source: &S,
    file: &S::File,
    from: u64,
) -> Result<Option<(u64, Timestamp)>, FileError> {
    let piece = source.read(file, from, PIECE_BYTES).await?;
    let ends = piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let mut starts = ends.map(|(at, _)| at + 1);
    // Half of a time may be another time.
    let found = starts.find_map(|start| {
        let beginning = piece.get(start..start + TIME_BYTES_MAX)?;
        Some((from + start as u64, moment::of_line(beginning)?))
    });
    Ok(found)
}

#[cfg(test)]
mod tests;
