//! Deleting: owners first, pods last, and an answer when nothing runs any more.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, stream};
use tjf_api_types::{ObjectName, ToolName};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::{
    Cluster, ClusterError, Outcome,
    call::{DeleteOptions, Filter},
    read::looked_at,
    survey::Found,
};
use crate::job::{
    kind::Kind,
    labels::{Reach, Selector},
    objects::{Meta, Pod},
    observe::Objects,
};

/// Longer than the grace of a job's pods, so that it ends before we answer.
const GONE_TIME_MAX: Duration = Duration::from_secs(20);
/// Between two looks; grows, since what did not go at once takes its grace.
const LOOK_TIME_MIN: Duration = Duration::from_millis(50);
const LOOK_TIME_MAX: Duration = Duration::from_millis(500);
/// Deletes at once: as many as other clients of Kubernetes allow themselves.
const DELETES_MAX: usize = 16;

/// How pods are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// With time for last words.
    Graceful,
    /// At once: they should never have begun.
    AtOnce,
}

/// Objects that are to go, or have gone, and where their pods are to be looked for.
#[derive(Debug)]
struct Leaving {
    uids: BTreeSet<String>,
    /// The one job that goes; without it, all go.
    name: Option<ObjectName>,
    filter: Filter,
    ending: Ending,
}

impl Cluster {
    /// Deletes the job of this name, in whichever kinds it is, with its children and its pods.
    /// False when there is none, and nothing of one is still ending.
    ///
    /// # Errors
    /// When Kubernetes does not do it, or nobody can say whether it did.
    pub async fn delete_job(&self, name: &ObjectName) -> Result<bool, ClusterError> {
        self.delete_job_if(name, |_| true).await
    }

    /// The same, of the very object of this uid: another one that has its name by now stays.
    ///
    /// # Errors
    /// When Kubernetes does not do it, or nobody can say whether it did.
    pub async fn delete_this_job(
        &self,
        name: &ObjectName,
        uid: &str,
    ) -> Result<bool, ClusterError> {
        self.delete_job_if(name, |meta| meta.uid == uid).await
    }

    async fn delete_job_if(
        &self,
        name: &ObjectName,
        is_meant: impl Fn(&Meta) -> bool + Send,
    ) -> Result<bool, ClusterError> {
        let objects = self.objects_of(name).await?;
        let snapshot = objects.snapshot();
        let of_name = Reach::of_name(name);
        let lost = match of_name {
            Reach::Job => self.lost(&objects).await?,
            // No label holds such a name, so these are everybody's.
            Reach::Tool | Reach::Namespace => BTreeSet::new(),
        };
        let owners = snapshot.owners().filter(|(_, meta)| is_meant(meta));
        let owners: Vec<_> = owners.map(|(kind, meta)| Found { kind, meta }).collect();
        let is_known = !owners.is_empty() || !lost.is_empty();
        // Kubernetes itself takes the runs with their owner, and then nobody could say any more
        // whose pods theirs are: so they are noted before.
        let runs = owners.iter().flat_map(|owner| snapshot.runs_of(owner.meta));
        let runs = runs.map(|run| &run.metadata);
        let uids = owners.iter().map(|owner| owner.meta).chain(runs).map(|meta| meta.uid.clone());
        let uids = uids.chain(lost).collect();
        let filter = looked_at(self.tool(), snapshot.reach().max(of_name), Some(name));
        self.delete_several(&owners).await?;
        let services = self.delete_services_of(owners.iter().map(|owner| owner.meta)).await;
        let (name, ending) = (Some(name.clone()), Ending::Graceful);
        self.until_gone(Leaving { uids, name, filter, ending }).await?;
        services?;
        if is_known {
            self.nudge();
        }
        Ok(is_known)
    }

    /// Deletes all of the tool's jobs, with their children and pods, and nothing else in the
    /// namespace. Gives the names of the jobs, sorted.
    ///
    /// # Errors
    /// When Kubernetes does not do it, or nobody can say whether it did.
    pub async fn delete_all_jobs(&self) -> Result<Vec<String>, ClusterError> {
        // What is there now is named also when the answers below get lost.
        let objects = self.objects_of_all().await?;
        let lost = self.lost(&objects).await?;
        let mut leaving: Vec<_> = objects.of_jobs().cloned().collect();
        let selector = Selector::of_tool(self.tool());
        for (index, kind) in Kind::OF_JOBS.into_iter().enumerate() {
            let deleted = self.delete_all(kind, &selector).await;
            leaving.extend(deleted.map_err(|error| match index {
                0 => error,
                _ => error.leaving_unknown("delete all jobs".to_owned()),
            })?);
        }
        let uids: BTreeSet<_> = leaving.iter().map(|meta| meta.uid.clone()).chain(lost).collect();
        // A job of the first look is most often among those that were deleted, too.
        let mut with_service = BTreeSet::new();
        let jobs = leaving.iter().filter(|meta| with_service.insert(&meta.uid));
        let services = self.delete_services_of(jobs).await;
        let filter = looked_at(self.tool(), objects.snapshot().reach(), None);
        let (name, ending) = (None, Ending::Graceful);
        self.until_gone(Leaving { uids, name, filter, ending }).await?;
        services?;
        if !leaving.is_empty() {
            self.nudge();
        }
        let owners = leaving.into_iter().filter(|meta| meta.controller().is_none());
        // One name can be in two kinds only after a crash, and is one job all the same.
        let names: BTreeSet<_> = owners.map(|meta| meta.name).collect();
        Ok(names.into_iter().collect())
    }

    /// The uids of those that are not there any more, although a run or a pod of theirs has not
    /// ended.
    async fn lost(&self, objects: &Objects) -> Result<BTreeSet<String>, ClusterError> {
        let there = objects.of_jobs().map(|meta| meta.uid.as_str()).collect();
        let runs = objects.jobs.iter().map(|job| &job.metadata);
        let children = runs.chain(unfinished(&objects.pods));
        let lost = children.filter_map(|meta| meta.lost_controller(&there)).map(str::to_owned);
        self.gone(lost.collect()).await
    }

    /// Those of these uids whose objects have gone.
    async fn gone(&self, mut uids: BTreeSet<String>) -> Result<BTreeSet<String>, ClusterError> {
        if uids.is_empty() {
            return Ok(uids);
        }
        // Another program's object may have pods with our labels, and none of these itself.
        let lists = Kind::OF_JOBS.map(|kind| self.list_meta(kind, Filter::all()));
        for meta in futures_util::future::try_join_all(lists).await?.concat() {
            uids.remove(&meta.uid);
        }
        Ok(uids)
    }

    /// Deletes this very object and, at once, whatever pod it has made.
    pub(super) async fn withdraw(&self, found: Found<'_>) -> Result<(), ClusterError> {
        self.delete_object(found).await?;
        let Found { meta, .. } = found;
        let Ok(name) = meta.name.parse() else { return Ok(()) };
        let uids = BTreeSet::from([meta.uid.clone()]);
        let filter = Filter::labels(&Selector::of_job(self.tool(), &name));
        let (name, ending) = (Some(name), Ending::AtOnce);
        self.until_gone(Leaving { uids, name, filter, ending }).await?;
        self.delete_services_of([meta].into_iter()).await
    }

    /// Ends these runs of a scheduled job, and waits until no pod of theirs is left, nor one of a run
    /// that somebody else has deleted. False when one would not go in time.
    pub(super) async fn end_runs(
        &self,
        name: &ObjectName,
        runs: &[&Meta],
        filter: Filter,
    ) -> Result<bool, ClusterError> {
        let found: Vec<_> = runs.iter().map(|meta| Found { kind: Kind::JOBS, meta }).collect();
        self.delete_several(&found).await?;
        let uids = runs.iter().map(|meta| meta.uid.clone()).collect();
        let (name, ending) = (Some(name.clone()), Ending::Graceful);
        self.until_seen_gone(Leaving { uids, name, filter, ending }).await
    }

    /// Deletes these very objects, several at once.
    pub(super) async fn delete_several(&self, found: &[Found<'_>]) -> Result<(), ClusterError> {
        several(found.iter().map(|found| self.delete_object(*found)).collect()).await
    }

    /// Deletes this very object, and has readers wait until it is seen to go.
    async fn delete_object(&self, found: Found<'_>) -> Result<(), ClusterError> {
        let Found { kind, meta } = found;
        self.delete(kind, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        self.note_deleted(found);
        Ok(())
    }

    /// Waits until no pod is left that one of these owners, or a child of theirs, controls. Touches
    /// no other: a new job of the same name may be there already. A pod that will not go is not
    /// waited for longer than a caller is willing to.
    /// False when some are left then.
    async fn until_gone(&self, leaving: Leaving) -> Result<bool, ClusterError> {
        if leaving.uids.is_empty() { Ok(true) } else { self.until_seen_gone(leaving).await }
    }

    /// The same, with one look at least.
    async fn until_seen_gone(&self, mut leaving: Leaving) -> Result<bool, ClusterError> {
        self.context.waits();
        let end = (Instant::now() + GONE_TIME_MAX).min(self.deadline);
        let mut look_time = LOOK_TIME_MIN;
        loop {
            match timeout_at(end, self.end_children(&mut leaving)).await {
                Ok(Ok(true)) => return Ok(true),
                Err(_) => return Ok(false),
                Ok(Ok(false)) => {}
                // The owner has gone, and that is not to be told as a refusal.
                Ok(Err(error)) if error.outcome() == Outcome::Refused => {
                    return Err(error.leaving_unknown("delete pods".to_owned()));
                }
                // What follows is worth another look, not an end.
                Ok(Err(error)) => tracing::debug!(%error, "looking again for pods"),
            }
            let next = Instant::now() + look_time;
            if next >= end {
                return Ok(false);
            }
            sleep_until(next).await;
            look_time = (look_time * 2).min(LOOK_TIME_MAX);
        }
    }

    /// Ends what these owners still control. True when there is nothing.
    async fn end_children(&self, leaving: &mut Leaving) -> Result<bool, ClusterError> {
        let mut runs = self.list_meta(Kind::JOBS, leaving.filter.clone()).await?;
        let mut pods = self.list::<Pod>(leaving.filter.clone()).await?.items;
        if leaving.ending == Ending::Graceful {
            // A schedule that came due after the first look made a run, which went with its owner.
            let unseen = leaving.unseen(self.tool(), &runs, &pods);
            leaving.uids.extend(self.gone(unseen).await?);
        }
        let Leaving { uids, ending, .. } = leaving;
        runs.retain(|meta| is_controlled_by(meta, uids));
        uids.extend(runs.iter().map(|meta| meta.uid.clone()));
        pods.retain(|pod| is_controlled_by(&pod.metadata, uids));
        let found: Vec<_> = runs.iter().map(|meta| Found { kind: Kind::JOBS, meta }).collect();
        self.delete_several(&found).await?;
        several(pods.iter().map(|pod| self.end(&pod.metadata, *ending)).collect()).await?;
        Ok(runs.is_empty() && pods.is_empty())
    }

    /// Ends a pod that nobody has asked to end yet.
    async fn end(&self, pod: &Meta, ending: Ending) -> Result<(), ClusterError> {
        let options = DeleteOptions::of(&pod.uid);
        match (ending, pod.deletion_timestamp) {
            (Ending::AtOnce, _) => {
                self.delete(Kind::PODS, &pod.name, &options.without_grace()).await
            }
            (Ending::Graceful, None) => self.delete(Kind::PODS, &pod.name, &options).await,
            (Ending::Graceful, Some(_)) => Ok(()),
        }
    }
}

impl Leaving {
    /// The owners of pods of what leaves that are neither known nor among these runs.
    fn unseen(&self, tool: &ToolName, runs: &[Meta], pods: &[Pod]) -> BTreeSet<String> {
        let there = runs.iter().map(|meta| &meta.uid).chain(&self.uids);
        let there = there.map(String::as_str).collect();
        let is_of_it = |meta: &&Meta| {
            let (labels, name) = (&meta.labels, self.name.as_ref());
            labels.are_ours(tool) && name.is_none_or(|name| labels.name() == Some(name.as_str()))
        };
        let lost = unfinished(pods).filter(is_of_it);
        lost.filter_map(|meta| meta.lost_controller(&there)).map(str::to_owned).collect()
    }
}

/// The pods whose programs may still be at work.
fn unfinished(pods: &[Pod]) -> impl Iterator<Item = &Meta> {
    pods.iter().filter(|pod| !pod.has_ended()).map(|pod| &pod.metadata)
}

/// Awaits all, a bounded number at once, and gives the first error. What others did meanwhile is
/// not to be told as a refusal.
pub(super) async fn several(
    deletes: Vec<impl Future<Output = Result<(), ClusterError>>>,
) -> Result<(), ClusterError> {
    let outcomes: Vec<_> = stream::iter(deletes).buffer_unordered(DELETES_MAX).collect().await;
    let is_partly_done = outcomes.iter().any(Result::is_ok);
    outcomes.into_iter().collect::<Result<(), _>>().map_err(|error| match is_partly_done {
        true => error.leaving_unknown("delete several objects".to_owned()),
        false => error,
    })
}

fn is_controlled_by(meta: &Meta, owners: &BTreeSet<String>) -> bool {
    meta.controller().is_some_and(|uid| owners.contains(uid))
}
