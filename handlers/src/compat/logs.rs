//! What a job has written, as JSON with one object a line: in pages, the newest line first, or as a
//! stream, the oldest first.

mod asked;
mod record;

use futures_util::{StreamExt, stream::BoxStream};
use jiff::Timestamp;
use serde::Serialize;
use tjf_runtime::{BoxError, JsonAlone, LineStream, Path, Query};

pub use self::asked::{Followed, OfPage, Streamed};
use self::{
    asked::next_url,
    record::{Record, Records},
};
use super::{Messages, OwnTool};
use crate::{
    Context,
    error::Result,
    job::requested_name::RequestedName,
    logs::{
        job,
        newest::page,
        output::{Output, ended},
        stream::{self, Files},
        tail::Start,
    },
};

type Lines = BoxStream<'static, std::result::Result<bytes::Bytes, BoxError>>;

/// A page of what a job has written.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LogPage {
    data: Data,
    messages: Messages,
}

/// Lines, and where there are more.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LogLines"))]
struct Data {
    /// The newest line first.
    logs: Vec<Record>,
    /// Null when there is no other page.
    next: Option<Next>,
}

/// The page of what is older.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "NextLogPage"))]
struct Next {
    /// Its address, from that of this page.
    url: String,
}

/// Gives a page of the job's log, the newest line first.
///
/// # Errors
/// When the query is not one; else as of [`crate::logs::logs`].
pub(super) async fn newest_first(
    OwnTool(context): OwnTool,
    Path(name): Path<RequestedName>,
    Query(query): Query<OfPage>,
) -> Result<JsonAlone<LogPage>> {
    // Older lines, which are read later, do not get a later time.
    let (mut asked, first_read) = query.read(Timestamp::now())?;
    let (name, job) = job(&context, name).await?;
    let sources = Output::of(&context, &job)?.sources();
    asked::check_places(&asked.before, sources.len())?;
    let page = page(sources, &asked).await?;
    let mut messages = Messages::default();
    if page.is_cut {
        messages.warning.push(
            "a log file was cut short or replaced meanwhile: what was in it before is not shown"
                .to_owned(),
        );
    }
    if page.has_given_up {
        messages.warning.push(
            "much of the log is newer than `until`, and what is older was not looked for: read \
             the file itself"
                .to_owned(),
        );
    }
    asked.lines = asked.lines.map(|lines| lines.saturating_sub(page.lines.len() as u64));
    let next =
        (!page.next.is_empty()).then(|| Next { url: next_url(&asked, first_read, &page.next) });
    let record = |line| Record::of(name.as_str(), line, first_read);
    let logs = page.lines.into_iter().map(record).collect();
    Ok(JsonAlone(LogPage { data: Data { logs, next }, messages }))
}

/// Follows the job's log until nothing more can come.
///
/// # Errors
/// As of [`newest_first`].
pub(super) async fn followed(
    OwnTool(context): OwnTool,
    Path(name): Path<RequestedName>,
    Query(query): Query<Streamed>,
) -> Result<LineStream<Lines>> {
    told(context, name, query, true).await
}

/// Gives the job's log, the oldest line first, and with `follow` what comes.
///
/// # Errors
/// As of [`newest_first`].
pub(super) async fn oldest_first(
    OwnTool(context): OwnTool,
    Path(name): Path<RequestedName>,
    Query(query): Query<Followed>,
) -> Result<LineStream<Lines>> {
    let follow = query.follow;
    told(context, name, query.into(), follow).await
}

async fn told(
    context: Context,
    name: RequestedName,
    query: Streamed,
    follow: bool,
) -> Result<LineStream<Lines>> {
    let since = query.since(Timestamp::now())?;
    let (name, job) = job(&context, name).await?;
    let sources = Output::of(&context, &job)?.sources();
    let ends = match follow {
        true => Some(ended(context, name.clone(), &job)?),
        false => None,
    };
    // What stands for the job is as large as the page of all.
    drop(job);
    let mut files = Files::by_line(sources, Records::new(name.to_string(), since));
    files
        .begin(match (query.lines, since) {
            (Some(lines), _) => Start::Lines(lines),
            (None, Some(since)) => Start::Since(since),
            (None, None) => Start::Beginning,
        })
        .await?;
    Ok(LineStream(match ends {
        Some(ended) => stream::followed(files, ended).boxed(),
        None => stream::now(files).boxed(),
    }))
}

#[cfg(test)]
mod tests;
