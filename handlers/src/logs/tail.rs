//! One log file, followed: through being cut short, and through another taking its place.
//!
//! A file that was renamed is read to its end before its successor is. One that was cut short begins
//! anew, also when it has grown beyond its old length before anybody looked: what was read last must
//! still be where it was.

use bytes::Bytes;
use jiff::Timestamp;
use tjf_api_types::LogPosition;
use tjf_runtime::files::FileError;

use super::{
    backwards::{BACK_BYTES, Doubt, sought},
    place::KNOWN_BYTES,
    source::{File, PIECE_BYTES, Source},
};

/// A log file that is followed.
pub(crate) struct Tail<S: Source> {
    source: S,
    held: Option<Held<S::File>>,
    /// The file that is under the path by now, when that is another one.
    successor: Option<u64>,
}

struct Held<F> {
    file: F,
    offset: u64,
    /// What is right in front of the offset.
    known: Vec<u8>,
}

/// What came of a look.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// More of the same file.
    More(Bytes),
    /// What comes next is the beginning of a file: it is there now, was cut short, or has taken the
    /// place of another.
    Anew,
    /// Nothing.
    Nothing,
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// At the beginning of the file.
    Beginning,
    /// So many lines before its end.
    Lines(u64),
    /// Here, if it is still the same file.
    At(LogPosition),
    /// At some line that is not newer than this.
    Since(Timestamp),
}

impl<S: Source> Tail<S> {
    /// Nothing is open yet.
    pub(super) fn new(source: S) -> Self {
        Self { source, held: None, successor: None }
    }

    /// Opens the file that is there now, and finds where to begin. False when there is none.
    pub(super) async fn begin(&mut self, start: Start) -> Result<bool, FileError> {
        let Some(file) = self.source.open().await? else { return Ok(false) };
        let offset = match start {
            Start::Beginning => 0,
            Start::Lines(lines) => self.last_lines(&file, lines).await?,
            Start::At(at) if at.inode == file.inode() && at.offset <= file.length() => at.offset,
            Start::At(_) => 0,
            Start::Since(since) if file.modified() < since => file.length(),
            Start::Since(since) => {
                sought(&self.source, &file, |at| at >= since, Doubt::InFront).await?
            }
        };
        self.held = Some(Held { file, offset, known: Vec::new() });
        Ok(true)
    }

    /// The file that is being read.
    pub(super) fn file(&self) -> Option<&S::File> {
        self.held.as_ref().map(|held| &held.file)
    }

    /// The place of the next byte.
    pub(super) fn position(&self) -> LogPosition {
        self.held.as_ref().map_or(LogPosition::START, |held| LogPosition {
            inode: held.file.inode(),
            offset: held.offset,
        })
    }

    /// Whether it is known already that another file comes next.
    pub(super) fn has_successor(&self) -> bool {
        self.successor.is_some()
    }

    /// Looks once. A reader that looks again as long as this is not [`Look::Nothing`] misses nothing
    /// that was there when it looked first.
    pub(super) async fn look(&mut self) -> Result<Look, FileError> {
        let found = self.source.open().await?;
        let Some(held) = &mut self.held else {
            return Ok(self.take(found));
        };
        let same = found.as_ref().filter(|found| found.inode() == held.file.inode());
        let length = same.map(File::length);
        if length == Some(held.offset) {
            self.successor = None;
            return Ok(Look::Nothing);
        }
        let is_cut = length.is_some_and(|length| length < held.offset);
        match if is_cut { None } else { held.read(&self.source, PIECE_BYTES).await? } {
            None => {
                (held.offset, held.known) = (0, Vec::new());
                return Ok(Look::Anew);
            }
            Some(bytes) if !bytes.is_empty() => return Ok(Look::More(bytes)),
            Some(_) if same.is_some() => return Ok(Look::Nothing),
            Some(_) => {}
        }
        // Whoever still writes into the old one has until the next look.
        let inode = found.as_ref().map(File::inode);
        if inode.is_some() && self.successor == inode {
            return Ok(self.take(found));
        }
        self.successor = inode;
        Ok(Look::Nothing)
    }

    fn take(&mut self, found: Option<S::File>) -> Look {
        let Some(file) = found else { return Look::Nothing };
        self.successor = None;
        self.held = Some(Held { file, offset: 0, known: Vec::new() });
        Look::Anew
    }

    /// More of the file that was there at the beginning, up to this place. `None` when that is all.
    pub(super) async fn up_to(&mut self, end: u64) -> Result<Option<Bytes>, FileError> {
        let Some(held) = &mut self.held else { return Ok(None) };
        let left = usize::try_from(end.saturating_sub(held.offset)).unwrap_or(PIECE_BYTES);
        let bytes = held.read(&self.source, left.min(PIECE_BYTES)).await?;
        Ok(bytes.filter(|bytes| !bytes.is_empty()))
    }

    /// Where the last lines of a file begin, found from its end backwards.
    async fn last_lines(&self, file: &S::File, lines: u64) -> Result<u64, FileError> {
        let (mut to, mut left) = (file.length(), lines);
        if lines == 0 {
            return Ok(to);
        }
        while to > 0 {
            let length = BACK_BYTES.min(usize::try_from(to).unwrap_or(BACK_BYTES));
            let from = to - length as u64;
            let piece = self.source.read(file, from, length).await?;
            for (at, _) in piece.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
                let behind = from + at as u64 + 1;
                // The end of the last line begins no other.
                if behind == file.length() {
                    continue;
                }
                left -= 1;
                if left == 0 {
                    return Ok(behind);
                }
            }
            to = from;
        }
        Ok(0)
    }
}

impl<F: File> Held<F> {
    /// Reads on. `None` when what was read before is not there any more.
    async fn read<S: Source<File = F>>(
        &mut self,
        source: &S,
        bytes_max: usize,
    ) -> Result<Option<Bytes>, FileError> {
        let known = self.known.len();
        let mut bytes =
            source.read(&self.file, self.offset - known as u64, known + bytes_max).await?;
        if !bytes.starts_with(&self.known) {
            return Ok(None);
        }
        if bytes.len() > known {
            self.offset += (bytes.len() - known) as u64;
            self.known = bytes[bytes.len().saturating_sub(KNOWN_BYTES)..].to_vec();
        }
        Ok(Some(bytes.split_off(known)))
    }
}

#[cfg(test)]
mod tests;
