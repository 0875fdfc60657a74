//! GET `/list/`: all jobs of the caller.

use tjf_api_types::JobView;
use tjf_runtime::{Recall, Written};

use crate::{Context, cluster::Cluster, error::Result, job::given::Given};

/// Lists all jobs of the caller, sorted by name. Whatever else is in the namespace, and the runs of
/// scheduled jobs, are not among them.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn list(context: Context, recall: Recall) -> Result<Written> {
    let page = Cluster::of(&context).await?.list_jobs(recall).await?;
    Ok(page.all().clone())
}

/// The same as Kubernetes has it now, each job with the fields that were given for it.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn list_as_given(context: Context) -> Result<Vec<(JobView, Given)>> {
    Ok(Cluster::of(&context).await?.jobs_as_given().await?)
}

#[cfg(test)]
mod tests;
