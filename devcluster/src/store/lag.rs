//! What quotas still count although it has gone: those of a busy cluster follow deletes late.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};

use super::Store;
use crate::object::Object;

/// How late, by namespace, and what has gone there: each with the time until which it counts.
#[derive(Default)]
pub(super) struct Lag {
    by: BTreeMap<String, SignedDuration>,
    gone: Vec<(Timestamp, Arc<Object>)>,
}

impl Store {
    /// Lets the quotas of a namespace follow deletes so late.
    pub(crate) fn set_quota_lag(&mut self, namespace: &str, by: SignedDuration) {
        self.lag.by.insert(namespace.to_owned(), by);
    }

    /// What has gone and still counts, with the time until which it does.
    pub(crate) fn still_counted(
        &self,
        namespace: &str,
    ) -> impl Iterator<Item = &(Timestamp, Arc<Object>)> {
        self.lag.gone.iter().filter(move |(_, object)| object.namespace() == namespace)
    }

    /// Forgets what counts no more.
    pub(crate) fn forget_gone(&mut self, now: Timestamp) {
        self.lag.gone.retain(|(until, _)| *until > now);
    }

    /// Notes what has gone since a version, where quotas are late.
    pub(crate) fn note_gone(&mut self, version: u64, now: Timestamp) {
        if self.lag.by.is_empty() {
            return;
        }
        let Ok(changes) = self.changes_since(version) else { return };
        let gone = changes.filter(|change| change.new.is_none()).filter_map(|change| {
            let until = now.checked_add(*self.lag.by.get(&change.key.namespace)?).ok()?;
            Some((until, Arc::clone(change.old.as_ref()?)))
        });
        let gone: Vec<_> = gone.collect();
        self.lag.gone.extend(gone);
    }
}
