//! DELETE `/flush/`: end all jobs of the caller.

use tjf_api_types::Deleted;
use tjf_runtime::Json;

use crate::{Context, cluster::Cluster, error::Result};

/// Deletes all jobs of the caller, and nothing else in its namespace. Answers when their pods are
/// gone, with the jobs' names; with none it has nothing to do, which is not an error.
///
/// # Errors
/// When Kubernetes does not do it.
pub async fn flush(context: Context) -> Result<Json<Deleted>> {
    let deleted = Cluster::of(&context).await?.delete_all_jobs().await?;
    Ok(Json(Deleted { deleted }))
}

#[cfg(test)]
mod tests;
