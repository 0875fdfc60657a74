//! How a service ends: what was begun is done, and nothing new comes.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;
use serde_json::{Value, json};
use tjf_devcluster::suite::{Call, World, eventually, within};

use super::{POD_TIME_MAX, one_off, scenarios};

scenarios![a_request_that_is_under_way_is_answered_after_sigterm];

/// A delete that takes the pod's whole grace of 15 s is under way when the signal comes.
async fn a_request_that_is_under_way_is_answered_after_sigterm(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("drain").await.through(&service);
    tool.run(one_off("deaf", "trap '' TERM; echo on; while true; do sleep 1; done")).await;
    tool.read_until("deaf.out", "on", POD_TIME_MAX).await;
    assert!(service.admin("/readyz").await.unwrap().starts_with("HTTP/1.1 200 "));

    let jobs = tool.api::<Job>();
    let delete = tool.send(Call::delete("deaf"));
    let drain = async {
        // The delete is at work when the job is gone and only its pod is left.
        eventually("the delete is under way", POD_TIME_MAX, async || {
            let jobs = jobs.list(&ListParams::default()).await.unwrap().items.len();
            if jobs == 0 { Ok(()) } else { Err(jobs) }
        })
        .await;
        service.terminate();
        eventually("not ready", Duration::from_secs(2), async || {
            let answer = service.admin("/readyz").await.map_err(|error| error.to_string())?;
            if answer.starts_with("HTTP/1.1 503 ") { Ok(()) } else { Err(answer) }
        })
        .await;
        // So that the endpoints can follow, it goes on for a while, but keeps no connection.
        let answer = tool.send(Call::get("/list/")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.headers["connection"], "close");
    };
    let both = async { tokio::join!(delete, drain).0 };
    let answer = within("the answer to delete", Duration::from_secs(40), both).await;
    assert_eq!(answer.expect::<Value>(200), json!({"deleted": ["deaf"]}));
    assert_eq!(service.ended().await.code(), Some(0));
    tool.client.connect().await.expect_err("nobody listens any more");
}
