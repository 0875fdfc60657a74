//! A line as an object.

use std::io;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};
use tjf_api_types::LogStream;

use crate::logs::{lines::Lines, moment, newest::Told, source::PIECE_BYTES, stream::Form};

/// One line. Its reader prints all four, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LogRecord"))]
pub(super) struct Record {
    /// The time with which the line begins; if it begins with none, that at which it was read. RFC
    /// 3339, UTC.
    datetime: String,
    /// The job's name: its files do not tell which pod has written what.
    pod: String,
    /// `stdout` or `stderr`; `job` when both go to one file.
    container: &'static str,
    /// The line, without its end. What is not UTF-8 in it is U+FFFD.
    message: String,
}

impl Record {
    /// A line of this job's that was read now.
    pub(super) fn of(job: &str, line: Told, now: Timestamp) -> Self {
        let message = String::from_utf8(line.bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let container = match line.stream {
            LogStream::Stdout => "stdout",
            LogStream::Stderr => "stderr",
            LogStream::Both => "job",
        };
        let datetime = line.at.map_or_else(|| format!("{now:.3}"), |at| at.to_string());
        Self { datetime, pod: job.to_owned(), container, message }
    }
}

/// Lines that come bit by bit, each as an object on a line of its own.
pub(super) struct Records {
    job: String,
    since: Option<Timestamp>,
    files: Vec<File>,
}

struct File {
    stream: LogStream,
    lines: Lines,
    /// The last time with which a line began.
    at: Option<Timestamp>,
}

impl Records {
    /// Those of this job. Lines that are known to be older are left out.
    pub(super) fn new(job: String, since: Option<Timestamp>) -> Self {
        Self { job, since, files: Vec::new() }
    }

    fn file(&mut self, stream: LogStream) -> &mut File {
        let known = self.files.iter().position(|file| file.stream == stream);
        let index = known.unwrap_or_else(|| {
            self.files.push(File { stream, lines: Lines::default(), at: None });
            self.files.len() - 1
        });
        &mut self.files[index]
    }
}

impl Form for Records {
    fn push(&mut self, stream: LogStream, bytes: Bytes) {
        self.file(stream).lines.push(bytes);
    }

    fn begins_anew(&mut self, stream: LogStream) {
        let file = self.file(stream);
        file.lines.finish();
    }

    fn finish(&mut self) {
        self.files.iter_mut().for_each(|file| file.lines.finish());
    }

    /// A piece of it, and a line more: objects are larger than the lines in them.
    fn take(&mut self) -> Vec<u8> {
        let (mut text, now) = (Vec::new(), Timestamp::now());
        for file in &mut self.files {
            while text.len() < PIECE_BYTES {
                let Some(bytes) = file.lines.next() else { break };
                let at = moment::of_line(&bytes);
                file.at = at.or(file.at);
                if self.since.zip(file.at).is_some_and(|(since, at)| at < since) {
                    continue;
                }
                let line = Told { stream: file.stream, at, bytes };
                write(&Record::of(&self.job, line, now), &mut text);
            }
        }
        text
    }
}

fn write(record: &Record, text: &mut Vec<u8>) {
    let mut writer = serde_json::Serializer::with_formatter(&mut *text, OneLine);
    // Texts written into memory.
    let _ = record.serialize(&mut writer);
    text.push(b'\n');
}

/// JSON in which nothing is an end of a line, also to those who take more for one than `\n`: Python's
/// `splitlines`, by which the deployed service's command reads, does.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['\u{85}', '\u{2028}', '\u{2029}']) {
            let (before, end) = rest.split_at(at);
            CompactFormatter.write_string_fragment(writer, before)?;
            let mut behind = end.chars();
            let character = behind.next().map_or(0, u32::from);
            write!(writer, "\\u{character:04x}")?;
            rest = behind.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}
