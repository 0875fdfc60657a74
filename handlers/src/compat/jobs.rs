//! Routes of `jobs/`: all jobs of the tool, and new ones.

use serde::{Deserialize, Serialize};
use tjf_api_types::{JobView, Named};
use tjf_runtime::{Created, Either, Json, JsonAlone, Query, Recall, Written};

use super::{
    Done, Messages, OwnTool,
    request::JobRequest,
    view::{self, Job},
};
use crate::{
    Context,
    error::{Error, Result},
    flush, list,
    replace::{self, Change},
    run::{self, IdempotencyKey, Options},
};

/// What the query of a list may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Whether fields are told that nobody gave, in any case: `True`, `false`. Without them it is a
    /// list that can be loaded again, so one-offs that have ended are not in it.
    #[serde(default)]
    pub include_unset: Option<bool>,
}

/// All jobs of the tool.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Jobs {
    jobs: Vec<Job>,
    messages: Messages,
}

/// The job that was asked about.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct OneJob {
    /// The job.
    pub job: Job,
    /// What a person should know of it.
    pub messages: Messages,
}

/// The job as it was asked for, and whether anything was done for it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ChangedJob {
    /// False when the job was there already, just so.
    job_changed: bool,
    job: Job,
    messages: Messages,
}

/// What a change of a job answers: one that was created, or one that was there.
type Changed = Either<Created<JsonAlone<ChangedJob>>, JsonAlone<ChangedJob>>;

/// Lists all jobs, as they are or as they were asked for.
///
/// # Errors
/// When Kubernetes does not tell.
pub(super) async fn list(
    OwnTool(context): OwnTool,
    Query(wanted): Query<Wanted>,
) -> Result<JsonAlone<Jobs>> {
    let jobs = if wanted.include_unset.unwrap_or(true) {
        // Only 16.1 does not say whether it wants them.
        let told = if wanted.include_unset.is_some() { view::of } else { view::for_16_1 };
        let written = list::list(context, Recall::Allowed).await?;
        read::<Vec<JobView>>(&written)?.into_iter().map(told).collect()
    } else {
        let home = context.state.pod_settings.home_of(context.caller.name.tool());
        let jobs = list::list_as_given(context).await?;
        let jobs = jobs.into_iter().filter(|(job, _)| !job.status.phase.is_final());
        jobs.map(|(job, given)| view::as_given(job, given, &home)).collect()
    };
    Ok(JsonAlone(Jobs { jobs, messages: Messages::default() }))
}

/// Creates a job, whose name must be free.
///
/// # Errors
/// Those of `run`.
pub(super) async fn create(
    OwnTool(context): OwnTool,
    Json(request): Json<JobRequest>,
) -> Result<Created<JsonAlone<OneJob>>> {
    let (request, options) = (Json(request.try_into()?), Query(Options::default()));
    // On the heap, where the router has it too.
    let ran = Box::pin(run::run(context.clone(), IdempotencyKey(None), options, request)).await?;
    let job = match ran {
        Either::First(Created { value: Named(job), .. }) | Either::Second(Json(Named(job))) => job,
    };
    let location = location(&context, &job);
    let value = JsonAlone(OneJob { job: view::of(job), messages: Messages::default() });
    Ok(Created { location, value })
}

/// Makes a job what the request says: creates it, replaces one that is defined otherwise, or does
/// nothing.
///
/// # Errors
/// Those of `run`, and when the old job has gone and the new one is not there.
pub(super) async fn replace(
    OwnTool(context): OwnTool,
    Json(request): Json<JobRequest>,
) -> Result<Changed> {
    let keep = request.keeps();
    let replaced = replace::replace(context.clone(), request.try_into()?, keep);
    let (job, change) = Box::pin(replaced).await?;
    let messages = match change {
        Change::None => Messages::info(unchanged(&job)),
        Change::Created => Messages::default(),
        Change::Replaced => Messages::info(format!("the job `{}` was replaced", job.name)),
    };
    let (job_changed, location) = (change != Change::None, location(&context, &job));
    let value = JsonAlone(ChangedJob { job_changed, job: view::of(job), messages });
    Ok(match job_changed {
        true => Either::First(Created { location, value }),
        false => Either::Second(value),
    })
}

/// Deletes all jobs.
///
/// # Errors
/// When Kubernetes does not do it.
pub(super) async fn flush(OwnTool(context): OwnTool) -> Result<JsonAlone<Done>> {
    flush::flush(context).await?;
    Ok(JsonAlone(Done::default()))
}

fn unchanged(job: &JobView) -> String {
    let name = &job.name;
    if job.status.phase.is_final() {
        format!("the job `{name}` has ended and is not run again: delete it first, or use `run`")
    } else {
        format!("nothing changed: the job `{name}` is defined like this already")
    }
}

/// Where a new job is found, by a path as that command sends it.
fn location(context: &Context, job: &JobView) -> String {
    let tool = context.caller.name.tool().as_str();
    super::JOB[0].replace("{tool}", tool).replace("{name}", &job.name)
}

/// Reads back what an endpoint of ours has written.
pub(super) fn read<T: serde::de::DeserializeOwned>(written: &Written) -> Result<T> {
    let read = serde_json::from_slice(written.json());
    read.map_err(|error| Error::Internal("an answer of ours can't be read", error.into()))
}
