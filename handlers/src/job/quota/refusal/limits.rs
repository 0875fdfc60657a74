//! What Kubernetes says when a pod is outside of a LimitRange.

use std::fmt;

use crate::job::quantity::Cpu;

/// What Kubernetes says when a pod is outside of a LimitRange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRefusal {
    /// One entry for each bound that is not kept.
    pub bounds: Vec<LimitRefused>,
}

/// One bound that is not kept. Quantities are as Kubernetes writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitRefused {
    /// Which kind of bound it is.
    pub bound: Bound,
    /// What is bounded: `cpu`, `memory` or another resource.
    pub resource: String,
    /// Whether all containers of a pod together are meant, not each of them.
    pub is_per_pod: bool,
    /// What is allowed.
    pub allowed: String,
    /// What there was, if there was anything.
    pub given: Option<String>,
}

/// The kinds of bound that a LimitRange has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The least that a job has to be sure of.
    Minimum,
    /// The most that it may use.
    Maximum,
    /// How many times what it is sure of it may use.
    Ratio,
}

impl LimitRefusal {
    /// Reads Kubernetes' sentences: one, or several as `[one, two]`. `None` when they are about
    /// something else.
    pub fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once(" is forbidden: ")?;
        let list = rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(rest);
        let mut bounds = Vec::new();
        let mut rest = list;
        while !rest.is_empty() {
            let (bound, left) = LimitRefused::parse_first(rest)?;
            bounds.push(bound);
            rest = left;
        }
        (!bounds.is_empty()).then_some(Self { bounds })
    }
}

impl LimitRefused {
    /// Reads the first sentence, and gives what comes after it and its comma.
    ///
    /// `maximum cpu usage per Container is 1, but limit is 2`
    /// `minimum memory usage per Pod is 4Mi.  No request is specified`
    /// `cpu max limit to request ratio per Container is 1, but provided ratio is 2.000000`
    fn parse_first(text: &str) -> Option<(Self, &str)> {
        let (subject, rest) = text.split_once(" per ")?;
        let (scope, rest) = rest.split_once(" is ")?;
        let is_per_pod = match scope {
            "Container" => false,
            "Pod" => true,
            _ => return None,
        };
        let (bound, resource) = if let Some(resource) = between(subject, "minimum ", " usage") {
            (Bound::Minimum, resource)
        } else if let Some(resource) = between(subject, "maximum ", " usage") {
            (Bound::Maximum, resource)
        } else {
            (Bound::Ratio, between(subject, "", " max limit to request ratio")?)
        };
        let (allowed, given, rest) = numbers(rest)?;
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-./+".contains(&byte))
        };
        if ![resource, allowed].into_iter().chain(given).all(is_word) {
            return None;
        }
        let [resource, allowed] = [resource, allowed].map(str::to_owned);
        let given = given.map(str::to_owned);
        Some((Self { bound, resource, is_per_pod, allowed, given }, rest))
    }
}

/// What is allowed, what was given, and the rest of the text.
fn numbers(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let end = |text: &str| text.find(", ").unwrap_or(text.len());
    let without_comma = |rest: &'_ str| rest.strip_prefix(", ").map_or(0, |_| 2);
    if let Some((allowed, rest)) = text.split_once(", but ")
        && !allowed.contains(' ')
    {
        let end = end(rest);
        let given = rest[..end].rsplit_once(" is ").map(|(_, given)| given);
        // `no request is specified or request is 0`
        let given = given.filter(|_| !rest.starts_with("no "));
        return Some((allowed, given, &rest[end + without_comma(&rest[end..])..]));
    }
    let (allowed, rest) = text.split_once(".  No ")?;
    let end = end(rest);
    Some((allowed, None, &rest[end + without_comma(&rest[end..])..]))
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    text.strip_prefix(start)?.strip_suffix(end)
}

impl fmt::Display for LimitRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, bound) in self.bounds.iter().enumerate() {
            write!(f, "{}{bound}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl fmt::Display for LimitRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bound, resource, is_per_pod, allowed, given } = self;
        let who = if *is_per_pod { "all containers of a job together" } else { "a job" };
        match bound {
            Bound::Minimum => write!(f, "{who} must be sure of at least {allowed} of {resource}")?,
            Bound::Maximum => write!(f, "{who} may have at most {allowed} of {resource}")?,
            Bound::Ratio => write!(
                f,
                "{who} may have at most {} times the {resource} that it is sure of",
                plain_ratio(allowed)
            )?,
        }
        match (given, bound) {
            (Some(ratio), Bound::Ratio) => write!(f, ", not {} times", plain_ratio(ratio)),
            (Some(given), _) => write!(f, ", not {given}"),
            (None, _) => f.write_str(", and it asks for none"),
        }
    }
}

/// A ratio as people write it. Kubernetes writes one that is allowed as a quantity, `1500m`, and one
/// that it counted with six decimal places.
pub(in crate::job::quota) fn plain_ratio(text: &str) -> String {
    // It counts in thousandths, as cores do.
    let Some(thousandths) = Cpu::parse_stored(text).map(Cpu::millicores) else {
        return text.to_owned();
    };
    let decimal = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
