//! One tool's connection to Kubernetes: as whom it calls, where, and what is sent again.
//!
//! It belongs to no request: each call brings its own deadline.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http::header;
use kube::client::Body;
use tjf_api_types::ToolName;
use tjf_runtime::pool::{ClientSource, HomeClient, Pooled, was_never_sent, was_refused_by_tls};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    ClusterError, error,
    repeat::{Repeats, Verdict},
    verb::Verb,
};
use crate::{job::kind::Kind, state::KnownTool};

/// A call that took this long is not going to be answered; a request has time for more than one.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);

/// One call, with all that is needed to send it again.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) verb: Verb,
    pub(super) kind: Kind,
    /// Path and query.
    pub(super) path: String,
    /// JSON, or nothing.
    pub(super) body: Vec<u8>,
}

/// A tool's connection to Kubernetes.
pub(super) struct Connection {
    tool: ToolName,
    namespace: String,
    clients: ClientSource<KnownTool>,
    client: Mutex<Pooled<HomeClient>>,
}

impl Connection {
    /// Connects as the tool whose clients these are.
    ///
    /// # Errors
    /// When the tool has no client.
    pub(super) async fn of(
        tool: ToolName,
        clients: ClientSource<KnownTool>,
    ) -> Result<Self, ClusterError> {
        let client = Mutex::new(clients.get().await?);
        let namespace = format!("tool-{tool}");
        Ok(Self { tool, namespace, clients, client })
    }

    /// The tool.
    pub(super) fn tool(&self) -> &ToolName {
        &self.tool
    }

    /// Where all of the tool's objects are.
    pub(super) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The client that was used last.
    pub(super) fn client(&self) -> Pooled<HomeClient> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Calls until there is an answer that stands and can be read, or no time for another try.
    ///
    /// # Errors
    /// The last answer. When a change may have been made although nothing says so, the error is
    /// [`ClusterError::Unknown`].
    pub(super) async fn send<T>(
        &self,
        request: &Request,
        deadline: Instant,
        read: impl Fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<T, ClusterError> {
        let mut repeats = Repeats::new(request.verb, deadline);
        loop {
            let body = self.try_once(request, deadline).await;
            let error = match body.and_then(|it| read(&it).map_err(ClusterError::Unreadable)) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match repeats.after(error) {
                Verdict::Again { after, error } => {
                    tracing::debug!(%error, path = request.path, "calling Kubernetes again");
                    sleep(after).await;
                }
                Verdict::Final(error) => return Err(error),
                Verdict::Unknown(error) => {
                    return Err(error.leaving_unknown(request.verb.of(request.kind)));
                }
            }
        }
    }

    /// Calls once; and with another client when Kubernetes refused the certificate, in which case
    /// nothing was done. There is another for as long as the home has others, looked at seldom.
    async fn try_once(&self, request: &Request, deadline: Instant) -> Result<Bytes, ClusterError> {
        loop {
            let client = self.client();
            match self.try_with(&client, request, deadline).await {
                Err(ClusterError::CredentialsRejected) => {
                    let renewed = self.clients.renewed(&client).await?;
                    *self.client.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_with(
        &self,
        client: &Pooled<HomeClient>,
        request: &Request,
        deadline: Instant,
    ) -> Result<Bytes, ClusterError> {
        let mut message = http::Request::builder().method(request.verb.method()).uri(&request.path);
        if !request.body.is_empty() {
            message = message.header(header::CONTENT_TYPE, "application/json");
        }
        let message = message
            .body(Body::from(request.body.clone()))
            .map_err(|error| ClusterError::NotReached(error.into()))?;
        let exchange = async {
            let response = client.client.kube.send(message).await.map_err(unanswered)?;
            let (parts, body) = response.into_parts();
            let body = body.collect_bytes().await;
            Ok((parts, body.map_err(|error| ClusterError::Lost(error.into()))?))
        };
        let now = Instant::now();
        if now >= deadline {
            return Err(ClusterError::OutOfTime);
        }
        let end = deadline.min(now + CALL_TIME_MAX);
        let (parts, body) = timeout_at(end, exchange)
            .await
            .unwrap_or_else(|elapsed| Err(ClusterError::Lost(elapsed.into())))?;
        if parts.status.is_success() {
            return Ok(body);
        }
        let action = request.verb.of(request.kind);
        Err(error::refused(parts.status, &parts.headers, &body, (self.tool.as_str(), &action)))
    }
}

/// What it means that there is no answer.
fn unanswered(error: kube::Error) -> ClusterError {
    if was_refused_by_tls(&error) {
        tracing::info!(%error, "TLS refused a tool's certificate");
        ClusterError::CredentialsRejected
    } else if was_never_sent(&error) {
        ClusterError::NotReached(error.into())
    } else {
        ClusterError::Lost(error.into())
    }
}
