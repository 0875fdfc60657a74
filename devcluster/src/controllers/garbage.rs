//! Collects what nobody owns any more.
//!
//! It looks at an object from both sides: whether its owners still want it, and, when it is going
//! itself, whether it has to wait for what it owns.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::{Action, Reaction, View, delete_with};
use crate::{
    kind::Kind,
    object::{Key, Object},
    store::{FOREGROUND, ORPHAN, Propagation, Store},
};

/// Keeps a Job's pod until the Job has counted it.
pub const JOB_TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// How an owner stands to what it owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// It is there, and wants it.
    Present,
    /// It is going, and lets what it owns go first.
    Waiting,
    /// It has gone, maybe another object has its name.
    Gone,
}

/// Says nothing about an object that may stay as it is.
pub(super) fn reconcile(view: View<'_>, object: &Object) -> Reaction {
    let store = view.store;
    let actions = if is_counted_by_nobody(store, object) {
        vec![without_finalizer(object, JOB_TRACKING)]
    } else if !object.is_going() {
        collect(store, object)
    } else if object.has_finalizer(ORPHAN) {
        orphan(store, object)
    } else if object.has_finalizer(FOREGROUND) && !has_blocking_dependent(store, object) {
        vec![without_finalizer(object, FOREGROUND)]
    } else {
        Vec::new()
    };
    Reaction { actions, ..Reaction::default() }
}

/// Whether it waits for being counted by a Job that has gone, or by none.
fn is_counted_by_nobody(store: &Store, object: &Object) -> bool {
    let is_counted = || match object.controller() {
        Some(owner) if owner.kind == Kind::Job.name() => {
            standing(store, object, owner) != Owner::Gone
        }
        // Whoever that is, it put the finalizer there.
        Some(_) => true,
        None => false,
    };
    object.kind == Kind::Pod && object.has_finalizer(JOB_TRACKING) && !is_counted()
}

/// One owner that wants it is enough. Then the others are forgotten, so that none of them waits.
fn collect(store: &Store, object: &Object) -> Vec<Action> {
    let owners: Vec<_> =
        object.owners().iter().map(|owner| standing(store, object, owner)).collect();
    if owners.iter().all(|owner| *owner == Owner::Present) {
        return Vec::new();
    }
    if owners.contains(&Owner::Present) {
        let is_kept = |owner: &OwnerReference| standing(store, object, owner) == Owner::Present;
        return vec![with_owners(object, is_kept)];
    }
    // Who waits for it waits for what it owns, too.
    let owns_something = store.dependents_of(object.uid()).next().is_some();
    let propagation = if owners.contains(&Owner::Waiting) && owns_something {
        Propagation::Foreground
    } else {
        Propagation::Background
    };
    vec![delete_with(object, propagation)]
}

fn orphan(store: &Store, owner: &Object) -> Vec<Action> {
    let is_kept = |other: &OwnerReference| other.uid != owner.uid();
    let mut actions: Vec<_> =
        store.dependents_of(owner.uid()).map(|it| with_owners(it, is_kept)).collect();
    actions.push(without_finalizer(owner, ORPHAN));
    actions
}

fn has_blocking_dependent(store: &Store, owner: &Object) -> bool {
    let blocks = |other: &OwnerReference| {
        other.uid == owner.uid() && other.block_owner_deletion == Some(true)
    };
    store.dependents_of(owner.uid()).any(|dependent| dependent.owners().iter().any(blocks))
}

/// An owner of a kind that is not here is taken to be there: nobody could say that it has gone.
fn standing(store: &Store, object: &Object, owner: &OwnerReference) -> Owner {
    let Some(kind) = Kind::named(&owner.kind) else { return Owner::Present };
    let namespace = if kind.is_namespaced() { object.namespace() } else { "" };
    match store.get(&Key::new(kind, namespace, &owner.name)) {
        Some(found) if found.uid() != owner.uid => Owner::Gone,
        Some(found) if found.is_going() && found.has_finalizer(FOREGROUND) => Owner::Waiting,
        Some(_) => Owner::Present,
        None => Owner::Gone,
    }
}

fn with_owners(object: &Object, is_kept: impl Fn(&OwnerReference) -> bool) -> Action {
    let mut object = object.clone();
    let owners: Vec<_> = object.owners().iter().filter(|owner| is_kept(owner)).cloned().collect();
    object.metadata.owner_references = (!owners.is_empty()).then_some(owners);
    Action::Update(Box::new(object))
}

pub(super) fn without_finalizer(object: &Object, finalizer: &str) -> Action {
    let mut object = object.clone();
    object.remove_finalizer(finalizer);
    Action::Update(Box::new(object))
}

#[cfg(test)]
mod tests;
