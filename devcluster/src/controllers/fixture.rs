//! A cluster without nodes, for tests of the controllers that make pods and Jobs.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Reaction, View, engine::Engine, reconcile};
use crate::{
    kind::Kind,
    object::{Key, Object},
    store::{Deletion, Propagation, Store},
};

pub(super) const NAMESPACE: &str = "tool-tf-test";

pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
}

impl Cluster {
    pub(super) fn new(now: &str) -> Self {
        Self { engine: Engine::new(Store::new(1, 10_000)), now: now.parse().unwrap() }
    }

    pub(super) fn settle(&mut self) {
        self.engine.settle(self.now);
    }

    /// Lets time pass, and everything happen when it is due.
    pub(super) fn later(&mut self, seconds: i64) {
        let end = self.now + SignedDuration::from_secs(seconds);
        while let Some(due) = self.engine.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    pub(super) fn create(&mut self, kind: Kind, value: Value) {
        self.create_unsettled(kind, value);
        self.settle();
    }

    pub(super) fn create_unsettled(&mut self, kind: Kind, mut value: Value) {
        value["metadata"]["namespace"] = json!(NAMESPACE);
        self.engine.store.create(Object::make(kind, value), self.now).unwrap();
    }

    /// A quota of so many objects of one resource.
    pub(super) fn limit(&mut self, resource: &str, hard: &str) {
        let spec = json!({"hard": {resource: hard}});
        self.create(Kind::ResourceQuota, json!({"metadata": {"name": "q"}, "spec": spec}));
    }

    pub(super) fn find(&self, kind: Kind, name: &str) -> Option<&Object> {
        self.engine.store.get(&Key::new(kind, NAMESPACE, name)).map(|object| &**object)
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> &Object {
        self.find(kind, name).unwrap_or_else(|| panic!("no {} {name}", kind.name()))
    }

    /// The names of all objects of a kind, oldest first.
    pub(super) fn names(&self, kind: Kind) -> Vec<String> {
        let mut all: Vec<_> = self.engine.store.list(kind, None).collect();
        all.sort_by_key(|object| object.created_at());
        all.into_iter().map(|object| object.name().to_owned()).collect()
    }

    /// The only object of a kind.
    pub(super) fn only(&self, kind: Kind) -> String {
        let [name] = &self.names(kind)[..] else { panic!("{:?}", self.names(kind)) };
        name.clone()
    }

    pub(super) fn status(&self, kind: Kind, name: &str) -> Value {
        self.get(kind, name).content.get("status").cloned().unwrap_or_default()
    }

    pub(super) fn change(&mut self, kind: Kind, name: &str, change: impl FnOnce(&mut Object)) {
        let mut object = self.get(kind, name).clone();
        change(&mut object);
        self.engine.store.update(object).unwrap();
        self.settle();
    }

    /// Sets one field of a spec.
    pub(super) fn set(&mut self, kind: Kind, name: &str, field: &str, value: Value) {
        self.change(kind, name, |object| object.content["spec"][field] = value);
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str, propagation: Propagation) {
        let deletion = Deletion { propagation: Some(propagation), ..Deletion::default() };
        let key = self.get(kind, name).key();
        self.engine.store.delete(&key, &deletion, self.now).unwrap();
        self.settle();
    }

    /// What a node does first with a pod.
    pub(super) fn start(&mut self, pod: &str) {
        let ready = json!([{"type": "Ready", "status": "True"}]);
        self.change(Kind::Pod, pod, |pod| {
            pod.content["spec"]["nodeName"] = json!("node");
            let status = json!({"phase": "Running", "conditions": ready});
            pod.content.insert("status".to_owned(), status);
        });
    }

    /// What a node does when a pod's program has ended.
    pub(super) fn end(&mut self, pod: &str, exit_code: i32) {
        let at = self.now.to_string();
        self.change(Kind::Pod, pod, |pod| {
            let container = json!({
                "name": "job", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                "state": {"terminated": {"exitCode": exit_code, "finishedAt": at}},
            });
            let phase = if exit_code == 0 { "Succeeded" } else { "Failed" };
            let status = json!({"phase": phase, "containerStatuses": [container]});
            pod.content.insert("status".to_owned(), status);
        });
        let pod = self.find(Kind::Pod, pod).filter(|pod| pod.is_going());
        if let Some(pod) = pod.map(|pod| pod.name().to_owned()) {
            self.let_go(&pod);
        }
    }

    /// What a node does when nothing is left of a pod that was told to go.
    pub(super) fn let_go(&mut self, pod: &str) {
        let deletion = Deletion { grace_seconds: Some(0), ..Deletion::default() };
        let key = self.get(Kind::Pod, pod).key();
        self.engine.store.delete(&key, &deletion, self.now).unwrap();
        self.settle();
    }

    /// The events about an object, but those that tell of what it creates and deletes: type,
    /// reason, message, count.
    pub(super) fn told(&self, about: &str) -> Vec<(String, String, String, i64)> {
        let mut events: Vec<_> = self.engine.store.list(Kind::Event, None).collect();
        events.sort_by_key(|event| event.metadata.resource_version.clone());
        let told = events.into_iter().map(|event| &event.content);
        let told = told.filter(|event| event["involvedObject"]["name"] == about);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let told = told.map(|event| {
            let count = event["count"].as_i64().unwrap();
            (text(&event["type"]), text(&event["reason"]), text(&event["message"]), count)
        });
        told.filter(|(_, reason, ..)| !reason.starts_with("Successful")).collect()
    }

    /// The messages of the events of this reason.
    pub(super) fn messages(&self, reason: &str) -> Vec<String> {
        let events = self.engine.store.list(Kind::Event, None).map(|event| &event.content);
        let events = events.filter(|event| event["reason"] == reason);
        events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    }

    /// That no controller wants anything any more, about whichever object it is asked.
    #[track_caller]
    pub(super) fn assert_steady(&self) {
        let (store, now) = (&self.engine.store, self.now);
        for object in Kind::ALL.into_iter().flat_map(|kind| store.list(kind, None)) {
            let Reaction { actions, .. } = reconcile(View { store, now }, &object.key());
            assert_eq!(actions, [], "{}", object.key());
        }
    }
}

/// One event, told once.
pub(super) fn event(kind: &str, reason: &str, message: &str) -> (String, String, String, i64) {
    (kind.to_owned(), reason.to_owned(), message.to_owned(), 1)
}
