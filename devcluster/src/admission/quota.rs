//! Whether a namespace's quotas have room.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PodSpec, ResourceQuotaSpec};

use super::{
    amount,
    usage::{self, Amounts},
};
use crate::{kind::Kind, object::Object, store::Store};

/// What each container of a pod must ask for once a quota counts it.
const COMPUTE: [&str; 6] =
    ["cpu", "limits.cpu", "limits.memory", "memory", "requests.cpu", "requests.memory"];

/// One quota.
struct Quota {
    name: String,
    hard: Amounts,
}

/// Checks a new object against all quotas of its namespace.
///
/// # Errors
/// Why it does not fit.
pub(super) fn check(store: &Store, object: &Object) -> Result<(), String> {
    let quotas: Vec<_> =
        store.list(Kind::ResourceQuota, Some(object.namespace())).map(|it| read(it)).collect();
    if quotas.is_empty() {
        return Ok(());
    }
    if object.kind == Kind::Pod {
        let spec = object.spec();
        quotas.iter().try_for_each(|quota| quota.check_is_complete(&spec))?;
    }
    let (asked, used) = (usage::of_object(object), usage::of_namespace(store, object.namespace()));
    quotas.iter().try_for_each(|quota| quota.check_has_room(&asked, &used))
}

fn read(quota: &Object) -> Quota {
    let hard = quota.spec::<ResourceQuotaSpec>().hard.unwrap_or_default();
    let hard = hard.into_iter().map(|(resource, quantity)| {
        let amount = amount::read(&resource, &quantity);
        (resource, amount)
    });
    Quota { name: quota.name().to_owned(), hard: hard.collect() }
}

impl Quota {
    fn check_is_complete(&self, spec: &PodSpec) -> Result<(), String> {
        let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for container in spec.containers.iter().chain(spec.init_containers.iter().flatten()) {
            let has = usage::of_container(container);
            for resource in COMPUTE {
                if self.hard.contains_key(resource) && !has.contains_key(resource) {
                    missing.entry(resource).or_default().insert(&container.name);
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.into_iter().map(|(resource, containers)| {
            format!("{resource} for: {}", Vec::from_iter(containers).join(","))
        });
        let missing = Vec::from_iter(missing).join("; ");
        Err(format!("failed quota: {}: must specify {missing}", self.name))
    }

    fn check_has_room(&self, asked: &Amounts, used: &Amounts) -> Result<(), String> {
        let of = |amounts: &Amounts, resource: &String| amounts.get(resource).copied().unwrap_or(0);
        let is_exceeded = |resource: &&String| {
            let sum = of(used, resource).saturating_add(of(asked, resource));
            self.hard.get(*resource).is_some_and(|hard| sum > *hard)
        };
        let exceeded: Vec<_> = asked.keys().filter(is_exceeded).collect();
        if exceeded.is_empty() {
            return Ok(());
        }
        let list = |amounts: &Amounts| {
            let pair = |resource: &&String| {
                format!("{resource}={}", amount::write(resource, of(amounts, resource)).0)
            };
            exceeded.iter().map(pair).collect::<Vec<_>>().join(",")
        };
        Err(format!(
            "exceeded quota: {}, requested: {}, used: {}, limited: {}",
            self.name,
            list(asked),
            list(used),
            list(&self.hard)
        ))
    }
}
