//! What objects take of the resources that a quota can name.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, PodSpec},
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
    let there = Kind::ALL.into_iter().flat_map(|kind| store.list(kind, Some(namespace)));
    let gone = store.still_counted(namespace).map(|(_, gone)| gone);
    for object in there.chain(gone) {
        add(&mut total, of_object(object));
    }
    total
}

/// What one object takes.
pub(super) fn of_object(object: &Object) -> Amounts {
    let kind = object.kind;
    let mut amounts = if kind == Kind::Pod { of_pod(object) } else { Amounts::new() };
    amounts.insert(format!("count/{}", kind.resource()), 1);
    // A few kinds have an older name too.
    if matches!(
        kind,
        Kind::ReplicationController | Kind::Service | Kind::ConfigMap | Kind::ResourceQuota
    ) {
        amounts.insert(kind.plural().to_owned(), 1);
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
    let mut amounts = Amounts::new();
    if pod.has_ended() {
        return amounts;
    }
    let spec: PodSpec = pod.spec();
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
