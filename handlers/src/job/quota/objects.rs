//! What limits a namespace, as Kubernetes answers it: the fields that are used.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use crate::job::kind::{Kind, Resource};

/// A LimitRange.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LimitRange {
    /// What was asked.
    pub spec: LimitRangeSpec,
}

impl Resource for LimitRange {
    const KIND: Kind = Kind::LIMIT_RANGES;
}

/// What a LimitRange was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct LimitRangeSpec {
    /// One entry for each kind of thing that is limited.
    pub limits: Vec<LimitRangeItem>,
}

/// The limits of one kind of thing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitRangeItem {
    /// `Container` or `Pod`; a job's pod has one container.
    #[serde(rename = "type")]
    pub kind: String,
    /// The most that a limit may be.
    pub max: Resources,
    /// The least that a request may be.
    pub min: Resources,
    /// How many times its request a limit may be.
    pub max_limit_request_ratio: Resources,
    /// The limit of a container that asks for none.
    pub default: Resources,
    /// The request of a container that asks for nothing.
    pub default_request: Resources,
}

/// Quantities of what is measured, as Kubernetes writes them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Memory.
    pub memory: Option<String>,
    /// CPU.
    pub cpu: Option<String>,
}

/// A ResourceQuota.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResourceQuota {
    /// What was asked.
    pub spec: ResourceQuotaSpec,
    /// What Kubernetes counts.
    pub status: ResourceQuotaStatus,
}

impl Resource for ResourceQuota {
    const KIND: Kind = Kind::RESOURCE_QUOTAS;
}

/// What a ResourceQuota was asked.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceQuotaSpec {
    /// How much there may be of each resource, as Kubernetes names and writes it.
    pub hard: BTreeMap<String, String>,
    /// Which pods alone are counted.
    pub scopes: Vec<String>,
    /// The same, in another form.
    pub scope_selector: Option<IgnoredAny>,
}

impl ResourceQuotaSpec {
    /// Whether every pod is counted, whatever it is.
    pub fn is_for_every_pod(&self) -> bool {
        self.scopes.is_empty() && self.scope_selector.is_none()
    }
}

/// What Kubernetes counts for a ResourceQuota. It follows what happens a little late.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct ResourceQuotaStatus {
    /// How much there is of each resource.
    pub used: BTreeMap<String, String>,
}
