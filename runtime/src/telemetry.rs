//! The log: text for people, JSON for machines.

use std::io::{self, Write};

use serde_json::{Value, json};
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// No line is longer than this, whatever was sent: whoever can make a line long can fill a disk.
const LINE_BYTES_MAX: usize = 1024;
/// The strings of a JSON line that is too long are cut at these, until it is short enough.
const STRING_CHARS_MAX: [usize; 3] = [200, 50, 10];

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is neither `text` nor `json`")),
        }
    }
}

/// What is logged, in the words of `tracing-subscriber`: `info`, or `info,tjf_runtime=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        EnvFilter::try_new(text).map_err(|error| error.to_string())?;
        Ok(Self(text.to_owned()))
    }
}

/// Starts the log on standard error. kube's own tracing stays off: it would repeat what we answer,
/// and quote whole objects.
///
/// # Errors
/// When a log was started before.
pub fn start(format: LogFormat, LogFilter(filter): &LogFilter) -> Result<(), String> {
    let filter = EnvFilter::new(format!("kube=off,kube_client=off,tower=off,{filter}"));
    let registry = tracing_subscriber::registry().with(filter);
    let writer = move || ShortLines { format, inner: io::stderr() };
    let layer = fmt::layer().with_target(false).with_writer(writer);
    match format {
        LogFormat::Text => registry.with(layer).try_init(),
        LogFormat::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    }
    .map_err(|error| error.to_string())
}

/// Writes lines, each of which comes as a whole, and cuts what is too long.
struct ShortLines<W> {
    format: LogFormat,
    inner: W,
}

impl<W: Write> Write for ShortLines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if line.len() <= LINE_BYTES_MAX {
            return self.inner.write(line);
        }
        let short = match self.format {
            LogFormat::Text => cut_text(line),
            LogFormat::Json => cut_json(line),
        };
        self.inner.write_all(&short)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn cut_text(line: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(line);
    let end = text.floor_char_boundary(LINE_BYTES_MAX - "…\n".len());
    format!("{}…\n", &text[..end]).into_bytes()
}

/// A line that is JSON stays so.
fn cut_json(line: &[u8]) -> Vec<u8> {
    let whole: Option<Value> = serde_json::from_slice(line).ok();
    let cut = STRING_CHARS_MAX.into_iter().find_map(|chars_max| {
        let mut short = whole.clone()?;
        cut_strings(&mut short, chars_max);
        let text = format!("{short}\n");
        (text.len() <= LINE_BYTES_MAX).then_some(text)
    });
    let left_out =
        || format!("{}\n", json!({"message": "a line was too long", "bytes": line.len()}));
    cut.unwrap_or_else(left_out).into_bytes()
}

fn cut_strings(value: &mut Value, chars_max: usize) {
    match value {
        Value::String(text) if text.chars().count() > chars_max => {
            *text = text.chars().take(chars_max).chain(['…']).collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| cut_strings(item, chars_max)),
        Value::Object(fields) => {
            fields.values_mut().for_each(|field| cut_strings(field, chars_max));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: LogFormat, line: &str) -> String {
        let mut lines = ShortLines { format, inner: Vec::new() };
        lines.write_all(line.as_bytes()).unwrap();
        String::from_utf8(lines.inner).unwrap()
    }

    #[test]
    fn no_line_is_longer_than_a_kilobyte_and_each_is_still_what_it_was() {
        let long = "ü".repeat(30_000);
        assert_eq!(written(LogFormat::Text, "short\n"), "short\n");
        let text = written(LogFormat::Text, &format!("INFO {long}\n"));
        assert!(text.len() <= LINE_BYTES_MAX && text.starts_with("INFO ü"), "{text}");
        assert_eq!(text.matches('\n').count(), 1);

        let line = format!("{}\n", json!({"level": "INFO", "cause": long, "span": {"id": long}}));
        let short = written(LogFormat::Json, &line);
        assert!(short.len() <= LINE_BYTES_MAX && short.ends_with('\n'), "{short}");
        let value: Value = serde_json::from_str(&short).unwrap();
        assert_eq!(value["level"], "INFO");
        assert!(value["span"]["id"].as_str().unwrap().ends_with('…'));

        let many: Value = (0..1000).map(|index| (index.to_string(), json!(index))).collect();
        let short = written(LogFormat::Json, &format!("{many}\n"));
        assert!(short.contains("too long") && short.len() <= LINE_BYTES_MAX, "{short}");
    }
}
