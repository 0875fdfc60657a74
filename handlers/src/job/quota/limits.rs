//! What a namespace allows: checked before anything is created.
//!
//! A LimitRange and a ResourceQuota of memory or CPU act on pods, not on Jobs: Kubernetes takes a Job
//! that asks for too much, or that does not say what it has to say, and never starts it.

mod share;

use std::collections::BTreeSet;

use self::share::Share;
use super::{
    count,
    objects::{LimitRange, LimitRangeItem, ResourceQuota, Resources},
    refusal::JOBS,
    vacancy,
};
use crate::job::{
    Spec,
    quantity::{Amount, Quantity},
    request::{Invalid, Rule},
};

/// What one namespace allows, as far as we plan with it.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    ranges: Vec<LimitRangeItem>,
    /// What the quotas count of every pod, by Kubernetes' names: `limits.memory`. A quota of some
    /// pods only is left to Kubernetes.
    counted: BTreeSet<String>,
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
        let quotas = || quotas.iter().map(|quota| &quota.spec);
        let of_every_pod = quotas().filter(|quota| quota.is_for_every_pod());
        let counted = of_every_pod.flat_map(|quota| quota.hard.keys().cloned()).collect();
        let jobs_max = quotas().filter_map(|quota| count(quota.hard.get(JOBS)?)).min();
        Self { ranges, counted, jobs_max }
    }

    /// Whether a quota can have a pod wait until there is room for it.
    pub fn count_pods(&self) -> bool {
        self.counted.iter().any(|resource| vacancy::is_of_pods(resource))
    }

    /// Whether a job's pods would be let in: its limit is at most the maximum, its request at least
    /// the minimum, the limit not too many times the request, and each is there that something is
    /// compared with or that a quota counts.
    ///
    /// # Errors
    /// The field that is too much, too little or missing, and why.
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
        let asked = asked.map(|quantity| Share::asked(field, quantity.amount()));
        let Some(share) = asked.or_else(|| self.default_share(field, of)) else { return Ok(()) };
        let outside = self.ranges.iter().find_map(|range| share.outside(range, of));
        let detail = outside.or_else(|| share.missing(&self.counted));
        detail.map_or(Ok(()), |detail| Err(Invalid::of(Rule::Limits, field, detail)))
    }

    /// What a container gets that asks for nothing. Limit and request are each by themselves what
    /// the first range says that says one. Kubernetes has its ranges in no order, so where several
    /// give a default, a pod may get another one. `None` when a default can't be understood.
    fn default_share<A: Amount>(
        &self,
        field: &'static str,
        of: fn(&Resources) -> &Option<String>,
    ) -> Option<Share<A>> {
        let find = |which: fn(&LimitRangeItem) -> &Resources| {
            let first = self.ranges.iter().find_map(|range| of(which(range)).as_deref());
            first.map_or(Some(None), |text| A::stored(text).map(Some))
        };
        let (limit, sure) = (find(|range| &range.default)?, find(|range| &range.default_request)?);
        Some(Share::by_default(field, limit, sure))
    }
}

#[cfg(test)]
mod tests;
