//! What makes the cluster come true: controllers decide, and one place acts.
//!
//! A controller is a pure function from what is there, and what time it is, to what should be done
//! about one object. It is asked whenever the object or something that it owns has changed, or when
//! the time has come that it named. Asked twice without anything done between, it says the same;
//! asked again after it was done, it has nothing to say.

mod cronjob;
pub mod engine;
pub mod garbage;
mod job;
pub mod namespace;
mod quota;
mod replication;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    api::core::v1::{ObjectReference, PodTemplateSpec},
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use serde_json::{Map, Value};

use crate::{
    kind::Kind,
    object::{Key, Object},
    store::{Deletion, Propagation, Store},
};

/// What a pod's name has of its owner's name at most, as with any `generateName`.
const PREFIX_LENGTH_MAX: usize = 58;

/// The longest pause before a pod or a Job that was refused is tried again.
const REFUSED_PAUSE_MAX: SignedDuration = SignedDuration::from_mins(1);

/// What a controller sees.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Everything that is there.
    pub store: &'a Store,
    /// The time.
    pub now: Timestamp,
}

/// What a controller wants.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reaction {
    /// What is to be done, in this order; the first that fails ends it.
    pub actions: Vec<Action>,
    /// When to ask again, if nothing changes before.
    pub again: Again,
}

/// When a controller is asked again about an object that has not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Again {
    /// Not at all.
    #[default]
    Never,
    /// At this time, or at once if it is over.
    At(Timestamp),
    /// It failed: after 5 ms, doubling with every failure up to this.
    Failed {
        /// The longest pause.
        pause_max: SignedDuration,
    },
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Create this. Admission is the controller's to ask before; see [`crate::admission`].
    Create(Box<Object>),
    /// Make the object of this key so, if it has not been changed since it was seen.
    Update(Box<Object>),
    /// Delete this.
    Delete(Key, Deletion),
    /// Tell whoever wants to know.
    Tell(Note),
}

/// What becomes an Event, or adds to one that says the same.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    /// What it is about.
    pub about: ObjectReference,
    /// Whether it is a `Warning`, else it is `Normal`.
    pub is_warning: bool,
    /// One word.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
    /// Who says it.
    pub source: &'static str,
}

impl Note {
    /// Whether this event says the same already.
    fn is_said_by(&self, event: &Object) -> bool {
        let field = |name: &str| event.content.get(name).and_then(Value::as_str);
        let about = event.content.get("involvedObject").and_then(|about| about.get("uid"));
        about.and_then(Value::as_str) == self.about.uid.as_deref()
            && field("reason") == Some(self.reason)
            && field("message") == Some(self.message.as_str())
    }
}

/// How an event or an owner reference names an object.
pub fn reference(object: &Object) -> ObjectReference {
    ObjectReference {
        api_version: Some(object.kind.api_version().to_owned()),
        kind: Some(object.kind.name().to_owned()),
        name: Some(object.name().to_owned()),
        namespace: Some(object.namespace().to_owned()),
        uid: Some(object.uid().to_owned()),
        resource_version: object.metadata.resource_version.clone(),
        field_path: None,
    }
}

/// How an object names the one that made it.
fn owner_reference(object: &Object) -> OwnerReference {
    OwnerReference {
        api_version: object.kind.api_version().to_owned(),
        kind: object.kind.name().to_owned(),
        name: object.name().to_owned(),
        uid: object.uid().to_owned(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// A pod that an object makes from its template, under a name of its own.
fn pod_of(store: &Store, owner: &Object, template: &PodTemplateSpec) -> Object {
    let prefix: String = format!("{}-", owner.name()).chars().take(PREFIX_LENGTH_MAX).collect();
    let ObjectMeta { labels, annotations, finalizers, .. } =
        template.metadata.clone().unwrap_or_default();
    let metadata = ObjectMeta {
        name: Some(format!("{prefix}{}", store.suffix_for(owner.uid()))),
        generate_name: Some(prefix),
        namespace: owner.metadata.namespace.clone(),
        labels,
        annotations,
        finalizers,
        owner_references: Some(vec![owner_reference(owner)]),
        ..ObjectMeta::default()
    };
    let pod = Object { kind: Kind::Pod, metadata, content: Map::new() };
    pod.with_spec(&template.spec.clone().unwrap_or_default())
}

/// Makes an object so, unless it is.
fn update(old: &Object, new: Object) -> Option<Action> {
    (new != *old).then(|| Action::Update(Box::new(new)))
}

/// Deletes this very object; what it owns follows.
fn delete(object: &Object) -> Action {
    delete_with(object, Propagation::Background)
}

/// Deletes this very object, and says what becomes of what it owns.
fn delete_with(object: &Object, propagation: Propagation) -> Action {
    let uid = Some(object.uid().to_owned());
    let deletion = Deletion { propagation: Some(propagation), uid, grace_seconds: None };
    Action::Delete(object.key(), deletion)
}

/// Asks the garbage collector about an object, and then the controller of its kind.
fn reconcile(view: View<'_>, key: &Key) -> Reaction {
    let Some(object) = view.store.get(key) else { return Reaction::default() };
    let reaction = garbage::reconcile(view, object);
    if reaction != Reaction::default() {
        return reaction;
    }
    match object.kind {
        Kind::Namespace => namespace::reconcile(view, object),
        Kind::ReplicationController => replication::reconcile(view, object),
        Kind::ResourceQuota => quota::reconcile(view, object),
        Kind::Job => job::reconcile(view, object),
        Kind::CronJob => cronjob::reconcile(view, object),
        Kind::Pod | Kind::Service | Kind::ConfigMap | Kind::LimitRange | Kind::Event => {
            Reaction::default()
        }
    }
}

#[cfg(test)]
mod testing;
