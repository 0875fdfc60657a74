//! What there is before something is created: who has the name or the key, what takes room, and
//! whose programs are still ending.

use jiff::Timestamp;

use super::{Cluster, ClusterError, call::Filter};
use crate::{
    error::{Error, Result},
    job::{
        Job, Spec,
        kind::Kind,
        labels::Selector,
        objects::{BatchJob, Meta, Pod},
        observe::Objects,
    },
    state::Creates,
    store::Contents,
};

/// What there is in the namespace, of ours and of others.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) jobs: Vec<BatchJob>,
    pub(super) cronjobs: Vec<Meta>,
    controllers: Vec<Meta>,
    /// Those that carry the job's name.
    pods: Vec<Pod>,
}

/// What a look must show.
#[derive(Debug, Clone, Copy)]
pub(super) enum Freshness<'a> {
    /// What we created ourselves. What others did may be missing for some milliseconds, so nothing
    /// is refused or deleted for what such a look shows.
    OurOwn(&'a Creates),
    /// Everything.
    Now,
}

/// An object, and its kind.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) kind: Kind,
    pub(super) meta: &'a Meta,
}

/// What is in the way of a name, if anything.
#[derive(Debug)]
pub(super) enum Claim<'a> {
    /// Nothing.
    Free {
        /// A one-off that has ended gives it up.
        replaced: Option<&'a Meta>,
    },
    /// The same request was here before, and made this object.
    Repeated(Found<'a>),
    /// What had the name is ending.
    Terminating {
        /// Since when, if that is known.
        since: Option<Timestamp>,
    },
}

impl Cluster {
    /// Looks around, with one question a kind and all of them side by side.
    pub(super) async fn survey(
        &self,
        job: &Job,
        freshness: Freshness<'_>,
    ) -> std::result::Result<Survey, ClusterError> {
        let known = self.context.known();
        if let Freshness::OurOwn(creates) = freshness {
            let recalled = known.store.with(creates, |contents| Survey::of(contents, job));
            if let Some(survey) = recalled.await {
                return Ok(survey);
            }
        }
        let of_name = Selector::of_job(self.tool(), &job.name.clone().into());
        let fresh = |kind| match freshness {
            Freshness::OurOwn(creates) => Filter::since(creates.version(kind)),
            Freshness::Now => Filter::all(),
        };
        let (jobs, cronjobs, controllers, pods) = futures_util::try_join!(
            self.list::<BatchJob>(fresh(Kind::JOBS)),
            self.list_meta(Kind::CRON_JOBS, fresh(Kind::CRON_JOBS)),
            self.list_meta(Kind::REPLICATION_CONTROLLERS, fresh(Kind::REPLICATION_CONTROLLERS)),
            self.list::<Pod>(fresh(Kind::PODS).selected(&of_name)),
        )?;
        Ok(Survey { jobs: jobs.items, cronjobs, controllers, pods: pods.items })
    }
}

impl Survey {
    /// What is remembered.
    fn of(contents: &Contents, job: &Job) -> Self {
        let Objects { jobs, cronjobs, controllers, pods, .. } = contents.objects();
        let has_name = |pod: &&Pod| {
            let labels = &pod.metadata.labels;
            labels.are_ours(&job.tool) && labels.name() == Some(job.name.as_str())
        };
        Self {
            jobs: jobs.clone(),
            cronjobs: cronjobs.iter().map(|it| it.metadata.clone()).collect(),
            controllers: controllers.iter().map(|it| it.metadata.clone()).collect(),
            pods: pods.iter().filter(has_name).cloned().collect(),
        }
    }

    /// Every object that could be a job.
    fn objects(&self) -> impl Iterator<Item = Found<'_>> {
        let found = |kind| move |meta| Found { kind, meta };
        let jobs = self.jobs.iter().map(|job| &job.metadata).map(found(Kind::JOBS));
        let cronjobs = self.cronjobs.iter().map(found(Kind::CRON_JOBS));
        let controllers = self.controllers.iter().map(found(Kind::REPLICATION_CONTROLLERS));
        jobs.chain(cronjobs).chain(controllers)
    }

    /// Every object that has this job's name, also those of others.
    pub(super) fn named(&self, job: &Job) -> impl Iterator<Item = Found<'_>> {
        self.objects().filter(move |found| found.meta.name == job.name.as_str())
    }

    /// Looks for the request's key among all of the tool's objects, and then for the job's name.
    pub(super) fn claim(&self, job: &Job) -> Result<Claim<'_>> {
        if let Some(found) = self.made_by_same_key(job)? {
            return Ok(Claim::Repeated(found));
        }
        let has_ended = |uid: &str| {
            self.jobs.iter().any(|job| job.metadata.uid == uid && job.ended().is_some())
        };
        let mut replaced = None;
        let mut terminating = None;
        for Found { meta, .. } in self.named(job) {
            let is_ours = meta.is_job_of(&job.tool);
            if meta.deletion_timestamp.is_some() {
                terminating = Some(Claim::Terminating { since: meta.deletion_timestamp });
            } else if is_ours && has_ended(&meta.uid) {
                replaced = Some(meta);
            } else {
                return Err(taken(job, !is_ours));
            }
        }
        let claim = terminating.or_else(|| self.still_ending(job));
        Ok(claim.unwrap_or(Claim::Free { replaced }))
    }

    /// The object that the same key made. The key is part of the request that is kept with it, and
    /// nobody can send one that we made up ourselves.
    fn made_by_same_key(&self, job: &Job) -> Result<Option<Found<'_>>> {
        let ours = self.objects().filter(|found| found.meta.is_job_of(&job.tool));
        let same_key: Vec<_> = ours
            .filter(|found| {
                let kept = found.meta.kept();
                kept.is_some_and(|kept| kept.idempotency_key == job.spec.idempotency_key)
            })
            .collect();
        let same_request = same_key.iter().find(|found| is_same_request(found.meta, job));
        match same_request {
            None if !same_key.is_empty() => Err(Error::KeyReused),
            same_request => Ok(same_request.copied()),
        }
    }

    /// Programs of a job that had this name and is gone itself: until they have ended, a new job
    /// would be the second of one bot.
    fn still_ending(&self, job: &Job) -> Option<Claim<'_>> {
        let there = self.objects().map(|found| found.meta.uid.as_str()).collect();
        let is_run_of_it = |meta: &Meta| {
            meta.labels.are_ours(&job.tool) && meta.labels.name() == Some(job.name.as_str())
        };
        let runs = self.jobs.iter().filter(|run| run.ended().is_none()).map(|run| &run.metadata);
        let runs = runs.filter(|meta| is_run_of_it(meta));
        let pods = self.pods.iter().filter(|pod| !pod.has_ended()).map(|pod| &pod.metadata);
        let meta = runs.chain(pods).find(|meta| meta.lost_controller(&there).is_some())?;
        Some(Claim::Terminating { since: meta.deletion_timestamp })
    }
}

/// Whether an object was made by this very request, its key among it.
pub(super) fn is_same_request(meta: &Meta, job: &Job) -> bool {
    let is_same = |kept: &Spec| kept.is_same_request(&job.spec);
    meta.name == job.name.as_str() && meta.kept().is_some_and(is_same)
}

/// The name is somebody's.
pub(super) fn taken(job: &Job, by_foreign_object: bool) -> Error {
    Error::JobExists { name: job.name.to_string(), by_foreign_object }
}
