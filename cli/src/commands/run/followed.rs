//! `run --follow`: a job's output as it comes, each stream to the own one.

use futures_util::future::join;
use tjf_api_types::{JobView, LogPosition, LogQuery, LogStream, ObjectName, RunRequest, Words};
use tokio::time::{Duration, timeout};

use super::super::{Context, outcome};
use crate::{
    args::run::Wait,
    client::{Answer, Client},
    error::Error,
    exit::Exit,
    logs::{self, Read, Reader},
    wait::{Waited, Waiting},
};

/// So long the last words of a job may take that was deleted.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_secs(5);

/// Where the files of an earlier job of this name end: standard output's, and standard error's. What
/// the new one writes comes behind.
pub(super) async fn ends(context: &Context, request: &RunRequest) -> [Option<LogPosition>; 2] {
    let name = request.name.as_deref().unwrap_or_default();
    let Ok(name) = name.parse::<ObjectName>() else { return [None; 2] };
    // Each holds a whole exchange, which is large.
    let end = |stream| Box::pin(logs::end(&context.client, &name, stream));
    let (out, err) = join(end(LogStream::Stdout), end(LogStream::Stderr)).await;
    [out, err]
}

/// Shows what the job writes until it has ended and all of that has come. Standard output is the
/// job's alone: all else is talk.
pub(super) async fn follow(
    context: &Context,
    renew: impl Fn() -> Option<Client>,
    job: Answer<JobView>,
    limit: Wait,
    ends: [Option<LogPosition>; 2],
) -> Result<Exit, Error> {
    let name = job.value.name.clone();
    let view = job.value.clone();
    let mut output = Box::pin(show(context, &renew, &view, ends));
    let waiting = Waiting::new(&context.client, &renew, context.printer, 1, limit);
    let mut waiting = Box::pin(waiting.until_ended(job));
    let waited = tokio::select! {
        waited = &mut waiting => {
            match &waited {
                Waited::Ended(_) => output.await?,
                Waited::Vanished => timeout(LAST_WORDS_TIME_MAX, output).await.unwrap_or(Ok(()))?,
                Waited::TimeUp(_) | Waited::Lost(_) => {}
            }
            waited
        }
        shown = &mut output => {
            shown?;
            waiting.await
        }
    };
    outcome::tell(context, &name, waited, |_| None).await
}

async fn show(
    context: &Context,
    renew: impl Fn() -> Option<Client>,
    job: &JobView,
    [end_of_stdout, end_of_stderr]: [Option<LogPosition>; 2],
) -> Result<(), Error> {
    // The API named it, so that it is a name; if not, there is nothing to ask for.
    let Ok(name) = job.name.parse::<ObjectName>() else { return Ok(()) };
    let printer = context.printer;
    let reader = Reader::new(&context.client, renew, printer, &name);
    let (stdout, stderr) = (job.filelog_stdout.as_deref(), job.filelog_stderr.as_deref());
    if stdout.is_none() {
        printer.note("the job keeps no output");
    }
    let is_kept = |file: Option<&str>| file.is_some_and(|file| file != "/dev/null");
    let read = async |stream, end, pass_on: fn(_, &[u8]) -> Result<bool, Error>| {
        let from = match end {
            Some(end) => Some(end),
            None => reader.beginning(stream, &job.created_at).await,
        };
        let query = LogQuery { stream, lines: None, follow: true, from };
        match reader.read(query, |bytes| pass_on(printer, bytes)).await? {
            Read::All | Read::Unwanted => {}
            Read::Failed(error) => {
                let detail = format!("the rest of its {} can't be shown: {error}", stream.as_str());
                printer.complain(&detail, None, error.request_id());
            }
        }
        Ok::<_, Error>(())
    };
    let out = async {
        if is_kept(stdout) {
            read(LogStream::Stdout, end_of_stdout, |it, bytes| it.pass_on(bytes)).await
        } else {
            Ok(())
        }
    };
    let err = async {
        if is_kept(stderr) && stderr != stdout {
            let talk = |it: crate::output::Printer, bytes: &[u8]| {
                it.pass_on_as_talk(bytes);
                Ok(true)
            };
            read(LogStream::Stderr, end_of_stderr, talk).await
        } else {
            Ok(())
        }
    };
    let (out, err) = join(out, err).await;
    out.and(err)
}
