//! Whether there is room for a pod that waits.

use super::{QuotaRefusal, amount, objects::ResourceQuota};

/// What is left of the quotas that count every pod, as Kubernetes counted last.
#[derive(Debug, Clone, Default)]
pub struct Vacancy {
    left: Vec<(String, u64)>,
}

impl Vacancy {
    /// Of these quotas. What can't be understood is in nobody's way: Kubernetes itself decides.
    pub fn of(quotas: &[ResourceQuota]) -> Self {
        let counted = quotas.iter().filter(|quota| quota.spec.is_for_every_pod());
        let left = counted.flat_map(|quota| {
            quota.spec.hard.iter().filter_map(|(resource, hard)| {
                let used = quota.status.used.get(resource).map_or("0", String::as_str);
                let left = amount(resource, hard)?.saturating_sub(amount(resource, used)?);
                Some((resource.clone(), left))
            })
        });
        Self { left: left.collect() }
    }

    /// Whether anything of pods is counted at all.
    pub fn is_limited(&self) -> bool {
        self.left.iter().any(|(resource, _)| is_of_pods(resource))
    }

    /// Whether one pod fits by now that was refused so. Of what Kubernetes did not name there was
    /// enough then; that one more pod must fit is sure all the same.
    pub fn has_room(&self, refusal: &QuotaRefusal) -> bool {
        let is_enough = |resource: &str, asked: u64| {
            self.left.iter().filter(|(name, _)| name == resource).all(|(_, left)| *left >= asked)
        };
        is_enough("pods", 1)
            && refusal.resources.iter().all(|refused| {
                let asked = amount(&refused.resource, &refused.requested);
                asked.is_none_or(|asked| is_enough(&refused.resource, asked))
            })
    }
}

/// Whether pods take of this resource.
pub(super) fn is_of_pods(resource: &str) -> bool {
    let measured = resource.rsplit('.').next().unwrap_or(resource);
    matches!(resource, "pods" | "count/pods") || matches!(measured, "cpu" | "memory")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn vacancy(hard: &serde_json::Value, used: &serde_json::Value) -> Vacancy {
        let quota = json!({"spec": {"hard": hard}, "status": {"used": used}});
        Vacancy::of(&[serde_json::from_value(quota).unwrap()])
    }

    fn refused(requested: &str) -> QuotaRefusal {
        let text = format!(
            "exceeded quota: q, requested: {requested}, used: {requested}, limited: {requested}"
        );
        let refusal = QuotaRefusal::parse(&text).unwrap();
        assert!(!refusal.resources.is_empty(), "{text}");
        refusal
    }

    #[test]
    fn there_is_room_when_all_that_was_asked_is_left() {
        let hard = json!({"pods": "2", "limits.cpu": "1", "requests.memory": "1Gi"});
        for (used, requested, has_room) in [
            (json!({"pods": "1"}), "pods=1", true),
            (json!({"pods": "2"}), "pods=1", false),
            (json!({"pods": "2"}), "limits.cpu=500m", false),
            (json!({"pods": "1", "limits.cpu": "500m"}), "limits.cpu=500m", true),
            (json!({"pods": "1", "limits.cpu": "501m"}), "limits.cpu=500m", false),
            (json!({"requests.memory": "512Mi"}), "requests.memory=0.5Gi", true),
            (json!({"requests.memory": "513Mi"}), "requests.memory=0.5Gi", false),
            (json!({}), "something.else=3", true),
        ] {
            let is_there = vacancy(&hard, &used).has_room(&refused(requested));
            assert_eq!(is_there, has_room, "{used} {requested}");
        }
    }

    #[test]
    fn what_counts_no_pod_has_none_wait() {
        for (resource, counts) in [
            ("pods", true),
            ("requests.cpu", true),
            ("memory", true),
            ("count/jobs.batch", false),
            ("replicationcontrollers", false),
            ("requests.storage", false),
        ] {
            let vacancy = vacancy(&json!({resource: "1"}), &json!({}));
            assert_eq!(vacancy.is_limited(), counts, "{resource}");
        }
        assert!(!vacancy(&json!({"pods": "0"}), &json!({})).has_room(&QuotaRefusal::default()));
    }
}
