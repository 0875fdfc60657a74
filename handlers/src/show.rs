//! GET `/show/{name}/`: one job, also once it has ended.

use std::time::Duration;

use serde::Deserialize;
use tjf_runtime::{Path, Query, Recall, Written};
use tokio::time::Instant;

use crate::{
    Context,
    cluster::{
        Cluster,
        wait::{self, Glance},
    },
    error::{Error, Result},
    job::{request::Invalid, requested_name::RequestedName},
};

/// The longest wait in seconds. Who wants to wait longer asks again.
const WAIT_MAX: u64 = 300;

/// What the query may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Seconds after which a one-off that has not ended is shown all the same.
    wait: Option<u64>,
    /// The object's uid, for who means that very job and no other of its name.
    uid: Option<String>,
}

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

impl Wanted {
    fn time(&self) -> Result<Option<Duration>> {
        match self.wait {
            Some(seconds) if !(1..=WAIT_MAX).contains(&seconds) => {
                let detail =
                    format!("a wait has 1 to {WAIT_MAX} seconds: ask again to wait longer");
                Err(Invalid::new("wait", detail).into())
            }
            seconds => Ok(seconds.map(Duration::from_secs)),
        }
    }
}

#[cfg(test)]
mod tests;
