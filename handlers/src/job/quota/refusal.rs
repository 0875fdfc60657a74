//! What Kubernetes says when a ResourceQuota or a LimitRange is in the way.
//!
//! A refusal is a sentence or several, from which the numbers are read.

mod limits;
mod unsaid;

use std::fmt;

pub(super) use self::limits::plain_ratio;
pub use self::{
    limits::{Bound, LimitRefusal, LimitRefused},
    unsaid::UnsaidRefusal,
};
use super::count;
use crate::job::kind::Kind;

/// Kubernetes' name for the number of Job objects.
pub(super) const JOBS: &str = "count/jobs.batch";

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

    /// Whether nothing but the number of Job objects is in the way.
    pub fn is_only_about_jobs(&self) -> bool {
        !self.resources.is_empty() && self.resources.iter().all(|it| it.resource == JOBS)
    }

    /// Whether nothing but the number of objects of this kind is in the way.
    pub fn is_only_about(&self, kind: Kind) -> bool {
        let is_it = |refused: &QuotaRefused| is_number_of(&refused.resource, kind);
        !self.resources.is_empty() && self.resources.iter().all(is_it)
    }

    /// Whether there would be room if one object of this kind had gone: nothing else is in the way
    /// but their number.
    pub fn ends_with_one_less(&self, kind: Kind) -> bool {
        let fits = |refused: &QuotaRefused| {
            let (used, limited) = (count(&refused.used), count(&refused.limited));
            is_number_of(&refused.resource, kind) && used.is_some() && used <= limited
        };
        !self.resources.is_empty() && self.resources.iter().all(fits)
    }

    /// How many Job objects there may be, if their number is in the way.
    pub fn jobs_allowed(&self) -> Option<u64> {
        let jobs = self.resources.iter().find(|refused| refused.resource == JOBS)?;
        count(&jobs.limited)
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

/// Whether a resource is how many objects of this kind there are.
fn is_number_of(resource: &str, kind: Kind) -> bool {
    let resource = resource.strip_prefix("count/").unwrap_or(resource);
    resource.split('.').next() == Some(kind.plural())
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
        "services" | "count/services" => "jobs with a port, and web services (services)",
        "limits.memory" => "memory of all jobs (limits.memory)",
        "requests.memory" => "guaranteed memory of all jobs (requests.memory)",
        "limits.cpu" => "CPU of all jobs (limits.cpu)",
        "requests.cpu" => "guaranteed CPU of all jobs (requests.cpu)",
        other => other,
    }
}

#[cfg(test)]
mod tests;
