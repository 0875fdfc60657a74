//! One object, as the store keeps it.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::kind::Kind;

/// Where an object is. Sorted as Kubernetes sorts a list: by namespace, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace; empty for a kind without.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// The key of an object that may or may not be there.
    pub fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.namespace, self.name)
    }
}

/// An object: what all kinds have in common, and the rest as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its kind.
    pub kind: Kind,
    /// What all kinds have.
    pub metadata: ObjectMeta,
    /// Everything else: `spec`, `status`, `data`.
    pub content: Map<String, Value>,
}

impl Object {
    /// Reads an object of a kind that the caller knows.
    ///
    /// # Errors
    /// When it is not a JSON object, or its metadata can't be read.
    pub fn read(kind: Kind, value: Value) -> Result<Self, serde_json::Error> {
        let mut content: Map<String, Value> = serde_json::from_value(value)?;
        content.remove("apiVersion");
        content.remove("kind");
        let metadata = content.remove("metadata").unwrap_or_else(|| json!({}));
        Ok(Self { kind, metadata: serde_json::from_value(metadata)?, content })
    }

    /// An object of our own making.
    ///
    /// # Panics
    /// When it is none.
    pub fn make(kind: Kind, value: Value) -> Self {
        let read = kind.canonical(value).and_then(|value| Self::read(kind, value));
        read.unwrap_or_else(|error| panic!("no {}: {error}", kind.name()))
    }

    /// As it is sent, alone.
    pub fn to_value(&self) -> Value {
        let mut value = json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.name(),
            "metadata": self.metadata,
        });
        if let Value::Object(fields) = &mut value {
            fields.extend(self.content.clone());
        }
        value
    }

    /// Where it is.
    pub fn key(&self) -> Key {
        Key::new(self.kind, self.namespace(), self.name())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace; empty for a kind without.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or_default()
    }

    /// What tells it from every other object, before and after it.
    pub fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    /// When it was created.
    pub fn created_at(&self) -> Timestamp {
        self.metadata.creation_timestamp.as_ref().map_or(Timestamp::UNIX_EPOCH, |time| time.0)
    }

    /// Whether it has been deleted, and only waits for somebody to let go of it.
    pub fn is_going(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// When it was deleted, if it was: its time to end is counted from there.
    pub fn deleted_at(&self) -> Option<Timestamp> {
        let grace = self.metadata.deletion_grace_period_seconds.unwrap_or(0);
        let end = self.metadata.deletion_timestamp.as_ref()?.0;
        end.checked_sub(SignedDuration::from_secs(grace)).ok()
    }

    /// Whether it is a pod of which nothing will run again.
    pub fn has_ended(&self) -> bool {
        let phase = self.content.get("status").and_then(|status| status.get("phase"));
        let phase = phase.and_then(Value::as_str);
        self.kind == Kind::Pod && matches!(phase, Some("Succeeded" | "Failed"))
    }

    /// All owners.
    pub fn owners(&self) -> &[OwnerReference] {
        self.metadata.owner_references.as_deref().unwrap_or_default()
    }

    /// The owner that made it.
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owners().iter().find(|owner| owner.controller == Some(true))
    }

    /// What keeps it from going.
    pub fn finalizers(&self) -> &[String] {
        self.metadata.finalizers.as_deref().unwrap_or_default()
    }

    /// Whether this keeps it from going.
    pub fn has_finalizer(&self, name: &str) -> bool {
        self.finalizers().iter().any(|finalizer| finalizer == name)
    }

    /// Adds what keeps it from going, once.
    pub fn add_finalizer(&mut self, name: &str) {
        if !self.has_finalizer(name) {
            self.metadata.finalizers.get_or_insert_default().push(name.to_owned());
        }
    }

    /// Takes away what keeps it from going.
    pub fn remove_finalizer(&mut self, name: &str) {
        if let Some(finalizers) = &mut self.metadata.finalizers {
            finalizers.retain(|finalizer| finalizer != name);
        }
        self.metadata.finalizers.take_if(|finalizers| finalizers.is_empty());
    }

    /// A label's value.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(name).map(String::as_str)
    }

    /// Its spec, as the kind's own type; the default when there is none.
    ///
    /// # Panics
    /// When it is not such a spec: the API server lets none in.
    pub fn spec<T: DeserializeOwned + Default>(&self) -> T {
        self.part("spec")
    }

    /// Its status, likewise.
    ///
    /// # Panics
    /// When it is not such a status.
    pub fn status<T: DeserializeOwned + Default>(&self) -> T {
        self.part("status")
    }

    fn part<T: DeserializeOwned + Default>(&self, name: &str) -> T {
        let Some(value) = self.content.get(name) else { return T::default() };
        T::deserialize(value).unwrap_or_else(|error| panic!("{name} of {}: {error}", self.key()))
    }

    /// The same with another spec.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn with_spec(self, spec: &impl Serialize) -> Self {
        self.with("spec", spec)
    }

    /// The same with another status.
    ///
    /// # Panics
    /// When it can't be written.
    #[must_use]
    pub fn with_status(self, status: &impl Serialize) -> Self {
        self.with("status", status)
    }

    fn with(mut self, name: &str, part: &impl Serialize) -> Self {
        let value = serde_json::to_value(part);
        let value = value.unwrap_or_else(|error| panic!("{name} of {}: {error}", self.key()));
        self.content.insert(name.to_owned(), value);
        self
    }
}
