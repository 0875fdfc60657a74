//! Asks controllers, and does what they say.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Action, Again, Note, Reaction, View, reconcile};
use crate::{
    defaults,
    kind::Kind,
    object::{Key, Object},
    store::{Change, Refusal, Store},
};

const PAUSE_MIN: SignedDuration = SignedDuration::from_millis(5);
/// For what the store refused.
const REFUSED_PAUSE_MAX: SignedDuration = SignedDuration::from_secs(1);

/// The store, and what the controllers still have to look at.
pub struct Engine {
    /// All objects. Whoever changes one need not say so: the log does.
    pub store: Store,
    seen: u64,
    dirty: BTreeSet<Key>,
    due: BTreeMap<Key, Timestamp>,
    failures: BTreeMap<Key, u32>,
}

impl Engine {
    /// Controllers that have seen nothing yet.
    pub fn new(store: Store) -> Self {
        Self {
            seen: store.version(),
            store,
            dirty: BTreeSet::new(),
            due: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    /// Lets the controllers do everything that there is to do at this time.
    pub fn settle(&mut self, now: Timestamp) {
        while self.step(now) {}
    }

    /// Lets one controller look at one object. False when there is none to look at.
    pub fn step(&mut self, now: Timestamp) -> bool {
        self.notice();
        let is_due = |(key, at): (&Key, &Timestamp)| (*at <= now).then(|| key.clone());
        let next = self.dirty.pop_first().or_else(|| self.due.iter().find_map(is_due));
        let Some(key) = next else { return false };
        self.due.remove(&key);
        let reaction = reconcile(View { store: &self.store, now }, &key);
        self.react(key, reaction, now);
        true
    }

    /// When there is something to do next, if nothing changes before.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// What changed concerns the object itself, those that own it or are owned by it, and the
    /// counts of its namespace.
    fn notice(&mut self) {
        let Ok(changes) = self.store.changes_since(self.seen) else {
            // The log is shorter than what was done at once: look at everything.
            let all = Kind::ALL.into_iter().flat_map(|kind| self.store.list(kind, None));
            self.dirty = all.map(|object| object.key()).collect();
            self.seen = self.store.version();
            return;
        };
        for change in changes {
            self.seen = change.version;
            for key in concerned(&self.store, change) {
                // Any change to an object makes its controller try at once.
                self.failures.remove(&key);
                self.dirty.insert(key);
            }
        }
    }

    fn react(&mut self, key: Key, reaction: Reaction, now: Timestamp) {
        let mut actions = reaction.actions.into_iter();
        let again = match actions.try_for_each(|action| act(&mut self.store, action, now)) {
            Ok(()) => reaction.again,
            // It is looked at anew, but not at this very time: the same answer would fail again.
            Err(_) => Again::Failed { pause_max: REFUSED_PAUSE_MAX },
        };
        let at = match again {
            Again::Never => return,
            Again::At(at) => at,
            Again::Failed { pause_max } => {
                let failures = self.failures.entry(key.clone()).or_default();
                let pause = (PAUSE_MIN * 2_i32.saturating_pow(*failures)).min(pause_max);
                *failures = (*failures + 1).min(30);
                now.checked_add(pause).unwrap_or(now)
            }
        };
        self.due.insert(key, at);
    }
}

fn concerned(store: &Store, change: &Change) -> BTreeSet<Key> {
    let mut keys = BTreeSet::from([change.key.clone()]);
    let both = || change.old.iter().chain(&change.new);
    for object in both() {
        for owner in object.owners() {
            let kind = Kind::named(&owner.kind);
            keys.extend(kind.map(|kind| Key::new(kind, object.namespace(), &owner.name)));
        }
    }
    let namespace = &change.key.namespace;
    if change.key.kind != Kind::Event {
        let quotas = store.list(Kind::ResourceQuota, Some(namespace));
        keys.extend(quotas.map(|quota| quota.key()));
    }
    let has_lost_or_gained_life =
        both().any(|object| object.is_going()) || change.new.is_none() || change.old.is_none();
    if has_lost_or_gained_life {
        keys.extend(both().flat_map(|object| store.dependents_of(object.uid())).map(|it| it.key()));
        keys.insert(Key::new(Kind::Namespace, "", namespace));
    }
    keys
}

fn act(store: &mut Store, action: Action, now: Timestamp) -> Result<(), Refusal> {
    match action {
        Action::Create(object) => create(store, *object, now),
        Action::Update(object) => store.update(*object).map(drop),
        Action::Delete(key, deletion) => match store.delete(&key, &deletion, now) {
            Err(Refusal::NotFound) => Ok(()),
            outcome => outcome.map(drop),
        },
        Action::Tell(note) => tell(store, &note, now),
    }
}

/// Creates an object with all that Kubernetes adds to it, and nobody's leave.
///
/// # Errors
/// When its name is taken.
pub(crate) fn create(store: &mut Store, object: Object, now: Timestamp) -> Result<(), Refusal> {
    let object = defaults::complete(store.named(object));
    store.create(object, now).map(drop)
}

/// Writes an event, or counts one more of it.
///
/// # Errors
/// When it can't be written.
pub fn tell(store: &mut Store, note: &Note, now: Timestamp) -> Result<(), Refusal> {
    let Note { about, is_warning, reason, message, source } = note;
    let namespace = about.namespace.as_deref().unwrap_or_default();
    let time = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let known = store.list(Kind::Event, Some(namespace)).find(|event| note.is_said_by(event));
    if let Some(known) = known {
        let mut event = Object::clone(known);
        let count = event.content.get("count").and_then(serde_json::Value::as_i64).unwrap_or(1);
        event.content.insert("count".to_owned(), json!(count + 1));
        event.content.insert("lastTimestamp".to_owned(), json!(time));
        return store.update(event).map(drop);
    }
    let prefix = format!("{}.", about.name.as_deref().unwrap_or_default());
    let event = Object::make(
        Kind::Event,
        json!({
            "metadata": {"generateName": prefix, "namespace": namespace},
            "involvedObject": about,
            "type": if *is_warning { "Warning" } else { "Normal" },
            "reason": reason, "message": message, "source": {"component": source},
            "count": 1, "firstTimestamp": time, "lastTimestamp": time,
        }),
    );
    store.create(event, now).map(drop)
}
