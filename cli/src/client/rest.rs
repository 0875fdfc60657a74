//! The routes that need no more than a method and a path.

use tjf_api_types::{ContainerView, Deleted, JobView, ObjectName, QuotaView, path};

use super::{Answer, Call, Client, ClientError, read};

impl Client {
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
