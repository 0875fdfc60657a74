//! What a namespace's limit ranges make of a pod.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{Container, LimitRangeItem, LimitRangeSpec, PodSpec, ResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};

use super::amount;
use crate::{kind::Kind, object::Object, store::Store};

type Quantities = BTreeMap<String, Quantity>;

/// The pod with whatever its containers do not say themselves.
///
/// # Errors
/// What a container asks too much or too little of.
pub(super) fn apply(store: &Store, pod: Object) -> Result<Object, String> {
    let ranges: Vec<Vec<LimitRangeItem>> =
        store.list(Kind::LimitRange, Some(pod.namespace())).map(|range| items(range)).collect();
    let mut spec: PodSpec = pod.spec();
    for container in spec.containers.iter_mut().chain(spec.init_containers.iter_mut().flatten()) {
        fill(container.resources.get_or_insert_default(), ranges.iter().flatten());
    }
    for items in ranges {
        check(&items, &spec)?;
    }
    Ok(pod.with_spec(&spec))
}

/// What a LimitRange says of containers, with what follows from it.
fn items(range: &Object) -> Vec<LimitRangeItem> {
    let mut items = range.spec::<LimitRangeSpec>().limits;
    items.retain(|item| item.type_ == "Container");
    for item in &mut items {
        merge(&mut item.default, item.max.as_ref());
        merge(&mut item.default_request, item.default.as_ref());
        merge(&mut item.default_request, item.min.as_ref());
    }
    items
}

/// Who names a limit and no request wants to be sure of all of it, whatever the default request.
fn fill<'a>(resources: &mut ResourceRequirements, items: impl Iterator<Item = &'a LimitRangeItem>) {
    merge(&mut resources.requests, resources.limits.as_ref());
    for item in items {
        merge(&mut resources.limits, item.default.as_ref());
        merge(&mut resources.requests, item.default_request.as_ref());
    }
}

fn merge(into: &mut Option<Quantities>, from: Option<&Quantities>) {
    for (name, quantity) in from.into_iter().flatten() {
        into.get_or_insert_default().entry(name.clone()).or_insert_with(|| quantity.clone());
    }
}

fn check(items: &[LimitRangeItem], spec: &PodSpec) -> Result<(), String> {
    let containers = || spec.containers.iter().chain(spec.init_containers.iter().flatten());
    let mut wrong: Vec<String> = Vec::new();
    for new in items.iter().flat_map(|item| containers().flat_map(|it| out_of_bounds(item, it))) {
        // Two containers with the same fault are one sentence.
        if !wrong.contains(&new) {
            wrong.push(new);
        }
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [one] => Err(one.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn out_of_bounds(item: &LimitRangeItem, container: &Container) -> Vec<String> {
    let resources = container.resources.clone().unwrap_or_default();
    let (requests, limits) =
        (resources.requests.unwrap_or_default(), resources.limits.unwrap_or_default());
    let least = item.min.iter().flatten().filter_map(|(name, least)| {
        let has = [("request", requests.get(name)), ("limit", limits.get(name))];
        beyond("minimum", name, least, has, |amount, least| amount < least)
    });
    let most = item.max.iter().flatten().filter_map(|(name, most)| {
        let has = [("limit", limits.get(name)), ("request", requests.get(name))];
        beyond("maximum", name, most, has, |amount, most| amount > most)
    });
    let ratio =
        item.max_limit_request_ratio.iter().flatten().filter_map(|(name, most)| {
            beyond_ratio(name, most, requests.get(name), limits.get(name))
        });
    least.chain(most).chain(ratio).collect()
}

/// The same of how many times its request a container's limit may be.
fn beyond_ratio(
    resource: &str,
    most: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let some = |quantity: Option<&Quantity>| {
        quantity.map(|quantity| amount::read(resource, quantity)).filter(|amount| *amount > 0)
    };
    // A bare number, which may have a fraction, as an amount of CPU is.
    let thousandths = amount::read("cpu", most);
    let written = amount::write("cpu", thousandths).0;
    let sentence = format!("{resource} max limit to request ratio per Container is {written}, but");
    match (some(request), some(limit)) {
        (None, _) => Some(format!("{sentence} no request is specified or request is 0")),
        (_, None) => Some(format!("{sentence} no limit is specified or limit is 0")),
        (Some(request), Some(limit)) => {
            #[expect(clippy::cast_precision_loss, reason = "as Kubernetes reckons it")]
            let (ratio, most) = (limit as f64 / request as f64, thousandths as f64 / 1000.0);
            (ratio > most).then(|| format!("{sentence} provided ratio is {ratio:.6}"))
        }
    }
}

/// What is wrong with a container, as Kubernetes says it. The first of the two must be there.
fn beyond(
    word: &str,
    resource: &str,
    bound: &Quantity,
    has: [(&str, Option<&Quantity>); 2],
    is_beyond: impl Fn(u64, u64) -> bool,
) -> Option<String> {
    let bound = amount::read(resource, bound);
    let written = |amount| amount::write(resource, amount).0;
    let sentence = format!("{word} {resource} usage per Container is {}", written(bound));
    if let [(what, None), _] = has {
        return Some(format!("{sentence}.  No {what} is specified"));
    }
    has.into_iter().find_map(|(what, quantity)| {
        let amount = amount::read(resource, quantity?);
        is_beyond(amount, bound).then(|| format!("{sentence}, but {what} is {}", written(amount)))
    })
}
