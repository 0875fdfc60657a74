//! GET `/quota/`: what the caller may have, and what it has.

use tjf_api_types::QuotaView;
use tjf_runtime::Json;

use crate::{Context, cluster::Cluster, error::Result};

/// Tells the limits of the caller's namespace and how much of each is in use, as Kubernetes counts it
/// at this moment, and what each job may have.
///
/// # Errors
/// When Kubernetes does not tell.
pub async fn quota(context: Context) -> Result<Json<QuotaView>> {
    Ok(Json(Cluster::of(&context).await?.quota().await?))
}

#[cfg(test)]
mod tests;
