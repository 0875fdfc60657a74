//! How an object begins to go.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::{FOREGROUND, ORPHAN, Propagation};
use crate::{kind::Kind, object::Object};

/// How long a pod may take to end when nobody said so.
const POD_GRACE_SECONDS: i64 = 30;

/// Notes what becomes of dependents. Who deletes again without saying it leaves it as it is.
pub(super) fn set_propagation(object: &mut Object, asked: Option<Propagation>) {
    let propagation = asked.unwrap_or_else(|| {
        if object.has_finalizer(FOREGROUND) {
            Propagation::Foreground
        } else if object.has_finalizer(ORPHAN) {
            Propagation::Orphan
        } else {
            default_propagation(object.kind)
        }
    });
    for (finalizer, means) in [(FOREGROUND, Propagation::Foreground), (ORPHAN, Propagation::Orphan)]
    {
        if propagation == means {
            object.add_finalizer(finalizer);
        } else {
            object.remove_finalizer(finalizer);
        }
    }
}

/// Notes how long the object may still take, counted from the first deletion: a second one can
/// only shorten that.
pub(super) fn set_end(object: &mut Object, asked: Option<i64>, now: Timestamp) {
    let old = object.metadata.deletion_grace_period_seconds;
    let grace = grace_seconds(object, asked.or(old));
    let grace = old.map_or(grace, |old| old.min(grace));
    if old == Some(grace) {
        return;
    }
    let first = object.deleted_at().unwrap_or(now);
    let end = first.checked_add(SignedDuration::from_secs(grace)).unwrap_or(now);
    object.metadata.deletion_timestamp = Some(Time(end.max(now)));
    object.metadata.deletion_grace_period_seconds = Some(grace);
}

/// Whether the object was given time, and nobody has said yet that it needs no more.
pub(super) fn has_grace(object: &Object) -> bool {
    object.metadata.deletion_grace_period_seconds.is_some_and(|seconds| seconds > 0)
}

/// Kubernetes' own defaults: those of Jobs and of replication controllers are older than the
/// garbage collector, and so let everything live.
fn default_propagation(kind: Kind) -> Propagation {
    let is_older = matches!(kind, Kind::Job | Kind::ReplicationController);
    if is_older { Propagation::Orphan } else { Propagation::Background }
}

/// Only what runs has a grace: a pod that is on a node, and has not ended.
fn grace_seconds(object: &Object, asked: Option<i64>) -> i64 {
    let spec = |name: &str| object.content.get("spec").and_then(|spec| spec.get(name));
    if object.kind != Kind::Pod || spec("nodeName").is_none() || object.has_ended() {
        return 0;
    }
    let own = || spec("terminationGracePeriodSeconds").and_then(Value::as_i64);
    asked.or_else(own).unwrap_or(POD_GRACE_SECONDS).max(0)
}
