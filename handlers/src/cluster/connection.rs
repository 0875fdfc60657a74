//! One tool's connection to Kubernetes: as whom it calls, where, and what is sent again.
//!
//! It belongs to no request: each call brings its own deadline.

use std::{sync::Mutex, time::Duration};

use http::{HeaderValue, Version, header};
use kube::client::Body;
use tjf_api_types::ToolName;
use tjf_runtime::{
    lock,
    pool::{ClientSource, HomeClient, Pooled},
};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    ClusterError,
    answer::{self, Bounds, Reader},
    error,
    repeat::{Repeats, Verdict},
    verb::Verb,
};
use crate::{job::kind::Kind, state::KnownTool};

/// A call that took this long is not going to be answered; a request has time for more than one.
pub(super) const CALL_TIME_MAX: Duration = Duration::from_secs(10);

/// One call, with all that is needed to send it again.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) verb: Verb,
    pub(super) kind: Kind,
    /// Path and query.
    pub(super) path: String,
    /// The form of the answer; plain JSON when absent.
    pub(super) accept: Option<&'static str>,
    /// JSON, or nothing.
    pub(super) body: Vec<u8>,
}

/// What a call goes over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// The connection that the tool's watches share, which is there already: a new one costs both
    /// sides a handshake. When it breaks, nobody can tell what that has to do with this call, so the
    /// call is made again over one of its own.
    Shared,
    /// A connection of its own.
    Own,
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
        lock(&self.client).clone()
    }

    /// Calls until there is an answer that stands and can be read, or no time for another try.
    ///
    /// # Errors
    /// The last answer. When a change may have been made although nothing says so, the error is
    /// [`ClusterError::Unknown`].
    pub(super) async fn send<R: Reader>(
        &self,
        request: &Request,
        over: Over,
        (deadline, bounds): (Instant, Bounds<'_>),
        reader: impl Fn() -> R,
    ) -> Result<R::Output, ClusterError> {
        let mut repeats = Repeats::new(request.verb, deadline);
        loop {
            let error = match self.try_once(request, over, (deadline, bounds), &reader).await {
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
    async fn try_once<R: Reader>(
        &self,
        request: &Request,
        mut over: Over,
        within: (Instant, Bounds<'_>),
        reader: impl Fn() -> R,
    ) -> Result<R::Output, ClusterError> {
        loop {
            let client = self.client();
            if !client.client.can_follow {
                over = Over::Own;
            }
            match self.try_with(&client, request, over, within, reader()).await {
                Err(error) if over == Over::Shared && error.is_without_answer() => {
                    tracing::debug!(%error, path = request.path, "calling over a connection of its own");
                    over = Over::Own;
                }
                Err(ClusterError::CredentialsRejected) => {
                    let renewed = self.clients.renewed(&client).await?;
                    *lock(&self.client) = renewed;
                }
                outcome => return outcome,
            }
        }
    }

    async fn try_with<R: Reader>(
        &self,
        client: &Pooled<HomeClient>,
        request: &Request,
        over: Over,
        (deadline, bounds): (Instant, Bounds<'_>),
        reader: R,
    ) -> Result<R::Output, ClusterError> {
        let mut message = http::Request::builder().method(request.verb.method()).uri(&request.path);
        if !request.body.is_empty() {
            message = message.header(header::CONTENT_TYPE, request.verb.media_type());
        }
        if over == Over::Shared {
            message = message.version(Version::HTTP_2);
        }
        if let Some(accept) = request.accept {
            message = message.header(header::ACCEPT, HeaderValue::from_static(accept));
        }
        let message = message
            .body(Body::from(request.body.clone()))
            .map_err(|error| ClusterError::NotReached(error.into()))?;
        let call = timeout_at(deadline, bounds.calls.acquire()).await;
        let _call = call.map_err(|_| ClusterError::OutOfTime)?;
        let now = Instant::now();
        if now >= deadline {
            return Err(ClusterError::OutOfTime);
        }
        let end = deadline.min(now + CALL_TIME_MAX);
        let response = timeout_at(end, client.client.kube.send(message))
            .await
            .map_err(|elapsed| ClusterError::Lost(elapsed.into()))?
            .map_err(ClusterError::without_answer)?;
        let (parts, body) = response.into_parts();
        if parts.status.is_success() {
            return answer::read(body, reader, bounds, (end, deadline)).await;
        }
        let body = answer::read_refusal(body, end).await?;
        let action = request.verb.of(request.kind);
        Err(error::refused(parts.status, &parts.headers, &body, (self.tool.as_str(), &action)))
    }
}

#[cfg(test)]
mod tests;
