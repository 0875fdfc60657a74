//! Kubernetes, as one tool sees it: the only I/O of a handler.
//!
//! Every call is the tool's own, with its own certificate, in its own namespace; both come from the
//! caller that the runtime proved, and neither from anything that was sent.

mod call;
mod create;
mod error;
mod remove;
mod survey;

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::try_join5;
use jiff::Timestamp;
use tjf_api_types::{JobView, ObjectName, ToolName};
use tjf_runtime::pool::{HomeClient, Pooled};
use tokio::time::Instant;

use self::call::{Filter, Kind};
pub use self::error::ClusterError;
use crate::{
    Context,
    job::{
        labels::Selector,
        limits::{
            Limits,
            objects::{LimitRange, ResourceQuota},
        },
        manifest::Owner,
        objects::{BatchJob, CronJob, Meta, ReplicationController},
        observe::{Snapshot, Surroundings},
    },
    state::KnownTool,
};

/// Kubernetes, for the length of one request.
pub struct Cluster {
    context: Context,
    tool: ToolName,
    namespace: String,
    client: Mutex<Pooled<HomeClient>>,
}

impl Cluster {
    /// The caller's own view of Kubernetes.
    ///
    /// # Errors
    /// When the caller has no client.
    pub async fn of(context: &Context) -> Result<Self, ClusterError> {
        let client = context.kube().await?;
        let tool = crate::tool_of(context);
        Ok(Self {
            context: context.clone(),
            namespace: format!("tool-{tool}"),
            tool,
            client: Mutex::new(client),
        })
    }

    /// The owner of the tool's home, as which its programs run.
    pub fn owner(&self) -> Owner {
        let HomeClient { uid, gid, .. } = self.client().client;
        Owner { uid, gid }
    }

    /// All jobs of the tool.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn list_jobs(&self) -> Result<Vec<JobView>, ClusterError> {
        let selector = Selector::of_tool(&self.tool);
        let filter = || Filter::labels(&selector);
        // Side by side: the answer takes as long as the slowest of them, not as all together.
        let (jobs, cronjobs, controllers, pods) = futures_util::try_join!(
            self.list(Kind::Jobs, filter()),
            self.list(Kind::CronJobs, filter()),
            self.list(Kind::ReplicationControllers, filter()),
            self.list(Kind::Pods, filter()),
        )?;
        let snapshot = Snapshot { jobs, cronjobs, controllers, pods, events: Vec::new() };
        self.views(snapshot, &selector).await
    }

    /// The job of this name, if there is one. Of one name in two kinds, which only a crash can
    /// leave, the older.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn find(&self, name: &ObjectName) -> Result<Option<JobView>, ClusterError> {
        let snapshot = self.snapshot_of(name).await?;
        let views = self.views(snapshot, &Selector::of_job(&self.tool, name)).await?;
        Ok(views.into_iter().next())
    }

    /// Everything of ours that has this name or belongs to what has it.
    async fn snapshot_of(&self, name: &ObjectName) -> Result<Snapshot, ClusterError> {
        let filter = || Filter::labels(&Selector::of_job(&self.tool, name));
        let (job, cronjob, controller, children, pods) = try_join5(
            self.get::<BatchJob>(Kind::Jobs, name.as_str()),
            self.get::<CronJob>(Kind::CronJobs, name.as_str()),
            self.get::<ReplicationController>(Kind::ReplicationControllers, name.as_str()),
            self.list::<BatchJob>(Kind::Jobs, filter()),
            self.list(Kind::Pods, filter()),
        )
        .await?;
        let is_ours = |meta: &Meta| meta.labels.are_ours(&self.tool) && meta.controller().is_none();
        let children = children.into_iter().filter(|child| child.metadata.controller().is_some());
        Ok(Snapshot {
            jobs: job.into_iter().filter(|job| is_ours(&job.metadata)).chain(children).collect(),
            cronjobs: cronjob.into_iter().filter(|job| is_ours(&job.metadata)).collect(),
            controllers: controller.into_iter().filter(|job| is_ours(&job.metadata)).collect(),
            pods,
            events: Vec::new(),
        })
    }

    /// The jobs of a snapshot, with the pods that say how one has just ended, and with the warnings
    /// about them where only those can say why something waits.
    async fn views(
        &self,
        mut snapshot: Snapshot,
        selector: &Selector,
    ) -> Result<Vec<JobView>, ClusterError> {
        let now = Timestamp::now();
        if snapshot.missed_an_end(now) {
            snapshot.pods = self.list(Kind::Pods, Filter::labels(selector)).await?;
        }
        if snapshot.needs_events(now) {
            snapshot.events = if_allowed(self.list(Kind::Events, Filter::warnings()).await)?;
        }
        Ok(self.views_at(&snapshot, now))
    }

    fn views_at(&self, snapshot: &Snapshot, now: Timestamp) -> Vec<JobView> {
        let state = &self.context.state;
        let home = state.house.home_of(&self.tool);
        let catalogue = state.catalogue.get();
        snapshot.views(&Surroundings { catalogue: &catalogue, home: &home, now })
    }

    /// What the namespace allows; asked at most once a minute.
    async fn limits(&self, known: &KnownTool) -> Result<Arc<Limits>, ClusterError> {
        if let Some(limits) = known.limits(Instant::now()) {
            return Ok(limits);
        }
        let (ranges, quotas) = futures_util::join!(
            self.list::<LimitRange>(Kind::LimitRanges, Filter::all()),
            self.list::<ResourceQuota>(Kind::ResourceQuotas, Filter::all()),
        );
        let limits = Arc::new(Limits::new(if_allowed(ranges)?, &if_allowed(quotas)?));
        known.set_limits(Arc::clone(&limits), Instant::now());
        Ok(limits)
    }

    fn client(&self) -> Pooled<HomeClient> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_client(&self, client: Pooled<HomeClient>) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client;
    }
}

/// What a tool may not read tells it nothing, and is no reason to tell it nothing else: an
/// explanation is missing then, or a check that Kubernetes itself makes all the same.
fn if_allowed<T>(outcome: Result<Vec<T>, ClusterError>) -> Result<Vec<T>, ClusterError> {
    match outcome {
        Err(ClusterError::Forbidden { .. }) => Ok(Vec::new()),
        outcome => outcome,
    }
}
