//! GET `images/`: what jobs can run in.

use serde::Serialize;
use tjf_api_types::ContainerView;
use tjf_runtime::{Json, JsonAlone};

use super::{Messages, OwnTool};
use crate::{containers::containers, error::Result};

/// The containers on offer. Each key of an image becomes a column.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Images {
    images: Vec<Image>,
    messages: Messages,
}

/// A container that jobs can run in.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Image {
    /// The name to ask for.
    shortname: String,
    /// What really runs.
    image: String,
}

/// Lists the containers on offer.
///
/// # Errors
/// Never.
pub(super) async fn images(OwnTool(context): OwnTool) -> Result<JsonAlone<Images>> {
    let Json(views) = containers(context).await?;
    let image = |view: ContainerView| Image { shortname: view.shortname, image: view.image };
    let images = views.into_iter().map(image).collect();
    Ok(JsonAlone(Images { images, messages: Messages::default() }))
}
