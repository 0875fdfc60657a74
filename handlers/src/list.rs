//! GET `/list/`: all jobs of the caller.

use tjf_api_types::JobView;
use tjf_runtime::Json;

use crate::{Context, cluster::Cluster, error::Result};

/// Lists all jobs of the caller, sorted by name. Whatever else is in the namespace, and the runs of
/// scheduled jobs, are not among them.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn list(context: Context) -> Result<Json<Vec<JobView>>> {
    Ok(Json(Cluster::of(&context).await?.list_jobs().await?))
}

#[cfg(test)]
mod tests;
