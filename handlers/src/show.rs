//! GET `/show/{name}/`: one job.

use tjf_runtime::{Path, Recall, Written};

use crate::{
    Context,
    cluster::Cluster,
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
) -> Result<Written> {
    let cluster = Cluster::of(&context).await?;
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    cluster.find(&name, recall).await?.ok_or(Error::JobNotFound(asked))
}

#[cfg(test)]
mod tests;
