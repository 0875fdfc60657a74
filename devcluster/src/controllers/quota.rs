//! Says how much of each quota is used.

use k8s_openapi::api::core::v1::{ResourceQuotaSpec, ResourceQuotaStatus};

use super::{Again, Reaction, View, update};
use crate::{admission, object::Object};

/// Admission counts for itself; this is for those who look.
pub(super) fn reconcile(view: View<'_>, quota: &Object) -> Reaction {
    let hard = quota.spec::<ResourceQuotaSpec>().hard.unwrap_or_default();
    let used = admission::used(view.store, quota.namespace(), hard.keys());
    let status = ResourceQuotaStatus { hard: Some(hard), used: Some(used) };
    let actions = update(quota, quota.clone().with_status(&status)).into_iter().collect();
    let next = view.store.still_counted(quota.namespace()).map(|(until, _)| *until).min();
    Reaction { actions, again: next.map_or(Again::Never, Again::At) }
}

#[cfg(test)]
mod tests;
