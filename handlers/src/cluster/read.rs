//! Looking: what a tool has, put into words.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::try_join5;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tjf_api_types::{JobType, JobView, ObjectName, ToolName};
use tjf_runtime::{Recall, Written};
use tokio::time::Instant;

use super::{Cluster, ClusterError, call::Filter, follow};
use crate::{
    job::{
        given::Given,
        kind::Kind,
        labels::{Reach, Selector},
        objects::{BatchJob, CronJob, Event, Meta, Pod, ReplicationController, Version},
        observe::{Lacks, Objects, Snapshot, Surroundings},
    },
    store::{Contents, Filling, Page},
};

/// What is remembered of a tool.
enum Recalled {
    /// All of its jobs, as they are told.
    Page(Result<Arc<Page>, ClusterError>),
    /// Its objects. Something more has to be asked before they can be told.
    Lacking(Objects),
}

impl Cluster {
    /// All jobs of the tool.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn list_jobs(&self, recall: Recall) -> Result<Arc<Page>, ClusterError> {
        let remembered = match recall {
            Recall::Allowed => self.page().await?,
            Recall::Refused => None,
        };
        let page = match remembered {
            Some(page) => page,
            None => page_of(&self.views(self.objects_of_all().await?, None).await?)?,
        };
        self.resume(page.interrupted());
        Ok(page)
    }

    /// All jobs of the tool, as they are remembered. Who asks first has them read, and remembered.
    /// `None` when nothing is to be remembered.
    async fn page(&self) -> Result<Option<Arc<Page>>, ClusterError> {
        let known = self.context.known();
        let (creates, now) = (known.creates(), Timestamp::now());
        let recalled = known.store.with(&creates, |contents| self.recall(contents, now)).await;
        let objects = match recalled {
            Some(Recalled::Page(page)) => return page.map(Some),
            Some(Recalled::Lacking(objects)) => objects,
            None if self.can_follow() => self.fill().await?,
            None => return Ok(None),
        };
        page_of(&self.views(objects, None).await?).map(Some)
    }

    /// What is remembered, told as it is now.
    fn recall(&self, contents: &mut Contents, now: Timestamp) -> Recalled {
        let (catalogue, second) = (self.context.state.catalogue.get(), now.as_second());
        if let Some(page) = contents.page(second, &catalogue) {
            return Recalled::Page(Ok(page));
        }
        let snapshot = contents.objects().snapshot_of(self.tool());
        let mut lacks = snapshot.lacks(now);
        lacks.events &= !contents.has_events(Instant::now());
        if lacks != Lacks::default() {
            return Recalled::Lacking(contents.objects().clone().of_tool(self.tool()));
        }
        let page = page_of(&self.views_at(&snapshot, now));
        if let Ok(page) = &page {
            contents.keep(second, catalogue, Arc::clone(page));
        }
        Recalled::Page(page)
    }

    /// Whether what changes in the namespace can be followed, and is not yet.
    fn can_follow(&self) -> bool {
        let can_follow = self.connection.client().client.can_follow;
        can_follow && self.context.known().store.is_wanted()
    }

    /// Reads everything in the namespace, and has it followed from there on.
    async fn fill(&self) -> Result<Objects, ClusterError> {
        let known = self.context.known();
        let (store, creates) = (&known.store, known.creates());
        let writes = store.writes();
        let filling = self.read_all(Reach::Namespace).await?;
        let shows_creates = |(kind, listed): &(Kind, Version)| {
            creates.version(*kind).is_none_or(|created| listed.includes(created))
        };
        if !filling.versions.iter().all(shows_creates) {
            // Versions went back, as after a restore of Kubernetes' database.
            known.forget_versions();
        }
        let objects = filling.objects.clone();
        if let Some(feed) = store.fill(&self.context.state.room, writes, filling) {
            follow::begin(self.connection.client(), self.connection.namespace(), feed);
        }
        Ok(objects.of_tool(self.tool()))
    }

    /// Everything of ours, and what belongs to it, as far as labels lead there.
    pub(super) async fn objects_of_all(&self) -> Result<Objects, ClusterError> {
        Ok(self.read_all(Reach::Tool).await?.objects.of_tool(self.tool()))
    }

    /// Lists all four kinds, so far.
    async fn read_all(&self, reach: Reach) -> Result<Filling, ClusterError> {
        let filter = || looked_at(self.tool(), reach, None);
        // Side by side: the answer takes as long as the slowest of them, not as all together.
        let (jobs, cronjobs, controllers, pods) = futures_util::try_join!(
            self.list::<BatchJob>(filter()),
            self.list::<CronJob>(filter()),
            self.list::<ReplicationController>(filter()),
            self.list::<Pod>(filter()),
        )?;
        let versions = vec![
            (Kind::JOBS, jobs.version),
            (Kind::CRON_JOBS, cronjobs.version),
            (Kind::REPLICATION_CONTROLLERS, controllers.version),
            (Kind::PODS, pods.version),
        ];
        let bytes = jobs.bytes + cronjobs.bytes + controllers.bytes + pods.bytes;
        let objects = Objects {
            jobs: jobs.items,
            cronjobs: cronjobs.items,
            controllers: controllers.items,
            pods: pods.items,
            pods_version: pods.version,
            pods_reach: reach,
            runs_reach: reach,
            events: Vec::new(),
        };
        Ok(Filling { objects, versions, bytes })
    }

    /// The job of this name, if there is one. Of one name in two kinds, which only a crash can
    /// leave, the older.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn find(
        &self,
        name: &ObjectName,
        recall: Recall,
    ) -> Result<Option<Written>, ClusterError> {
        if recall == Recall::Allowed
            && let Some(page) = self.page().await?
            && let Some(job) = page.job(name.as_str())
        {
            self.resume(page.interrupted());
            return Ok(Some(job));
        }
        // What is not remembered may be there all the same.
        let page = page_of(&self.jobs_named(name).await?)?;
        self.resume(page.interrupted());
        Ok(page.job(name.as_str()))
    }

    /// The job of this name as Kubernetes has it now, if there is one: the older of two.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn job_now(&self, name: &ObjectName) -> Result<Option<JobView>, ClusterError> {
        Ok(self.jobs_named(name).await?.into_iter().next())
    }

    /// All jobs of the tool as Kubernetes has them now, each with the fields that were given.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn jobs_as_given(&self) -> Result<Vec<(JobView, Given)>, ClusterError> {
        let objects = self.objects_of_all().await?;
        let given = |(_, meta): (_, &Meta)| Some((meta.uid.clone(), meta.kept()?.given));
        let given: HashMap<_, _> = objects.snapshot().owners().filter_map(given).collect();
        let views = self.views(objects, None).await?;
        let with_given = |view: JobView| {
            let given = given.get(&view.uid).copied().unwrap_or_default();
            (view, given)
        };
        Ok(views.into_iter().map(with_given).collect())
    }

    /// All jobs of this name, the oldest first.
    pub(super) async fn jobs_named(&self, name: &ObjectName) -> Result<Vec<JobView>, ClusterError> {
        let objects = self.objects_of(name).await?;
        self.views(objects, Some(name)).await
    }

    /// Everything of ours that has this name, and what belongs to it, as far as labels lead there.
    pub(super) async fn objects_of(&self, name: &ObjectName) -> Result<Objects, ClusterError> {
        let reach = Reach::of_name(name);
        let filter = || looked_at(self.tool(), reach, Some(name));
        let (job, cronjob, controller, runs, pods) = try_join5(
            self.get::<BatchJob>(name.as_str()),
            self.get::<CronJob>(name.as_str()),
            self.get::<ReplicationController>(name.as_str()),
            self.list::<BatchJob>(filter()),
            self.list::<Pod>(filter()),
        )
        .await?;
        let job = job.into_iter().filter(|it| self.is_job(&it.metadata));
        let runs = runs.items.into_iter().filter(|it| it.metadata.controller().is_some());
        let controller = controller.into_iter().filter(|it| self.is_job(&it.metadata));
        Ok(Objects {
            jobs: job.chain(runs).collect(),
            cronjobs: cronjob.into_iter().filter(|it| self.is_job(&it.metadata)).collect(),
            controllers: controller.collect(),
            pods: pods.items,
            pods_version: pods.version,
            pods_reach: reach,
            runs_reach: reach,
            events: Vec::new(),
        })
    }

    fn is_job(&self, meta: &Meta) -> bool {
        meta.is_job_of(self.tool())
    }

    /// A job as it is right after its object was created. `None` when that object is not a job,
    /// because somebody gave it a controller.
    ///
    /// # Errors
    /// When the object can't be read.
    pub(super) fn view_of_created(
        &self,
        job_type: JobType,
        created: &[u8],
    ) -> Result<Option<JobView>, ClusterError> {
        let mut objects = Objects::default();
        match job_type {
            JobType::OneOff => objects.jobs.push(read(created)?),
            JobType::Scheduled => objects.cronjobs.push(read(created)?),
            JobType::Continuous => objects.controllers.push(read(created)?),
        }
        Ok(self.views_at(&objects.snapshot(), Timestamp::now()).pop())
    }

    /// The jobs among these objects, after what they lack was read. Most often they lack nothing.
    async fn views(
        &self,
        mut objects: Objects,
        name: Option<&ObjectName>,
    ) -> Result<Vec<JobView>, ClusterError> {
        let now = Timestamp::now();
        {
            let snapshot = objects.snapshot();
            if snapshot.lacks(now) == Lacks::default() {
                return Ok(self.views_at(&snapshot, now));
            }
        }
        self.complete(&mut objects, name, now).await?;
        if objects.snapshot().lacks(now).events {
            match self.list::<Event>(Filter::warnings()).await {
                Ok(events) => {
                    self.context.known().store.set_events(&events.items);
                    objects.events = events.items;
                }
                // An explanation is missing then, and nothing else.
                Err(error) => tracing::debug!(%error, "warnings can't be read"),
            }
        }
        Ok(self.views_at(&objects.snapshot(), now))
    }

    /// Reads the runs and the pods that these objects lack, once.
    async fn complete(
        &self,
        objects: &mut Objects,
        name: Option<&ObjectName>,
        now: Timestamp,
    ) -> Result<(), ClusterError> {
        if let Some(reach) = objects.snapshot().lacks(now).runs {
            let jobs = self.list::<BatchJob>(looked_at(self.tool(), reach, name)).await?;
            let runs = jobs.items.into_iter().filter(|it| it.metadata.controller().is_some());
            objects.jobs.retain(|job| job.metadata.controller().is_none());
            objects.jobs.extend(runs);
            objects.runs_reach = reach;
        }
        // The runs that were found now may have pods with yet other labels.
        if let Some(reach) = objects.snapshot().lacks(now).pods {
            let pods = self.list::<Pod>(looked_at(self.tool(), reach, name)).await?;
            objects.pods_version = pods.version;
            objects.pods = pods.items;
            objects.pods_reach = reach;
        }
        Ok(())
    }

    fn views_at(&self, snapshot: &Snapshot<'_>, now: Timestamp) -> Vec<JobView> {
        let catalogue = self.context.state.catalogue.get();
        snapshot.views(&Surroundings { catalogue: &catalogue, now })
    }
}

/// What is read of a kind to find what belongs to the job of this name, or to all.
pub(super) fn looked_at(tool: &ToolName, reach: Reach, name: Option<&ObjectName>) -> Filter {
    match (reach, name) {
        (Reach::Namespace, _) => Filter::all(),
        (Reach::Job, Some(name)) => Filter::labels(&Selector::of_job(tool, name)),
        (Reach::Job, None) | (Reach::Tool, _) => Filter::labels(&Selector::of_tool(tool)),
    }
}

fn page_of(views: &[JobView]) -> Result<Arc<Page>, ClusterError> {
    Page::of(views).map(Arc::new).map_err(ClusterError::Unwritable)
}

pub(super) fn read<T: DeserializeOwned>(object: &[u8]) -> Result<T, ClusterError> {
    serde_json::from_slice(object).map_err(ClusterError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reach_reads_more_than_the_one_before_and_no_more() {
        let (tool, name) = ("tf-test".parse().unwrap(), "a".parse().unwrap());
        let shown = |reach| format!("{:?}", looked_at(&tool, reach, Some(&name)));
        let [job, tool_text, all] = [Reach::Job, Reach::Tool, Reach::Namespace].map(shown);
        assert!(job.contains("app.kubernetes.io/name=a") && job.contains("created-by=tf-test"));
        assert!(!tool_text.contains("/name=") && tool_text.contains("created-by=tf-test"));
        assert!(!all.contains("Selector"), "{all}");
        let of_all_jobs = format!("{:?}", looked_at(&tool, Reach::Job, None));
        assert_eq!(of_all_jobs, tool_text);
    }
}
