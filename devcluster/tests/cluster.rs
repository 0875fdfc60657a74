//! The embedded cluster by itself, through its API, as any Kubernetes client sees it.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::{collections::HashSet, fmt::Debug, path::Path, pin::pin, time::Duration};

use futures_util::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        batch::v1::{CronJob, Job},
        core::v1::{ConfigMap, Namespace, Pod},
    },
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tjf_devcluster::{Cluster, Options, Outage, Subject, Time, home::Home, suite::within};

const NAMESPACE: &str = "here";
const SOON: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "the administrator's, of a cluster of our own")]
async fn administrator(cluster: &Cluster) -> Client {
    let kubeconfig = Kubeconfig::read_from(cluster.write_kubeconfig().await.unwrap()).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
    Client::try_from(config).unwrap()
}

/// A cluster with a namespace without limits.
async fn start(options: Options) -> (Cluster, Client) {
    let cluster = Cluster::start(options).await.unwrap();
    let client = administrator(&cluster).await;
    let namespace = json!({"metadata": {"name": NAMESPACE}});
    let namespace: Namespace = serde_json::from_value(namespace).unwrap();
    Api::all(client.clone()).create(&PostParams::default(), &namespace).await.unwrap();
    (cluster, client)
}

fn with_pods() -> Options {
    let program = env!("CARGO_BIN_EXE_tjf-devcluster").into();
    Options { program: Some(program), ..Options::default() }
}

async fn create<K>(client: &Client, object: Value) -> K
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Serialize + DeserializeOwned + Debug,
{
    let object = serde_json::from_value(object).unwrap();
    let api = Api::<K>::namespaced(client.clone(), NAMESPACE);
    api.create(&PostParams::default(), &object).await.unwrap()
}

fn job(name: &str, command: &str) -> Value {
    let container = json!({"name": "job", "image": "any", "command": ["/bin/sh", "-c", command]});
    let pod = json!({"restartPolicy": "Never", "containers": [container]});
    json!({"metadata": {"name": name}, "spec": {"template": {"spec": pod}}})
}

async fn names<K>(client: &Client) -> Vec<String>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + DeserializeOwned + Debug,
{
    let api = Api::<K>::namespaced(client.clone(), NAMESPACE);
    let all = api.list(&ListParams::default()).await.unwrap();
    all.iter().map(ResourceExt::name_any).collect()
}

/// Noon is at 12:00:00; a minute later the cron job's first tick has come, and not before.
#[tokio::test]
async fn time_that_stands_moves_only_when_it_is_told_to() {
    let noon: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let explicit = Options { time: Time::Explicit(noon), ..Options::default() };
    let (cluster, client) = start(explicit).await;
    let template = json!({"spec": job("x", "true")["spec"]});
    let spec = json!({"schedule": "* * * * *", "jobTemplate": template});
    let made: CronJob = create(&client, json!({"metadata": {"name": "cron"}, "spec": spec})).await;
    assert_eq!(made.metadata.creation_timestamp.unwrap().0, noon);
    cluster.advance(SignedDuration::from_secs(59));
    cluster.settle();
    assert_eq!(names::<Job>(&client).await, [""; 0]);

    cluster.advance(SignedDuration::from_secs(1));
    assert_eq!(names::<Job>(&client).await, [""; 0], "controllers wait to be told too");
    assert!(cluster.step(), "there is something to do");
    cluster.settle();
    assert!(!cluster.step(), "and then there is not");
    let minutes = noon.as_second() / 60 + 1;
    assert_eq!(names::<Job>(&client).await, [format!("cron-{minutes}")]);
    let pods = names::<Pod>(&client).await;
    assert!(pods.len() == 1 && pods[0].starts_with(&format!("cron-{minutes}-")), "{pods:?}");
}

/// More than the node runs at a time, in a namespace where nothing is limited.
#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_jobs_run_to_completion() {
    const JOBS: usize = 200;
    let (cluster, client) = start(with_pods()).await;
    let api = Api::<Job>::namespaced(client.clone(), NAMESPACE);
    let version = api.list(&ListParams::default()).await.unwrap().metadata.resource_version;
    let created =
        (0..JOBS).map(|number| create::<Job>(&client, job(&format!("j{number}"), "true")));
    futures_util::future::join_all(created).await;

    let events = api.watch(&WatchParams::default(), &version.unwrap()).await.unwrap();
    let mut events = pin!(events);
    let mut complete = HashSet::new();
    let all_complete = async {
        while complete.len() < JOBS {
            if let Some(WatchEvent::Modified(job)) = events.try_next().await.unwrap() {
                let conditions = job.status.unwrap().conditions.unwrap_or_default();
                let failed = conditions.iter().find(|condition| condition.type_ == "Failed");
                assert_eq!(failed, None, "{:?}", job.metadata.name);
                if conditions.iter().any(|condition| condition.type_ == "Complete") {
                    complete.insert(job.metadata.name.unwrap());
                }
            }
        }
    };
    within("two hundred jobs", SOON, all_complete).await;
    cluster.stop().await;
}

/// Each is deleted as soon as its pod is seen to run; some have ended then, some have not, and some
/// end in this very moment. None may wait for its whole grace, which is 30 s.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_in_the_moment_of_its_end_leaves_no_pod() {
    const JOBS: usize = 60;
    let (cluster, client) = start(with_pods()).await;
    let (jobs, pods) = (
        Api::<Job>::namespaced(client.clone(), NAMESPACE),
        Api::<Pod>::namespaced(client.clone(), NAMESPACE),
    );
    let events = pods.watch(&WatchParams::default(), "0").await.unwrap();
    let mut events = pin!(events);
    let delete_what_runs = async {
        let mut deleted = HashSet::new();
        while deleted.len() < JOBS {
            let event = events.try_next().await.unwrap();
            let Some(WatchEvent::Modified(pod)) = event else { continue };
            let name = pod.labels()["job-name"].clone();
            let runs = pod.status.unwrap().phase.as_deref() == Some("Running");
            if runs && deleted.insert(name.clone()) {
                jobs.delete(&name, &DeleteParams::background()).await.unwrap();
            }
        }
    };
    let create_all = async {
        for number in 0..JOBS {
            let pause = format!("sleep 0.0{}", number % 10);
            create::<Job>(&client, job(&format!("j{number}"), &pause)).await;
        }
    };
    let both = Box::pin(async { tokio::join!(delete_what_runs, create_all) });
    within("all are deleted", SOON, both).await;
    tjf_devcluster::suite::eventually("no pod is left", SOON / 4, async || {
        let pods = names::<Pod>(&client).await;
        if pods.is_empty() { Ok(()) } else { Err(pods) }
    })
    .await;
    cluster.stop().await;
}

/// A pod may ask for any user, or for none, which would be root here.
#[tokio::test(flavor = "multi_thread")]
async fn a_tools_pod_is_the_tools_whatever_it_asks_for() {
    let (cluster, client) = start(with_pods()).await;
    let home = Home::of(cluster.site().homes.join("mine"), 7);
    let identity = cluster.authority().issue(Subject::tool("mine"));
    cluster.make_tool("mine", &home, &identity).await.unwrap();
    let jobs = Api::<Job>::namespaced(client.clone(), "tool-mine");
    for (name, context) in [("none", json!(null)), ("root", json!({"runAsUser": 0}))] {
        let file = home.path.join(name);
        let mut job = job(name, &format!("echo $(id -u):$(id -g):$(id -G) >{}", file.display()));
        job["spec"]["template"]["spec"]["containers"][0]["securityContext"] = context;
        let job = serde_json::from_value(job).unwrap();
        jobs.create(&PostParams::default(), &job).await.unwrap();
        let told = tjf_devcluster::suite::eventually("it tells who it is", SOON, async || {
            let text = tokio::fs::read_to_string(&file).await.unwrap_or_default();
            if text.ends_with('\n') { Ok(text) } else { Err(text) }
        })
        .await;
        let expected = format!("{}:{}:", home.uid, home.gid);
        assert!(told.starts_with(&expected), "{name}: {told} is not {expected}");
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_watch_that_is_too_far_behind_is_told_to_begin_anew() {
    let (_cluster, client) = start(Options { changes_max: 4, ..Options::default() }).await;
    let made: ConfigMap = create(&client, json!({"metadata": {"name": "map"}})).await;
    let first = made.metadata.resource_version.unwrap();
    let api = Api::<ConfigMap>::namespaced(client.clone(), NAMESPACE);
    for number in 0..6 {
        let patch = Patch::Merge(json!({"data": {"number": number.to_string()}}));
        api.patch("map", &PatchParams::default(), &patch).await.unwrap();
    }
    let mut events = pin!(api.watch(&WatchParams::default(), &first).await.unwrap());
    let Some(WatchEvent::Error(error)) = events.try_next().await.unwrap() else {
        panic!("it is not told");
    };
    assert_eq!((error.code, error.reason.as_str()), (410, "Expired"));
    assert!(events.try_next().await.unwrap().is_none(), "and that is the end");
    let old = ListParams::default().at(&first).matching(kube::api::VersionMatch::Exact);
    let kube::Error::Api(error) = api.list(&old).await.unwrap_err() else { panic!("no answer") };
    assert_eq!((error.code, error.reason.as_str()), (410, "Expired"));
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_name() {
    let (_cluster, client) = start(Options::default()).await;
    let api = Api::<k8s_openapi::api::apps::v1::Deployment>::namespaced(client, NAMESPACE);
    let kube::Error::Api(error) = api.list(&ListParams::default()).await.unwrap_err() else {
        panic!("no answer")
    };
    assert_eq!((error.code, error.reason.as_str()), (404, "NotFound"));
    assert!(error.message.contains("deployments"), "{}", error.message);
}

/// Each process writes down its own number, so that it can be looked for.
async fn pid_written_to(file: &Path) -> u32 {
    tjf_devcluster::suite::eventually("a process begins", SOON, async || {
        let text = tokio::fs::read_to_string(file).await.unwrap_or_default();
        text.trim().parse().map_err(|_| text)
    })
    .await
}

fn is_there(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_outlives_its_cluster_nor_its_pod() {
    let (cluster, client) = start(with_pods()).await;
    let folder = tempfile::tempdir().unwrap();
    let command = |name: &str| {
        let file = folder.path().join(name);
        format!("(setsid sleep 600 & echo $! >{}; wait)", file.display())
    };
    for name in ["deleted", "left"] {
        let mut job = job(name, &command(name));
        job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(1);
        create::<Job>(&client, job).await;
    }
    let deleted = pid_written_to(&folder.path().join("deleted")).await;
    let left = pid_written_to(&folder.path().join("left")).await;
    assert!(is_there(deleted) && is_there(left));

    let jobs = Api::<Job>::namespaced(client.clone(), NAMESPACE);
    jobs.delete("deleted", &DeleteParams::background()).await.unwrap();
    tjf_devcluster::suite::eventually("its pod is gone", SOON, async || {
        let pods = names::<Pod>(&client).await;
        if pods.iter().all(|pod| pod.starts_with("left-")) { Ok(()) } else { Err(pods) }
    })
    .await;
    assert!(!is_there(deleted) && is_there(left));
    let home = cluster.site().homes;
    cluster.stop().await;
    assert!(!is_there(left), "the cluster has ended");
    assert!(!home.exists(), "and its folder is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_was_killed_is_there_again_at_once() {
    let (cluster, client) = start(Options::default()).await;
    let (namespaces, all) = (Api::<Namespace>::all(client), ListParams::default());
    for _ in 0..50 {
        cluster.fail(Outage::Killed).await;
        assert!(namespaces.list(&all).await.is_err());
        cluster.mend().unwrap();
        namespaces.list(&all).await.unwrap();
    }
}
