//! The Services of jobs that have a port: who has such a name, and how they go.
//!
//! A job's Service has the job's name, and the job's object owns it, so Kubernetes takes it away with
//! that, a little later. Nobody follows Services: only jobs that have one ask for them.

use tjf_api_types::ToolName;

use super::{Cluster, ClusterError, call::DeleteOptions, remove::several};
use crate::job::{kind::Kind, objects::Meta};

/// Whose the Service of a job's name is.
#[derive(Debug)]
pub(super) enum Holder {
    /// There is none.
    Nobody,
    /// The job's own.
    Job,
    /// Another job's, which has the name at this moment.
    OtherJob,
    /// That of a job which had the name and has gone. Kubernetes has not taken it away yet.
    Gone(Box<Meta>),
    /// Somebody's whose Service is going.
    Going,
    /// Somebody else's.
    Foreign,
}

impl Cluster {
    /// Whose the Service of this name is, where `owner` is the uid of the job's object, if it has one
    /// already.
    pub(super) async fn holder_of_service(
        &self,
        name: &str,
        owner: Option<&str>,
    ) -> Result<Holder, ClusterError> {
        let Some(service) = self.get_meta(Kind::SERVICES, name).await? else {
            return Ok(Holder::Nobody);
        };
        let controller = owner_of(&service, self.tool());
        if service.deletion_timestamp.is_some() {
            return Ok(Holder::Going);
        }
        match controller {
            None => Ok(Holder::Foreign),
            Some(uid) if Some(uid) == owner => Ok(Holder::Job),
            // The job's own object has the name, so no other one can.
            Some(_) if owner.is_some() => Ok(Holder::Gone(Box::new(service))),
            // Asked after the Service, which came after its owner: a uid that is not there has gone,
            // and never comes back.
            Some(uid) => match self.get_meta(Kind::REPLICATION_CONTROLLERS, name).await? {
                Some(controller) if controller.uid == uid => Ok(Holder::OtherJob),
                Some(_) | None => Ok(Holder::Gone(Box::new(service))),
            },
        }
    }

    /// Deletes this very Service.
    pub(super) async fn delete_service(&self, service: &Meta) -> Result<(), ClusterError> {
        self.delete(Kind::SERVICES, &service.name, &DeleteOptions::of(&service.uid)).await
    }

    /// Deletes the Services of those of these jobs that have a port; the jobs themselves have gone. What
    /// the tool may not delete goes all the same, since Kubernetes takes it away with its owner.
    pub(super) async fn delete_services_of(
        &self,
        jobs: impl Iterator<Item = &Meta>,
    ) -> Result<(), ClusterError> {
        let with_port = jobs.filter(|meta| meta.kept().is_some_and(|kept| kept.has_port()));
        let deleted = several(with_port.map(|meta| self.delete_service_of(meta)).collect()).await;
        deleted.map_err(|error| error.leaving_unknown("delete services".to_owned()))
    }

    async fn delete_service_of(&self, job: &Meta) -> Result<(), ClusterError> {
        let deleted = async {
            match self.get_meta(Kind::SERVICES, &job.name).await? {
                Some(service) if owner_of(&service, self.tool()) == Some(&job.uid) => {
                    self.delete_service(&service).await
                }
                Some(_) | None => Ok(()),
            }
        };
        match deleted.await {
            Err(ClusterError::Forbidden { message, .. }) => {
                tracing::debug!(message, "a job's Service is left to Kubernetes");
                Ok(())
            }
            outcome => outcome,
        }
    }
}

/// The uid of the job that a Service is of, if it is one of ours.
fn owner_of<'a>(service: &'a Meta, tool: &ToolName) -> Option<&'a str> {
    let is_ours =
        service.labels.are_ours(tool) && service.labels.name() == Some(service.name.as_str());
    service.job_controller().filter(|_| is_ours)
}
