//! Empties a namespace that is going.

use k8s_openapi::api::core::v1::NamespaceStatus;

use super::{Reaction, View, delete, update};
use crate::{kind::Kind, object::Object};

/// What every namespace keeps until it is empty. In Kubernetes it is in the spec.
pub const FINALIZER: &str = "kubernetes";

/// Deletes what is in it, the events last: what goes is still told of.
pub(super) fn reconcile(view: View<'_>, namespace: &Object) -> Reaction {
    if !namespace.is_going() {
        return Reaction::default();
    }
    let (events, others): (Vec<_>, Vec<_>) = Kind::ALL
        .into_iter()
        .flat_map(|kind| view.store.list(kind, Some(namespace.name())))
        .partition(|object| object.kind == Kind::Event);
    let left = if others.is_empty() { events } else { others };

    let phase = Some("Terminating".to_owned());
    let status = NamespaceStatus { phase, ..namespace.status() };
    let mut told = namespace.clone().with_status(&status);
    if left.is_empty() {
        told.remove_finalizer(FINALIZER);
    }
    let to_delete = left.into_iter().filter(|object| !object.is_going());
    let deletions = to_delete.map(|object| delete(object));
    let actions = update(namespace, told).into_iter().chain(deletions).collect();
    Reaction { actions, ..Reaction::default() }
}

#[cfg(test)]
mod tests;
