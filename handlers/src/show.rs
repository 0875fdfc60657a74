//! GET `/show/{name}/`: one job, also once it has ended.

mod wanted;

use tjf_runtime::{Path, Query, Recall, Written};
use tokio::time::Instant;

pub use self::wanted::Wanted;
use crate::{
    Context,
    cluster::{
        Cluster,
        wait::{self, Glance},
    },
    error::{Error, Result},
    job::{request::Invalid, requested_name::RequestedName},
};

/// Shows one job: what was asked, what Kubernetes makes of it, and why it waits or failed. With
/// `wait` the answer comes once the job has ended, the time is up, or the server stops.
///
/// # Errors
/// When the caller has no such job, or no more; when a job of another kind is waited for; or
/// Kubernetes.
pub async fn show(
    context: Context,
    Path(asked): Path<RequestedName>,
    Query(wanted): Query<Wanted>,
    recall: Recall,
) -> Result<Written> {
    let time = wanted.time()?;
    let Some(name) = asked.object_name() else { return Err(Error::JobNotFound(asked)) };
    context.is_about(&name);
    let found = Cluster::of(&context).await?.find(&name, recall).await?;
    let Some(job) = found else { return Err(Error::JobNotFound(asked)) };
    if time.is_none() && wanted.uid.is_none() {
        return Ok(job);
    }
    let glance = Glance::of(&job)?;
    if wanted.uid.is_some_and(|uid| uid != glance.uid) {
        return Err(Error::JobNotFound(asked));
    }
    let Some(time) = time else { return Ok(job) };
    if !glance.is_one_off() {
        let detail = format!("only one-off jobs end, and {asked} is of another kind");
        return Err(Invalid::new("wait", detail).into());
    }
    if glance.has_ended() {
        return Ok(job);
    }
    let until = Instant::now() + time;
    let waiting = context.waits_until(until + wait::LAST_LOOK_TIME_MAX);
    let context = waiting.ok_or(Error::TooManyWait)?;
    let job = wait::until_ended(&context, &name, &glance.uid, until).await?;
    job.ok_or(Error::JobNotFound(asked))
}

#[cfg(test)]
mod tests;
