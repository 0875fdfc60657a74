//! What Kubernetes says when a pod does not say what a ResourceQuota counts.

use std::{collections::BTreeSet, fmt};

/// What Kubernetes says when a pod does not say what a ResourceQuota counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsaidRefusal {
    /// Kubernetes' names of what it does not say, such as `limits.memory`; at least one.
    pub resources: Vec<String>,
}

impl UnsaidRefusal {
    /// Reads Kubernetes' sentence. `None` when it is about something else.
    ///
    /// `failed quota: tool: must specify limits.memory for: job; requests.cpu for: job,proxy`
    pub fn parse(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once(" is forbidden: failed quota: ")?;
        let (_, list) = rest.split_once(": must specify ")?;
        let resource = |part: &str| {
            let (resource, _containers) = part.split_once(" for: ")?;
            let is_known = matches!(field(resource), "memory" | "cpu");
            is_known.then(|| resource.to_owned())
        };
        let resources = list.split("; ").map(resource).collect::<Option<_>>()?;
        Some(Self { resources })
    }
}

/// The field of a request that says how much of a resource a job may use.
fn field(resource: &str) -> &str {
    let rest = resource.strip_prefix("limits.").or_else(|| resource.strip_prefix("requests."));
    rest.unwrap_or(resource)
}

impl fmt::Display for UnsaidRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: BTreeSet<_> = self.resources.iter().map(|it| field(it)).collect();
        let fields = Vec::from_iter(fields).join("` and `");
        let resources = self.resources.join(", ");
        write!(
            f,
            "it does not say how much `{fields}` it may use, which the tool's quota counts \
             ({resources})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_words(sentence: &str) -> Option<String> {
        let message = format!("Error creating: pods \"a-p6jsh\" is forbidden: {sentence}");
        UnsaidRefusal::parse(&message).map(|refusal| refusal.to_string())
    }

    /// Word for word as Kubernetes says it.
    #[test]
    fn what_a_quota_counts_and_a_pod_does_not_say_is_told_by_its_field() {
        for (sentence, told) in [
            (
                "failed quota: q0: must specify limits.memory for: job",
                "it does not say how much `memory` it may use, which the tool's quota counts \
                 (limits.memory)",
            ),
            (
                "failed quota: q0: must specify cpu for: job",
                "it does not say how much `cpu` it may use, which the tool's quota counts (cpu)",
            ),
            (
                "failed quota: q0: must specify cpu for: job; limits.cpu for: job; limits.memory \
                 for: job; memory for: job; requests.cpu for: job; requests.memory for: job",
                "it does not say how much `cpu` and `memory` it may use, which the tool's quota \
                 counts (cpu, limits.cpu, limits.memory, memory, requests.cpu, requests.memory)",
            ),
            (
                "failed quota: q0: must specify requests.memory for: job,proxy",
                "it does not say how much `memory` it may use, which the tool's quota counts \
                 (requests.memory)",
            ),
        ] {
            assert_eq!(in_words(sentence).as_deref(), Some(told), "{sentence}");
        }
    }

    #[test]
    fn any_other_sentence_is_not_taken_for_one_of_these() {
        for sentence in [
            "",
            "failed quota: ",
            "failed quota: q",
            "failed quota: q: must specify ",
            "failed quota: q: must specify limits.memory",
            "failed quota: q: must specify /some/path for: job",
            "failed quota: q: must specify limits.memory for: job; something else",
            "exceeded quota: q, requested: pods=1, used: pods=16, limited: pods=16",
            "maximum cpu usage per Container is 1, but limit is 2",
        ] {
            assert_eq!(in_words(sentence), None, "{sentence}");
        }
    }
}
