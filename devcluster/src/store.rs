//! All objects, their versions, and what changed last.
//!
//! The only state of the cluster. There is no clock, no I/O and nothing asynchronous in it: who
//! calls says what time it is, and who wants to follow reads the log. Versions are one sequence for
//! all kinds, as in etcd.

mod deletion;
mod lag;
mod names;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;
use thiserror::Error;

use self::{
    deletion::{has_grace, set_end, set_propagation},
    lag::Lag,
    names::Names,
};
use crate::{
    kind::Kind,
    object::{Key, Object},
};

/// Kept by whoever deletes an object only after its dependents.
pub const FOREGROUND: &str = "foregroundDeletion";
/// Kept by whoever deletes an object but lets its dependents live.
pub const ORPHAN: &str = "orphan";

/// What is not done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The name is taken, maybe by an object that is going.
    #[error("the name is taken")]
    AlreadyExists {
        /// Whether that one is going.
        is_going: bool,
    },
    /// There is none.
    #[error("there is no such object")]
    NotFound,
    /// It has been changed since.
    #[error("the object has been changed since")]
    Changed,
    /// It is another object of the same name.
    #[error("the uid is {found}, not {wanted}")]
    OtherUid {
        /// As the caller expects it.
        wanted: String,
        /// As it is.
        found: String,
    },
    /// The log does not reach back so far.
    #[error("too old resource version: {wanted} ({oldest})")]
    Expired {
        /// The version that was asked for.
        wanted: u64,
        /// The oldest that can be had.
        oldest: u64,
    },
}

/// One change of one object.
#[derive(Debug, Clone)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// Whose.
    pub key: Key,
    /// The object before; `None` when it was created.
    pub old: Option<Arc<Object>>,
    /// The object after; `None` when it has gone.
    pub new: Option<Arc<Object>>,
}

/// What becomes of the objects that an object owns, in Kubernetes' own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Propagation {
    /// They go first.
    Foreground,
    /// They go afterwards.
    Background,
    /// They stay.
    Orphan,
}

/// How to delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deletion {
    /// What becomes of dependents; the kind's default when it is not said.
    pub propagation: Option<Propagation>,
    /// Only this very object.
    pub uid: Option<String>,
    /// How long a pod may take to end; its own grace when it is not said.
    pub grace_seconds: Option<i64>,
}

/// What came of a deletion.
#[derive(Debug, Clone, PartialEq)]
pub enum Deleted {
    /// It is not there any more.
    Gone(Arc<Object>),
    /// It waits for somebody to let go of it.
    Going(Arc<Object>),
}

/// All objects.
pub struct Store {
    objects: BTreeMap<Key, Arc<Object>>,
    dependents: BTreeMap<String, BTreeSet<Key>>,
    version: u64,
    log: VecDeque<Change>,
    log_length_max: usize,
    names: Names,
    lag: Lag,
}

impl Store {
    /// An empty store, which remembers so many changes. Made-up names follow from the seed.
    pub fn new(seed: u64, log_length_max: usize) -> Self {
        Self {
            objects: BTreeMap::new(),
            dependents: BTreeMap::new(),
            // 0 and 1 mean something of their own in requests.
            version: 1,
            log: VecDeque::new(),
            log_length_max,
            names: Names::new(seed),
            lag: Lag::default(),
        }
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An object.
    pub fn get(&self, key: &Key) -> Option<&Arc<Object>> {
        self.objects.get(key)
    }

    /// The objects of a kind, sorted; of one namespace or of all.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> impl Iterator<Item = &Arc<Object>> {
        let first = Key::new(kind, namespace.unwrap_or_default(), "");
        let is_wanted = move |key: &Key| {
            key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
        };
        let from_there = self.objects.range(first..);
        from_there.take_while(move |(key, _)| is_wanted(key)).map(|(_, object)| object)
    }

    /// The same as of an earlier version.
    ///
    /// # Errors
    /// [`Refusal::Expired`].
    pub fn list_at(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        version: u64,
    ) -> Result<Vec<Arc<Object>>, Refusal> {
        let now = self.list(kind, namespace);
        let mut then: BTreeMap<Key, Arc<Object>> =
            now.map(|object| (object.key(), Arc::clone(object))).collect();
        for change in self.changes_since(version)?.rev() {
            let key = &change.key;
            if key.kind != kind || namespace.is_some_and(|namespace| key.namespace != namespace) {
                continue;
            }
            match &change.old {
                Some(old) => then.insert(key.clone(), Arc::clone(old)),
                None => then.remove(key),
            };
        }
        Ok(then.into_values().collect())
    }

    /// The end of a name for the next thing that an object makes: what creates under a name of its
    /// own can tell that name when it is refused.
    pub fn suffix_for(&self, uid: &str) -> String {
        let mut hasher = DefaultHasher::new();
        (self.version, uid).hash(&mut hasher);
        Names::new(hasher.finish()).suffix()
    }

    /// The objects of a kind that this one made.
    pub fn made_by<'a>(
        &'a self,
        maker: &Object,
        kind: Kind,
    ) -> impl Iterator<Item = &'a Arc<Object>> {
        self.dependents_of(maker.uid()).filter(move |object| {
            object.kind == kind && object.controller().is_some_and(|it| it.uid == maker.uid())
        })
    }

    /// The objects that name this one as an owner.
    pub fn dependents_of(&self, uid: &str) -> impl Iterator<Item = &Arc<Object>> {
        let keys = self.dependents.get(uid).into_iter().flatten();
        keys.filter_map(|key| self.objects.get(key))
    }

    /// What changed after a version, oldest first.
    ///
    /// # Errors
    /// [`Refusal::Expired`].
    pub fn changes_since(
        &self,
        version: u64,
    ) -> Result<impl DoubleEndedIterator<Item = &Change>, Refusal> {
        let oldest = self.log.front().map_or(self.version, |change| change.version - 1);
        if version < oldest {
            return Err(Refusal::Expired { wanted: version, oldest });
        }
        let first = self.log.partition_point(|change| change.version <= version);
        Ok(self.log.range(first..))
    }

    /// A new object with a uid, and with a name if it has a `generateName` instead. It may refer to
    /// itself then, before it is created.
    #[must_use]
    pub fn named(&mut self, mut object: Object) -> Object {
        if object.name().is_empty()
            && let Some(prefix) = &object.metadata.generate_name
        {
            object.metadata.name = Some(format!("{prefix}{}", self.names.suffix()));
        }
        object.metadata.uid.get_or_insert_with(|| self.names.uid());
        object
    }

    /// Creates an object.
    ///
    /// # Errors
    /// [`Refusal::AlreadyExists`].
    pub fn create(&mut self, object: Object, now: Timestamp) -> Result<Arc<Object>, Refusal> {
        let object = self.would_create(object, now)?;
        Ok(self.put(object.key(), None, object))
    }

    /// The object as it would be created.
    ///
    /// # Errors
    /// [`Refusal::AlreadyExists`].
    pub fn would_create(&mut self, object: Object, now: Timestamp) -> Result<Object, Refusal> {
        let mut object = self.named(object);
        if let Some(found) = self.objects.get(&object.key()) {
            return Err(Refusal::AlreadyExists { is_going: found.is_going() });
        }
        object.metadata.creation_timestamp = Some(Time(now));
        object.metadata.deletion_timestamp = None;
        object.metadata.deletion_grace_period_seconds = None;
        object.metadata.generation = object.content.contains_key("spec").then_some(1);
        Ok(object)
    }

    /// Changes an object. With a version in it, only if it still has that one; an object that was
    /// only waiting for this change to let go of it is gone then.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::Changed`], [`Refusal::OtherUid`].
    pub fn update(&mut self, mut object: Object) -> Result<Arc<Object>, Refusal> {
        let key = object.key();
        let found = Arc::clone(self.objects.get(&key).ok_or(Refusal::NotFound)?);
        let wanted = |wanted: &Option<String>| wanted.clone().filter(|text| !text.is_empty());
        check_uid(&found, wanted(&object.metadata.uid).as_deref())?;
        let version = wanted(&object.metadata.resource_version);
        if version.is_some() && version != found.metadata.resource_version {
            return Err(Refusal::Changed);
        }
        // Nothing else is the caller's to change.
        let ObjectMeta { labels, annotations, finalizers, owner_references, .. } = object.metadata;
        let own = found.metadata.clone();
        object.metadata = ObjectMeta { labels, annotations, finalizers, owner_references, ..own };
        let changed = object.content.get("spec") != found.content.get("spec");
        object.metadata.generation = found.metadata.generation.map(|old| old + i64::from(changed));
        if object == *found {
            return Ok(found);
        }
        if object.is_going() && object.finalizers().is_empty() && !has_grace(&object) {
            return Ok(self.remove(&key, found, object));
        }
        Ok(self.put(key, Some(found), object))
    }

    /// Deletes an object, or marks it as going when something keeps it: a finalizer, dependents
    /// that have to go first, or a pod's grace.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], [`Refusal::OtherUid`].
    pub fn delete(
        &mut self,
        key: &Key,
        deletion: &Deletion,
        now: Timestamp,
    ) -> Result<Deleted, Refusal> {
        let found = Arc::clone(self.objects.get(key).ok_or(Refusal::NotFound)?);
        check_uid(&found, deletion.uid.as_deref())?;
        let mut object = Object::clone(&found);
        set_propagation(&mut object, deletion.propagation);
        set_end(&mut object, deletion.grace_seconds, now);
        if object.finalizers().is_empty() && !has_grace(&object) {
            return Ok(Deleted::Gone(self.remove(key, found, object)));
        }
        if object == *found {
            return Ok(Deleted::Going(found));
        }
        Ok(Deleted::Going(self.put(key.clone(), Some(found), object)))
    }

    fn put(&mut self, key: Key, old: Option<Arc<Object>>, object: Object) -> Arc<Object> {
        let new = Arc::new(self.versioned(object));
        self.index(&key, old.as_deref(), Some(&new));
        self.objects.insert(key.clone(), Arc::clone(&new));
        self.note(key, old, Some(Arc::clone(&new)));
        new
    }

    /// What has gone has the version of its going too.
    fn remove(&mut self, key: &Key, found: Arc<Object>, last: Object) -> Arc<Object> {
        let last = Arc::new(self.versioned(last));
        self.index(key, Some(&found), None);
        self.objects.remove(key);
        self.note(key.clone(), Some(found), None);
        last
    }

    fn versioned(&mut self, mut object: Object) -> Object {
        self.version += 1;
        object.metadata.resource_version = Some(self.version.to_string());
        object
    }

    fn note(&mut self, key: Key, old: Option<Arc<Object>>, new: Option<Arc<Object>>) {
        if self.log.len() >= self.log_length_max {
            self.log.pop_front();
        }
        self.log.push_back(Change { version: self.version, key, old, new });
    }

    fn index(&mut self, key: &Key, old: Option<&Object>, new: Option<&Object>) {
        for owner in old.into_iter().flat_map(Object::owners) {
            if let Some(keys) = self.dependents.get_mut(&owner.uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(&owner.uid);
                }
            }
        }
        for owner in new.into_iter().flat_map(Object::owners) {
            self.dependents.entry(owner.uid.clone()).or_default().insert(key.clone());
        }
    }
}

fn check_uid(found: &Object, wanted: Option<&str>) -> Result<(), Refusal> {
    match wanted {
        Some(wanted) if wanted != found.uid() => {
            Err(Refusal::OtherUid { wanted: wanted.to_owned(), found: found.uid().to_owned() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
