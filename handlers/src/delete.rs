//! DELETE `/delete/{name}/`: end one job.

use tjf_api_types::Deleted;
use tjf_runtime::{Json, Path};

use crate::{
    Context,
    cluster::Cluster,
    error::{Error, Result},
    job::requested_name::RequestedName,
};

/// Deletes a job, its runs and its pods, and answers when they are gone: a `run` of the same name
/// afterwards never makes two of one bot. What somebody else deleted and is still ending is waited
/// for as well.
///
/// # Errors
/// When the caller has no job of this name; or Kubernetes.
pub async fn delete(context: Context, Path(asked): Path<RequestedName>) -> Result<Json<Deleted>> {
    let cluster = Cluster::of(&context).await?;
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    if !cluster.delete_job(&name).await? {
        return Err(Error::JobNotFound(asked));
    }
    Ok(Json(Deleted { deleted: vec![name.into()] }))
}

#[cfg(test)]
mod tests;
