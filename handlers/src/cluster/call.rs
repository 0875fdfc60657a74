//! What is asked of Kubernetes: the verbs, what a list is to show, and what a delete is to do.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Cluster, ClusterError,
    answer::{Bounds, ListReader, Reader, Unread, Whole},
    connection::{Over, Request},
    survey::Found,
    verb::Verb,
};
use crate::job::{
    kind::{Kind, Resource},
    labels::Selector,
    objects::{List, Meta, Named, Version},
};

/// Bounds what one answer can be; Kubernetes' own clients use the same.
const LIST_PAGE_SIZE: &str = "500";
/// Of objects of which nothing else is used. Who does not know this form answers with all of them.
const METADATA_OF_LIST: &str =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json";
/// A typing error of ours in a manifest must not be passed over.
const STRICT: &str = "fieldValidation=Strict";

/// What is asked of a list.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    query: Vec<(&'static str, String)>,
    is_paged: bool,
}

impl Filter {
    /// Everything in the namespace, as it was at this version or any later one. The answer comes at
    /// once, from the API server's memory of that kind.
    pub(super) fn since(version: Option<Version>) -> Self {
        let version = version.and_then(Version::number).unwrap_or(0).to_string();
        let query =
            vec![("resourceVersion", version), ("resourceVersionMatch", "NotOlderThan".to_owned())];
        Self { query, is_paged: false }
    }

    /// Everything in the namespace, as it is at this moment. The answer may take up to 100 ms, until
    /// the API server's memory of that kind is known to be as fresh as its database (KEP-2340).
    pub(super) fn all() -> Self {
        Self { query: Vec::new(), is_paged: true }
    }

    fn by(key: &'static str, value: String) -> Self {
        Self::all().and(key, value)
    }

    #[must_use]
    fn and(mut self, key: &'static str, value: String) -> Self {
        self.query.push((key, value));
        self
    }

    /// Of these, only what a selector selects.
    #[must_use]
    pub(super) fn selected(self, selector: &Selector) -> Self {
        self.and("labelSelector", selector.as_str().to_owned())
    }

    /// What a selector selects.
    pub(super) fn labels(selector: &Selector) -> Self {
        Self::all().selected(selector)
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
    pub(super) fn exactly_at(self, version: u64) -> Self {
        self.and("resourceVersion", version.to_string())
            .and("resourceVersionMatch", "Exact".to_owned())
    }
}

/// What a list shows.
#[derive(Debug)]
pub(super) struct Listed<T> {
    /// The objects.
    pub(super) items: Vec<T>,
    /// The version of the whole cluster at which they were so.
    pub(super) version: Version,
    /// Bytes that all of it had.
    pub(super) bytes: usize,
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
    fn any() -> Self {
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
    /// The object of this name, if there is one.
    pub(super) async fn get<T: Resource>(&self, name: &str) -> Result<Option<T>, ClusterError> {
        self.get_as(T::KIND, name).await
    }

    /// What any kind of object says of itself.
    pub(super) async fn get_meta(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<Meta>, ClusterError> {
        Ok(self.get_as::<Named>(kind, name).await?.map(|named| named.metadata))
    }

    async fn get_as<T: DeserializeOwned>(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<T>, ClusterError> {
        self.get_with(kind, name, |body| serde_json::from_slice(body)).await
    }

    async fn get_with<T>(
        &self,
        kind: Kind,
        name: &str,
        read: fn(&[u8]) -> serde_json::Result<T>,
    ) -> Result<Option<T>, ClusterError> {
        let path = format!("{}/{name}", self.path_of(kind));
        let request = Request { verb: Verb::Get, kind, path, accept: None, body: Vec::new() };
        match self.send(&request, || Whole::new(read)).await {
            Ok(object) => Ok(Some(object)),
            Err(ClusterError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All pages of a list.
    pub(super) async fn list<T: Resource>(
        &self,
        filter: Filter,
    ) -> Result<Listed<T>, ClusterError> {
        self.list_as(T::KIND, filter, None).await
    }

    /// The same of what any kind of object says of itself.
    pub(super) async fn list_meta(
        &self,
        kind: Kind,
        filter: Filter,
    ) -> Result<Vec<Meta>, ClusterError> {
        let listed = self.list_as::<Named>(kind, filter, Some(METADATA_OF_LIST)).await?;
        Ok(listed.items.into_iter().map(|named| named.metadata).collect())
    }

    async fn list_as<T: DeserializeOwned>(
        &self,
        kind: Kind,
        mut filter: Filter,
        accept: Option<&'static str>,
    ) -> Result<Listed<T>, ClusterError> {
        let (mut all, mut bytes) = (Vec::new(), 0);
        let mut token: Option<String> = None;
        loop {
            let path = with_query(self.path_of(kind), &filter, token.as_deref());
            let request = Request { verb: Verb::List, kind, path, accept, body: Vec::new() };
            let page = self.send(&request, ListReader::<T>::default).await;
            let List { metadata, mut items } = match page {
                // It has forgotten the version of the pages before. Whole, a list can't be
                // interrupted like that.
                Err(ClusterError::NoSuchVersion { .. }) if token.is_some() => {
                    all.clear();
                    (token, bytes) = (None, 0);
                    filter = filter.unpaged();
                    continue;
                }
                page => page?,
            };
            all.append(&mut items);
            bytes += metadata.bytes;
            token = metadata.continue_token.filter(|token| !token.is_empty());
            if token.is_none() {
                // All pages of one list show the same version.
                let version = Version::parse(&metadata.resource_version);
                return Ok(Listed { items: all, version, bytes });
            }
        }
    }

    /// Creates an object, and gives it as Kubernetes has it.
    pub(super) async fn create_object(
        &self,
        kind: Kind,
        object: &Value,
    ) -> Result<(Vec<u8>, Meta), ClusterError> {
        let path = format!("{}?{STRICT}", self.path_of(kind));
        let body = written(object)?;
        let request = Request { verb: Verb::Create, kind, path, accept: None, body };
        let created = self.send(&request, || Whole::new(read_object)).await;
        created.map_err(|error| self.without_namespace(error, kind))
    }

    /// Asks whether an object would be created. Nothing is.
    pub(super) async fn try_create(&self, kind: Kind, object: &Value) -> Result<(), ClusterError> {
        let path = format!("{}?dryRun=All&{STRICT}", self.path_of(kind));
        let body = written(object)?;
        let request = Request { verb: Verb::TryCreate, kind, path, accept: None, body };
        let tried = self.send(&request, || Unread).await;
        tried.map_err(|error| self.without_namespace(error, kind))
    }

    /// What is not found when something is created is its namespace.
    fn without_namespace(&self, error: ClusterError, kind: Kind) -> ClusterError {
        if !matches!(error, ClusterError::NotFound) {
            return error;
        }
        ClusterError::Forbidden {
            tool: self.tool().to_string(),
            action: Verb::Create.of(kind),
            message: "the namespace is not there".to_owned(),
        }
    }

    /// Changes some fields of an object, as a merge patch says, and gives it as Kubernetes has it
    /// then. The patch should name the uid and, where what it changes depends on what was seen, the
    /// version.
    pub(super) async fn patch<T: Resource>(
        &self,
        name: &str,
        patch: &Value,
    ) -> Result<T, ClusterError> {
        let path = format!("{}/{name}?{STRICT}", self.path_of(T::KIND));
        let body = written(patch)?;
        let request = Request { verb: Verb::Patch, kind: T::KIND, path, accept: None, body };
        self.send(&request, || Whole::new(|body| serde_json::from_slice(body))).await
    }

    /// An object as Kubernetes has it.
    pub(super) async fn get_object(
        &self,
        kind: Kind,
        name: &str,
    ) -> Result<Option<(Vec<u8>, Meta)>, ClusterError> {
        self.get_with(kind, name, read_object).await
    }

    /// Deletes this very object. That it has gone already, or that another has its name now, is
    /// success.
    pub(super) async fn delete(
        &self,
        kind: Kind,
        name: &str,
        options: &DeleteOptions<'_>,
    ) -> Result<(), ClusterError> {
        let path = format!("{}/{name}", self.path_of(kind));
        let body = written(options)?;
        let request = Request { verb: Verb::Delete, kind, path, accept: None, body };
        match self.send(&request, || Unread).await {
            Ok(()) | Err(ClusterError::NotFound | ClusterError::OtherObject) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Deletes what a selector selects, and gives what that was.
    pub(super) async fn delete_all(
        &self,
        kind: Kind,
        selector: &Selector,
    ) -> Result<Vec<Meta>, ClusterError> {
        let filter = Filter::labels(selector).unpaged();
        let path = with_query(self.path_of(kind), &filter, None);
        let body = written(&DeleteOptions::any())?;
        let request = Request { verb: Verb::DeleteCollection, kind, path, accept: None, body };
        let List { items, .. } = self.send(&request, ListReader::<Named>::default).await?;
        let deleted: Vec<_> = items.into_iter().map(|named| named.metadata).collect();
        deleted.iter().for_each(|meta| self.note_deleted(Found { kind, meta }));
        Ok(deleted)
    }

    /// Has readers wait until what is remembered shows it.
    pub(super) fn note_deleted(&self, Found { kind, meta }: Found<'_>) {
        self.context.known().store.note_deleted(kind, &meta.uid, meta.version);
    }

    fn path_of(&self, kind: Kind) -> String {
        kind.path(self.connection.namespace())
    }

    async fn send<R: Reader>(
        &self,
        request: &Request,
        reader: impl Fn() -> R,
    ) -> Result<R::Output, ClusterError> {
        let known = self.context.known();
        let bounds = Bounds {
            calls: &known.calls.all,
            large_of_tool: &known.reading,
            large_of_all: &self.context.state.reading,
        };
        let may_share = request.verb.is_read() && !known.store.is_paused();
        let place = may_share.then(|| known.calls.shared.try_acquire().ok()).flatten();
        let over = if place.is_some() { Over::Shared } else { Over::Own };
        self.connection.send(request, over, (self.deadline, bounds), reader).await
    }
}

fn written(body: &impl Serialize) -> Result<Vec<u8>, ClusterError> {
    serde_json::to_vec(body).map_err(ClusterError::Unwritable)
}

fn read_object(body: &[u8]) -> serde_json::Result<(Vec<u8>, Meta)> {
    let Named { metadata } = serde_json::from_slice(body)?;
    Ok((body.to_vec(), metadata))
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
    fn lists_are_paged_but_for_those_that_must_be_whole_or_quick() {
        let selector = || Filter::labels(&Selector::of_tool(&"tf-test".parse().unwrap()));
        let query = |filter: &Filter| with_query("/pods".to_owned(), filter, None);
        assert!(query(&selector()).contains("limit=500"));
        assert!(!query(&selector().unpaged()).contains("limit"));
        // Kubernetes reads a page of it from the database.
        assert!(!query(&Filter::since(None)).contains("limit"));
    }
}
