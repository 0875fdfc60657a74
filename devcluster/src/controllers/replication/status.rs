//! What a ReplicationController says of its pods.

use jiff::Timestamp;
use k8s_openapi::{
    api::core::v1::{PodTemplateSpec, ReplicationControllerCondition, ReplicationControllerStatus},
    apimachinery::pkg::apis::meta::v1::Time,
};

use super::{FAILED_CREATE, Replica};
use crate::{admission::Forbidden, object::Object};

const REPLICA_FAILURE: &str = "ReplicaFailure";

/// A pod that is ready is available at once: `minReadySeconds` is not looked at.
pub(super) fn of(
    now: Timestamp,
    controller: &Object,
    template: &PodTemplateSpec,
    replicas: &[Replica<'_>],
    refusal: Option<&Forbidden>,
) -> ReplicationControllerStatus {
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.as_ref());
    let is_labelled = |replica: &&Replica<'_>| {
        labels.into_iter().flatten().all(|(name, value)| replica.pod.label(name) == Some(value))
    };
    let ready = count(replicas.iter().filter(|replica| replica.is_ready));
    let old: ReplicationControllerStatus = controller.status();
    ReplicationControllerStatus {
        replicas: count(replicas.iter()).unwrap_or(0),
        fully_labeled_replicas: count(replicas.iter().filter(is_labelled)),
        ready_replicas: ready,
        available_replicas: ready,
        observed_generation: controller.metadata.generation,
        conditions: conditions(now, old.conditions.unwrap_or_default(), refusal),
    }
}

/// As Kubernetes writes it: not at all when there is none.
fn count<T>(replicas: impl Iterator<Item = T>) -> Option<i32> {
    i32::try_from(replicas.count()).ok().filter(|count| *count != 0)
}

/// The first refusal stays until a pod can be made again. Every try has another pod's name in it,
/// and a condition that changed with each would be a change of the object, and so the next try.
fn conditions(
    now: Timestamp,
    mut conditions: Vec<ReplicationControllerCondition>,
    refusal: Option<&Forbidden>,
) -> Option<Vec<ReplicationControllerCondition>> {
    let is_failure = |it: &ReplicationControllerCondition| it.type_ == REPLICA_FAILURE;
    match refusal {
        None => conditions.retain(|it| !is_failure(it)),
        Some(_) if conditions.iter().any(is_failure) => {}
        Some(refusal) => conditions.push(ReplicationControllerCondition {
            type_: REPLICA_FAILURE.to_owned(),
            status: "True".to_owned(),
            last_transition_time: Some(Time(now)),
            reason: Some(FAILED_CREATE.to_owned()),
            message: Some(refusal.to_string()),
        }),
    }
    (!conditions.is_empty()).then_some(conditions)
}
