//! A page of what files have, the newest line first.
//!
//! Lines of two files are put into one order by their times. A line without a time belongs to the
//! last one in front of it that has one, as a traceback does to its first line; in a page, that line
//! is looked for. Where there is none, the line counts as written when its file was written last.

use std::{collections::VecDeque, mem};

use jiff::Timestamp;
use tjf_api_types::LogStream;
use tjf_runtime::files::FileError;

use super::{
    backwards::{Backwards, Doubt, Line, sought},
    place::{KNOWN_BYTES, Place},
    source::{File, Source},
};

/// Lines of a page.
pub(crate) const PAGE_LINES: usize = 1000;
/// A page is full with so many bytes, and a line more.
const PAGE_BYTES: usize = 256 * 1024;
/// As much is looked at that is newer than what is asked for, and no more.
const SKIPPED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// Only so many lines.
    pub(crate) lines: Option<u64>,
    /// Nothing that is older.
    pub(crate) since: Option<Timestamp>,
    /// Nothing that is newer.
    pub(crate) until: Option<Timestamp>,
    /// What is in front of these places, one a file; everything when there are none.
    pub(crate) before: Vec<Place>,
}

/// One line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whose file it is in.
    pub(crate) stream: LogStream,
    /// The time with which it begins.
    pub(crate) at: Option<Timestamp>,
    /// What is in it.
    pub(crate) bytes: Vec<u8>,
}

/// Some lines, and where the next page begins.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The newest first.
    pub(crate) lines: Vec<Told>,
    /// One place a file; none when there is no other page.
    pub(crate) next: Vec<Place>,
    /// A file was cut short or replaced since the page before: what was in it is not there.
    pub(crate) is_cut: bool,
    /// So much is newer than what is asked for that the rest was not looked at.
    pub(crate) has_given_up: bool,
}

/// Reads one page of these files.
///
/// # Errors
/// When one is not the tool's, or does not answer.
pub(crate) async fn page<S: Source>(
    sources: Vec<(LogStream, S)>,
    asked: &Asked,
) -> Result<Page, FileError> {
    let (mut page, mut sides) = (Page::default(), Vec::new());
    for (index, (stream, source)) in sources.into_iter().enumerate() {
        let place = asked.before.get(index).copied();
        let side = Side::open(stream, source, place, asked.until).await?;
        page.is_cut |= side.back.is_none() && place.is_some_and(|place| place.offset > 0);
        sides.push(side);
    }
    let left = asked.lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(usize::MAX);
    let lines_max = left.min(PAGE_LINES);
    let (mut bytes, mut skipped) = (0, 0);
    while page.lines.len() < lines_max && bytes < PAGE_BYTES {
        for side in &mut sides {
            side.gather(lines_max - page.lines.len()).await?;
        }
        let full = sides.iter_mut().filter(|side| !side.group.is_empty());
        // Of two of one time that of standard error, which is told behind that of standard output.
        let Some(side) = full.max_by_key(|side| side.time()) else { break };
        if side.group_at.is_some_and(|at| asked.until.is_some_and(|until| at > until)) {
            skipped += side.skip();
            if skipped > SKIPPED_BYTES_MAX {
                page.has_given_up = page.lines.is_empty();
                break;
            }
        } else if asked.since.is_some_and(|since| side.time() < since) {
            side.end();
        } else if let Some(told) = side.tell() {
            bytes += told.bytes.len();
            page.lines.push(told);
        }
    }
    if left > page.lines.len() && !page.lines.is_empty() {
        for side in &sides {
            page.next.push(side.place().await?);
        }
        if page.next.iter().all(|place| place.offset == 0) {
            page.next.clear();
        }
    }
    Ok(page)
}

/// One file of a page.
struct Side<S: Source> {
    stream: LogStream,
    /// `None` when there is nothing to tell.
    back: Option<(Backwards<S>, u64)>,
    /// Everything from here on has been told.
    told_to: u64,
    /// When the file was written last: the time of what has none.
    modified: Timestamp,
    /// A line with a time and those behind it, the last one first.
    group: VecDeque<Line>,
    /// Its time; none when no line with one was found.
    group_at: Option<Timestamp>,
}

impl<S: Source> Side<S> {
    async fn open(
        stream: LogStream,
        source: S,
        place: Option<Place>,
        until: Option<Timestamp>,
    ) -> Result<Self, FileError> {
        let mut side = Self {
            stream,
            back: None,
            told_to: 0,
            modified: Timestamp::MAX,
            group: VecDeque::new(),
            group_at: None,
        };
        if place.is_some_and(|place| place.offset == 0) {
            return Ok(side);
        }
        let Some(file) = source.open().await? else { return Ok(side) };
        side.modified = file.modified();
        let end = match (place, until) {
            (Some(place), _) => place.offset,
            (None, Some(until)) => sought(&source, &file, |at| at > until, Doubt::Behind).await?,
            (None, None) => file.length(),
        };
        let (inode, length) = (file.inode(), file.length());
        let back = Backwards::new(source, file, end);
        if let Some(place) = place
            && (place.inode != inode || end > length || seen(&back, inode, end).await? != place)
        {
            return Ok(side);
        }
        (side.back, side.told_to) = (Some((back, inode)), end);
        Ok(side)
    }

    /// Finds the next group, of so many lines at most.
    async fn gather(&mut self, lines_max: usize) -> Result<(), FileError> {
        let Some((back, _)) = &mut self.back else { return Ok(()) };
        if !self.group.is_empty() {
            return Ok(());
        }
        let mut bytes = 0;
        self.group_at = None;
        while self.group_at.is_none() && self.group.len() < lines_max && bytes < PAGE_BYTES {
            let Some(line) = back.line().await? else { break };
            bytes += line.bytes.len();
            self.group_at = line.at;
            self.group.push_back(line);
        }
        if self.group.is_empty() {
            self.end();
        }
        Ok(())
    }

    /// The time of the group.
    fn time(&self) -> Timestamp {
        self.group_at.unwrap_or(self.modified)
    }

    /// Takes the next line of the group.
    fn tell(&mut self) -> Option<Told> {
        let line = self.group.pop_front()?;
        self.told_to = line.from;
        Some(Told { stream: self.stream, at: line.at, bytes: line.bytes })
    }

    /// Leaves the group out, and says how many bytes that were.
    fn skip(&mut self) -> usize {
        let group = mem::take(&mut self.group);
        self.told_to = group.back().map_or(self.told_to, |line| line.from);
        group.iter().map(|line| line.bytes.len() + 1).sum()
    }

    /// Nothing more of this file is told.
    fn end(&mut self) {
        (self.back, self.told_to) = (None, 0);
        self.group.clear();
    }

    async fn place(&self) -> Result<Place, FileError> {
        match &self.back {
            Some((back, inode)) if self.told_to > 0 => seen(back, *inode, self.told_to).await,
            _ => Ok(Place::END),
        }
    }
}

async fn seen<S: Source>(back: &Backwards<S>, inode: u64, offset: u64) -> Result<Place, FileError> {
    let known = back.in_front_of(offset, KNOWN_BYTES).await?;
    Ok(Place::behind(inode, offset, &known))
}

#[cfg(test)]
mod tests;
