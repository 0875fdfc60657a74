//! The routes by which the deployed service's command reads logs.

use http::Method;
use serde_json::{Value, json};

use super::Operation;
use crate::compat::{Followed, JOB_LOGS, LOG_PAGES, LOG_STREAM, LogPage, OfPage, Streamed};

/// What is said of a route.
pub(super) fn of(method: &Method, pattern: &str) -> Option<Operation> {
    Some(match (method.as_str(), pattern) {
        ("GET", LOG_PAGES) => pages(),
        ("GET", LOG_STREAM) => stream(),
        ("GET", it) if it == JOB_LOGS[0] => both(),
        _ => return None,
    })
}

fn pages() -> Operation {
    let description = "The lines of both log files, the newest first, in pages. A line that begins \
        with a time of RFC 3339, ISO 8601 or Python's `logging` has that as its `datetime`; any \
        other has the time of reading. Lines without a time belong to the last line in front of \
        them that has one. `since` and `until` leave out what is known to be outside; a file that \
        has no times is left out when it was written before `since`. Two files are put in order by \
        the times of their lines, and one without times by when it was written last. A page ends \
        the pages early when a file was cut short or replaced.";
    let next = json!({"url": "?direction=newest_first&before=1764072000123.1311-5021-99.1312-0-0"});
    let example = json!({
        "data": {"logs": [line("2 of 2"), line("1 of 2")], "next": next},
        "messages": {"info": [], "warning": []},
    });
    Operation::new("deployed_log_pages", "Show what a job has written", description)
        .query::<OfPage>()
        .answers::<LogPage>("A page.", example)
}

fn stream() -> Operation {
    let description = "What is in both log files, and what comes, until nothing more can come. \
        Each line is an object of JSON on a line of its own, with the keys that a page's lines \
        have. A line of more than 16 KiB comes in parts.";
    lines("deployed_log_stream", "Follow what a job writes", description).query::<Streamed>()
}

fn both() -> Operation {
    let description = "What is in both log files, the one behind the other, and with `follow` what \
        comes. Each line is an object of JSON on a line of its own, with the keys that a page's \
        lines have.";
    lines("deployed_job_logs", "Show or follow what a job writes", description).query::<Followed>()
}

fn lines(id: &'static str, summary: &'static str, description: &'static str) -> Operation {
    Operation::new(id, summary, description)
        .streams("application/x-ndjson", "The lines.", &format!("{}\n", line("hello")))
        .headed(&["x-accel-buffering"])
}

fn line(message: &str) -> Value {
    let datetime = "2026-11-25T12:00:00Z";
    json!({"datetime": datetime, "pod": "bot", "container": "stdout", "message": message})
}
