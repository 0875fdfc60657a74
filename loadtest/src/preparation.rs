//! Jobs to ask about: made before anything is measured, and taken away afterwards.
//!
//! With the command's own client, which sends again what got lost and tells in words what is wrong.

use std::sync::Arc;

use tjf_api_types::ObjectName;
use tjf_cli::{Client, ClientError, Pem, SetupError};
use tokio::task::JoinSet;

use crate::{
    address::Address,
    target::service::{Subjects, job},
    tools::Tool,
};

/// What the names of all our jobs begin with, in this run and in others.
pub(crate) const PREFIX: &str = "loadtest-";

/// Tools that are looked after at the same time.
const AT_ONCE: usize = 8;

/// Why there is nothing to ask about.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreparationError {
    /// The client can't be made.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The service does not do what is needed.
    #[error("{what} of the tool {tool}: {source}")]
    Client {
        /// What was tried.
        what: &'static str,
        /// For whom.
        tool: String,
        /// What came of it.
        source: Box<ClientError>,
    },
}

/// Tools, as the service's clients.
pub(crate) struct Preparation(Vec<(String, Arc<Client>)>);

impl Preparation {
    /// Nothing is sent yet.
    pub(crate) fn new(
        tools: &[Tool],
        server: &Address,
        ca: &Pem,
    ) -> Result<Self, PreparationError> {
        let client = |tool: &Tool| {
            let client = Client::new(&server.url, &tool.credentials(ca))?;
            Ok((tool.name.clone(), Arc::new(client)))
        };
        tools.iter().map(client).collect::<Result<_, _>>().map(Self)
    }

    /// Makes the jobs of every tool.
    pub(crate) async fn make(&self, subjects: &Subjects) -> Result<(), PreparationError> {
        let subjects = Arc::new(subjects.clone());
        self.for_each(move |tool, client| {
            let subjects = Arc::clone(&subjects);
            async move {
                for name in &subjects.jobs {
                    let made = client.run(&job(name, &subjects.container), name).await;
                    made.map_err(|source| failed("a job can't be made", &tool, source))?;
                }
                Ok(())
            }
        })
        .await
    }

    /// Takes away all jobs that a load test has ever made, and no other job.
    pub(crate) async fn clear(&self) -> Result<(), PreparationError> {
        self.for_each(|tool, client| async move {
            let jobs = client.list().await;
            let jobs = jobs.map_err(|source| failed("the jobs can't be listed", &tool, source))?;
            for job in jobs.value.iter().filter(|job| job.name.starts_with(PREFIX)) {
                let Ok(name) = job.name.parse::<ObjectName>() else { continue };
                client
                    .delete(&name)
                    .await
                    .map_err(|source| failed("a job can't be deleted", &tool, source))?;
            }
            Ok(())
        })
        .await
    }

    async fn for_each<F>(
        &self,
        work: impl Fn(String, Arc<Client>) -> F,
    ) -> Result<(), PreparationError>
    where
        F: Future<Output = Result<(), PreparationError>> + Send + 'static,
    {
        let mut under_way = JoinSet::new();
        for (tool, client) in &self.0 {
            if under_way.len() >= AT_ONCE {
                finish_one(&mut under_way).await?;
            }
            under_way.spawn(work(tool.clone(), Arc::clone(client)));
        }
        while !under_way.is_empty() {
            finish_one(&mut under_way).await?;
        }
        Ok(())
    }
}

async fn finish_one(
    under_way: &mut JoinSet<Result<(), PreparationError>>,
) -> Result<(), PreparationError> {
    match under_way.join_next().await {
        Some(Ok(result)) => result,
        Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
        None => Ok(()),
    }
}

fn failed(what: &'static str, tool: &str, source: ClientError) -> PreparationError {
    PreparationError::Client { what, tool: tool.to_owned(), source: Box::new(source) }
}
