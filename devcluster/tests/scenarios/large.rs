//! Objects that are as large as Kubernetes takes them: they cost their own tool time, and nobody
//! else.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use k8s_openapi::api::batch::v1::Job;
use kube::api::PostParams;
use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Call, Tool, World, within};

use super::{one_off, pod_of, scenarios};

scenarios![large_objects_are_listed_and_hold_up_no_other_tool,];

const OBJECTS: usize = 24;
const OBJECT_BYTES: usize = 550_000;
/// Lists at once: as many as the service answers of one caller.
const LISTS: usize = 8;
/// For all of them, of a debug build on a machine that does much else.
const LISTS_TIME_MAX: Duration = Duration::from_secs(60);
/// Far less than all large lists take together, and far more than a small one.
const OTHER_TIME_MAX: Duration = Duration::from_secs(10);

/// What the service may take for all these lists, in KiB: some of these objects, where one list has
/// 13 MB and all together a hundred.
const GROWTH_MAX: u64 = 32 * 1024;

/// A suspended job with a large environment.
fn large(tool: &Tool, name: &str) -> Job {
    let labels = json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": tool.name,
        "app.kubernetes.io/name": name,
    });
    let container = json!({
        "name": "job",
        "image": "tjf.local/busybox:1",
        "command": ["echo", name],
        "env": [{"name": "LARGE", "value": "x".repeat(OBJECT_BYTES)}],
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
    });
    let pod = pod_of(&container);
    let template = json!({"metadata": {"labels": labels}, "spec": pod});
    let job = json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {"suspend": true, "template": template},
    });
    serde_json::from_value(job).unwrap()
}

async fn large_objects_are_listed_and_hold_up_no_other_tool(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("large").await.through(&service);
    let other = world.tool("small").await.through(&service);
    let names: Vec<_> = (0..OBJECTS).map(|number| format!("large-{number:02}")).collect();
    for name in &names {
        let params = PostParams::default();
        tool.api::<Job>().create(&params, &large(&tool, name)).await.unwrap();
    }
    other.run(one_off("small", "true")).await;
    other.ended("small").await;

    let peak_before = service.memory_peak().await;
    let lists = (0..LISTS).map(|_| tool.send(Call::get("/list/")));
    let lists = within("large lists", LISTS_TIME_MAX, join_all(lists));
    let others = async {
        for _ in 0..LISTS {
            let listed = within("a small list", OTHER_TIME_MAX, other.list()).await;
            assert_eq!(listed[0].name, "small");
        }
    };
    let (lists, ()) = tokio::join!(lists, others);
    for answer in lists {
        let jobs: Vec<JobView> = answer.expect(200);
        assert!(jobs.iter().map(|job| &job.name).eq(&names), "{jobs:#?}");
        assert_eq!(jobs[0].cmd, "echo large-00");
    }

    let grown = service.memory_peak().await - peak_before;
    assert!(grown < GROWTH_MAX, "the service took {grown} KiB for {LISTS} lists");

    // One of them, and what looks at all of them first.
    assert_eq!(tool.show("large-07").await.cmd, "echo large-07");
    tool.run(one_off("small", "true")).await;
    tool.delete("large-07").await;
    let flushed: Value = tool.send(Call::flush()).await.expect(200);
    assert_eq!(flushed["deleted"].as_array().unwrap().len(), OBJECTS);
    assert_eq!(tool.list().await, []);
}
