//! A method for each route.

use hyper::{Method, StatusCode};
use tjf_api_types::{ContainerView, Deleted, JobView, ObjectName, QuotaView, RunRequest, path};
use tokio::time::Duration;

use super::{Answer, Call, Client, ClientError, Repeat, read};

impl Client {
    /// Creates a job. `key` is the `Idempotency-Key`: without an answer that settles it, the request
    /// is sent again under the same key for half a minute, and the job runs once all the same.
    ///
    /// # Errors
    ///
    /// [`ClientError::Unconfirmed`] when no answer settled it and the job may or may not exist; else
    /// as every method: no connection, or a refusal.
    pub async fn run(
        &self,
        request: &RunRequest,
        key: &str,
    ) -> Result<Answer<JobView>, ClientError> {
        let body = serde_json::to_vec(request).map_err(ClientError::unwritable)?;
        let call = Call {
            method: Method::POST,
            path: path::RUN.to_owned(),
            body: body.into(),
            key: Some(key),
            known: None,
            repeat: Repeat::UntilSettled,
        };
        // Whatever it says, the job may be there.
        read(self.send(&call).await?).map_err(|error| ClientError::Unconfirmed(Box::new(error)))
    }

    /// Tells the job that a request would make. Nothing is created, and whether the name is taken is
    /// not asked.
    ///
    /// # Errors
    ///
    /// What [`Client::run`] would be refused for; else as every method.
    pub async fn rehearse(&self, request: &RunRequest) -> Result<Answer<JobView>, ClientError> {
        let body = serde_json::to_vec(request).map_err(ClientError::unwritable)?;
        let call = Call {
            method: Method::POST,
            body: body.into(),
            repeat: Repeat::Freely,
            ..Call::read(path::dry_run())
        };
        read(self.send(&call).await?)
    }

    /// Describes one job.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with status 404 when there is no such job; else as every method.
    pub async fn show(&self, name: &ObjectName) -> Result<Answer<JobView>, ClientError> {
        read(self.send(&Call::read(path::show(name.as_str()))).await?)
    }

    /// Describes this very job once it has ended, or after so long: whole seconds, from 1 to 300. It
    /// is sent once: who waits decides what comes after a failure.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with status 404 when the job is there no more, 400 when it is not a
    /// one-off; else as every method.
    pub async fn show_when_ended(
        &self,
        name: &ObjectName,
        uid: &str,
        time: Duration,
    ) -> Result<Answer<JobView>, ClientError> {
        let path = path::show_when_ended(name.as_str(), uid, time.as_secs());
        read(self.send(&Call { repeat: Repeat::Never, ..Call::read(path) }).await?)
    }

    /// Describes all jobs of the tool, sorted by name.
    ///
    /// # Errors
    ///
    /// No connection, a refusal, or an answer that can't be understood.
    pub async fn list(&self) -> Result<Answer<Vec<JobView>>, ClientError> {
        read(self.send(&Call::read(path::LIST.to_owned())).await?)
    }

    /// The same, unless it is the answer that had this tag: then `None`.
    ///
    /// # Errors
    ///
    /// No connection, a refusal, or an answer that can't be understood.
    pub async fn list_unless(
        &self,
        tag: Option<&str>,
    ) -> Result<Option<Answer<Vec<JobView>>>, ClientError> {
        let call = Call { known: tag, ..Call::read(path::LIST.to_owned()) };
        let response = self.send(&call).await?;
        let is_known = response.status() == StatusCode::NOT_MODIFIED;
        if is_known { Ok(None) } else { read(response).map(Some) }
    }

    /// Deletes one job.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with status 404 when there is no such job; else as every method.
    pub async fn delete(&self, name: &ObjectName) -> Result<Answer<Deleted>, ClientError> {
        read(self.send(&Call::delete(path::delete(name.as_str()))).await?)
    }

    /// Deletes all jobs of the tool.
    ///
    /// # Errors
    ///
    /// No connection, a refusal, or an answer that can't be understood.
    pub async fn flush(&self) -> Result<Answer<Deleted>, ClientError> {
        read(self.send(&Call::delete(path::FLUSH.to_owned())).await?)
    }

    /// Restarts one job. It is sent once: a second restart would end what the first has started.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] with status 404 when there is no such job; else as every method.
    pub async fn restart(&self, name: &ObjectName) -> Result<Answer<JobView>, ClientError> {
        read(self.send(&Call::restart(path::restart(name.as_str()))).await?)
    }

    /// Tells what the tool may have, and what it uses.
    ///
    /// # Errors
    ///
    /// No connection, a refusal, or an answer that can't be understood.
    pub async fn quota(&self) -> Result<Answer<QuotaView>, ClientError> {
        read(self.send(&Call::read(path::QUOTA.to_owned())).await?)
    }

    /// Lists the containers on offer.
    ///
    /// # Errors
    ///
    /// No connection, a refusal, or an answer that can't be understood.
    pub async fn containers(&self) -> Result<Answer<Vec<ContainerView>>, ClientError> {
        read(self.send(&Call::read(path::CONTAINERS.to_owned())).await?)
    }
}
