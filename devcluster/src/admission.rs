//! What a namespace lets in.
//!
//! Three questions, in Kubernetes' order: whether the namespace itself is going, what its limit
//! ranges make of a pod, and whether its quotas have room.

mod amount;
mod limits;
mod quota;
mod usage;

use thiserror::Error;

pub(crate) use self::usage::used;
use crate::{
    kind::Kind,
    object::{Key, Object},
    store::Store,
};

/// Why an object may not be created. `Display` is the API's own sentence.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} \"{name}\" is forbidden: {why}", kind.resource())]
pub struct Forbidden {
    /// What it would have been.
    pub kind: Kind,
    /// How it would have been called.
    pub name: String,
    /// What is in the way.
    pub why: String,
}

/// The object as it may be created.
///
/// # Errors
/// When it may not.
pub fn admit(store: &Store, object: Object) -> Result<Object, Forbidden> {
    let name = match object.name() {
        "" => object.metadata.generate_name.clone().unwrap_or_default(),
        name => name.to_owned(),
    };
    let kind = object.kind;
    let forbidden = |why| Forbidden { kind, name: name.clone(), why };
    check_namespace(store, object.namespace()).map_err(forbidden)?;
    let object =
        if kind == Kind::Pod { limits::apply(store, object).map_err(forbidden)? } else { object };
    quota::check(store, &object).map_err(forbidden)?;
    Ok(object)
}

/// Whether a namespace takes anything new.
///
/// # Errors
/// Why it does not.
pub(crate) fn check_namespace(store: &Store, namespace: &str) -> Result<(), String> {
    match store.get(&Key::new(Kind::Namespace, "", namespace)) {
        Some(found) if found.is_going() => Err(format!(
            "unable to create new content in namespace {namespace} because it is being terminated"
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
