//! Bytes as lines.

use std::mem;

use bytes::{Buf, Bytes};

/// A longer line is told in parts, so that nobody has to keep all of it until its end.
pub(crate) const LINE_BYTES_MAX: usize = 16 * 1024;

/// Lines of what comes bit by bit. An end of `\r\n` counts as one of `\n`.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// A line whose end has not come.
    begun: Vec<u8>,
    /// What has not been looked at.
    kept: Bytes,
    /// Whether the end of what has begun will not come.
    is_over: bool,
}

impl Lines {
    /// Takes more, once [`Lines::next`] has nothing left.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.kept = bytes;
    }

    /// What has begun is all of its line.
    pub(crate) fn finish(&mut self) {
        self.is_over = !self.begun.is_empty();
    }

    /// The next line, or the next part of a long one, without its end.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        if mem::take(&mut self.is_over) {
            return Some(mem::take(&mut self.begun));
        }
        let end = self.kept.iter().position(|byte| *byte == b'\n');
        let more = self.kept.split_to(end.unwrap_or(self.kept.len()));
        self.begun.extend_from_slice(&more);
        if self.begun.len() > LINE_BYTES_MAX {
            let rest = self.begun.split_off(last_start(&self.begun, LINE_BYTES_MAX));
            return Some(mem::replace(&mut self.begun, rest));
        }
        end.map(|_| {
            self.kept.advance(1);
            without_return(mem::take(&mut self.begun))
        })
    }
}

/// A line that has ended, without the first half of an end of `\r\n`.
pub(super) fn without_return(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line
}

/// The last place up to this one at which a character can begin.
fn last_start(bytes: &[u8], place: usize) -> usize {
    let nearest = (place.saturating_sub(3)..=place).rev().find(|at| is_start(bytes[*at]));
    nearest.unwrap_or(place)
}

/// The first place from this one on at which a character can begin.
pub(super) fn first_start(bytes: &[u8], place: usize) -> usize {
    let nearest = (place..bytes.len()).take(4).find(|at| is_start(bytes[*at]));
    nearest.unwrap_or(place)
}

/// Not one of those bytes of UTF-8 that go on with a character.
fn is_start(byte: u8) -> bool {
    byte & 0b1100_0000 != 0b1000_0000
}

#[cfg(test)]
mod tests;
