//! GET `/list/`: all jobs of the caller.

use std::sync::Arc;

use tjf_runtime::Recall;

use crate::{Context, cluster::Cluster, error::Result, store::Page};

/// Lists all jobs of the caller, sorted by name. Whatever else is in the namespace, and the runs of
/// scheduled jobs, are not among them.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn list(context: Context, recall: Recall) -> Result<Arc<Page>> {
    Ok(Cluster::of(&context).await?.list_jobs(recall).await?)
}

#[cfg(test)]
mod tests;
