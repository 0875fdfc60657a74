//! Empties a namespace that is going.

use k8s_openapi::api::core::v1::NamespaceStatus;

use super::{Action, Reaction, View};
use crate::{
    kind::Kind,
    object::Object,
    store::{Deletion, Propagation},
};

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

    let mut told = namespace.clone();
    let mut status: NamespaceStatus = namespace.status();
    if status.phase.as_deref() != Some("Terminating") {
        status.phase = Some("Terminating".to_owned());
        told = told.with_status(&status);
    }
    if left.is_empty() {
        told.remove_finalizer(FINALIZER);
    }
    let mut actions = Vec::new();
    if told != *namespace {
        actions.push(Action::Update(Box::new(told)));
    }
    // Jobs let their pods live when nobody says otherwise, which here would only take longer.
    let deletion =
        || Deletion { propagation: Some(Propagation::Background), ..Deletion::default() };
    let to_delete = left.into_iter().filter(|object| !object.is_going());
    actions.extend(to_delete.map(|object| Action::Delete(object.key(), deletion())));
    Reaction { actions, ..Reaction::default() }
}

#[cfg(test)]
mod tests;
