//! POST `/restart/{name}/`: end what runs of a job, and start it anew.

use tjf_api_types::Named;
use tjf_runtime::{Json, Path};

use crate::{
    Context,
    cluster::Cluster,
    error::{Error, Result},
    job::requested_name::RequestedName,
};

/// Gives a continuous job new pods, after the old ones have ended; runs a scheduled one now, also
/// while it is suspended, after a run that is at work has ended. Answers with the job when that is
/// done. Not harmless to repeat: the second one ends what the first has started.
///
/// # Errors
/// When the caller has no job of this name, or it is a one-off; a quota; or Kubernetes.
pub async fn restart(context: Context, Path(asked): Path<RequestedName>) -> Result<Json<Named>> {
    let cluster = Cluster::of(&context).await?;
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    let job = cluster.restart(&name).await?;
    job.map(|job| Json(Named(job))).ok_or(Error::JobNotFound(asked))
}

#[cfg(test)]
mod tests;
