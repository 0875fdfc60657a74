//! POST `/run/`: create a job.

mod key;
mod options;

use tjf_api_types::{Named, RunRequest, path};
use tjf_runtime::{Created, Either, Json, Query};

pub use self::{key::IdempotencyKey, options::Options};
use crate::{Context, checked, cluster::Cluster, error::Result};

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
    let job = checked::job(&context, request, key)?;
    context.is_about(&job.name);
    let cluster = Cluster::of(&context).await?;
    if options.is_dry_run() {
        return Ok(Either::Second(Json(Named(cluster.rehearse(&job).await?))));
    }
    let value = cluster.create(&job).await?;
    Ok(Either::First(Created { location: path::show(&value.name), value: Named(value) }))
}

#[cfg(test)]
mod tests;
