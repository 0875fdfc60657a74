//! What a request would become, without becoming it.

use jiff::Timestamp;
use serde_json::{Value, json};
use tjf_api_types::JobView;

use super::{
    super::{Cluster, ClusterError, survey::Freshness},
    Around, Creating,
};
use crate::{
    error::{Error, Result},
    job::{Job, kind::Kind, time},
};

impl Cluster {
    /// The job that a request would make. Whatever has its name counts as gone: whoever asks is
    /// about to replace it, or will be told that the name is taken. Nothing is changed.
    ///
    /// # Errors
    /// What `create` would refuse it for, but for the name.
    pub async fn rehearse(&self, job: &Job) -> Result<JobView> {
        let known = self.context.known();
        let creates = known.creates();
        match self.rehearse_after(job, Freshness::OurOwn(&creates)).await {
            // Of what others did, a quick look may miss something.
            Err(Error::TooManyUnfinished(_) | Error::Cluster(ClusterError::QuotaExceeded(_))) => {}
            Err(Error::Cluster(ClusterError::NoSuchVersion { .. })) => known.forget_versions(),
            outcome => return outcome,
        }
        self.rehearse_after(job, Freshness::Now).await
    }

    /// The same without any check, and without asking Kubernetes.
    ///
    /// # Errors
    /// When it can't be written down.
    pub fn preview(&self, job: &Job) -> Result<JobView> {
        Creating::new(self, job)?.into_view()
    }

    /// The same after a look that shows this much.
    async fn rehearse_after(&self, job: &Job, freshness: Freshness<'_>) -> Result<JobView> {
        let known = self.context.known();
        let creates = known.creates();
        let (limits, survey) = futures_util::join!(self.limits(known), self.survey(job, freshness));
        let (limits, survey) = (limits?, survey?);
        limits.check(&job.spec)?;
        let mut creating = Creating::new(self, job)?;
        let jobs_max = limits.jobs_max;
        let around = Around { tool: self.tool(), survey: &survey, creates: &creates, jobs_max };
        let namesake = |kind: Kind| {
            let mut named = survey.named(job);
            let found = named.find(|it| it.kind == kind && it.meta.is_job_of(&job.tool));
            found.map(|found| found.meta)
        };
        let replaced = namesake(Kind::JOBS);
        creating.leaving(around, replaced)?;
        match creating.would_be_taken().await {
            Err(ClusterError::QuotaExceeded(refusal)) if refusal.is_only_about_jobs() => {
                // What must go would.
                creating.refusal = Some((refusal, self.deadline));
                creating.leaving(around, replaced)?;
            }
            Err(ClusterError::QuotaExceeded(refusal))
                if namesake(creating.kind).is_some()
                    && refusal.ends_with_one_less(creating.kind) => {}
            outcome => outcome?,
        }
        creating.would_be_served().await?;
        creating.into_view()
    }
}

impl Creating<'_> {
    /// The job as a reader would find it right after it was created. It has no uid.
    fn into_view(mut self) -> Result<JobView> {
        if let Some(metadata) = self.manifest.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("uid".to_owned(), json!(""));
            let now = time::written(Timestamp::now());
            metadata.insert("creationTimestamp".to_owned(), json!(now));
        }
        let object = serde_json::to_vec(&self.manifest).map_err(ClusterError::Unwritable)?;
        let view = self.cluster.view_of_created(self.job.spec.kind.job_type(), &object)?;
        view.ok_or_else(|| {
            Error::Internal("the manifest is not a job", "it has a controller".into())
        })
    }
}
