//! What objects take of the resources that a quota can name.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, PodSpec, PodStatus},
    apimachinery::pkg::api::resource::Quantity,
};

use super::amount;
use crate::{kind::Kind, object::Object, store::Store};

/// Amounts by resource, each in its smallest unit.
pub(super) type Amounts = BTreeMap<String, u64>;

/// How much of these resources the objects of a namespace take.
pub(crate) fn used<'a>(
    store: &Store,
    namespace: &str,
    resources: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, Quantity> {
    let amounts = of_namespace(store, namespace);
    let one = |resource: &String| {
        let amount = amounts.get(resource).copied().unwrap_or(0);
        (resource.clone(), amount::write(resource, amount))
    };
    resources.into_iter().map(one).collect()
}

/// What the objects of a namespace take.
pub(super) fn of_namespace(store: &Store, namespace: &str) -> Amounts {
    let mut total = Amounts::new();
    for kind in Kind::ALL {
        let count = store.list(kind, Some(namespace)).count() as u64;
        total.extend(counted_as(kind).into_iter().map(|resource| (resource, count)));
    }
    for pod in store.list(Kind::Pod, Some(namespace)) {
        add(&mut total, of_pod(pod));
    }
    for (_, gone) in store.still_counted(namespace) {
        add(&mut total, of_object(gone));
    }
    total
}

/// What one object takes.
pub(super) fn of_object(object: &Object) -> Amounts {
    let mut amounts: Amounts =
        counted_as(object.kind).into_iter().map(|resource| (resource, 1)).collect();
    if object.kind == Kind::Pod {
        amounts.extend(of_pod(object));
    }
    amounts
}

/// Under which resources a container asks for something.
pub(super) fn of_container(container: &Container) -> Amounts {
    let mut amounts = Amounts::new();
    let Some(resources) = &container.resources else { return amounts };
    for (name, quantity) in resources.requests.iter().flatten() {
        // The plain name is the older one, and means the request.
        for resource in [name.clone(), format!("requests.{name}")] {
            amounts.insert(resource, amount::read(name, quantity));
        }
    }
    for (name, quantity) in resources.limits.iter().flatten() {
        amounts.insert(format!("limits.{name}"), amount::read(name, quantity));
    }
    amounts
}

/// A pod that has ended takes nothing more; one that is going does, until it has gone.
fn of_pod(pod: &Object) -> Amounts {
    let phase = pod.status::<PodStatus>().phase;
    if matches!(phase.as_deref(), Some("Succeeded" | "Failed")) {
        return Amounts::new();
    }
    let spec: PodSpec = pod.spec();
    let mut amounts = Amounts::new();
    for container in &spec.containers {
        add(&mut amounts, of_container(container));
    }
    // They run before the others, and one at a time.
    for (resource, amount) in spec.init_containers.iter().flatten().flat_map(of_container) {
        let most = amounts.entry(resource).or_default();
        *most = amount.max(*most);
    }
    amounts.insert("pods".to_owned(), 1);
    amounts
}

fn add(total: &mut Amounts, amounts: Amounts) {
    for (resource, amount) in amounts {
        let sum = total.entry(resource).or_default();
        *sum = sum.saturating_add(amount);
    }
}

/// The resources under which each object of a kind is one. A few kinds have an older name too.
fn counted_as(kind: Kind) -> Vec<String> {
    let count = format!("count/{}", kind.resource());
    match kind {
        Kind::ReplicationController | Kind::ConfigMap | Kind::ResourceQuota => {
            vec![count, kind.plural().to_owned()]
        }
        Kind::Namespace
        | Kind::Pod
        | Kind::Job
        | Kind::CronJob
        | Kind::LimitRange
        | Kind::Event => vec![count],
    }
}
