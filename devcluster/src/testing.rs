//! Objects and times for tests.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{kind::Kind, object::Object, store::Store};

pub(crate) const NAMESPACE: &str = "tool-tf-test";

/// So many milliseconds after the beginning.
pub(crate) fn at(milliseconds: i64) -> Timestamp {
    let beginning = Timestamp::from_second(1_800_000_000).unwrap();
    beginning + SignedDuration::from_millis(milliseconds)
}

/// An object of the tests' namespace, with these fields beside its name.
pub(crate) fn object(kind: Kind, name: &str, fields: Value) -> Object {
    let mut object = Object::make(kind, fields);
    object.metadata.name = Some(name.to_owned());
    object.metadata.namespace = kind.is_namespaced().then(|| NAMESPACE.to_owned());
    object
}

/// A pod that asks for this.
pub(crate) fn pod(name: &str, resources: Value) -> Object {
    let mut container = json!({"name": "job", "image": "tjf.local/busybox:1"});
    container["resources"] = resources;
    let fields = json!({"spec": {"containers": [container]}, "status": {"phase": "Pending"}});
    object(Kind::Pod, name, fields)
}

/// A quota with the name that the recorded sentences have.
pub(crate) fn quota(hard: Value) -> Object {
    let mut fields = json!({"spec": {}});
    fields["spec"]["hard"] = hard;
    object(Kind::ResourceQuota, "tool-tf-test", fields)
}

/// The names of what there is of a kind.
pub(crate) fn names(store: &Store, kind: Kind) -> Vec<String> {
    store.list(kind, None).map(|object| object.name().to_owned()).collect()
}
