//! Looking: one object, a list, a pod's log.

use std::{fmt, str::FromStr, sync::Arc};

use serde_json::{Value, json};

use super::{
    path::{Query, Target},
    selector::Selector,
    status::{Refused, cause},
};
use crate::{
    kind::Kind,
    object::{Key, Object},
    store::Store,
};

/// A list, or a page of it.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) items: Vec<Arc<Object>>,
    version: u64,
    next: Option<Page>,
    left: usize,
}

/// Where a list goes on, and of which version it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Page {
    version: u64,
    after: Key,
}

/// One object.
///
/// # Errors
/// When it is not there.
pub(crate) fn get(store: &Store, key: &Key) -> Result<Arc<Object>, Refused> {
    store.get(key).cloned().ok_or_else(|| Refused::not_found(key))
}

/// A list, as of now, as of a version, or going on where the last page ended.
///
/// # Errors
/// When the version has not come yet or is forgotten, or the request makes no sense.
pub(crate) fn list(store: &Store, target: &Target, query: &Query) -> Result<List, Refused> {
    let selector = Selector::of(query, target.kind)?;
    let page = query.get("continue").map(|token| token.parse::<Page>()).transpose();
    let page = page.map_err(|()| Refused::bad_request("continue key is not valid"))?;
    let exact = match &page {
        Some(page) => Some(page.version),
        None => version_asked(store, query)?,
    };
    let refused = |refusal| Refused::by_store(&target.key(), &refusal);
    let (all, version) = match exact {
        Some(version) => {
            (store.list_at(target.kind, target.within(), version).map_err(refused)?, version)
        }
        None => (store.list(target.kind, target.within()).cloned().collect(), store.version()),
    };
    let is_left = |object: &Arc<Object>| {
        page.as_ref().is_none_or(|page| object.key() > page.after) && selector.selects(object)
    };
    let mut items: Vec<_> = all.into_iter().filter(is_left).collect();
    let limit = query.number("limit")?.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(items.len());
    let left = items.split_off(limit.min(items.len())).len();
    let last = items.last().filter(|_| left > 0);
    let next = last.map(|last| Page { version, after: last.key() });
    Ok(List { items, version, next, left })
}

/// The very version that is asked for, if it must be that one.
fn version_asked(store: &Store, query: &Query) -> Result<Option<u64>, Refused> {
    let how = query.get("resourceVersionMatch");
    let Some(version) = query.number("resourceVersion")? else {
        return how.map_or(Ok(None), |_| {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            let why = format!("Forbidden: {why}");
            let cause = cause("resourceVersionMatch", "FieldValueForbidden", why);
            Err(Refused::invalid("ListOptions", "meta.k8s.io", "", &[cause]))
        });
    };
    if version > store.version() {
        return Err(Refused::version_too_large(version, store.version()));
    }
    match how {
        Some("Exact") => Ok(Some(version)),
        None | Some("NotOlderThan") => Ok(None),
        Some(other) => Err(Refused::bad_request(format!("resourceVersionMatch: {other}"))),
    }
}

impl List {
    /// All of it, as of a version.
    pub(crate) fn whole(items: Vec<Arc<Object>>, version: u64) -> Self {
        Self { items, version, next: None, left: 0 }
    }

    /// As it is sent. The items say neither kind nor version: the list does.
    pub(crate) fn to_value(&self, kind: Kind) -> Value {
        let items: Vec<_> = self.items.iter().map(|object| item(object)).collect();
        let mut metadata = json!({"resourceVersion": self.version.to_string()});
        if let Some(next) = &self.next {
            metadata["continue"] = json!(next.to_string());
            metadata["remainingItemCount"] = json!(self.left);
        }
        json!({
            "kind": format!("{}List", kind.name()), "apiVersion": kind.api_version(),
            "metadata": metadata, "items": items,
        })
    }
}

/// An object within a list.
fn item(object: &Object) -> Value {
    let mut value = object.to_value();
    if let Value::Object(fields) = &mut value {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    value
}

/// Neither part of a key can have a slash.
impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Key { kind, namespace, name } = &self.after;
        write!(f, "{}/{}/{namespace}/{name}", self.version, kind.name())
    }
}

impl FromStr for Page {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<_> = text.split('/').collect();
        let [version, kind, namespace, name] = parts.as_slice() else { return Err(()) };
        let kind = Kind::named(kind).ok_or(())?;
        let version = version.parse().map_err(|_| ())?;
        Ok(Self { version, after: Key::new(kind, namespace, name) })
    }
}
