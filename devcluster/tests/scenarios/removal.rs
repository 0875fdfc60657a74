//! What `delete` and `flush` take away, and what they leave alone.

use std::{collections::BTreeMap, sync::Arc};

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, ReplicaSet},
        batch::v1::{CronJob, Job},
        core::v1::{ConfigMap, Pod, ReplicationController},
    },
};
use kube::{
    Resource, ResourceExt,
    api::{ListParams, PostParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tjf_devcluster::suite::{Call, Tool, World, eventually};

use super::{POD_TIME_MAX, continuous, one_off, pod_of, scenarios, schedules::create_child, with};

scenarios![
    flush_leaves_no_pod_and_touches_nothing_foreign,
    delete_takes_one_job_and_leaves_the_others,
    what_is_deleted_while_its_pod_is_starting_leaves_no_pod,
    flush_of_nothing_is_no_error,
];

/// Kind and name of everything in the namespace, with its uid.
async fn everything(world: &World, tool: &Tool) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    all.extend(named::<Pod>(tool).await);
    all.extend(named::<Job>(tool).await);
    all.extend(named::<CronJob>(tool).await);
    all.extend(named::<ReplicationController>(tool).await);
    all.extend(named::<ConfigMap>(tool).await);
    if world.cluster.is_real() {
        all.extend(named::<Deployment>(tool).await);
        all.extend(named::<ReplicaSet>(tool).await);
    }
    all
}

async fn named<K>(tool: &Tool) -> Vec<(String, String)>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + DeserializeOwned + std::fmt::Debug,
{
    let objects = tool.api::<K>().list(&ListParams::default()).await.unwrap();
    let name = |object: &K| format!("{} {}", K::kind(&()), object.name_any());
    objects.iter().map(|object| (name(object), object.uid().unwrap())).collect()
}

async fn create<K>(tool: &Tool, object: Value)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + Serialize + DeserializeOwned + std::fmt::Debug,
{
    let object = serde_json::from_value(object).unwrap();
    tool.api::<K>().create(&PostParams::default(), &object).await.unwrap();
}

/// What a tool may have beside its jobs: a webservice, whose pods carry `toolforge=tool` too, and
/// things of its own. Gives how many objects that is: the embedded cluster knows no webservices,
/// and gives no namespace the CA.
async fn create_foreign(world: &World, tool: &Tool) -> usize {
    let image = &world.cluster.site.image;
    let web = json!({"toolforge": "tool", "name": "web"});
    let pod = pod_of(&json!({"name": "c", "image": image, "command": ["sleep", "3600"]}));
    if world.cluster.is_real() {
        let always = with(pod.clone(), &json!({"restartPolicy": "Always"}));
        let template = json!({"metadata": {"labels": web}, "spec": always});
        let spec = json!({"replicas": 1, "selector": {"matchLabels": web}, "template": template});
        let metadata = json!({"name": "web", "labels": web});
        create::<Deployment>(tool, json!({"metadata": metadata, "spec": spec})).await;
    }
    create::<Pod>(tool, json!({"metadata": {"name": "bare", "labels": web}, "spec": pod})).await;
    let template = json!({"metadata": {"labels": {"toolforge": "tool"}}, "spec": pod});
    let spec = json!({"template": template});
    create::<Job>(tool, json!({"metadata": {"name": "own-job"}, "spec": spec})).await;
    // Everything but who made it is as with a job of ours.
    let nearly = json!({"toolforge": "tool", "app.kubernetes.io/managed-by": "somebody-else",
        "app.kubernetes.io/created-by": tool.name, "app.kubernetes.io/name": "bot"});
    let labelled = |name: &str| json!({"metadata": {"name": name, "labels": nearly}});
    create::<ConfigMap>(tool, labelled("settings")).await;
    create::<Pod>(tool, with(labelled("nearly"), &json!({"spec": pod}))).await;
    // A deployment, its replica set and its pod, and the CA; a pod; a job and its pod; two that are
    // nearly ours.
    if world.cluster.is_real() { 9 } else { 5 }
}

async fn flush_leaves_no_pod_and_touches_nothing_foreign(world: Arc<World>) {
    let tool = world.tool("flush").await;
    let count = create_foreign(&world, &tool).await;
    let foreign = eventually("foreign objects", POD_TIME_MAX, async || {
        let all = everything(&world, &tool).await;
        if all.len() == count { Ok(all) } else { Err(all) }
    })
    .await;
    let sleep = "echo on; exec sleep 3600";
    tool.run(one_off("once", sleep)).await;
    tool.run(one_off("done", "true")).await;
    tool.run(with(continuous("bot", sleep), &json!({"replicas": 2}))).await;
    tool.run(with(one_off("cron", sleep), &json!({"schedule": "0 0 1 1 *"}))).await;
    create_child(&tool, "cron", "cron-child").await.unwrap();
    tool.read_until("cron.out", "on", POD_TIME_MAX).await;
    tool.ended("done").await;
    assert_eq!(tool.list().await.len(), 4, "children and foreign objects are not jobs");

    let deleted: Value = tool.send(Call::flush()).await.expect(200);
    assert_eq!(deleted, json!({"deleted": ["bot", "cron", "done", "once"]}));
    assert_eq!(everything(&world, &tool).await, foreign);
    assert_eq!(tool.list().await, []);
}

async fn delete_takes_one_job_and_leaves_the_others(world: Arc<World>) {
    let tool = world.tool("delete").await;
    let count = create_foreign(&world, &tool).await;
    let sleep = "echo on; exec sleep 3600";
    tool.run(one_off("other", sleep)).await;
    tool.read_until("other.out", "on", POD_TIME_MAX).await;
    let before = eventually("all objects", POD_TIME_MAX, async || {
        let all = everything(&world, &tool).await;
        if all.len() == count + 2 { Ok(all) } else { Err(all) }
    })
    .await;
    let cron = with(one_off("bot", sleep), &json!({"schedule": "0 0 1 1 *"}));
    for job in [one_off("bot", sleep), continuous("bot", sleep), cron] {
        let scheduled = job.get("schedule").is_some();
        tool.run(job).await;
        if scheduled {
            create_child(&tool, "bot", "bot-child").await.unwrap();
        }
        eventually("a pod of the job", POD_TIME_MAX, async || {
            let all = everything(&world, &tool).await;
            if all.len() == before.len() + 2 + usize::from(scheduled) { Ok(()) } else { Err(all) }
        })
        .await;
        tool.delete("bot").await;
        assert_eq!(everything(&world, &tool).await, before);
    }
}

async fn what_is_deleted_while_its_pod_is_starting_leaves_no_pod(world: Arc<World>) {
    let tool = world.tool("early").await;
    let before = everything(&world, &tool).await;
    let many = with(continuous("bot", "exec sleep 3600"), &json!({"replicas": 4}));
    for job in [many, one_off("bot", "exec sleep 3600")] {
        tool.run(job).await;
        tool.delete("bot").await;
        let left = everything(&world, &tool).await;
        let objects = left.keys().filter(|name| !before.contains_key(*name));
        assert_eq!(objects.count(), 0, "{left:?}");
    }
}

async fn flush_of_nothing_is_no_error(world: Arc<World>) {
    let tool = world.tool("empty").await;
    let deleted: Value = tool.send(Call::flush()).await.expect(200);
    assert_eq!(deleted, json!({"deleted": []}));
}
