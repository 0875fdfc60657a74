//! DELETE `/delete/{name}/`: end one job.

use tjf_api_types::{Deleted, ObjectName};
use tjf_runtime::{Json, Path};

use crate::{
    Context,
    cluster::Cluster,
    error::{Error, Result},
};

/// Deletes a job, its runs and its pods, and answers when they are gone: a `run` of the same name
/// afterwards never makes two of one bot.
///
/// # Errors
/// When the caller has no job of this name; or Kubernetes.
pub async fn delete(context: Context, Path(name): Path<ObjectName>) -> Result<Json<Deleted>> {
    let cluster = Cluster::of(&context).await?;
    if !cluster.delete_job(&name).await? {
        return Err(Error::JobNotFound(name));
    }
    Ok(Json(Deleted { deleted: vec![name.into()] }))
}

#[cfg(test)]
mod tests;
