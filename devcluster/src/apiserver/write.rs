//! Changing: create, replace, patch, delete.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions;
use serde_json::Value;

use super::{
    content::{self, Sent},
    path::{Query, Target},
    read::{self, List},
    selector::Selector,
    status::{Refused, cause},
    validate,
};
use crate::{
    admission, defaults,
    kind::Kind,
    object::{Key, Object},
    store::{Deleted, Deletion, Refusal, Store},
};

/// Creates what was sent, if its kind, the namespace, its limits and its quotas allow it. A dry run
/// gives what would be created, without a version.
///
/// # Errors
/// Whatever is in the way.
pub(crate) fn create(
    store: &mut Store,
    sent: Sent,
    now: Timestamp,
) -> Result<Arc<Object>, Refused> {
    let mut object = store.named(clean(sent.object));
    let key = object.key();
    check_namespace(store, &key)?;
    object = defaults::complete(object);
    validate::check(&object)?;
    // A quota that is used up is told before a name that is taken, as in Kubernetes.
    object = admission::admit(store, object)
        .map_err(|forbidden| Refused::forbidden(key.kind, &key.name, &forbidden.why))?;
    let created = if sent.is_dry {
        store.would_create(object, now).map(Arc::new)
    } else {
        store.create(object, now)
    };
    created.map_err(|refusal| Refused::by_store(&key, &refusal))
}

/// Without what only the server says of an object, and the store does not say anew.
fn clean(mut object: Object) -> Object {
    let metadata = &mut object.metadata;
    metadata.uid = None;
    metadata.resource_version = None;
    metadata.managed_fields = None;
    metadata.self_link = None;
    if object.kind.has_status() {
        object.content.remove("status");
    }
    object
}

fn check_namespace(store: &Store, key: &Key) -> Result<(), Refused> {
    if !key.kind.is_namespaced() {
        return Ok(());
    }
    if key.namespace.is_empty() {
        return Err(Refused::method_not_allowed());
    }
    read::get(store, &Key::new(Kind::Namespace, "", &key.namespace))?;
    // Before the object itself is judged, and before its name.
    admission::check_namespace(store, &key.namespace)
        .map_err(|what| Refused::forbidden(key.kind, &key.name, &what))
}

/// Replaces an object, or its status alone.
///
/// # Errors
/// Whatever is in the way.
pub(crate) fn replace(
    store: &mut Store,
    target: &Target,
    sent: Object,
) -> Result<Arc<Object>, Refused> {
    let key = target.key();
    let found = read::get(store, &key)?;
    let status_of = |object: &Object| object.content.get("status").cloned();
    let (object, status) = match target.part {
        Some(_) => {
            let mut object = Object::clone(&found);
            object.metadata.resource_version.clone_from(&sent.metadata.resource_version);
            (object, status_of(&sent))
        }
        None => (sent, status_of(&found)),
    };
    let mut object = defaults::complete(object);
    match status {
        Some(status) => object.content.insert("status".to_owned(), status),
        None => object.content.remove("status"),
    };
    validate::check(&object)?;
    store.update(object).map_err(|refusal| Refused::by_store(&key, &refusal))
}

/// Merges a patch into an object, or into its status alone.
///
/// # Errors
/// Whatever is in the way.
pub(crate) fn patch(
    store: &mut Store,
    target: &Target,
    query: &Query,
    patch: &Bytes,
) -> Result<(Arc<Object>, Vec<String>), Refused> {
    let patch: Value = serde_json::from_slice(patch)
        .map_err(|error| Refused::bad_request(format!("error decoding patch: {error}")))?;
    let names_a_version = patch.pointer("/metadata/resourceVersion").is_some();
    let found = read::get(store, &target.key())?;
    check_identity(&found, &patch)?;
    let mut value = found.to_value();
    content::merge(&mut value, patch);
    let Sent { mut object, warnings, .. } = content::typed(&value, target, query)?;
    if !names_a_version {
        object.metadata.resource_version = None;
    }
    Ok((replace(store, target, object)?, warnings))
}

/// Looks whether this is the object that a patch is for. A version that is over is told first, and
/// then a uid that is another's.
///
/// # Errors
/// When it is not.
fn check_identity(found: &Object, patch: &Value) -> Result<(), Refused> {
    let says = |field: &str| patch.pointer(&format!("/metadata/{field}")).and_then(Value::as_str);
    let version = found.metadata.resource_version.as_deref();
    if says("resourceVersion").is_some_and(|wanted| version != Some(wanted)) {
        return Err(Refused::by_store(&found.key(), &Refusal::Changed));
    }
    match says("uid") {
        Some(uid) if uid != found.uid() => {
            let why = format!("Invalid value: \"{uid}\": field is immutable");
            // Both Kubernetes' general rules and those of the kind say so.
            let cause = cause("metadata.uid", "FieldValueInvalid", why);
            let (kind, causes) = (found.kind, [cause.clone(), cause]);
            Err(Refused::invalid(kind.name(), kind.group(), found.name(), &causes))
        }
        _ => Ok(()),
    }
}

/// How the caller wants to delete. A body outweighs the query, also where it says nothing.
///
/// # Errors
/// When it can't be understood.
pub(crate) fn deletion(body: &Bytes, query: &Query) -> Result<Deletion, Refused> {
    let options = if body.is_empty() {
        let grace = query.number("gracePeriodSeconds")?.and_then(|grace| i64::try_from(grace).ok());
        DeleteOptions {
            propagation_policy: query.get("propagationPolicy").map(str::to_owned),
            grace_period_seconds: grace,
            ..DeleteOptions::default()
        }
    } else {
        serde_json::from_slice(body)
            .map_err(|error| Refused::bad_request(format!("delete options: {error}")))?
    };
    if options.dry_run.is_some_and(|stages| !stages.is_empty()) {
        return Err(Refused::bad_request("this development cluster knows dryRun of creates only"));
    }
    let propagation = options.propagation_policy.map(|policy| {
        serde_json::from_value(policy.into())
            .map_err(|error| Refused::bad_request(format!("propagationPolicy: {error}")))
    });
    let propagation = propagation.transpose()?;
    Ok(Deletion {
        propagation,
        uid: options.preconditions.and_then(|preconditions| preconditions.uid),
        grace_seconds: options.grace_period_seconds,
    })
}

/// What Kubernetes warns of: the default of Jobs is older than its garbage collector.
pub(crate) fn warnings(target: &Target, deletion: &Deletion) -> Vec<String> {
    let is_warned = target.kind == Kind::Job && deletion.propagation.is_none();
    let warning = "child pods are preserved by default when jobs are deleted; set \
        propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress \
        this warning";
    is_warned.then(|| warning.to_owned()).into_iter().collect()
}

/// Deletes one object.
///
/// # Errors
/// When it is not there, or another than was meant.
pub(crate) fn delete(
    store: &mut Store,
    key: &Key,
    deletion: &Deletion,
    now: Timestamp,
) -> Result<Deleted, Refused> {
    store.delete(key, deletion, now).map_err(|refusal| Refused::by_store(key, &refusal))
}

/// Deletes what is selected, and gives it as it was left or lost.
///
/// # Errors
/// When the request makes no sense.
pub(crate) fn delete_all(
    store: &mut Store,
    target: &Target,
    query: &Query,
    deletion: &Deletion,
    now: Timestamp,
) -> Result<List, Refused> {
    let selector = Selector::of(query, target.kind)?;
    let all = store.list(target.kind, target.within()).filter(|object| selector.selects(object));
    let keys: Vec<_> = all.map(|object| object.key()).collect();
    let mut items = Vec::new();
    for key in keys {
        let (Deleted::Gone(object) | Deleted::Going(object)) = delete(store, &key, deletion, now)?;
        items.push(object);
    }
    Ok(List::whole(items, store.version()))
}

#[cfg(test)]
mod tests {
    use http::Uri;
    use serde_json::json;

    use super::*;
    use crate::{
        apiserver::path,
        testing::{NAMESPACE, at, object},
    };

    #[test]
    fn what_a_patch_takes_away_has_its_default_again() {
        let mut store = Store::new(1, 100);
        let pod = json!({"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]});
        let spec = json!({"backoffLimit": 0, "template": {"spec": pod}});
        let job = store.named(object(Kind::Job, "a", json!({"spec": spec})));
        store.create(defaults::complete(job), at(0)).unwrap();

        let path = format!("/apis/batch/v1/namespaces/{NAMESPACE}/jobs/a");
        let target = path::parse(&path).unwrap();
        let query = Query::of(&Uri::from_static("/")).unwrap();
        let body = Bytes::from_static(br#"{"spec": {"backoffLimit": null}}"#);
        let (patched, _) = patch(&mut store, &target, &query, &body).unwrap();
        assert_eq!(patched.content["spec"]["backoffLimit"], 6);
        assert_eq!(patched.content["spec"]["completions"], 1);
    }
}
