//! How a job that was waited for ended, told.

use tjf_api_types::{JobView, LogQuery, LogStream, ObjectName, Phase, StatusView};
use tokio::time::{Duration, timeout};

use super::Context;
use crate::{
    client::{Answer, ClientError},
    error::Error,
    exit::Exit,
    wait::Waited,
};

/// Why an outcome is not known when nothing worse happened.
const NO_ANSWER: &str = "the service did not answer in time";
/// Reasons of jobs that wrote nothing: there was no file for it, or no program could be started.
const SILENT: [&str; 3] = ["LogNotWritable", "StartError", "ContainerCannotRun"];

/// How much of a failed job's errors is shown.
const LAST_LINES: u64 = 10;
/// The same in bytes: lines may be long.
const LAST_BYTES_MAX: usize = 4 * 1024;
/// They are a courtesy, which nobody waits for.
const LAST_LINES_TIME_MAX: Duration = Duration::from_secs(5);

/// Tells how a wait ended: the outcome, put into a line, is data, and what is the matter is talk.
/// There is no line where all that the job wrote was shown already. Gives the code that says it.
pub(super) async fn tell(
    context: &Context,
    name: &str,
    waited: Waited,
    line: impl Fn(&str) -> Option<String>,
) -> Result<Exit, Error> {
    let printer = context.printer;
    match waited {
        Waited::Ended(job) => {
            let outcome = job.value.status_words();
            let line = line(outcome);
            tell_end(context, &job, line.as_deref())
                .map_err(|error| error.after(|| format!("`{name}` has ended: {outcome}")))?;
            if job.value.status.phase == Phase::Succeeded {
                return Ok(Exit::Done);
            }
            if line.is_some() {
                tell_last_lines(context, &job.value).await;
            }
            Ok(judge(context, &job.value, line.is_some()))
        }
        Waited::TimeUp(job) => {
            if context.is_json {
                printer
                    .json(&job.json)
                    .map_err(|error| error.after(|| format!("`{name}` has not ended in time")))?;
            }
            let detail = format!("`{name}` has not ended in time; it goes on");
            printer.complain(&detail, Some(&how_to_stop(name)), None);
            Ok(Exit::TimeUp)
        }
        Waited::Vanished => {
            let detail = format!("`{name}` was deleted meanwhile; how it ended is not known");
            printer.complain(&detail, None, None);
            Ok(Exit::Unknown)
        }
        Waited::Lost(error) => {
            let reason = error.as_ref().map_or_else(|| NO_ANSWER.to_owned(), ToString::to_string);
            let detail = format!("how `{name}` ends is not known: {reason}");
            let hint = how_to_know(name, error.as_ref());
            let request_id = error.as_ref().and_then(ClientError::request_id);
            printer.complain(&detail, Some(&hint), request_id);
            Ok(Exit::Unknown)
        }
    }
}

fn tell_end(context: &Context, job: &Answer<JobView>, line: Option<&str>) -> Result<(), Error> {
    match line {
        _ if context.is_json => context.printer.json(&job.json),
        Some(line) => context.printer.line(line),
        None => Ok(()),
    }
}

fn judge(context: &Context, job: &JobView, has_hint: bool) -> Exit {
    let how = if job.status_long.is_empty() { job.status_words() } else { &job.status_long };
    let hint = hint_about_output(job).filter(|_| has_hint);
    context.printer.complain(&format!("`{}`: {how}", job.name), hint.as_deref(), None);
    Exit::of_failed_job(&job.status)
}

/// Shows the end of what a failed job wrote to standard error, unless that is of an earlier run.
async fn tell_last_lines(context: &Context, job: &JobView) {
    let (Some(began_at), Ok(name)) = (&job.status.started_at, job.name.parse::<ObjectName>())
    else {
        return;
    };
    let query =
        LogQuery { stream: LogStream::Stderr, lines: Some(LAST_LINES), ..LogQuery::default() };
    let mut text = Vec::new();
    let read = async {
        let mut log = context.client.logs(&name, &query).await.ok()?;
        if log.modified.as_ref().is_none_or(|modified| modified < began_at) {
            return None;
        }
        while let Ok(Some(bytes)) = log.next().await {
            text.extend_from_slice(&bytes);
            text.drain(..text.len().saturating_sub(LAST_BYTES_MAX));
        }
        Some(())
    };
    let is_read = timeout(LAST_LINES_TIME_MAX, read).await.ok().flatten().is_some();
    if is_read && !text.is_empty() {
        context.printer.quote("the last lines of its errors:", &String::from_utf8_lossy(&text));
    }
}

/// Where its output is, when there can be some. Of a job whose pod has gone nobody knows whether it
/// ever began; one that has an exit code did.
fn hint_about_output(job: &JobView) -> Option<String> {
    let StatusView { reason, started_at, exit_code, signal, .. } = &job.status;
    let is_silent = reason.as_deref().is_some_and(|reason| SILENT.contains(&reason));
    if is_silent || started_at.is_none() {
        return None;
    }
    let mut files: Vec<_> = [&job.filelog_stdout, &job.filelog_stderr]
        .into_iter()
        .flatten()
        .filter(|file| *file != "/dev/null")
        .map(|file| format!("`{file}`"))
        .collect();
    files.dedup();
    let began = exit_code.is_some() || signal.is_some();
    let condition = if began { "" } else { ", if it began," };
    (!files.is_empty()).then(|| format!("what it wrote{condition} is in {}", files.join(" and ")))
}

/// What this version can't read of one answer it can't read of the next.
pub(super) fn how_to_know(name: &str, error: Option<&ClientError>) -> String {
    match error.and_then(ClientError::unread_json) {
        Some(_) => format!("`toolforge-jobs show {name} --json` prints what the service has"),
        None => format!("`toolforge-jobs show {name}` tells, once the service answers"),
    }
}

/// How to wait for a job that goes on.
pub(super) fn how_to_go_on(name: &str) -> String {
    format!("`toolforge-jobs wait {name}` waits for it again")
}

/// What to do about a job that goes on.
pub(super) fn how_to_stop(name: &str) -> String {
    format!("`toolforge-jobs delete {name}` stops it")
}
