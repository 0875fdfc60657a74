//! One look at what there is, and what follows from it.

use tjf_api_types::{JobView, ObjectName, RunRequest};

use super::Change;
use crate::{Context, checked, cluster::Cluster, error::Result, job::sameness::is_defined_alike};

/// A request on its way to its job.
pub(super) struct Replacing {
    pub(super) context: Context,
    pub(super) cluster: Cluster,
    pub(super) name: ObjectName,
    /// Whether a job was deleted to make room.
    pub(super) is_gone: bool,
}

impl Replacing {
    /// Looks, and makes of what there is what is wanted.
    pub(super) async fn turn(
        &mut self,
        mut request: RunRequest,
        keep: &impl Fn(&mut RunRequest, &JobView),
    ) -> Result<(JobView, Change)> {
        let cluster = &self.cluster;
        let there = cluster.job_now(&self.name).await?;
        if let Some(there) = &there {
            keep(&mut request, there);
        }
        let job = checked::job(&self.context, request, None)?;
        if let Some(there) = there {
            let is_going = there.deleting_since.is_some();
            if !is_going && is_defined_alike(&there, &cluster.preview(&job)?) {
                return Ok((there, self.change(Change::None)));
            }
            // One that has ended gives up its name by itself.
            if is_going || !there.status.phase.is_final() {
                cluster.rehearse(&job).await?;
                self.is_gone |= cluster.delete_this_job(&self.name, &there.uid).await?;
            }
            let created = self.cluster.create(&job).await?;
            return Ok((created, Change::Replaced));
        }
        let created = cluster.create(&job).await?;
        Ok((created, self.change(Change::Created)))
    }

    /// What was done in all turns, after the last one did this.
    fn change(&self, last: Change) -> Change {
        if self.is_gone { Change::Replaced } else { last }
    }
}
