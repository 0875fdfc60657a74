//! What any kind of object says of itself, and of lists of them.

use std::{borrow::Cow, collections::BTreeSet, fmt, marker::PhantomData};

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use tjf_api_types::ToolName;

use crate::job::{
    Spec,
    labels::{Labels, Reach},
    restart::Restart,
};

/// A list as Kubernetes answers it.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct List<T> {
    /// Version, and where the next page begins.
    #[serde(default)]
    pub metadata: ListMeta,
    /// The objects. An answer without them is not a list.
    #[serde(deserialize_with = "or_none")]
    pub items: Vec<T>,
}

/// Go writes an empty list as `null` too.
fn or_none<'de, D: Deserializer<'de>, T: Deserialize<'de>>(items: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(items)?.unwrap_or_default())
}

/// About a list.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListMeta {
    /// The version of the whole cluster that the list shows.
    #[serde(default)]
    pub resource_version: String,
    /// Where the next page begins, if there is one.
    #[serde(rename = "continue")]
    pub continue_token: Option<String>,
    /// How many bytes the list had.
    #[serde(skip)]
    pub bytes: usize,
}

/// About an object. What has neither name nor uid is not one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    /// Name.
    pub name: String,
    /// Kubernetes' identity of this very object.
    pub uid: String,
    /// Its version, when it was read.
    #[serde(default, rename = "resourceVersion")]
    pub version: Version,
    /// How many bytes Kubernetes wrote all of it in, as far as somebody counted.
    #[serde(skip)]
    pub bytes: usize,
    /// Counts the changes of what it is asked.
    #[serde(default)]
    pub generation: i64,
    /// When it was made.
    pub creation_timestamp: Option<Timestamp>,
    /// When it was asked to go, if it was.
    pub deletion_timestamp: Option<Timestamp>,
    /// The labels that we read.
    #[serde(default)]
    pub labels: Labels,
    /// The annotations that we read.
    #[serde(default)]
    pub annotations: Annotations,
    /// Who manages it, one at most. An object may name thousands of other owners.
    #[serde(default, deserialize_with = "controllers")]
    pub owner_references: Box<[OwnerReference]>,
}

impl Meta {
    /// The uid of the controller that made this object, if one did and is of a kind that a job or
    /// its run can be.
    pub fn job_controller(&self) -> Option<&str> {
        const KINDS: [&str; 3] = ["CronJob", "Job", "ReplicationController"];
        let mut owners = self.owner_references.iter().filter(|owner| owner.controller);
        let owner = owners.find(|owner| KINDS.contains(&owner.kind.as_str()))?;
        Some(&owner.uid)
    }

    /// The uid of the controller that made this object, if one did.
    pub fn controller(&self) -> Option<&str> {
        self.owner_references.iter().find(|owner| owner.controller).map(|owner| owner.uid.as_str())
    }

    /// The uid of its controller, when that is one that a job or its run can be, and is not among
    /// those that are there.
    pub fn lost_controller(&self, there: &BTreeSet<&str>) -> Option<&str> {
        self.job_controller().filter(|uid| !there.contains(uid))
    }

    /// The request that made this object, if it is kept with it and can be read.
    pub fn kept(&self) -> Option<&Spec> {
        self.annotations.spec.as_deref()
    }

    /// The restart of this job that is kept with it, whether it has come to its end or not.
    pub fn kept_restart(&self) -> Option<&Restart> {
        self.annotations.restart.as_deref()
    }

    /// How far one has to look for what this job makes, when these are the labels of what it makes.
    /// Objects of other programs may give it fewer labels than they have themselves.
    pub fn reach_of(&self, made: &Labels) -> Reach {
        if made.of_tool() != self.labels.of_tool() {
            Reach::Namespace
        } else if made.name() == Some(self.name.as_str()) {
            Reach::Job
        } else {
            Reach::Tool
        }
    }

    /// Whether this is the object of a job of this tool, in one of the three kinds that a job can
    /// be: the one rule for all routes. What has a controller belongs to that.
    pub fn is_job_of(&self, tool: &ToolName) -> bool {
        self.labels.are_ours(tool) && self.controller().is_none()
    }
}

/// A version of an object, or of the whole cluster. Those of all kinds are one sequence (etcd's), so
/// any two can be compared; nothing is known of one that is not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version(Option<u64>);

impl Version {
    /// Reads what Kubernetes calls a resource version.
    pub fn parse(text: &str) -> Self {
        Self(text.parse().ok())
    }

    /// The number, to look for the versions before it.
    pub fn number(self) -> Option<u64> {
        self.0
    }

    /// Whether this one is certain to show whatever `other` shows.
    pub fn includes(self, other: Self) -> bool {
        matches!((self.0, other.0), (Some(this), Some(other)) if this >= other)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(version: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(version).map(|text| Self::parse(&text))
    }
}

/// The annotations that we read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Annotations {
    /// The request that made the object; absent also when it can't be read.
    #[serde(rename = "jobs.toolforge.org/spec", deserialize_with = "readable")]
    spec: Option<Box<Spec>>,
    /// The restart that is under way; absent also when it can't be read.
    #[serde(rename = "jobs.toolforge.org/restart", deserialize_with = "readable")]
    restart: Option<Box<Restart>>,
}

/// Parses the JSON in the annotation's text, once, where the object comes in.
fn readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<Box<T>>, D::Error> {
    struct Text<T>(PhantomData<T>);

    impl<T: DeserializeOwned> de::Visitor<'_> for Text<T> {
        type Value = Option<Box<T>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the text of an annotation")
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(serde_json::from_str(text).ok())
        }
    }

    deserializer.deserialize_str(Text(PhantomData))
}

fn controllers<'de, D: Deserializer<'de>>(owners: D) -> Result<Box<[OwnerReference]>, D::Error> {
    let mut owners = Vec::<OwnerReference>::deserialize(owners)?;
    owners.retain(|owner| owner.controller);
    Ok(owners.into())
}

/// One owner of an object.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct OwnerReference {
    /// Its kind.
    pub kind: String,
    /// Its uid.
    pub uid: String,
    /// Whether it manages the object.
    pub controller: bool,
}

/// What only an object's metadata says.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Named {
    /// About the object.
    pub metadata: Meta,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_many_owners_only_the_controller_is_kept() {
        let owner = |number: usize| json!({"uid": number.to_string(), "controller": number == 7});
        let owners: Vec<_> = (0..100).map(owner).collect();
        let meta = json!({"name": "a", "uid": "u", "ownerReferences": owners});
        let meta: Meta = serde_json::from_value(meta).unwrap();
        assert_eq!(meta.controller(), Some("7"));
        assert_eq!(meta.owner_references.len(), 1);
    }
}
