//! A cluster without nodes, for tests of controllers.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Reaction, View, engine::Engine, namespace, reconcile};
use crate::{
    defaults,
    kind::Kind,
    object::{Key, Object},
    store::{Deletion, Propagation, Store},
    testing::{NAMESPACE, at, object},
};

pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) now: Timestamp,
}

impl Cluster {
    /// With nothing in it but the tests' namespace.
    pub(super) fn new() -> Self {
        Self::beginning(at(0))
    }

    /// The same at a time of the test's own.
    pub(super) fn since(now: &str) -> Self {
        Self::beginning(now.parse().unwrap())
    }

    fn beginning(now: Timestamp) -> Self {
        let mut cluster = Self { engine: Engine::new(Store::new(1, 10_000)), now };
        let finalizers = json!({"metadata": {"finalizers": [namespace::FINALIZER]}});
        cluster.create(object(Kind::Namespace, NAMESPACE, finalizers));
        cluster
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

    /// Creates an object, and gives its uid.
    pub(super) fn create(&mut self, object: Object) -> String {
        let object = defaults::complete(self.engine.store.named(object));
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

    /// The names of all objects of a kind, oldest first, and those of one age by name.
    pub(super) fn names(&self, kind: Kind) -> Vec<String> {
        let mut all: Vec<_> = self.engine.store.list(kind, None).collect();
        all.sort_by_key(|object| object.created_at());
        all.into_iter().map(|object| object.name().to_owned()).collect()
    }

    /// The name of the only object of a kind.
    pub(super) fn only(&self, kind: Kind) -> String {
        let [name] = &self.names(kind)[..] else { panic!("{:?}", self.names(kind)) };
        name.clone()
    }

    /// The status of an object that has one.
    pub(super) fn status(&self, kind: Kind, name: &str) -> Value {
        self.get(kind, name).content["status"].clone()
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

    /// Sets the whole status of a pod, as its node does.
    pub(super) fn set_pod_status(&mut self, name: &str, status: Value) {
        self.change(Kind::Pod, name, |pod| {
            pod.content.insert("status".to_owned(), status);
        });
    }

    pub(super) fn delete(&mut self, kind: Kind, name: &str, propagation: Propagation) {
        let deletion = Deletion { propagation: Some(propagation), ..Deletion::default() };
        self.delete_so(kind, name, &deletion);
    }

    fn delete_so(&mut self, kind: Kind, name: &str, deletion: &Deletion) {
        let key = self.get(kind, name).key();
        self.engine.store.delete(&key, deletion, self.now).unwrap();
        self.settle();
    }

    /// Puts a pod on a node, where it runs and is ready.
    pub(super) fn start(&mut self, pod: &str) {
        let since = self.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let ready = json!({"type": "Ready", "status": "True", "lastTransitionTime": since});
        let status = json!({"phase": "Running", "conditions": [ready]});
        self.change(Kind::Pod, pod, |pod| {
            pod.content["spec"]["nodeName"] = json!("node");
            pod.content.insert("status".to_owned(), status);
        });
    }

    /// What a node does when a pod's program has ended.
    pub(super) fn end(&mut self, pod: &str, exit_code: i32) {
        let container = json!({
            "name": "job", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
            "state": {
                "terminated": {"exitCode": exit_code, "finishedAt": self.now.to_string()},
            },
        });
        let phase = if exit_code == 0 { "Succeeded" } else { "Failed" };
        self.set_pod_status(pod, json!({"phase": phase, "containerStatuses": [container]}));
        if self.find(Kind::Pod, pod).is_some_and(Object::is_going) {
            self.let_go(pod);
        }
    }

    /// What a node does when nothing is left of a pod that was told to go.
    pub(super) fn let_go(&mut self, pod: &str) {
        let deletion = Deletion { grace_seconds: Some(0), ..Deletion::default() };
        self.delete_so(Kind::Pod, pod, &deletion);
    }

    /// The events about an object, but those that tell of what it creates and deletes: type,
    /// reason, message, count.
    pub(super) fn told(&self, about: &str) -> Vec<(String, String, String, i64)> {
        let mut events: Vec<_> = self.engine.store.list(Kind::Event, None).collect();
        events.sort_by_key(|event| {
            let version = event.metadata.resource_version.as_ref().unwrap();
            version.parse::<u64>().unwrap()
        });
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

    /// That no controller wants anything now, about whichever object it is asked.
    #[track_caller]
    pub(super) fn assert_steady(&self) {
        for (key, Reaction { actions, .. }) in self.reactions() {
            assert_eq!(actions, [], "{key}");
        }
    }

    /// That none wants to be asked again either.
    #[track_caller]
    pub(super) fn assert_at_rest(&self) {
        for (key, reaction) in self.reactions() {
            assert_eq!(reaction, Reaction::default(), "{key}");
        }
    }

    /// What is said about each object.
    fn reactions(&self) -> impl Iterator<Item = (Key, Reaction)> {
        let view = View { store: &self.engine.store, now: self.now };
        let all = Kind::ALL.into_iter().flat_map(move |kind| view.store.list(kind, None));
        all.map(move |object| (object.key(), reconcile(view, &object.key())))
    }
}

/// One event, told once.
pub(super) fn event(kind: &str, reason: &str, message: &str) -> (String, String, String, i64) {
    (kind.to_owned(), reason.to_owned(), message.to_owned(), 1)
}
