//! POST `/run/`: create a job.

mod key;
mod options;

use tjf_api_types::{Named, RunRequest, Shown, Suffix, path};
use tjf_runtime::{Created, Either, Json, Query, chance};

pub use self::{key::IdempotencyKey, options::Options};
use crate::{
    Context,
    cluster::Cluster,
    error::Result,
    job::{
        MADE_UP_KEY,
        request::{self, Invalid, Rule, RunsAs},
    },
};

/// What a `run` answers: a job that was created, or one that would be.
pub type Ran = Either<Created<Named>, Json<Named>>;

/// Creates a job: a one-off, with `schedule` a scheduled one, with `continuous` one that is kept
/// running. The name must be free among all three, but a one-off that has ended gives its name up.
/// With an `Idempotency-Key` the same request may be sent again: it creates one job. With `dry_run`
/// all is asked but whether the name is taken, and nothing is created.
///
/// # Errors
/// A field that can't be as it is; a name that is taken; a quota; or Kubernetes.
pub async fn run(
    context: Context,
    IdempotencyKey(key): IdempotencyKey,
    Query(options): Query<Options>,
    Json(request): Json<RunRequest>,
) -> Result<Ran> {
    let tool = context.caller.name.tool();
    let catalogue = context.state.catalogue.get();
    let (shortname, image) = catalogue.find(&request.imagename).ok_or_else(|| {
        let detail = match request.imagename.as_str() {
            "" => "the container's name is empty: `containers` shows what there is".to_owned(),
            name => {
                let name = Shown::new(name);
                format!("there is no container `{name}`: `containers` shows what there is")
            }
        };
        Invalid::of(Rule::Container, "imagename", detail)
    })?;
    let runs_as = RunsAs {
        tool,
        home: &context.state.pod_settings.home_of(tool),
        suffix: suffix(tool.as_str(), key.as_deref()),
        idempotency_key: key.unwrap_or_else(made_up_key),
        container: (shortname.to_owned(), image.to_owned()),
    };
    let job = request::check(request, runs_as)?;
    context.is_about(&job.name);
    let cluster = Cluster::of(&context).await?;
    if options.is_dry_run() {
        return Ok(Either::Second(Json(Named(cluster.rehearse(&job).await?))));
    }
    let value = cluster.create(&job).await?;
    Ok(Either::First(Created { location: path::show(&value.name), value: Named(value) }))
}

/// By this an object is known as this very request's.
fn made_up_key() -> String {
    format!("{MADE_UP_KEY}{:016x}{:016x}", chance::number(), chance::number())
}

/// The end of a made-up name: the same for a repeated request, else any.
fn suffix(tool: &str, key: Option<&str>) -> Suffix {
    match key {
        Some(key) => Suffix::from_number(crate::job::schedule::stable_hash(tool, key)),
        None => Suffix::from_number(chance::number()),
    }
}

#[cfg(test)]
mod tests;
