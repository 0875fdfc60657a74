//! `run`: starts a job, and waits for it when asked to.

use tjf_api_types::{JobView, Phase, RunRequest, StatusView, Suffix};

use super::Context;
use crate::{
    args::{RunArgs, run::Wait},
    client::{Answer, Client, ClientError},
    error::Error,
    exit::Exit,
    nearest, random,
    wait::{self, Waited},
};

/// Why an outcome is not known when nothing worse happened.
const NO_ANSWER: &str = "the service did not answer in time";
/// Reasons of jobs that wrote nothing: there was no file for it, or no program could be started.
const SILENT: [&str; 3] = ["LogNotWritable", "StartError", "ContainerCannotRun"];

/// The words are judged before the settings are looked for: what is on the line is nearer.
pub(super) async fn run(
    args: RunArgs,
    connect: impl Fn() -> Result<Context, Error>,
) -> Result<Exit, Error> {
    let limit = args.wait();
    let request = args.into_request(Suffix::from_number(random::number()))?;
    let context = connect()?;
    let key = format!("{:016x}{:016x}", random::number(), random::number());
    let answer = context.client.run(&request, &key).await;
    if limit == Wait::No
        && let Some(json) = context.wanted_json(&answer)
    {
        let name = request.name.as_deref().unwrap_or_default();
        context.printer.json(json).map_err(|error| error.after(|| created(name)))?;
        return Ok(Exit::Done);
    }
    let job = match answer {
        Ok(job) => job,
        Err(source) => {
            let hint = hint(&context, &request, &source).await;
            return Err(Error::Client { source, hint });
        }
    };
    if limit != Wait::No {
        let renew = || connect().ok().map(|context| context.client);
        return Ok(follow(&context, renew, job, limit).await.unwrap_or_else(|error| {
            context.printer.error(&error);
            Exit::Unknown
        }));
    }
    let told = context.printer.line(&job.value.name);
    told.map_err(|error| error.after(|| created(&job.value.name)))?;
    Ok(Exit::Done)
}

async fn hint(context: &Context, request: &RunRequest, error: &ClientError) -> Option<String> {
    let name = request.name.as_deref().unwrap_or_default();
    if matches!(error, ClientError::Unconfirmed(_)) {
        return Some(how_to_know(name, Some(error)));
    }
    if error.refusal()?.slug.as_deref() == Some("job-exists") {
        return Some(hint_about_taken(context, name).await);
    }
    nearest::hint_for_container(&context.client, &request.imagename, error).await
}

/// An object that is no job can't be deleted here, and to delete what is going is of no use.
async fn hint_about_taken(context: &Context, name: &str) -> String {
    let holder = match name.parse() {
        Ok(name) => context.client.show(&name).await.ok(),
        Err(_) => None,
    };
    let can_go = holder.is_some_and(|holder| holder.value.deleting_since.is_none());
    let first =
        if can_go { format!(", or `toolforge-jobs delete {name}` first") } else { String::new() };
    format!("take another name{first}")
}

/// Waits. The name goes out at once, since it is what stops the job; with `--json` there is one
/// document, that of the end.
async fn follow(
    context: &Context,
    renew: impl Fn() -> Option<Client>,
    job: Answer<JobView>,
    limit: Wait,
) -> Result<Exit, Error> {
    let printer = context.printer;
    let name = job.value.name.clone();
    if !context.is_json {
        printer.line(&name).map_err(|error| error.after(|| created(&name)))?;
    }
    match wait::until_ended(&context.client, renew, printer, job, limit).await {
        Waited::Ended(job) => {
            let outcome = job.value.status_words();
            tell_end(context, &job, outcome)
                .map_err(|error| error.after(|| format!("`{name}` has ended: {outcome}")))?;
            Ok(judge(context, &job.value))
        }
        Waited::TimeUp(job) => {
            if context.is_json {
                printer
                    .json(&job.json)
                    .map_err(|error| error.after(|| format!("`{name}` has not ended in time")))?;
            }
            let detail = format!("`{name}` has not ended in time; it goes on");
            printer.complain(&detail, Some(&how_to_stop(&name)), None);
            Ok(Exit::TimeUp)
        }
        Waited::Interrupted => {
            printer.talk(&format!("`{name}` goes on; {}\n", how_to_stop(&name)));
            Ok(Exit::Interrupted)
        }
        Waited::Vanished => {
            let detail = format!("`{name}` was deleted meanwhile; how it ended is not known");
            printer.complain(&detail, None, None);
            Ok(Exit::Unknown)
        }
        Waited::Lost(error) => {
            let reason = error.as_ref().map_or_else(|| NO_ANSWER.to_owned(), ToString::to_string);
            let detail = format!("how `{name}` ends is not known: {reason}");
            let hint = how_to_know(&name, error.as_ref());
            let request_id = error.as_ref().and_then(ClientError::request_id);
            printer.complain(&detail, Some(&hint), request_id);
            Ok(Exit::Unknown)
        }
    }
}

fn tell_end(context: &Context, job: &Answer<JobView>, outcome: &str) -> Result<(), Error> {
    if context.is_json { context.printer.json(&job.json) } else { context.printer.line(outcome) }
}

fn judge(context: &Context, job: &JobView) -> Exit {
    if job.status.phase == Phase::Succeeded {
        return Exit::Done;
    }
    let how = if job.status_long.is_empty() { job.status_words() } else { &job.status_long };
    let hint = hint_about_output(job);
    context.printer.complain(&format!("`{}`: {how}", job.name), hint.as_deref(), None);
    Exit::of_failed_job(&job.status)
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
fn how_to_know(name: &str, error: Option<&ClientError>) -> String {
    match error.and_then(ClientError::unread_json) {
        Some(_) => format!("`toolforge-jobs show {name} --json` prints what the service has"),
        None => format!("`toolforge-jobs show {name}` tells, once the service answers"),
    }
}

fn created(name: &str) -> String {
    format!("created `{name}`")
}

fn how_to_stop(name: &str) -> String {
    format!("`toolforge-jobs delete {name}` stops it")
}
