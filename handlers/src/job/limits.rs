//! What a namespace allows: checked before anything is created.
//!
//! A LimitRange acts on pods, not on Jobs: Kubernetes takes a Job that asks for too much and never
//! starts it. A ResourceQuota's refusal is one sentence, from which the numbers are read.

pub mod objects;

use std::fmt;

use self::objects::{LimitRange, ResourceQuota, Resources};
use super::{
    Spec,
    quantity::{Cpu, Memory},
    request::{Invalid, Rule},
};

/// What one namespace allows, as far as we plan with it.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    ranges: Vec<(Resources, Resources)>,
    /// How many Job objects there may be; unlimited when absent.
    pub jobs_max: Option<u64>,
}

impl Limits {
    /// Reads what Kubernetes says. What can't be understood limits nothing: Kubernetes itself still
    /// does.
    pub fn new(ranges: Vec<LimitRange>, quotas: &[ResourceQuota]) -> Self {
        let ranges = ranges
            .into_iter()
            .flat_map(|range| range.spec.limits)
            .filter(|item| matches!(item.kind.as_str(), "Container" | "Pod"))
            .map(|item| (item.min, item.max))
            .collect();
        let jobs_max =
            quotas.iter().filter_map(|quota| count(quota.spec.hard.jobs.as_deref()?)).min();
        Self { ranges, jobs_max }
    }

    /// Whether a job's pods would be let in: its limit is at most the maximum, its request at least
    /// the minimum.
    ///
    /// # Errors
    /// The field that is too much or too little, and the bound.
    pub fn check(&self, spec: &Spec) -> Result<(), Invalid> {
        let memory = spec.memory.as_deref().and_then(|text| Memory::parse(text).ok());
        let cpu = spec.cpu.as_deref().and_then(|text| Cpu::parse(text).ok());
        for (min, max) in &self.ranges {
            if let Some(memory) = memory {
                let bound = |text: &Option<String>| text.as_deref().and_then(Memory::parse_stored);
                let asked = (memory, memory.request());
                within("memory", asked, bound(&min.memory), bound(&max.memory))?;
            }
            if let Some(cpu) = cpu {
                let bound = |text: &Option<String>| text.as_deref().and_then(Cpu::parse_stored);
                within("cpu", (cpu, cpu.request()), bound(&min.cpu), bound(&max.cpu))?;
            }
        }
        Ok(())
    }
}

/// A number of objects is a quantity too: Kubernetes writes a thousand as `1k`.
fn count(text: &str) -> Option<u64> {
    Memory::parse_stored(text).map(Memory::bytes)
}

fn within<Q: Ord + fmt::Display>(
    field: &'static str,
    (limit, request): (Q, Q),
    min: Option<Q>,
    max: Option<Q>,
) -> Result<(), Invalid> {
    let no = |detail| Err(Invalid::of(Rule::Limits, field, detail));
    if let Some(max) = max.filter(|max| limit > *max) {
        return no(format!("a job may have at most {max} of {field}, not {limit}"));
    }
    if let Some(min) = min.filter(|min| request < *min) {
        return no(if request == limit {
            format!("a job must have at least {min} of {field}, not {limit}")
        } else {
            format!(
                "a job must be sure of at least {min} of {field}; with {limit} it has {request}"
            )
        });
    }
    Ok(())
}

/// What Kubernetes says when a ResourceQuota is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QuotaRefusal {
    /// One entry for each resource that does not fit; empty when the sentence was not understood.
    pub resources: Vec<QuotaRefused>,
}

/// One resource that does not fit. Quantities are as Kubernetes writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaRefused {
    /// Kubernetes' name of it, such as `count/jobs.batch` or `limits.memory`.
    pub resource: String,
    /// What was asked for.
    pub requested: String,
    /// What is in use.
    pub used: String,
    /// What is allowed.
    pub limited: String,
}

impl QuotaRefusal {
    /// Reads Kubernetes' sentence. `None` when it is about something else than a quota.
    pub fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("exceeded quota: ")?;
        let numbers = || {
            let (_, rest) = rest.split_once(", requested: ")?;
            let (requested, rest) = rest.split_once(", used: ")?;
            let (used, limited) = rest.split_once(", limited: ")?;
            let find = |list: &str, resource: &str| {
                list.split(',').find_map(|pair| {
                    let (name, value) = pair.trim().split_once('=')?;
                    (name == resource).then(|| value.to_owned())
                })
            };
            requested
                .split(',')
                .map(|pair| {
                    let (resource, requested) = pair.trim().split_once('=')?;
                    Some(QuotaRefused {
                        resource: resource.to_owned(),
                        requested: requested.to_owned(),
                        used: find(used, resource)?,
                        limited: find(limited, resource)?,
                    })
                })
                .collect::<Option<Vec<_>>>()
        };
        Some(Self { resources: numbers().unwrap_or_default() })
    }

    /// Whether the number of Job objects is in the way.
    pub fn is_about_jobs(&self) -> bool {
        self.resources.iter().any(|refused| refused.resource == "count/jobs.batch")
    }
}

impl fmt::Display for QuotaRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resources.is_empty() {
            return f.write_str("this would exceed the tool's quota");
        }
        for (index, refused) in self.resources.iter().enumerate() {
            let QuotaRefused { resource, requested, used, limited } = refused;
            let separator = if index == 0 { "" } else { "; " };
            write!(
                f,
                "{separator}{}: {requested} asked, {used} used, {limited} allowed",
                in_words(resource)
            )?;
        }
        Ok(())
    }
}

/// What a resource is called by people.
fn in_words(resource: &str) -> &str {
    match resource {
        "pods" => "pods at once (pods)",
        "count/jobs.batch" => {
            "jobs, finished ones and runs of scheduled ones included (count/jobs.batch)"
        }
        "count/cronjobs.batch" => "scheduled jobs (count/cronjobs.batch)",
        "replicationcontrollers" | "count/replicationcontrollers" => {
            "continuous jobs (replicationcontrollers)"
        }
        "limits.memory" => "memory of all jobs (limits.memory)",
        "requests.memory" => "guaranteed memory of all jobs (requests.memory)",
        "limits.cpu" => "CPU of all jobs (limits.cpu)",
        "requests.cpu" => "guaranteed CPU of all jobs (requests.cpu)",
        other => other,
    }
}

#[cfg(test)]
mod tests;
