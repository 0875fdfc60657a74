//! A job's output on its way over the wire: which of it is asked for, where in a file it begins, and
//! how two files are put into one text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::Words;

/// A longer line of two streams is cut, so that nobody has to keep all of it until its end.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Which output of a job is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Both, each line behind the name of its stream.
    #[default]
    Both,
}

impl Words for LogStream {
    const ALL: &'static [Self] = &[Self::Stdout, Self::Stderr, Self::Both];

    fn as_str(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Both => "both",
        }
    }
}

/// A place in a log file. `Display` and `FromStr` are its form on the wire, `<inode>-<offset>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogPosition {
    /// Which file it is: another one under the same path has another number. Of a file that is not
    /// there yet it is 0.
    pub inode: u64,
    /// Bytes in front of the place.
    pub offset: u64,
}

impl LogPosition {
    /// The beginning of whatever file there is.
    pub const START: Self = Self { inode: 0, offset: 0 };
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.inode, self.offset)
    }
}

/// A text that is not a place in a log file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPositionError;

impl fmt::Display for LogPositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is `INODE-OFFSET`, as the header `log-position` has it")
    }
}

impl std::error::Error for LogPositionError {}

impl FromStr for LogPosition {
    type Err = LogPositionError;

    fn from_str(text: &str) -> Result<Self, LogPositionError> {
        let (inode, offset) = text.split_once('-').ok_or(LogPositionError)?;
        let number = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse().ok()).flatten().ok_or(LogPositionError)
        };
        Ok(Self { inode: number(inode)?, offset: number(offset)? })
    }
}

impl<'de> Deserialize<'de> for LogPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// What is asked of a job's log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct LogQuery {
    /// Which output.
    pub stream: LogStream,
    /// Only so many lines at the end of each file; all when absent.
    pub lines: Option<u64>,
    /// Whether what comes later is wanted too.
    pub follow: bool,
    /// Go on here.
    pub from: Option<LogPosition>,
}

impl fmt::Display for LogQuery {
    /// As the query of a URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stream={}", self.stream.as_str())?;
        if let Some(lines) = self.lines {
            write!(f, "&lines={lines}")?;
        }
        if self.follow {
            f.write_str("&follow=true")?;
        }
        if let Some(from) = self.from {
            write!(f, "&from={from}")?;
        }
        Ok(())
    }
}

/// Puts two streams into one text, line by line, each behind the name of its stream. A line is kept
/// until its end has come, so that no other gets into the middle of it.
#[derive(Debug, Default)]
pub struct Interleaver {
    begun: [Vec<u8>; 2],
}

impl Interleaver {
    /// Adds what came of one stream; lines that are whole are written behind `text`.
    pub fn push(&mut self, stream: LogStream, bytes: &[u8], text: &mut Vec<u8>) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let begun = self.begun(stream);
            let mut piece = piece;
            while begun.len() + piece.len() > LINE_BYTES_MAX {
                let (fits, rest) = piece.split_at(LINE_BYTES_MAX - begun.len());
                begun.extend_from_slice(fits);
                write_line(stream, begun, text);
                piece = rest;
            }
            begun.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                write_line(stream, begun, text);
            }
        }
    }

    /// Writes what has begun and will have no end.
    pub fn finish(&mut self, text: &mut Vec<u8>) {
        for stream in [LogStream::Stdout, LogStream::Stderr] {
            let begun = self.begun(stream);
            if !begun.is_empty() {
                write_line(stream, begun, text);
            }
        }
    }

    fn begun(&mut self, stream: LogStream) -> &mut Vec<u8> {
        &mut self.begun[usize::from(stream == LogStream::Stderr)]
    }
}

fn write_line(stream: LogStream, line: &mut Vec<u8>, text: &mut Vec<u8>) {
    let prefix: &[u8] = if stream == LogStream::Stderr { b"err: " } else { b"out: " };
    text.extend_from_slice(prefix);
    text.extend_from_slice(line);
    if !line.ends_with(b"\n") {
        text.push(b'\n');
    }
    line.clear();
}

#[cfg(test)]
mod tests {
    use super::{LogStream::*, *};

    #[test]
    fn a_position_goes_there_and_back_and_nothing_else_is_one() {
        let position = LogPosition { inode: u64::MAX, offset: 7 };
        assert_eq!(position.to_string(), "18446744073709551615-7");
        assert_eq!(position.to_string().parse(), Ok(position));
        for text in
            ["", "-", "1", "1-", "-1", "1-2-3", "+1-2", "1- 2", "a-1", "1-99999999999999999999"]
        {
            assert_eq!(text.parse::<LogPosition>(), Err(LogPositionError), "{text:?}");
        }
    }

    #[test]
    fn a_query_says_what_is_not_the_default() {
        assert_eq!(LogQuery::default().to_string(), "stream=both");
        let from = Some(LogPosition { inode: 3, offset: 4 });
        let all = LogQuery { stream: Stderr, lines: Some(0), follow: true, from };
        assert_eq!(all.to_string(), "stream=stderr&lines=0&follow=true&from=3-4");
    }

    fn interleaved(pieces: &[(LogStream, &str)]) -> String {
        let (mut interleaver, mut text) = (Interleaver::default(), Vec::new());
        for (stream, bytes) in pieces {
            interleaver.push(*stream, bytes.as_bytes(), &mut text);
        }
        interleaver.finish(&mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn lines_come_whole_however_their_bytes_do() {
        for (pieces, expected) in [
            (&[(Stdout, "a\nb\n"), (Stderr, "c\n")][..], "out: a\nout: b\nerr: c\n"),
            (&[(Stdout, "a"), (Stderr, "b\n"), (Stdout, "c\n")], "err: b\nout: ac\n"),
            (&[(Stdout, "a\n\nb"), (Stderr, "c")], "out: a\nout: \nout: b\nerr: c\n"),
            (&[], ""),
        ] {
            assert_eq!(interleaved(pieces), expected);
        }
    }

    #[test]
    fn a_line_without_end_is_cut_and_nothing_of_it_lost() {
        let long = "x".repeat(2 * LINE_BYTES_MAX + 5);
        let text = interleaved(&[(Stderr, &long[..7]), (Stderr, &long[7..]), (Stderr, "y\n")]);
        let lines: Vec<_> = text.lines().map(|line| line.strip_prefix("err: ").unwrap()).collect();
        assert!(lines.iter().all(|line| line.len() <= LINE_BYTES_MAX));
        assert_eq!((lines.len(), lines.concat()), (3, format!("{long}y")));
    }
}
