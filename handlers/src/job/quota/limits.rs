//! What a namespace allows: checked before anything is created.
//!
//! A LimitRange acts on pods, not on Jobs: Kubernetes takes a Job that asks for too much and never
//! starts it.

use super::{
    count,
    objects::{LimitRange, LimitRangeItem, ResourceQuota, Resources},
    refusal::plain_ratio,
};
use crate::job::{
    Spec,
    quantity::{Amount, Cpu, Quantity},
    request::{Invalid, Rule},
};

/// What one namespace allows, as far as we plan with it.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    ranges: Vec<LimitRangeItem>,
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
            .collect();
        let jobs_max =
            quotas.iter().filter_map(|quota| count(quota.spec.hard.jobs.as_deref()?)).min();
        Self { ranges, jobs_max }
    }

    /// Whether a job's pods would be let in: its limit is at most the maximum, its request at least
    /// the minimum, and the limit not too many times the request.
    ///
    /// # Errors
    /// The field that is too much or too little, and the bound.
    pub fn check(&self, spec: &Spec) -> Result<(), Invalid> {
        self.check_resource("memory", spec.memory.as_ref(), |resources| &resources.memory)?;
        self.check_resource("cpu", spec.cpu.as_ref(), |resources| &resources.cpu)
    }

    fn check_resource<A: Amount>(
        &self,
        field: &'static str,
        asked: Option<&Quantity<A>>,
        of: fn(&Resources) -> &Option<String>,
    ) -> Result<(), Invalid> {
        let asked = asked.map(|quantity| Share::asked(quantity.amount()));
        let Some(share) = asked.or_else(|| self.default_share(of)) else { return Ok(()) };
        let detail = self.ranges.iter().find_map(|range| share.outside(field, range, of));
        detail.map_or(Ok(()), |detail| Err(Invalid::of(Rule::Limits, field, detail)))
    }

    /// What a container gets that asks for nothing, if the namespace says it.
    fn default_share<A: Amount>(&self, of: fn(&Resources) -> &Option<String>) -> Option<Share<A>> {
        let find = |which: fn(&LimitRangeItem) -> &Resources| {
            let mut found = self.ranges.iter().filter_map(|range| of(which(range)).as_deref());
            found.next().and_then(A::stored)
        };
        Some(Share {
            limit: find(|range| &range.default)?,
            sure: find(|range| &range.default_request)?,
            is_asked: false,
        })
    }
}

/// What one job gets of a resource.
struct Share<A> {
    limit: A,
    /// What it gets for certain: Kubernetes calls it the request.
    sure: A,
    /// Whether the caller asked for it, or the namespace gives it to everybody.
    is_asked: bool,
}

impl<A: Amount> Share<A> {
    fn asked(limit: A) -> Self {
        Self { limit, sure: limit.sure(), is_asked: true }
    }

    /// What is wrong with this share of `field`, if it is outside of a range.
    fn outside(
        &self,
        field: &str,
        range: &LimitRangeItem,
        of: fn(&Resources) -> &Option<String>,
    ) -> Option<String> {
        let Self { limit, sure, is_asked } = self;
        let bound = |resources| of(resources).as_deref().and_then(A::stored);
        let given = if *is_asked {
            format!("with {limit} it is sure of {sure}")
        } else {
            format!("without `{field}` it gets {limit} and is sure of {sure}")
        };
        if let Some(max) = bound(&range.max).filter(|max| limit > max) {
            return Some(if *is_asked {
                format!("a job may have at most {max} of {field}, not {limit}")
            } else {
                format!("a job may have at most {max} of {field}: {given}")
            });
        }
        if let Some(min) = bound(&range.min).filter(|min| sure < min) {
            return Some(if *is_asked && limit == sure {
                format!("a job must have at least {min} of {field}, not {limit}")
            } else {
                format!("a job must be sure of at least {min} of {field}: {given}")
            });
        }
        let ratio = of(&range.max_limit_request_ratio).as_deref()?;
        // A ratio is a number like one of cores, and counts in thousandths as they do.
        let thousandths = u128::from(Cpu::parse_stored(ratio)?.millicores());
        let is_too_much = u128::from(limit.units()) * 1000 > u128::from(sure.units()) * thousandths;
        is_too_much.then(|| {
            format!(
                "a job may have at most {} times the {field} that it is sure of: {given}; up to \
                 {} it is sure of all that it asks for",
                plain_ratio(ratio),
                A::SURE_MAX
            )
        })
    }
}

#[cfg(test)]
mod tests;
