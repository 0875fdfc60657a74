//! Every object that there ever was: what comes and goes between two looks counts too.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::TryStreamExt;
use k8s_openapi::api::batch::v1::Job;
use kube::{
    ResourceExt,
    api::{WatchEvent, WatchParams},
};
use tjf_devcluster::suite::{Tool, eventually};
use tokio::task::JoinSet;

/// Kubernetes ends a watch after this many seconds, which is longer than a scenario.
const WATCH_SECONDS: u32 = 290;
const NEWS_TIME_MAX: Duration = Duration::from_secs(10);

/// The uids of all one-offs of a tool that there ever were, by name.
pub(super) struct Ledger {
    seen: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
    _watch: JoinSet<()>,
}

impl Ledger {
    /// Begins with what is there.
    pub(super) async fn of(tool: &Tool) -> Self {
        let params = WatchParams::default().timeout(WATCH_SECONDS);
        let events = tool.api::<Job>().watch(&params, "0").await.unwrap();
        let seen = Arc::new(Mutex::new(BTreeMap::<String, BTreeSet<String>>::new()));
        let mut watch = JoinSet::new();
        let noted = Arc::clone(&seen);
        watch.spawn(async move {
            let mut events = pin!(events);
            // When it ends nothing more is noted, and what is expected to be is missing.
            while let Ok(Some(event)) = events.try_next().await {
                if let WatchEvent::Added(job) | WatchEvent::Modified(job) = event {
                    let uid = job.uid().unwrap_or_default();
                    noted.lock().unwrap().entry(job.name_any()).or_default().insert(uid);
                }
            }
        });
        Self { seen, _watch: watch }
    }

    /// Those of one name.
    pub(super) fn uids(&self, name: &str) -> BTreeSet<String> {
        self.seen.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    /// All names.
    pub(super) fn names(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().keys().cloned().collect()
    }

    /// Until everything is noted that came before an object of this name, and that object.
    pub(super) async fn until_seen(&self, name: &str) {
        eventually(&format!("{name} in the ledger"), NEWS_TIME_MAX, async || {
            let uids = self.uids(name);
            if uids.is_empty() { Err(self.names()) } else { Ok(()) }
        })
        .await;
    }
}
