//! What one job gets of one resource, compared with what its namespace asks of every pod.

use std::collections::BTreeSet;

use crate::job::{
    quantity::{Amount, Cpu},
    quota::{
        objects::{LimitRangeItem, Resources},
        refusal::plain_ratio,
    },
};

/// What one job gets of a resource.
pub(super) struct Share<A> {
    field: &'static str,
    /// The most that it may use, if anything says it.
    limit: Option<A>,
    /// What it gets for certain, if anything says it: Kubernetes calls it the request.
    sure: Option<A>,
    /// Whether the caller asked for it, or the namespace gives it to everybody.
    is_asked: bool,
}

impl<A: Amount> Share<A> {
    /// What a job gets that asks for this much of `field`.
    pub(super) fn asked(field: &'static str, limit: A) -> Self {
        Self { field, limit: Some(limit), sure: Some(limit.sure()), is_asked: true }
    }

    /// What a job gets that asks for nothing of `field`.
    pub(super) fn by_default(field: &'static str, limit: Option<A>, sure: Option<A>) -> Self {
        Self { field, limit, sure, is_asked: false }
    }

    /// What is wrong with this share, if it is outside of a range.
    pub(super) fn outside(
        &self,
        range: &LimitRangeItem,
        of: fn(&Resources) -> &Option<String>,
    ) -> Option<String> {
        let bound = |resources| of(resources).as_deref().and_then(A::stored);
        let above = || self.above(bound(&range.max)?);
        let below = || self.below(bound(&range.min)?);
        let ratio = || self.beyond(of(&range.max_limit_request_ratio).as_deref()?);
        above().or_else(below).or_else(ratio)
    }

    /// What has to be said because quotas count it, and nothing says it.
    pub(super) fn missing(&self, counted: &BTreeSet<String>) -> Option<String> {
        let field = self.field;
        let is_counted = |name: &str| counted.contains(name);
        let limit = self.limit.is_none() && is_counted(&format!("limits.{field}"));
        // The plain name is the older one, and means the request.
        let sure =
            self.sure.is_none() && (is_counted(&format!("requests.{field}")) || is_counted(field));
        (limit || sure).then(|| self.unsaid("the tool's quota counts it, and there is no default"))
    }

    fn above(&self, max: A) -> Option<String> {
        let (field, given) = (self.field, self.given());
        let Some(limit) = self.limit else {
            let why = format!("this namespace allows at most {max} and gives no default");
            return Some(self.unsaid(&why));
        };
        let is_within = limit <= max && self.sure.is_none_or(|sure| sure <= max);
        (!is_within).then(|| {
            if self.is_asked {
                format!("a job may have at most {max} of {field}, not {limit}")
            } else {
                format!("a job may have at most {max} of {field}: {given}")
            }
        })
    }

    fn below(&self, min: A) -> Option<String> {
        let (field, given) = (self.field, self.given());
        let Some(sure) = self.sure else {
            let why = format!("this namespace asks for at least {min} and gives no default");
            return Some(self.unsaid(&why));
        };
        let is_within = sure >= min && self.limit.is_none_or(|limit| limit >= min);
        (!is_within).then(|| {
            if self.is_asked && self.limit == self.sure {
                format!("a job must have at least {min} of {field}, not {sure}")
            } else {
                format!("a job must be sure of at least {min} of {field}: {given}")
            }
        })
    }

    fn beyond(&self, ratio: &str) -> Option<String> {
        let field = self.field;
        // A ratio is a number like one of cores, and counts in thousandths as they do.
        let thousandths = u128::from(Cpu::parse_stored(ratio)?.millicores());
        let ratio = plain_ratio(ratio);
        // Nothing has no ratio.
        let some = |amount: Option<A>| amount.map(A::units).filter(|units| *units > 0);
        let (Some(limit), Some(sure)) = (some(self.limit), some(self.sure)) else {
            return Some(self.unsaid(&format!(
                "this namespace allows at most {ratio} times the {field} that a job is sure of, \
                 and gives no default"
            )));
        };
        let is_too_much = u128::from(limit) * 1000 > u128::from(sure) * thousandths;
        is_too_much.then(|| {
            format!(
                "a job may have at most {ratio} times the {field} that it is sure of: {}; up to {} \
                 it is sure of all that it asks for",
                self.given(),
                A::SURE_MAX
            )
        })
    }

    /// What the caller has to do, and why.
    fn unsaid(&self, why: &str) -> String {
        format!("say how much `{}` the job may use: {why}", self.field)
    }

    /// What the job gets.
    fn given(&self) -> String {
        let sure = self.sure.map_or_else(|| "nothing".to_owned(), |sure| sure.to_string());
        match self.limit {
            Some(limit) if self.is_asked => format!("with {limit} it is sure of {sure}"),
            Some(limit) => {
                format!("without `{}` it gets {limit} and is sure of {sure}", self.field)
            }
            None => format!("without `{}` it is sure of {sure}", self.field),
        }
    }
}
