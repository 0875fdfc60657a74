//! Routes of `jobs/{name}`: one job.

use tjf_api_types::JobView;
use tjf_runtime::{Json, JsonAlone, Path, Query, Recall};

use super::{
    Done, Messages, OwnTool,
    jobs::{OneJob, read},
    view,
};
use crate::{
    delete,
    error::Result,
    job::requested_name::RequestedName,
    restart,
    show::{self, Wanted},
};

/// Shows one job.
///
/// # Errors
/// Those of `show`.
pub(super) async fn show(
    OwnTool(context): OwnTool,
    name: Path<RequestedName>,
) -> Result<JsonAlone<OneJob>> {
    let written = show::show(context, name, Query(Wanted::default()), Recall::Allowed).await?;
    let job = view::of(read::<JobView>(&written)?);
    Ok(JsonAlone(OneJob { job, messages: Messages::default() }))
}

/// Deletes one job.
///
/// # Errors
/// Those of `delete`.
pub(super) async fn delete(
    OwnTool(context): OwnTool,
    name: Path<RequestedName>,
) -> Result<JsonAlone<Done>> {
    let Json(_) = delete::delete(context, name).await?;
    Ok(JsonAlone(Done::default()))
}

/// Starts one job anew.
///
/// # Errors
/// Those of `restart`.
pub(super) async fn restart(
    OwnTool(context): OwnTool,
    name: Path<RequestedName>,
) -> Result<JsonAlone<Done>> {
    let Json(_) = restart::restart(context, name).await?;
    Ok(JsonAlone(Done::default()))
}
