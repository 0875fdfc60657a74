//! Deleting: owners first, pods last, and an answer when nothing runs any more.

use std::{collections::BTreeSet, time::Duration};

use tjf_api_types::ObjectName;
use tokio::time::{Instant, sleep_until};

use super::{
    Cluster, ClusterError,
    call::{DeleteOptions, Filter, Kind},
};
use crate::job::{
    labels::Selector,
    objects::{Meta, Named},
};

/// Longer than the grace of a job's pods, so that it ends before we answer.
const GONE_TIME_MAX: Duration = Duration::from_secs(20);
/// What is left of a request's time for its answer.
const ANSWER_TIME: Duration = Duration::from_secs(1);
/// Between two looks; grows, since what did not go at once takes its grace.
const LOOK_TIME_MIN: Duration = Duration::from_millis(50);
const LOOK_TIME_MAX: Duration = Duration::from_millis(500);

/// How pods are ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With time for last words.
    Graceful,
    /// At once: they should never have begun.
    AtOnce,
}

impl Cluster {
    /// Deletes the job of this name, in whichever kinds it is, with its children and its pods.
    /// False when there is none.
    ///
    /// # Errors
    /// When Kubernetes does not do it.
    pub async fn delete_job(&self, name: &ObjectName) -> Result<bool, ClusterError> {
        let snapshot = self.snapshot_of(name).await?;
        let owners: Vec<_> = snapshot
            .cronjobs
            .iter()
            .map(|job| (Kind::CronJobs, &job.metadata))
            .chain(
                snapshot
                    .controllers
                    .iter()
                    .map(|job| (Kind::ReplicationControllers, &job.metadata)),
            )
            .chain(
                snapshot
                    .jobs
                    .iter()
                    .map(|job| (Kind::Jobs, &job.metadata))
                    .filter(|(_, meta)| meta.controller().is_none()),
            )
            .collect();
        let mut uids: BTreeSet<_> = owners.iter().map(|(_, meta)| meta.uid.clone()).collect();
        // Kubernetes itself takes the children with the owner, and then nobody could say any more
        // whose pods theirs are: so they are noted before.
        uids.extend(children_of(&uids, snapshot.jobs.iter().map(|job| &job.metadata)));
        for (kind, meta) in &owners {
            self.delete(*kind, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        }
        self.until_gone(uids, &Selector::of_job(&self.tool, name), Ending::Graceful).await?;
        Ok(!owners.is_empty())
    }

    /// Deletes all of the tool's jobs, with their children and pods, and nothing else in the
    /// namespace. Gives the names of the jobs, sorted.
    ///
    /// # Errors
    /// When Kubernetes does not do it.
    pub async fn delete_all_jobs(&self) -> Result<Vec<String>, ClusterError> {
        let selector = Selector::of_tool(&self.tool);
        // Before their owners go; see `delete_job`.
        let jobs: Vec<Named> = self.list(Kind::Jobs, Filter::labels(&selector)).await?;
        let mut deleted: Vec<Meta> = Vec::new();
        // What makes children goes before its children.
        for kind in [Kind::CronJobs, Kind::ReplicationControllers, Kind::Jobs] {
            let named: Vec<Named> = self.delete_all(kind, &selector).await?;
            deleted.extend(named.into_iter().map(|object| object.metadata));
        }
        let _: Vec<Named> = self.delete_all(Kind::Pods, &selector).await?;
        let uids = deleted.iter().chain(jobs.iter().map(|job| &job.metadata));
        let uids = uids.map(|meta| meta.uid.clone()).collect();
        self.until_gone(uids, &selector, Ending::Graceful).await?;
        let owners = deleted.into_iter().filter(|meta| meta.controller().is_none());
        // One name can be in two kinds only after a crash, and is one job all the same.
        let names: BTreeSet<_> = owners.map(|meta| meta.name).collect();
        Ok(names.into_iter().collect())
    }

    /// Deletes this very object and, at once, whatever pod it has made.
    pub(super) async fn withdraw(&self, kind: Kind, meta: &Meta) -> Result<(), ClusterError> {
        self.delete(kind, &meta.name, &DeleteOptions::of(&meta.uid)).await?;
        let Ok(name) = meta.name.parse() else { return Ok(()) };
        let uids = BTreeSet::from([meta.uid.clone()]);
        self.until_gone(uids, &Selector::of_job(&self.tool, &name), Ending::AtOnce).await
    }

    /// Waits until no pod is left that one of these owners, or a child of theirs, controls. Touches
    /// no other: a new job of the same name may be there already. A pod that will not go is not
    /// waited for longer than a caller is willing to.
    async fn until_gone(
        &self,
        mut owners: BTreeSet<String>,
        selector: &Selector,
        ending: Ending,
    ) -> Result<(), ClusterError> {
        if owners.is_empty() {
            return Ok(());
        }
        self.context.give_back_turn();
        let end = (Instant::now() + GONE_TIME_MAX).min(self.context.deadline - ANSWER_TIME);
        let mut look_time = LOOK_TIME_MIN;
        loop {
            let filter = || Filter::labels(selector);
            let jobs: Vec<Named> = self.list(Kind::Jobs, filter()).await?;
            let children: Vec<_> = jobs
                .iter()
                .map(|job| &job.metadata)
                .filter(|meta| is_controlled_by(meta, &owners))
                .collect();
            for child in &children {
                self.delete(Kind::Jobs, &child.name, &DeleteOptions::of(&child.uid)).await?;
            }
            owners.extend(children_of(&owners, children.iter().copied()));
            let pods: Vec<Named> = self.list(Kind::Pods, filter()).await?;
            let pods: Vec<_> = pods
                .iter()
                .map(|pod| &pod.metadata)
                .filter(|meta| is_controlled_by(meta, &owners))
                .collect();
            for pod in &pods {
                self.end(pod, ending).await?;
            }
            let next = Instant::now() + look_time;
            if (pods.is_empty() && children.is_empty()) || next >= end {
                return Ok(());
            }
            sleep_until(next).await;
            look_time = (look_time * 2).min(LOOK_TIME_MAX);
        }
    }

    /// Ends a pod that nobody has asked to end yet.
    async fn end(&self, pod: &Meta, ending: Ending) -> Result<(), ClusterError> {
        let options = DeleteOptions::of(&pod.uid);
        match (ending, pod.deletion_timestamp) {
            (Ending::AtOnce, _) => {
                self.delete(Kind::Pods, &pod.name, &options.without_grace()).await
            }
            (Ending::Graceful, None) => self.delete(Kind::Pods, &pod.name, &options).await,
            (Ending::Graceful, Some(_)) => Ok(()),
        }
    }
}

/// The uids of those that one of these owners controls.
fn children_of<'a>(
    owners: &BTreeSet<String>,
    metas: impl Iterator<Item = &'a Meta>,
) -> BTreeSet<String> {
    metas.filter(|meta| is_controlled_by(meta, owners)).map(|meta| meta.uid.clone()).collect()
}

fn is_controlled_by(meta: &Meta, owners: &BTreeSet<String>) -> bool {
    meta.controller().is_some_and(|uid| owners.contains(uid))
}
