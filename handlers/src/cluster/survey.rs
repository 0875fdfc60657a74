//! What there is before something is created: who has the name, and what takes room.

use tjf_api_types::JobType;

use super::{
    Cluster, ClusterError,
    call::{Filter, Kind},
};
use crate::{
    error::{Error, Result},
    job::{
        Job, Spec,
        objects::{BatchJob, CronJob, Meta, Named},
        observe,
    },
    state::LastCreated,
};

/// What there is before a job is created.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// What has the job's name, in any kind and of anybody's.
    job: Option<BatchJob>,
    cronjob: Option<Named>,
    controller: Option<Named>,
    /// All Jobs of the namespace, if the new object needs room among them.
    pub(super) jobs: Vec<BatchJob>,
    /// All scheduled ones, likewise.
    pub(super) cronjobs: Vec<CronJob>,
}

/// What is in the way of a name, if anything.
pub(super) enum Claim {
    /// Nothing; this one-off, which has ended, gives it up.
    Free {
        /// Who gives it up.
        replaced: Option<Box<Meta>>,
    },
    /// The same request was here before.
    Repeated,
    /// An object that is going.
    Going,
}

impl Cluster {
    /// Looks around, with one question a kind and all of them side by side.
    ///
    /// Names are asked for one by one, which Kubernetes answers from its database: what is there,
    /// is seen. To count, it is enough to see what we created ourselves. A list as of this very
    /// moment would wait for up to 100 ms, until the API server's memory of that kind is known to
    /// be as fresh as its database (KEP-2340).
    pub(super) async fn survey(
        &self,
        job: &Job,
        last: &LastCreated,
    ) -> std::result::Result<Survey, ClusterError> {
        let name = job.name.as_str();
        let needs_room = job.spec.kind.job_type() != JobType::Continuous;
        let (job, cronjob, controller, jobs, cronjobs) = futures_util::try_join!(
            self.get(Kind::Jobs, name),
            self.get(Kind::CronJobs, name),
            self.get(Kind::ReplicationControllers, name),
            self.list_if(needs_room, Kind::Jobs, Filter::since(last.job.as_deref())),
            self.list_if(needs_room, Kind::CronJobs, Filter::since(last.cronjob.as_deref())),
        )?;
        Ok(Survey { job, cronjob, controller, jobs, cronjobs })
    }

    async fn list_if<T: serde::de::DeserializeOwned>(
        &self,
        is_wanted: bool,
        kind: Kind,
        filter: Filter,
    ) -> std::result::Result<Vec<T>, ClusterError> {
        if is_wanted { self.list(kind, filter).await } else { Ok(Vec::new()) }
    }
}

impl Survey {
    /// Looks through everything that has the job's name.
    pub(super) fn claim(&self, job: &Job) -> Result<Claim> {
        let one_off = self.job.as_ref().map(|object| (&object.metadata, object.ended().is_some()));
        let others = [&self.cronjob, &self.controller].into_iter().flatten();
        let others = others.map(|object| (&object.metadata, false));
        let mut replaced = None;
        let mut is_going = false;
        for (meta, has_ended) in one_off.into_iter().chain(others) {
            let is_ours = meta.labels.are_ours(&job.tool) && meta.controller().is_none();
            if is_ours && is_same_request(meta, &job.spec)? {
                return Ok(Claim::Repeated);
            }
            if meta.deletion_timestamp.is_some() {
                is_going = true;
            } else if is_ours && has_ended {
                replaced = Some(Box::new(meta.clone()));
            } else {
                return Err(taken(job, !is_ours));
            }
        }
        Ok(if is_going { Claim::Going } else { Claim::Free { replaced } })
    }
}

/// Whether an object was made by this very request, as its key says.
fn is_same_request(meta: &Meta, spec: &Spec) -> Result<bool> {
    let Some(kept) = observe::kept(meta) else { return Ok(false) };
    match (&kept.idempotency_key, &spec.idempotency_key) {
        (Some(kept_key), Some(key)) if kept_key == key && kept == *spec => Ok(true),
        (Some(kept_key), Some(key)) if kept_key == key => Err(Error::KeyReused),
        _ => Ok(false),
    }
}

/// The name is somebody's.
pub(super) fn taken(job: &Job, by_foreign_object: bool) -> Error {
    Error::JobExists { name: job.name.to_string(), by_foreign_object }
}
