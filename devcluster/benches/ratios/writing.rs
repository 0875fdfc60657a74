//! `run` of a one-off job, beside creating its object oneself.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use tjf_devcluster::suite::{Call, Tool, World, eventually};

use crate::{
    asking::{beside, direct, timed},
    figure::{Table, Wanted},
    large::lift,
};

const ROUNDS: usize = 60;

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let service = world.start_service().await;
    let tool = world.tool("run").await.through(&service);
    lift(&tool).await;
    // More than any node has, so that no pod of either side runs beside the measurement.
    let request = |name: &str| json!({"name": name, "cmd": "true", "type": "busybox", "cpu": "64"});
    let made = made(&tool, request("template")).await;
    let path = direct(&tool, "/apis/batch/v1", "jobs");
    let mut ours = tool.client.open().await.unwrap();
    let mut kubernetes = beside(world, &tool).await.open().await.unwrap();
    tool.list().await;
    let mut times = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let run = Call::run(&request(&format!("ours-{round}")));
        times.0.push(timed(&mut ours, run, 201).await.1);
        cleared(&tool).await;
        let post = Call::to(http::Method::POST, &path).header("content-type", "application/json");
        let post = post.body(again(&made, &format!("direct-{round}")).to_string());
        times.1.push(timed(&mut kubernetes, post, 201).await.1);
        cleared(&tool).await;
    }
    table.medians(
        "warm `run` of a one-off, p50, the look after creating included, beside a direct create",
        times,
        Wanted::AtMost { aim: 1.7, gate: 4.0 },
    );
}

/// What the service makes of a request.
pub(crate) async fn made(tool: &Tool, request: Value) -> Job {
    tool.run(request).await;
    let made = tool.api::<Job>().get("template").await.unwrap();
    tool.delete("template").await;
    made
}

/// Takes all jobs away, so that Kubernetes' controllers have nothing more to do with them.
async fn cleared(tool: &Tool) {
    let every = DeleteParams::background();
    tool.api::<Job>().delete_collection(&every, &ListParams::default()).await.unwrap();
    let pods = tool.api::<Pod>();
    eventually("the pods are gone", Duration::from_secs(30), async || {
        let left = pods.list(&ListParams::default()).await.unwrap().items.len();
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}

/// A job as it was created, with another name.
pub(crate) fn again(made: &Job, name: &str) -> Value {
    let mut object = serde_json::to_value(made).unwrap();
    let labels = made.metadata.labels.clone();
    let annotations = made.metadata.annotations.clone();
    object["metadata"] = json!({"name": name, "labels": labels, "annotations": annotations});
    let labels = object.pointer_mut("/spec/template/metadata/labels").unwrap();
    // Kubernetes adds those that name the job and its uid, and refuses others' there.
    labels
        .as_object_mut()
        .unwrap()
        .retain(|label, _| !["job-name", "controller-uid"].iter().any(|own| label.ends_with(own)));
    for written in ["/spec/selector", "/status"] {
        let (above, field) = written.rsplit_once('/').unwrap();
        object.pointer_mut(above).and_then(Value::as_object_mut).unwrap().remove(field);
    }
    object
}
