//! A tool with very many jobs.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::{batch::v1::Job, core::v1::ResourceQuota};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::json;
use tjf_devcluster::suite::{Tool, World, eventually};

use crate::{
    asking::{beside, direct, get, list, timed},
    figure::{Table, Wanted},
    writing::{again, made},
};

const JOBS: usize = 1_000;
const AT_ONCE: usize = 8;
const ROUNDS: usize = 40;

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let service = world.start_service().await;
    let tool = world.tool("large").await.through(&service);
    lift(&tool).await;
    let request = json!({"name": "template", "cmd": "true", "type": "busybox", "cpu": "64"});
    let made = made(&tool, request).await;
    let jobs = tool.api::<Job>();
    let make = |number: usize| {
        let mut object = again(&made, &format!("job-{number}"));
        object["spec"]["suspend"] = true.into();
        let jobs = jobs.clone();
        async move {
            let job: Job = serde_json::from_value(object).unwrap();
            jobs.create(&PostParams::default(), &job).await.unwrap();
        }
    };
    stream::iter((0..JOBS).map(make)).buffer_unordered(AT_ONCE).collect::<()>().await;

    let mut ours = tool.client.open().await.unwrap();
    let mut kubernetes = beside(world, &tool).await.open().await.unwrap();
    let path = direct(&tool, "/apis/batch/v1", "jobs");
    assert_eq!(tool.list().await.len(), JOBS);
    let bytes = timed(&mut ours, list(), 200).await.0.body.len();
    let direct_bytes = timed(&mut kubernetes, get(&path), 200).await.0.body.len();
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.0.push(timed(&mut ours, list(), 200).await.1);
        times.1.push(timed(&mut kubernetes, get(&path), 200).await.1);
    }
    table.medians(
        &format!(
            "warm `list` of {JOBS} jobs ({bytes} bytes), p50, beside a LIST of them ({direct_bytes} bytes)"
        ),
        times,
        Wanted::AtMost { aim: 0.1, gate: 0.4 },
    );
}

/// Lets a tool have as much as it likes.
pub(crate) async fn lift(tool: &Tool) {
    let hard = json!({
        "pods": "5000", "limits.cpu": "100000", "limits.memory": "100000Gi",
        "requests.cpu": "100000", "requests.memory": "100000Gi",
        "count/jobs.batch": "5000", "count/cronjobs.batch": "5000",
    });
    let limits = json!([{
        "type": "Container", "max": {"cpu": "1000", "memory": "1000Gi"},
        "default": {"cpu": "1", "memory": "64Mi"}, "defaultRequest": {"cpu": "5m", "memory": "4Mi"},
    }]);
    let quotas = tool.api::<ResourceQuota>();
    let patch = Patch::Merge(json!({"spec": {"hard": hard}}));
    quotas.patch("tool", &PatchParams::default(), &patch).await.unwrap();
    let limit_ranges = tool.api::<k8s_openapi::api::core::v1::LimitRange>();
    let patch = Patch::Merge(json!({"spec": {"limits": limits}}));
    limit_ranges.patch("tool", &PatchParams::default(), &patch).await.unwrap();
    eventually("the lifted quota", Duration::from_secs(30), async || {
        let quota = quotas.get("tool").await.unwrap();
        let (spec, status) = (quota.spec.unwrap(), quota.status.unwrap());
        if spec.hard == status.hard { Ok(()) } else { Err(status) }
    })
    .await;
}
