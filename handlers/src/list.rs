//! GET `/list/`: all jobs of the caller.

use tjf_runtime::{Recall, Written};

use crate::{Context, cluster::Cluster, error::Result};

/// Lists all jobs of the caller, sorted by name. Whatever else is in the namespace, and the runs of
/// scheduled jobs, are not among them.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn list(context: Context, recall: Recall) -> Result<Written> {
    let page = Cluster::of(&context).await?.list_jobs(recall).await?;
    Ok(page.all().clone())
}

#[cfg(test)]
mod tests;
