//! The Service of a job that has a port: asked about before anything is changed, and created last.

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    super::{
        ClusterError, Outcome,
        service::Holder,
        survey::{Found, taken},
    },
    Creating, LOST_CREATES_MAX, LOST_LOOK_TIME, NAME_LOOK_TIME, Turn, unnamed,
};
use crate::{
    error::{Error, Result},
    job::{kind::Kind, manifest, objects::Meta},
};

impl Creating<'_> {
    /// Asks whether the job's Service could be created, before anything is changed: its name may be
    /// somebody's, and a quota may be in the way. `None` when it could, or there is to be none.
    pub(super) async fn before_service(&mut self) -> Result<Option<Turn>> {
        let Some(service) = self.service(None)? else { return Ok(None) };
        match self.cluster.holder_of_service(self.job.name.as_str(), None).await? {
            Holder::Nobody => {}
            Holder::Foreign => return Err(taken(self.job, true)),
            Holder::Gone(service) => {
                let deleted = self.cluster.delete_service(&service).await;
                deleted.map_err(ClusterError::before_the_change)?;
                return self.later_for_name(None).map(Some);
            }
            Holder::Going | Holder::OtherJob | Holder::Job => {
                return self.later_for_name(None).map(Some);
            }
        }
        match self.cluster.try_create(Kind::SERVICES, &service).await {
            Ok(()) => Ok(None),
            // A moment ago.
            Err(ClusterError::AlreadyExists { .. }) => self.later_for_name(None).map(Some),
            // Kubernetes' count follows a delete late.
            Err(ClusterError::QuotaExceeded(refusal))
                if !self.was_service_refused && refusal.is_only_about(Kind::SERVICES) =>
            {
                self.was_service_refused = true;
                Ok(Some(Turn::Later(LOST_LOOK_TIME)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the same when whatever has the job's name counts as gone, but for what is somebody
    /// else's.
    pub(super) async fn would_be_served(&self) -> Result<()> {
        let Some(service) = self.service(None)? else { return Ok(()) };
        let holder = self.cluster.holder_of_service(self.job.name.as_str(), None).await?;
        if let Holder::Foreign = holder {
            return Err(taken(self.job, true));
        }
        match self.cluster.try_create(Kind::SERVICES, &unnamed(service)).await {
            Err(ClusterError::QuotaExceeded(refusal))
                if !matches!(holder, Holder::Nobody)
                    && refusal.ends_with_one_less(Kind::SERVICES) =>
            {
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    /// Gives a new job its Service. When it can't have one after all, the job is withdrawn: what is
    /// refused has changed nothing.
    pub(super) async fn serve(&self, mine: Found<'_>) -> Result<()> {
        let error = match self.create_service(mine.meta).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        if let Error::Cluster(error) = error {
            if error.outcome() == Outcome::Unknown {
                return Err(self.not_served(error));
            }
            return self.withdraw_for(mine, error.into()).await;
        }
        self.withdraw_for(mine, error).await
    }

    /// Gives a job that was created before its Service, when it has none.
    pub(super) async fn serve_again(&self, mine: Found<'_>) -> Result<()> {
        if !self.job.spec.has_port() {
            return Ok(());
        }
        let (name, owner) = (self.job.name.as_str(), Some(&*mine.meta.uid));
        match self.cluster.holder_of_service(name, owner).await {
            Ok(Holder::Job) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(self.not_served(error)),
        }
        match self.create_service(mine.meta).await {
            Err(Error::Cluster(error)) => Err(self.not_served(error)),
            outcome => outcome,
        }
    }

    async fn withdraw_for(&self, mine: Found<'_>, why: Error) -> Result<()> {
        match self.cluster.withdraw(mine).await {
            Ok(()) => Err(why),
            Err(source) => {
                let name = &self.job.name;
                let detail = format!(
                    "the job `{name}` can't have its port ({why}), and it is not known whether it \
                     has gone: `list` tells"
                );
                Err(Error::NotKnown { detail, source })
            }
        }
    }

    fn not_served(&self, source: ClusterError) -> Error {
        let (name, key) = (&self.job.name, self.of_the_same_key("sees to it"));
        let detail = format!(
            "the job `{name}` is there, and it is not known whether its port can be reached{key}"
        );
        Error::NotKnown { detail, source }
    }

    /// Creates the Service. Kubernetes asks its quotas before it looks at the name, so when there is no
    /// room, whose the name is tells more: a twin of this request may have been quicker.
    async fn create_service(&self, owner: &Meta) -> Result<()> {
        let Some(service) = self.service(Some(owner))? else { return Ok(()) };
        let mut lost = None;
        let mut tries = 0;
        loop {
            let mut full = None;
            match self.cluster.create_object(Kind::SERVICES, &service).await {
                Ok(_) => return Ok(()),
                Err(ClusterError::AlreadyExists { .. }) => {}
                Err(error @ ClusterError::QuotaExceeded(_)) => full = Some(error),
                Err(error @ ClusterError::Unknown { .. }) => {
                    lost = Some(error);
                    tries += 1;
                }
                Err(error) => return Err(lost.unwrap_or(error).into()),
            }
            let name = self.job.name.as_str();
            let holder = self.cluster.holder_of_service(name, Some(&owner.uid)).await;
            let pause = match holder.map_err(|error| lost.take().unwrap_or(error))? {
                Holder::Job => return Ok(()),
                Holder::Foreign => return Err(taken(self.job, true)),
                Holder::Nobody => match full {
                    Some(error) => return Err(lost.unwrap_or(error).into()),
                    None => LOST_LOOK_TIME,
                },
                Holder::Gone(service) => {
                    self.cluster.delete_service(&service).await?;
                    NAME_LOOK_TIME
                }
                Holder::Going | Holder::OtherJob => NAME_LOOK_TIME,
            };
            if tries >= LOST_CREATES_MAX || Instant::now() + pause >= self.cluster.deadline {
                return Err(lost.unwrap_or(ClusterError::OutOfTime).into());
            }
            sleep(pause).await;
        }
    }

    fn service(&self, owner: Option<&Meta>) -> Result<Option<Value>> {
        manifest::service::of(self.job, owner)
            .map_err(|error| Error::Internal("the Service can't be written", error.into()))
    }
}
