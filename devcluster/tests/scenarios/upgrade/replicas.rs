//! The service's pods: which there are, which answered whom, and how one dies.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    time::Duration,
};

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ContainerStatus, Pod},
};
use kube::{
    Api, ResourceExt,
    api::{ListParams, LogParams, Patch, PatchParams},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tjf_devcluster::suite::{Call, Tool, World, eventually, within};
use tokio::{
    fs,
    time::{Instant, interval},
};

const NAMESPACE: &str = "toolforge-jobs";
const NAME: &str = "toolforge-jobs-api";
const CONTAINER: &str = "api";
/// Not those of the overlay `ingress`, should that be there too.
const SELECTOR: &str =
    "app.kubernetes.io/name=toolforge-jobs-api,app.kubernetes.io/instance=direct";
/// For new pods to start and old ones to drain, one after the other.
const ROLL_TIME_MAX: Duration = Duration::from_secs(120);
const LOG_TIME_MAX: Duration = Duration::from_secs(10);
/// Addresses that are tried at once, and how often.
const SOURCES: u8 = 8;
const ROUNDS: u8 = 4;

/// The installed service.
pub(super) struct Replicas {
    deployments: Api<Deployment>,
    pods: Api<Pod>,
}

/// A replica that is about to die.
pub(super) struct Victim {
    /// The name of its pod.
    pub(super) replica: String,
    pid: Pid,
    folder: PathBuf,
    restart_count: i32,
}

/// How a replica died.
#[derive(Debug)]
pub(super) struct Death {
    /// The name of its pod.
    pub(super) replica: String,
    /// The signal was sent after this, and the process was no more after that.
    pub(super) killed: Instant,
    pub(super) gone: Instant,
}

impl Replicas {
    pub(super) fn of(world: &World) -> Self {
        let admin = || world.cluster.admin.clone();
        Self {
            deployments: Api::namespaced(admin(), NAMESPACE),
            pods: Api::namespaced(admin(), NAMESPACE),
        }
    }

    /// The image that all are of.
    pub(super) async fn image(&self) -> String {
        let deployment = self.deployments.get(NAME).await.unwrap();
        let template = deployment.spec.unwrap().template.spec.unwrap();
        template.containers.into_iter().find(|it| it.name == CONTAINER).unwrap().image.unwrap()
    }

    /// Has all pods replaced by those of another image, and waits until the old ones are gone.
    pub(super) async fn roll_to(&self, image: &str) {
        let containers = json!([{"name": CONTAINER, "image": image}]);
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let (params, patch) = (PatchParams::default(), Patch::Strategic(patch));
        self.deployments.patch(NAME, &params, &patch).await.unwrap();
        self.settled().await;
    }

    /// The pods, once there are as many as there should be, all new, ready and no other.
    pub(super) async fn settled(&self) -> Vec<Pod> {
        eventually("all pods are new and ready", ROLL_TIME_MAX, async || {
            let deployment = self.deployments.get(NAME).await.unwrap();
            let pods = self.all().await;
            let status = deployment.status.unwrap_or_default();
            let wanted = deployment.spec.and_then(|spec| spec.replicas);
            let is_seen = status.observed_generation == deployment.metadata.generation;
            let counts = [status.replicas, status.updated_replicas, status.available_replicas];
            let is_done = counts.iter().all(|count| *count == wanted);
            let has_no_other = i32::try_from(pods.len()).ok() == wanted;
            let seen = pods.iter().map(ResourceExt::name_any).collect::<Vec<_>>();
            if is_seen && is_done && has_no_other { Ok(pods) } else { Err((counts, seen)) }
        })
        .await
    }

    /// The uids of the pods.
    pub(super) async fn uids(&self) -> BTreeSet<String> {
        self.all().await.into_iter().filter_map(|pod| pod.metadata.uid).collect()
    }

    async fn all(&self) -> Vec<Pod> {
        let params = ListParams::default().labels(SELECTOR);
        self.pods.list(&params).await.unwrap().items
    }

    /// Which pod has logged each request, by the request's id; of one whose process has died, what it
    /// logged before counts too.
    pub(super) async fn answered(&self) -> BTreeMap<String, String> {
        let mut answered = BTreeMap::new();
        for pod in self.all().await {
            let name = pod.name_any();
            let has_died = status(&pod).restart_count > 0;
            for previous in [true, false].into_iter().filter(|previous| has_died || !previous) {
                let params = LogParams { previous, ..LogParams::default() };
                let log = self.pods.logs(&name, &params).await.unwrap();
                let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
                let ids = lines.filter_map(|line| Some(line["request.id"].as_str()?.to_owned()));
                answered.extend(ids.map(|id| (id, name.clone())));
            }
        }
        answered
    }

    /// Addresses of this machine, and the replica that each of them reaches. The Service sends all
    /// requests from one address to the same, so addresses are tried until no replica is left out.
    pub(super) async fn sources(&self, tool: &Tool) -> BTreeMap<IpAddr, String> {
        let mut sources = BTreeMap::new();
        for round in 0..ROUNDS {
            // All of 127.0.0.0/8 are this machine's, and the cluster's node is this machine.
            let numbers = (1..=SOURCES).map(|number| 1 + round * SOURCES + number);
            let tried: Vec<_> = numbers.map(|number| Ipv4Addr::new(127, 0, 0, number)).collect();
            for source in &tried {
                let call = Call::get("/containers/").header("x-request-id", &id(tool, *source));
                let client = tool.client.sending_from(IpAddr::V4(*source));
                assert_eq!(client.send(call).await.status, 200, "asked from {source}");
            }
            let answered = eventually("all are in a log", LOG_TIME_MAX, async || {
                let answered = self.answered().await;
                let is_there = |source: &Ipv4Addr| answered.contains_key(&id(tool, *source));
                if tried.iter().all(is_there) { Ok(answered) } else { Err(answered.len()) }
            })
            .await;
            let replica = |source| answered[&id(tool, source)].clone();
            sources.extend(tried.into_iter().map(|it| (IpAddr::V4(it), replica(it))));
            let reached: BTreeSet<_> = sources.values().collect();
            if reached.len() == self.all().await.len() {
                return two_of_each(sources);
            }
        }
        panic!("some replicas are never reached: {sources:?}");
    }

    /// One of the replicas, and its process.
    pub(super) async fn victim(&self) -> Victim {
        // Kubernetes starts one the later the oftener it has died.
        let pods = self.all().await.into_iter();
        let pod = pods.min_by_key(|pod| status(pod).restart_count).unwrap();
        let ContainerStatus { container_id, restart_count, .. } = status(&pod);
        let container = container_id.unwrap_or_default();
        let (_, container) = container.split_once("://").expect("RUNTIME://ID");
        let (pid, folder) = process_of(container).await;
        Victim { replica: pod.name_any(), pid, folder, restart_count }
    }

    /// Kills the process of a replica, as `kill -9` does, and waits until Kubernetes has started
    /// another in the same pod.
    pub(super) async fn kill(&self, victim: Victim) -> Death {
        let Victim { replica, pid, folder, restart_count } = victim;
        let killed = Instant::now();
        kill_process(pid, Signal::KILL).unwrap();
        within("its end", LOG_TIME_MAX, gone(&folder)).await;
        let gone = Instant::now();
        eventually("the pod is well again", ROLL_TIME_MAX, async || {
            let status = status(&self.pods.get(&replica).await.unwrap());
            let is_well = status.ready && status.restart_count > restart_count;
            if is_well { Ok(()) } else { Err(status) }
        })
        .await;
        Death { replica, killed, gone }
    }
}

fn id(tool: &Tool, source: Ipv4Addr) -> String {
    format!("{}-from-{source}", tool.name)
}

/// As many requests reach the one replica as the other, and each has connections of few addresses.
fn two_of_each(sources: BTreeMap<IpAddr, String>) -> BTreeMap<IpAddr, String> {
    let mut by_replica = BTreeMap::<_, Vec<_>>::new();
    for (source, replica) in sources {
        by_replica.entry(replica).or_default().push(source);
    }
    let count = by_replica.values().map(Vec::len).min().unwrap_or_default().min(2);
    let chosen = by_replica.into_iter().flat_map(|(replica, mut sources)| {
        sources.truncate(count);
        sources.into_iter().map(move |source| (source, replica.clone()))
    });
    chosen.collect()
}

fn status(pod: &Pod) -> ContainerStatus {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_deref());
    statuses.and_then(|all| all.iter().find(|it| it.name == CONTAINER)).cloned().unwrap()
}

/// The one process of a container of this machine.
async fn process_of(container: &str) -> (Pid, PathBuf) {
    let mut found = Vec::new();
    let mut folders = fs::read_dir("/proc").await.unwrap();
    while let Some(folder) = folders.next_entry().await.unwrap() {
        let name = folder.file_name();
        let pid = name.to_str().and_then(|it| it.parse().ok()).and_then(Pid::from_raw);
        let groups = fs::read_to_string(folder.path().join("cgroup")).await.unwrap_or_default();
        if let Some(pid) = pid
            && groups.contains(container)
        {
            found.push((pid, folder.path()));
        }
    }
    match <[_; 1]>::try_from(found) {
        Ok([found]) => found,
        Err(found) => panic!("not one process of {container} on this machine: {found:?}"),
    }
}

async fn gone(folder: &Path) {
    let mut looks = interval(Duration::from_millis(2));
    while fs::try_exists(folder).await.unwrap_or(false) {
        looks.tick().await;
    }
}
