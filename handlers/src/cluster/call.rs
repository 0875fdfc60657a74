//! One call to Kubernetes, as the tool.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use kube::client::Body;
use serde::{Serialize, de::DeserializeOwned};
use tjf_runtime::pool::{HomeClient, Pooled};
use tokio::time::timeout;

use super::{Cluster, ClusterError, error};
use crate::job::{labels::Selector, objects::List};

/// A call that took this long is not going to be answered; a request has time for more than one.
const CALL_TIME_MAX: Duration = Duration::from_secs(12);
/// Bounds what one answer can be; Kubernetes' own clients use the same.
const LIST_PAGE_SIZE: &str = "500";

/// The kinds of object that are asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Jobs,
    CronJobs,
    ReplicationControllers,
    Pods,
    Events,
    LimitRanges,
    ResourceQuotas,
}

impl Kind {
    /// The three that a job can be.
    pub(super) const JOBS: [Self; 3] = [Self::Jobs, Self::CronJobs, Self::ReplicationControllers];

    fn plural(self) -> &'static str {
        match self {
            Self::Jobs => "jobs",
            Self::CronJobs => "cronjobs",
            Self::ReplicationControllers => "replicationcontrollers",
            Self::Pods => "pods",
            Self::Events => "events",
            Self::LimitRanges => "limitranges",
            Self::ResourceQuotas => "resourcequotas",
        }
    }

    fn path(self, namespace: &str) -> String {
        let group = match self {
            Self::Jobs | Self::CronJobs => "/apis/batch/v1",
            Self::ReplicationControllers
            | Self::Pods
            | Self::Events
            | Self::LimitRanges
            | Self::ResourceQuotas => "/api/v1",
        };
        format!("{group}/namespaces/{namespace}/{}", self.plural())
    }
}

/// What is asked of a list.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    query: Vec<(&'static str, String)>,
    is_paged: bool,
}

impl Filter {
    /// Everything in the namespace, as of this version or any later one. Not paged: with a limit it
    /// would be read from the database.
    pub(super) fn since(version: Option<&str>) -> Self {
        let version = version.unwrap_or("0").to_owned();
        let is_paged = false;
        let query =
            vec![("resourceVersion", version), ("resourceVersionMatch", "NotOlderThan".to_owned())];
        Self { query, is_paged }
    }

    /// Everything in the namespace.
    pub(super) fn all() -> Self {
        Self { query: Vec::new(), is_paged: true }
    }

    fn by(key: &'static str, value: String) -> Self {
        Self { query: vec![(key, value)], ..Self::all() }
    }

    /// What a selector selects.
    pub(super) fn labels(selector: &Selector) -> Self {
        Self::by("labelSelector", selector.as_str().to_owned())
    }

    /// The one object of this name.
    pub(super) fn name(name: &str) -> Self {
        Self::by("fieldSelector", format!("metadata.name={name}"))
    }

    /// Warnings, of events.
    pub(super) fn warnings() -> Self {
        Self::by("fieldSelector", "type=Warning".to_owned())
    }

    /// All at once. A delete of a collection with a limit would leave the rest.
    #[must_use]
    fn unpaged(self) -> Self {
        Self { is_paged: false, ..self }
    }

    /// As it was at this very version.
    #[must_use]
    pub(super) fn exactly_at(mut self, version: &str) -> Self {
        self.query.push(("resourceVersion", version.to_owned()));
        self.query.push(("resourceVersionMatch", "Exact".to_owned()));
        self
    }
}

/// What a delete is to do. The policy travels in the body: without it a Job's pods are orphaned,
/// and a body without it outweighs one in the query.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeleteOptions<'a> {
    propagation_policy: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    preconditions: Option<Preconditions<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grace_period_seconds: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Preconditions<'a> {
    uid: &'a str,
}

impl<'a> DeleteOptions<'a> {
    /// Whatever is there.
    pub(super) fn any() -> Self {
        Self { propagation_policy: "Background", preconditions: None, grace_period_seconds: None }
    }

    /// This very object, and no other of its name.
    pub(super) fn of(uid: &'a str) -> Self {
        Self { preconditions: Some(Preconditions { uid }), ..Self::any() }
    }

    /// At once, without a chance for last words.
    #[must_use]
    pub(super) fn without_grace(self) -> Self {
        Self { grace_period_seconds: Some(0), ..self }
    }
}

impl Cluster {
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<T>, ClusterError> {
        let path = format!("{}/{name}", kind.path(&self.namespace));
        match self.call(Method::GET, &path, Vec::new(), "get", kind).await {
            Ok(body) => serde_json::from_slice(&body).map(Some).map_err(ClusterError::Unreadable),
            Err(ClusterError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All pages of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        kind: Kind,
        filter: Filter,
    ) -> Result<Vec<T>, ClusterError> {
        let mut items = Vec::new();
        let mut token = None;
        loop {
            let path = with_query(kind.path(&self.namespace), &filter, token.as_deref());
            let body = self.call(Method::GET, &path, Vec::new(), "list", kind).await?;
            let mut page: List<T> = read_list(&body)?;
            items.append(&mut page.items);
            token = page.metadata.continue_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(items);
            }
        }
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        kind: Kind,
        object: &impl Serialize,
    ) -> Result<T, ClusterError> {
        let path = format!("{}?fieldValidation=Strict", kind.path(&self.namespace));
        let body = serde_json::to_vec(object).map_err(ClusterError::Unreadable)?;
        let body = self.call(Method::POST, &path, body, "create", kind).await?;
        serde_json::from_slice(&body).map_err(ClusterError::Unreadable)
    }

    /// Deletes one object. That it has gone already, or that another has its name now, is success.
    pub(super) async fn delete(
        &self,
        kind: Kind,
        name: &str,
        options: &DeleteOptions<'_>,
    ) -> Result<(), ClusterError> {
        let path = format!("{}/{name}", kind.path(&self.namespace));
        let body = serde_json::to_vec(options).map_err(ClusterError::Unreadable)?;
        match self.call(Method::DELETE, &path, body, "delete", kind).await {
            Ok(_) | Err(ClusterError::NotFound | ClusterError::Conflict) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes what a selector selects, and gives what that was.
    pub(super) async fn delete_all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        selector: &Selector,
    ) -> Result<Vec<T>, ClusterError> {
        let filter = Filter::labels(selector).unpaged();
        let path = with_query(kind.path(&self.namespace), &filter, None);
        let body = serde_json::to_vec(&DeleteOptions::any()).map_err(ClusterError::Unreadable)?;
        let body = self.call(Method::DELETE, &path, body, "delete", kind).await?;
        Ok(read_list::<T>(&body)?.items)
    }

    /// Calls, and once more where that is known to be safe: with a fresh client when Kubernetes did
    /// not know the old one's certificate, and a read also when no answer came.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        verb: &str,
        kind: Kind,
    ) -> Result<Bytes, ClusterError> {
        let action = format!("{verb} {}", kind.plural());
        let client = self.client();
        match self.call_once(&client, &method, path, body.clone(), &action).await {
            Err(ClusterError::CredentialsRejected) => {
                let renewed = self.context.kube_renewed(&client).await?;
                self.set_client(renewed.clone());
                self.call_once(&renewed, &method, path, body, &action).await
            }
            Err(ClusterError::Unreachable(error)) if method == Method::GET => {
                tracing::debug!(%error, path, "reading again");
                self.call_once(&client, &method, path, body, &action).await
            }
            outcome => outcome,
        }
    }

    async fn call_once(
        &self,
        client: &Pooled<HomeClient>,
        method: &Method,
        path: &str,
        body: Vec<u8>,
        action: &str,
    ) -> Result<Bytes, ClusterError> {
        let mut request = Request::builder().method(method).uri(path);
        if !body.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Body::from(body))
            .map_err(|error| ClusterError::Unreachable(error.into()))?;
        let exchange = async {
            let response = client.client.kube.send(request).await?;
            let (parts, body) = response.into_parts();
            Ok::<_, kube::Error>((parts, body.collect_bytes().await?))
        };
        let (parts, body) = timeout(CALL_TIME_MAX, exchange)
            .await
            .map_err(|elapsed| ClusterError::Unreachable(elapsed.into()))?
            .map_err(|error| ClusterError::Unreachable(error.into()))?;
        if parts.status == StatusCode::OK || parts.status == StatusCode::CREATED {
            return Ok(body);
        }
        Err(error::refused(parts.status, &parts.headers, &body, self.tool.as_str(), action))
    }
}

/// Reads a list; when one object in it can't be read, the others still are.
fn read_list<T: DeserializeOwned>(body: &[u8]) -> Result<List<T>, ClusterError> {
    serde_json::from_slice(body).or_else(|error| {
        let List { metadata, items } = serde_json::from_slice::<List<serde_json::Value>>(body)
            .map_err(ClusterError::Unreadable)?;
        tracing::warn!(%error, "an object of a list can't be read, and is left out");
        let items =
            items.into_iter().filter_map(|item| serde_json::from_value(item).ok()).collect();
        Ok(List { metadata, items })
    })
}

fn with_query(path: String, filter: &Filter, token: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(path + "?");
    if filter.is_paged {
        query.append_pair("limit", LIST_PAGE_SIZE);
    }
    query.extend_pairs(&filter.query);
    if let Some(token) = token {
        query.append_pair("continue", token);
    }
    query.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_paged_but_for_those_that_must_be_whole() {
        let selector = || Filter::labels(&Selector::of_tool(&"tf-test".parse().unwrap()));
        let query = |filter: &Filter| with_query("/pods".to_owned(), filter, None);
        assert!(query(&selector()).contains("limit=500"));
        for whole in [selector().unpaged(), Filter::since(None)] {
            assert!(!query(&whole).contains("limit"), "{whole:?}");
        }
    }
}
