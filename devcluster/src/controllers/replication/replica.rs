//! One pod of a ReplicationController.

use std::cmp::{Ordering, Reverse};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{PodSpec, PodStatus};

use crate::object::Object;

/// A pod, with what is needed to compare it with its likes.
pub(super) struct Replica<'a> {
    pub(super) pod: &'a Object,
    phase: String,
    is_on_node: bool,
    /// Whether it says that it can be used.
    pub(super) is_ready: bool,
    ready_since: Option<Timestamp>,
    restarts: i32,
}

impl<'a> Replica<'a> {
    pub(super) fn read(pod: &'a Object) -> Self {
        let status: PodStatus = pod.status();
        let containers = status.container_statuses.iter().flatten();
        let conditions = status.conditions.unwrap_or_default();
        let ready = conditions.into_iter().find(|it| it.type_ == "Ready" && it.status == "True");
        Self {
            pod,
            phase: status.phase.unwrap_or_default(),
            is_on_node: pod.spec::<PodSpec>().node_name.is_some(),
            is_ready: ready.is_some(),
            ready_since: ready.and_then(|ready| ready.last_transition_time).map(|time| time.0),
            restarts: containers.map(|container| container.restart_count).sum(),
        }
    }

    /// The least worth comes first: what does not run yet, then what has run for the shortest.
    pub(super) fn cmp_by_worth(&self, other: &Self) -> Ordering {
        let worth = |replica: &Self| {
            let phase = match replica.phase.as_str() {
                "Running" => 2,
                "Unknown" => 1,
                _ => 0,
            };
            let (youngest, restarts) = (Reverse(replica.ready_since), Reverse(replica.restarts));
            let created = Reverse(replica.pod.created_at());
            (replica.is_on_node, phase, replica.is_ready, youngest, restarts, created)
        };
        worth(self).cmp(&worth(other)).then_with(|| self.pod.name().cmp(other.pod.name()))
    }
}
