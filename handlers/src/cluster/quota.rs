//! Limits and use of a tool's namespace.

use tjf_api_types::QuotaView;

use super::{Cluster, ClusterError, call::Filter};
use crate::job::{
    labels::Selector,
    objects::BatchJob,
    quota::{
        objects::{LimitRange, ResourceQuota},
        view::view,
    },
};

impl Cluster {
    /// What limits the tool, and what of it is in use now.
    ///
    /// # Errors
    /// When Kubernetes does not tell.
    pub async fn quota(&self) -> Result<QuotaView, ClusterError> {
        let ours = Filter::labels(&Selector::of_tool(self.tool()));
        let (ranges, quotas, jobs) = futures_util::try_join!(
            self.list::<LimitRange>(Filter::all()),
            self.list::<ResourceQuota>(Filter::all()),
            self.list::<BatchJob>(ours),
        )?;
        let is_unfinished =
            |job: &&BatchJob| job.metadata.is_job_of(self.tool()) && job.ended().is_none();
        let unfinished = jobs.items.iter().filter(is_unfinished).count();
        Ok(view(&ranges.items, &quotas.items, unfinished))
    }
}
