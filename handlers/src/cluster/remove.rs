//! Deleting: owners first, pods last, and an answer when nothing runs any more.

use std::{collections::BTreeSet, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
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
        // Pods before their owners: a pod whose owner is not there afterwards has lost it.
        let by_name = || looked_at(self.tool(), Reach::of_name(name), Some(name));
        let pods = self.list::<Pod>(by_name()).await?.items;
        let (cronjob, controller, job, runs) = futures_util::try_join!(
            self.get_meta(Kind::CRON_JOBS, name.as_str()),
            self.get_meta(Kind::REPLICATION_CONTROLLERS, name.as_str()),
            self.get_meta(Kind::JOBS, name.as_str()),
            self.list_meta(Kind::JOBS, by_name()),
        )?;
        let found = [
            (Kind::CRON_JOBS, &cronjob),
            (Kind::REPLICATION_CONTROLLERS, &controller),
            (Kind::JOBS, &job),
        ];
        let found = found.into_iter().filter_map(|(kind, meta)| Some((kind, meta.as_ref()?)));
        let mut owners: Vec<_> = found.map(|(kind, meta)| Found { kind, meta }).collect();
        let there = owners.iter().map(|owner| owner.meta).chain(&runs);
        let there = there.map(|meta| meta.uid.as_str()).collect();
        let lost = match Reach::of_name(name) {
            Reach::Job => self.gone(without_owner(&there, &runs, &pods)).await?,
            // No label holds such a name, so these are everybody's.
            Reach::Tool | Reach::Namespace => BTreeSet::new(),
        };
        owners.retain(|owner| owner.meta.is_job_of(self.tool()));
        let is_known = !owners.is_empty() || !lost.is_empty();
        let mut uids: BTreeSet<_> = owners.iter().map(|owner| owner.meta.uid.clone()).collect();
        // Kubernetes itself takes the children with the owner, and then nobody could say any more
        // whose pods theirs are: so they are noted before.
        uids.extend(children_of(&uids, &runs));
        uids.extend(lost);
        // What another program made, or made as a copy, may have pods with any labels.
        let is_labelled =
            |meta: &Meta| meta.kept().is_some() && meta.labels.name() == Some(name.as_str());
        let has_labels = owners.iter().all(|owner| is_labelled(owner.meta));
        let filter = if has_labels { by_name() } else { Filter::all() };
        self.delete_several(&owners).await?;
        let (name, ending) = (Some(name.clone()), Ending::Graceful);
        self.until_gone(Leaving { uids, name, filter, ending }).await?;
        Ok(is_known)
    }

    /// Deletes all of the tool's jobs, with their children and pods, and nothing else in the
    /// namespace. Gives the names of the jobs, sorted.
    ///
    /// # Errors
    /// When Kubernetes does not do it, or nobody can say whether it did.
    pub async fn delete_all_jobs(&self) -> Result<Vec<String>, ClusterError> {
        let selector = Selector::of_tool(self.tool());
        let filter = || Filter::labels(&selector);
        // See `delete_job`. What is there now is named also when the answers below get lost.
        let pods = self.list::<Pod>(filter()).await?.items;
        let lists = Kind::OF_JOBS.map(|kind| self.list_meta(kind, filter()));
        let mut leaving = futures_util::future::try_join_all(lists).await?.concat();
        let there = leaving.iter().map(|meta| meta.uid.as_str()).collect();
        let lost = self.gone(without_owner(&there, &leaving, &pods)).await?;
        for (index, kind) in Kind::OF_JOBS.into_iter().enumerate() {
            let deleted = self.delete_all(kind, &selector).await;
            leaving.extend(deleted.map_err(|error| match index {
                0 => error,
                _ => error.within_the_change("delete all jobs"),
            })?);
        }
        let is_labelled =
            leaving.iter().all(|meta| meta.controller().is_some() || meta.kept().is_some());
        let filter = if is_labelled { filter() } else { Filter::all() };
        let uids = leaving.iter().map(|meta| meta.uid.clone()).chain(lost).collect();
        let (name, ending) = (None, Ending::Graceful);
        self.until_gone(Leaving { uids, name, filter, ending }).await?;
        let owners = leaving.into_iter().filter(|meta| meta.controller().is_none());
        // One name can be in two kinds only after a crash, and is one job all the same.
        let names: BTreeSet<_> = owners.map(|meta| meta.name).collect();
        Ok(names.into_iter().collect())
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
        let Found { kind, meta } = found;
        self.delete(kind, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        let Ok(name) = meta.name.parse() else { return Ok(()) };
        let uids = BTreeSet::from([meta.uid.clone()]);
        let filter = Filter::labels(&Selector::of_job(self.tool(), &name));
        let (name, ending) = (Some(name), Ending::AtOnce);
        self.until_gone(Leaving { uids, name, filter, ending }).await
    }

    /// Deletes these very objects, several at once.
    pub(super) async fn delete_several(&self, found: &[Found<'_>]) -> Result<(), ClusterError> {
        let deletes: Vec<_> = found
            .iter()
            .map(|Found { kind, meta }| async {
                self.delete(*kind, &meta.name, &DeleteOptions::of(&meta.uid)).await
            })
            .collect();
        several(deletes).await
    }

    /// Waits until no pod is left that one of these owners, or a child of theirs, controls. Touches
    /// no other: a new job of the same name may be there already. A pod that will not go is not
    /// waited for longer than a caller is willing to.
    async fn until_gone(&self, mut leaving: Leaving) -> Result<(), ClusterError> {
        if leaving.uids.is_empty() {
            return Ok(());
        }
        self.context.give_back_turn();
        let end = (Instant::now() + GONE_TIME_MAX).min(self.deadline);
        let mut look_time = LOOK_TIME_MIN;
        loop {
            match timeout_at(end, self.end_children(&mut leaving)).await {
                Ok(Ok(true)) | Err(_) => return Ok(()),
                Ok(Ok(false)) => {}
                Ok(Err(error)) if error.outcome() == Outcome::Refused => return Err(error),
                // The owner has gone. What follows is worth another look, not an end.
                Ok(Err(error)) => tracing::debug!(%error, "looking again for pods"),
            }
            let next = Instant::now() + look_time;
            if next >= end {
                return Ok(());
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
            let unseen = leaving.without_owner(self.tool(), &runs, &pods);
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
    fn without_owner(&self, tool: &ToolName, runs: &[Meta], pods: &[Pod]) -> BTreeSet<String> {
        let there = runs.iter().map(|meta| &meta.uid).chain(&self.uids).map(String::as_str);
        let is_of_it = |pod: &&Pod| {
            let (labels, name) = (&pod.metadata.labels, self.name.as_ref());
            labels.are_ours(tool) && name.is_none_or(|name| labels.name() == Some(name.as_str()))
        };
        let pods: Vec<_> = pods.iter().filter(is_of_it).cloned().collect();
        without_owner(&there.collect(), &[], &pods)
    }
}

/// The uids of owners that are not there, and whose runs or pods have not ended yet.
fn without_owner(there: &BTreeSet<&str>, runs: &[Meta], pods: &[Pod]) -> BTreeSet<String> {
    let unfinished = pods.iter().filter(|pod| !pod.has_ended()).map(|pod| &pod.metadata);
    let controllers = runs.iter().chain(unfinished).filter_map(Meta::job_controller);
    controllers.filter(|uid| !there.contains(uid)).map(str::to_owned).collect()
}

/// Awaits all, a bounded number at once.
async fn several(
    deletes: Vec<impl Future<Output = Result<(), ClusterError>>>,
) -> Result<(), ClusterError> {
    stream::iter(deletes).buffer_unordered(DELETES_MAX).try_collect().await
}

/// The uids of those that one of these owners controls.
fn children_of(owners: &BTreeSet<String>, metas: &[Meta]) -> BTreeSet<String> {
    let children = metas.iter().filter(|meta| is_controlled_by(meta, owners));
    children.map(|meta| meta.uid.clone()).collect()
}

fn is_controlled_by(meta: &Meta, owners: &BTreeSet<String>) -> bool {
    meta.controller().is_some_and(|uid| owners.contains(uid))
}
