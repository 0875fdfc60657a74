//! After a create: whether the object was the first of its name, and what is answered.

use tjf_api_types::JobView;

use super::{
    super::{
        ClusterError,
        precedence::Creation,
        survey::{Found, Survey, taken},
    },
    Created, Creating, Turn,
};
use crate::error::{Error, Result};

impl Creating<'_> {
    /// Looks whether the new object was the first of its name, and takes it away again when another
    /// was. Without proof of that it stays.
    pub(super) async fn confirm(&self, created: Created) -> Result<Turn> {
        let mine = Found { kind: self.kind, meta: &created.meta };
        match self.cluster.was_second(mine, created.creation).await {
            Ok(true) => self.withdraw(mine).await,
            Ok(false) => {
                self.serve(mine).await?;
                // One whose answer got lost may have gone on meanwhile.
                let shown = match created.creation {
                    Creation::AtItsVersion => None,
                    Creation::Earlier => self.shown(mine).await.ok(),
                };
                let view = match shown {
                    Some(view) => view,
                    None => self.view_of(&created)?,
                };
                Ok(Turn::Done(Box::new(view)))
            }
            Err(error) => Err(self.unconfirmed(error)),
        }
    }

    /// The object that an earlier request with the same key created, if it was the first of its
    /// name: that request may not have come so far as to find out.
    pub(super) async fn repeated(&self, mine: Found<'_>, survey: &Survey) -> Result<Turn> {
        for other in survey.named(self.job).filter(|other| other.meta.uid != mine.meta.uid) {
            let came_before = self.cluster.came_before(other, mine, Creation::Earlier).await;
            if came_before.map_err(|error| self.unconfirmed(error))? {
                return self.withdraw(mine).await;
            }
        }
        self.serve_again(mine).await?;
        match self.shown(mine).await {
            Ok(view) => Ok(Turn::Done(Box::new(view))),
            Err(Error::Cluster(error)) => Err(self.unconfirmed(error)),
            Err(error) => Err(error),
        }
    }

    /// The job that this object is, as it is now.
    async fn shown(&self, mine: Found<'_>) -> Result<JobView> {
        let name = self.job.name.clone().into();
        let views = self.cluster.jobs_named(&name).await?;
        let view = views.into_iter().find(|view| view.uid == mine.meta.uid);
        view.ok_or_else(|| Error::JobNotFound(name.into()))
    }

    /// The job that a new object is.
    fn view_of(&self, created: &Created) -> Result<JobView> {
        let job_type = self.job.spec.kind.job_type();
        let view = self.cluster.view_of_created(job_type, &created.object)?;
        view.ok_or_else(|| Error::Internal("a new job is not a job", "it has an owner".into()))
    }

    /// Takes an object away again that was second.
    async fn withdraw(&self, mine: Found<'_>) -> Result<Turn> {
        match self.cluster.withdraw(mine).await {
            Ok(()) => Err(taken(self.job, false)),
            Err(error) => {
                let name = &self.job.name;
                let detail = format!(
                    "another job has the name `{name}`, and it is not known whether yours has \
                     gone: `list` tells"
                );
                Err(Error::NotKnown { detail, source: error })
            }
        }
    }

    fn unconfirmed(&self, error: ClusterError) -> Error {
        let (name, key) = (&self.job.name, self.of_the_same_key("looks again"));
        let detail = format!(
            "the job `{name}` was created, and it is not known whether another job had the name \
             first: `show` tells{key}"
        );
        Error::NotKnown { detail, source: error }
    }
}
