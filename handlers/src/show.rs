//! GET `/show/{name}/`: one job.

use std::sync::Arc;

use tjf_api_types::JobView;
use tjf_runtime::{Path, Recall, Written};

use crate::{
    Context,
    cluster::{Cluster, ClusterError},
    error::{Error, Result},
    job::requested_name::RequestedName,
};

/// Shows one job: what was asked, what Kubernetes makes of it, and why it waits or failed.
///
/// # Errors
/// When the caller has no job of this name; or Kubernetes.
pub async fn show(
    context: Context,
    Path(asked): Path<RequestedName>,
    recall: Recall,
) -> Result<Arc<Written<JobView>>> {
    let cluster = Cluster::of(&context).await?;
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    let job = cluster.find(&name, recall).await?.ok_or(Error::JobNotFound(asked))?;
    Ok(Arc::new(Written::of(job).map_err(ClusterError::Unwritable)?))
}

#[cfg(test)]
mod tests;
