//! The only node: it runs pods as processes of this machine.
//!
//! It knows nothing but pods. An image is a label; a container is a process with a supervisor
//! around it (see [`crate::pod`]), started by the host's own shell in the tool's own home.

mod container;
mod probe;
mod process;
mod status;
mod worker;

use std::{
    collections::{HashMap, HashSet},
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::Arc,
};

use rustix::process::geteuid;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::worker::Worker;
use crate::{
    kind::Kind, namespace, object::Object, pod::protocol::User, shared::Shared, store::Deletion,
};

/// The node's name.
const NODE: &str = "devcluster";
/// As many pods as a kubelet runs unless it is told otherwise.
const PODS_MAX: usize = 110;

/// What all pods have in common.
pub(crate) struct Node {
    pub(crate) shared: Arc<Shared>,
    /// What supervises pods: this crate's own program.
    pub(crate) program: PathBuf,
    /// The folder of the pods' logs.
    pub(crate) logs: PathBuf,
    /// Images that can't be had.
    pub(crate) absent_images: Vec<String>,
    /// The folder of all homes.
    pub(crate) homes: PathBuf,
}

impl Node {
    /// Whose processes those of a namespace are: the owner's of the tool's home, if we are root. A
    /// tool could ask for another user, or for none, and would be root itself. Where there is no
    /// home, only administrators make pods, and they are our own.
    fn user_of(&self, namespace: &str) -> Option<User> {
        let tool = namespace::tool_of(namespace).filter(|_| geteuid().is_root())?;
        let home = std::fs::symlink_metadata(self.homes.join(tool)).ok()?;
        Some(User { uid: home.uid(), gid: home.gid() })
    }
}

/// The node, and the pods that it runs.
pub(crate) struct Kubelet {
    node: Arc<Node>,
    /// By uid; each is told here with which grace it is to end.
    stops: HashMap<String, watch::Sender<Option<u64>>>,
    workers: JoinSet<String>,
}

impl Kubelet {
    /// A node without pods.
    pub(crate) fn new(node: Node) -> Self {
        Self { node: Arc::new(node), stops: HashMap::new(), workers: JoinSet::new() }
    }

    /// Runs whatever pods there are, until it is closed; then it returns when none of their
    /// processes is left.
    pub(crate) async fn run(mut self, closed: CancellationToken) {
        let mut changes = self.node.shared.changes();
        loop {
            changes.mark_unchanged();
            self.look();
            tokio::select! {
                _ = changes.changed() => {}
                Some(uid) = self.workers.join_next() => {
                    // Its room is free again, also when it ended in a panic, which names nobody.
                    if let Ok(uid) = uid {
                        self.stops.remove(&uid);
                    }
                }
                () = closed.cancelled() => break,
            }
        }
        for stop in self.stops.values() {
            stop.send_replace(Some(0));
        }
        while self.workers.join_next().await.is_some() {}
    }

    /// Level-triggered: compares what there is with what runs.
    fn look(&mut self) {
        let shared = Arc::clone(&self.node.shared);
        let pods: Vec<_> = shared.with(|store, _| store.list(Kind::Pod, None).cloned().collect());
        let there: HashSet<_> = pods.iter().map(|pod| pod.uid()).collect();
        for (uid, stop) in &self.stops {
            if !there.contains(uid.as_str()) {
                // Forced away: nobody waits for it any more.
                stop.send_replace(Some(0));
            }
        }
        for pod in &pods {
            match self.stops.get(pod.uid()) {
                Some(stop) if pod.is_going() => {
                    let grace = pod.metadata.deletion_grace_period_seconds.unwrap_or(0);
                    let grace = Some(u64::try_from(grace).unwrap_or(0));
                    stop.send_if_modified(|known| std::mem::replace(known, grace) != grace);
                }
                None if is_new(pod) => self.take(pod),
                None if pod.is_going() => self.remove(pod),
                _ => {}
            }
        }
    }

    fn take(&mut self, pod: &Arc<Object>) {
        if self.stops.len() >= PODS_MAX {
            return self.refuse(pod);
        }
        let (stop, stops) = watch::channel(None);
        let uid = pod.uid().to_owned();
        self.stops.insert(uid.clone(), stop);
        let worker = Worker::new(Arc::clone(&self.node), Arc::clone(pod), stops);
        self.workers.spawn(async move {
            worker.run().await;
            uid
        });
    }

    /// Nothing of it runs any more, so its grace is over.
    fn remove(&self, pod: &Object) {
        let uid = Some(pod.uid().to_owned());
        let deletion = Deletion { uid, grace_seconds: Some(0), ..Deletion::default() };
        self.node.shared.with(|store, now| {
            // Somebody else may have forced it away.
            let _ = store.delete(&pod.key(), &deletion, now);
        });
    }

    fn refuse(&self, pod: &Object) {
        self.node.shared.with(|store, now| {
            let status = status::unschedulable(&pod.status(), now);
            // It is looked at again when anything changes, and this is no change the second time.
            let _ = store.update(pod.clone().with_status(&status));
        });
    }
}

/// Whether no node has taken it yet.
fn is_new(pod: &Object) -> bool {
    let is_bound = pod.content.get("spec").is_some_and(|spec| spec.get("nodeName").is_some());
    !is_bound && !pod.is_going()
}
