//! A cluster without nodes, for tests of controllers.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Reaction, View, engine::Engine, namespace, reconcile};
use crate::{
    kind::Kind,
    object::{Key, Object},
    store::{Deletion, Propagation, Store},
    testing::{NAMESPACE, at, names, object},
};

pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
}

impl Cluster {
    /// With nothing in it but the tests' namespace.
    pub(super) fn new() -> Self {
        let engine = Engine::new(Store::new(1, 10_000));
        let mut cluster = Self { engine, now: at(0) };
        let finalizers = json!({"metadata": {"finalizers": [namespace::FINALIZER]}});
        cluster.create(object(Kind::Namespace, NAMESPACE, finalizers));
        cluster
    }

    pub(super) fn settle(&mut self) {
        self.engine.settle(self.now);
    }

    pub(super) fn later(&mut self, milliseconds: i64) {
        self.now += SignedDuration::from_millis(milliseconds);
        self.settle();
    }

    /// Creates an object, and gives its uid.
    pub(super) fn create(&mut self, object: Object) -> String {
        let created = self.engine.store.create(object, self.now).unwrap();
        self.settle();
        created.uid().to_owned()
    }

    /// Creates a Job, and gives the name of its pod.
    pub(super) fn create_job(&mut self, name: &str) -> String {
        let containers = json!([{"name": "job", "image": "tjf.local/busybox:1"}]);
        let spec = json!({"template": {"spec": {"containers": containers}}});
        self.create(object(Kind::Job, name, json!({"spec": spec})));
        let is_its_own = |pod: &String| pod.starts_with(&format!("{name}-"));
        self.names(Kind::Pod).into_iter().find(is_its_own).expect("a Job makes a pod")
    }

    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<&Object> {
        let namespace = if kind.is_namespaced() { NAMESPACE } else { "" };
        self.engine.store.get(&Key::new(kind, namespace, name)).map(|object| &**object)
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> &Object {
        self.find(kind, name).unwrap_or_else(|| panic!("no {} {name}", kind.name()))
    }

    pub(super) fn names(&self, kind: Kind) -> Vec<String> {
        names(&self.engine.store, kind)
    }

    pub(super) fn status(&self, kind: Kind, name: &str) -> Value {
        self.get(kind, name).content["status"].clone()
    }

    pub(super) fn change(&mut self, kind: Kind, name: &str, change: impl FnOnce(&mut Object)) {
        let mut object = self.get(kind, name).clone();
        change(&mut object);
        self.engine.store.update(object).unwrap();
        self.settle();
    }

    /// Sets one field, such as `/status`.
    pub(super) fn set(&mut self, kind: Kind, name: &str, field: &str, value: Value) {
        self.change(kind, name, |object| {
            object.content.insert(field.to_owned(), value);
        });
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str, propagation: Propagation) {
        let deletion = Deletion { propagation: Some(propagation), ..Deletion::default() };
        let key = self.get(kind, name).key();
        self.engine.store.delete(&key, &deletion, self.now).unwrap();
        self.settle();
    }

    /// What a node does when a pod's processes have ended.
    pub(super) fn let_go_of_pod(&mut self, name: &str) {
        let deletion = Deletion { grace_seconds: Some(0), ..Deletion::default() };
        let key = self.get(Kind::Pod, name).key();
        self.engine.store.delete(&key, &deletion, self.now).unwrap();
        self.settle();
    }

    /// Puts a pod on a node, where it runs and is ready.
    pub(super) fn start(&mut self, name: &str) {
        let since = self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": since});
        let status = json!({"phase": "Running", "conditions": [ready]});
        self.change(Kind::Pod, name, |pod| {
            pod.content["spec"]["nodeName"] = json!("node");
            pod.content.insert("status".to_owned(), status);
        });
    }

    /// The messages of the events of this reason.
    pub(super) fn told(&self, reason: &str) -> Vec<String> {
        let events = self.engine.store.list(Kind::Event, None);
        let of_reason = events.filter(|event| event.content["reason"] == json!(reason));
        of_reason.map(|event| event.content["message"].as_str().unwrap().to_owned()).collect()
    }

    /// That nobody wants anything any more, however often asked.
    #[track_caller]
    pub(super) fn assert_steady(&self) {
        let (store, now) = (&self.engine.store, self.now);
        for object in Kind::ALL.into_iter().flat_map(|kind| store.list(kind, None)) {
            let reaction = reconcile(View { store, now }, &object.key());
            assert_eq!(reaction, Reaction::default(), "{}", object.key());
        }
    }
}
