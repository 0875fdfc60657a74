//! GET `/show/{name}/`: one job.

use tjf_api_types::{JobView, ObjectName};
use tjf_runtime::{Json, Path};

use crate::{
    Context,
    cluster::Cluster,
    error::{Error, Result},
};

/// Shows one job: what was asked, what Kubernetes makes of it, and why it waits or failed.
///
/// # Errors
/// When the caller has no job of this name; or Kubernetes.
pub async fn show(context: Context, Path(name): Path<ObjectName>) -> Result<Json<JobView>> {
    let cluster = Cluster::of(&context).await?;
    let job = cluster.find(&name).await?.ok_or(Error::JobNotFound(name))?;
    Ok(Json(job))
}

#[cfg(test)]
mod tests;
