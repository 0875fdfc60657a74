//! Says how much of each quota is used.

use k8s_openapi::api::core::v1::{ResourceQuotaSpec, ResourceQuotaStatus};

use super::{Action, Reaction, View};
use crate::{admission, object::Object};

/// Admission counts for itself; this is for those who look.
pub(super) fn reconcile(view: View<'_>, quota: &Object) -> Reaction {
    let hard = quota.spec::<ResourceQuotaSpec>().hard.unwrap_or_default();
    let used = admission::used(view.store, quota.namespace(), hard.keys());
    let status = ResourceQuotaStatus { hard: Some(hard), used: Some(used) };
    let told = quota.clone().with_status(&status);
    if told == *quota {
        return Reaction::default();
    }
    Reaction { actions: vec![Action::Update(Box::new(told))], ..Reaction::default() }
}

#[cfg(test)]
mod tests;
