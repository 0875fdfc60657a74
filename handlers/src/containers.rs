//! GET `/containers/`: what jobs can run in.

use tjf_api_types::ContainerView;
use tjf_runtime::Json;

use crate::{Context, error::Result};

/// Lists the containers on offer, in the operator's order. Kubernetes is not asked.
///
/// # Errors
/// Never.
pub async fn containers(context: Context) -> Result<Json<Vec<ContainerView>>> {
    Ok(Json(context.state.catalogue.get().views()))
}

#[cfg(test)]
mod tests;
