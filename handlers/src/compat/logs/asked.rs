//! What is asked of a log.

use jiff::Timestamp;
use serde::Deserialize;
use tjf_api_types::Shown;

use crate::{
    error::Result,
    job::request::Invalid,
    logs::{moment, newest::Asked, place::Place},
};

/// The query of a page.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct OfPage {
    /// The order: there is one.
    direction: Direction,
    /// Only so many of the newest lines, over all pages; all when absent.
    lines: Option<u64>,
    /// Nothing that is older: how long ago that is (`1h32m22s`), or a time of ISO 8601, which is UTC
    /// without an offset.
    since: Option<String>,
    /// Nothing that is newer; written as `since`.
    until: Option<String>,
    /// Where the page begins: the `next` of the page before has it.
    before: Option<String>,
}

/// Which line comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LogDirection"))]
#[serde(rename_all = "snake_case")]
enum Direction {
    #[default]
    NewestFirst,
}

/// The query of a stream that is followed.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Streamed {
    /// Only so many lines at the end of each file, and what comes; all when absent.
    pub(super) lines: Option<u64>,
    /// Nothing that is older: how long ago that is (`1h32m22s`), or a time of ISO 8601, which is UTC
    /// without an offset.
    since: Option<String>,
    /// Refused: what is followed has no end in time.
    until: Option<String>,
}

/// The query of a stream that may be followed.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Followed {
    /// Whether what comes later is wanted too.
    pub(super) follow: bool,
    /// Only so many lines at the end of each file; all when absent.
    lines: Option<u64>,
}

impl From<Followed> for Streamed {
    fn from(query: Followed) -> Self {
        Self { lines: query.lines, ..Self::default() }
    }
}

impl OfPage {
    /// What is meant at this moment, and when the first page of all was read.
    ///
    /// # Errors
    /// When a time or a place is not one.
    pub(super) fn read(&self, now: Timestamp) -> Result<(Asked, Timestamp)> {
        let Direction::NewestFirst = self.direction;
        let since = time("since", self.since.as_deref(), now)?;
        let until = time("until", self.until.as_deref(), now)?;
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            return Err(Invalid::new("until", "`until` has to be later than `since`").into());
        }
        let (first_read, before) = match &self.before {
            Some(before) => places(before).ok_or_else(not_a_place)?,
            None => (now, Vec::new()),
        };
        Ok((Asked { lines: self.lines, since, until, before }, first_read))
    }
}

impl Streamed {
    /// Since when it is wanted.
    ///
    /// # Errors
    /// When that is not a time, or there is an end.
    pub(super) fn since(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        if self.until.is_some() {
            let detail = "a log that is followed ends with its job: leave `until` out";
            return Err(Invalid::new("until", detail).into());
        }
        time("since", self.since.as_deref(), now)
    }
}

fn time(field: &'static str, text: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>> {
    let Some(text) = text else { return Ok(None) };
    let time = moment::asked(text, now).ok_or_else(|| {
        let shown = Shown::new(text);
        let detail = format!(
            "`{shown}` is not a time: send how long ago, as `1h32m22s`, or a time of ISO 8601, as \
             `2026-03-02T21:29:55+01:00`"
        );
        Invalid::new(field, detail)
    })?;
    Ok(Some(time))
}

/// When the first page was read, in milliseconds, and a place for each file.
fn places(before: &str) -> Option<(Timestamp, Vec<Place>)> {
    let (first_read, places) = before.split_once('.')?;
    let first_read = Timestamp::from_millisecond(first_read.parse().ok()?).ok()?;
    let places = places.split('.').map(|place| place.parse().ok()).collect::<Option<_>>()?;
    Some((first_read, places))
}

/// Each file has its place.
pub(super) fn check_places(places: &[Place], files: usize) -> Result<()> {
    if places.is_empty() || places.len() == files { Ok(()) } else { Err(not_a_place().into()) }
}

fn not_a_place() -> Invalid {
    Invalid::new("before", "send `before` as the `next` of the page before has it, or not at all")
}

/// The address of the page in front of these places, from that of any other page.
pub(super) fn next_url(asked: &Asked, first_read: Timestamp, places: &[Place]) -> String {
    let places = places.iter().map(Place::to_string);
    let places: Vec<_> =
        std::iter::once(first_read.as_millisecond().to_string()).chain(places).collect();
    let mut query = form_urlencoded::Serializer::for_suffix("?".to_owned(), 1);
    query.append_pair("direction", "newest_first").append_pair("before", &places.join("."));
    let times = [("since", asked.since), ("until", asked.until)];
    for (name, time) in times {
        if let Some(time) = time {
            query.append_pair(name, &time.to_string());
        }
    }
    if let Some(lines) = asked.lines {
        query.append_pair("lines", &lines.to_string());
    }
    query.finish()
}
