//! Waiting for a job to end, or to be deleted: told by the watches that feed the store, never by asking again and
//! again.
//!
//! What a wait answers with is always a look like any other. The watches only say when the next look
//! is worth it.

use std::time::Duration;

use serde::Deserialize;
use tjf_api_types::{JobType, ObjectName, Phase, Word};
use tjf_runtime::{Recall, Written};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::{Cluster, ClusterError, error::Outcome, follow};
use crate::{
    Context,
    job::objects::BatchJob,
    store::{Changes, Contents},
};

/// How long a wait goes on without a view of Kubernetes.
const VIEW_AGE_MAX: Duration = Duration::from_secs(30);
/// The pause before a look that is made because something went wrong.
const PAUSE: Duration = Duration::from_secs(1);
/// The same before a look at what is neither followed nor can be watched by itself.
const UNWATCHED_PAUSE: Duration = Duration::from_secs(5);
/// Who waits without a limit looks after this all the same: rights may have been withdrawn.
const LOOK_AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// What the programs of a deleted job have for their last words, and some time to be told of.
const LAST_WORDS_TIME_MAX: Duration = Duration::from_secs(20);
/// How much longer than its wait a request may take: for its last look.
pub const LAST_LOOK_TIME_MAX: Duration = VIEW_AGE_MAX;

/// What has to be known of a job to wait for it.
#[derive(Debug, Deserialize)]
pub struct Glance {
    /// Kubernetes' own identity of the object.
    pub uid: String,
    job_type: Word<JobType>,
    status: GlanceAtStatus,
}

#[derive(Debug, Deserialize)]
struct GlanceAtStatus {
    phase: Word<Phase>,
}

impl Glance {
    /// What was written of a job, read back.
    ///
    /// # Errors
    /// When it was not written by us.
    pub fn of(job: &Written) -> Result<Self, ClusterError> {
        serde_json::from_slice(job.json()).map_err(ClusterError::Unreadable)
    }

    /// Whether it is of the kind that ends.
    pub fn is_one_off(&self) -> bool {
        self.job_type == JobType::OneOff
    }

    /// Whether it has ended.
    pub fn has_ended(&self) -> bool {
        self.status.phase.is_final()
    }
}

/// A look at the job that is waited for.
struct Seen {
    cluster: Cluster,
    job: Written,
    is_one_off: bool,
    has_ended: bool,
}

/// Waits until this very job has ended, the time is up, or the server stops, and gives the job as it
/// is then. `None` when it is there no more, or another has its name.
///
/// # Errors
/// When Kubernetes refuses to tell, or has not told anything for half a minute.
pub async fn until_ended(
    context: &Context,
    name: &ObjectName,
    uid: &str,
    until: Instant,
) -> Result<Option<Written>, ClusterError> {
    let mut changes = context.known().store.changes();
    let mut seen_at = Instant::now();
    let mut is_last = false;
    loop {
        // Before the look, so that no change gets lost between the two.
        changes.mark_unchanged();
        let due_at = seen_at + VIEW_AGE_MAX;
        let cluster = match look(context.due_at(due_at), name, uid).await {
            Ok(None) => return Ok(None),
            Ok(Some(seen)) if seen.has_ended || is_last => return Ok(Some(seen.job)),
            // Not the job, whose bytes are those of the whole page of all jobs.
            Ok(Some(Seen { cluster, is_one_off, .. })) => Some((cluster, is_one_off)),
            Err(error) => {
                let is_too_old = due_at <= Instant::now() + 2 * PAUSE;
                if is_last || is_too_old || error.outcome() == Outcome::Refused {
                    return Err(error);
                }
                tracing::debug!(%error, "a job that is waited for can't be seen");
                None
            }
        };
        let next = async {
            match &cluster {
                Some((cluster, true)) => cluster.until_news(&mut changes, name, uid).await,
                Some((cluster, false)) => cluster.until_absent(&mut changes, name, uid).await,
                None => sleep(PAUSE).await,
            }
        };
        tokio::select! {
            () = next => {}
            () = sleep_until(until) => is_last = true,
            () = context.stopping() => is_last = true,
        }
        // What is followed is as good as seen.
        if cluster.is_some() {
            seen_at = Instant::now();
        }
    }
}

/// Waits until nothing more comes of this very job: it has ended, if it is of the kind that does, or
/// is there no more, and its programs neither. That Kubernetes does not answer for a while does not matter.
///
/// # Errors
/// When Kubernetes refuses to tell.
pub async fn until_over(
    context: &Context,
    name: &ObjectName,
    job: &Glance,
) -> Result<(), ClusterError> {
    if job.has_ended() {
        return Ok(());
    }
    loop {
        let until = Instant::now() + LOOK_AGE_MAX;
        match until_ended(context, name, &job.uid, until).await {
            Ok(None) => break,
            Ok(Some(seen)) if Glance::of(&seen)?.has_ended() => return Ok(()),
            Err(error) if error.outcome() == Outcome::Refused => return Err(error),
            // A server that stops gives an answer at once, again and again.
            Ok(Some(_)) | Err(_) => sleep(PAUSE).await,
        }
    }
    // Where nothing is followed nobody tells of them.
    let _ = timeout(LAST_WORDS_TIME_MAX, until_no_pods(context, name)).await;
    Ok(())
}

/// Waits for the last words of a job that was deleted.
async fn until_no_pods(context: &Context, name: &ObjectName) {
    let store = &context.known().store;
    let mut changes = store.changes();
    loop {
        changes.mark_unchanged();
        let has_pods = store.peek(|contents| contents.has_pods_of(name.as_str()));
        if has_pods != Some(true) || changes.changed().await.is_err() {
            return;
        }
    }
}

/// Looks once, with the client that the tool has by now.
async fn look(
    context: Context,
    name: &ObjectName,
    uid: &str,
) -> Result<Option<Seen>, ClusterError> {
    let cluster = Cluster::of(&context).await?;
    let Some(job) = cluster.find(name, Recall::Allowed).await? else { return Ok(None) };
    let glance = Glance::of(&job)?;
    let (is_one_off, has_ended) = (glance.is_one_off(), glance.has_ended());
    Ok((glance.uid == uid).then_some(Seen { cluster, job, is_one_off, has_ended }))
}

impl Cluster {
    /// Waits until another look at the job is worth it.
    async fn until_news(&self, changes: &mut Changes, name: &ObjectName, uid: &str) {
        let store = &self.context.known().store;
        if store.peek(|_| ()).is_none() {
            return self.until_changed(name, uid).await;
        }
        let mut pods = store.peek(Contents::pods_at_work);
        while changes.changed().await.is_ok() {
            let seen = store.peek(|contents| {
                let waits = contents.lacks_pod(uid);
                (is_at_work(contents, name, uid), waits, contents.pods_at_work())
            });
            let Some((true, waits, pods_now)) = seen else { return };
            // What ended may have left room for the one that is waited for.
            if waits && pods.is_some_and(|pods| pods_now < pods) {
                self.nudge();
            }
            pods = Some(pods_now);
        }
    }

    /// Waits until another look at a job of the other kinds is worth it, since it may have gone.
    async fn until_absent(&self, changes: &mut Changes, name: &ObjectName, uid: &str) {
        let store = &self.context.known().store;
        if store.peek(|_| ()).is_none() {
            return sleep(UNWATCHED_PAUSE).await;
        }
        while changes.changed().await.is_ok() {
            if store.peek(|contents| contents.has_endless(name.as_str(), uid)) != Some(true) {
                return;
            }
        }
    }

    /// Waits for news of a one-off where nothing is followed: it alone is watched. Whatever comes of that, a look
    /// is worth it, but not more often than once a second.
    async fn until_changed(&self, name: &ObjectName, uid: &str) {
        let again_at = Instant::now() + PAUSE;
        let client = self.connection.client().client.kube;
        let watched = async {
            let job = self.get::<BatchJob>(name.as_str()).await?;
            let job = job.filter(|job| job.metadata.uid == uid && job.ended().is_none());
            match job {
                Some(job) => follow::one(&client, self.connection.namespace(), &job.metadata).await,
                None => Ok(()),
            }
        };
        if let Err(error) = watched.await {
            tracing::debug!(error, "a job that is waited for can't be watched");
        }
        sleep_until(again_at).await;
    }
}

/// Whether this very job is there and has not ended.
fn is_at_work(contents: &Contents, name: &ObjectName, uid: &str) -> bool {
    let job = contents.one_off(name.as_str());
    job.is_some_and(|job| job.metadata.uid == uid && job.ended().is_none())
}

#[cfg(test)]
mod tests;
