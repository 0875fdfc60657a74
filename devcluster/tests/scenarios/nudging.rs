//! What waits for room starts soon after there is some, and not when Kubernetes' patience ends.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use serde_json::json;
use tjf_api_types::Phase;
use tjf_devcluster::suite::{Call, Tool, World, eventually};

use super::{POD_TIME_MAX, continuous, one_off, room::set_quota, scenarios, with};

/// Kubernetes' pauses double from 5 ms on: after so many tries the next pause is 20 s or more.
const TRIES: usize = 13;
/// Long enough for so many tries, and for what else the machine does.
const TRIES_TIME_MAX: Duration = Duration::from_secs(180);
/// What a few told one after the other, a second apart, may take to start.
const SOON: Duration = Duration::from_secs(12);

scenarios![
    what_waits_starts_soon_after_a_delete,
    what_waits_starts_soon_after_a_flush_of_another_kind_of_room,
    a_restart_makes_room_for_what_waits_only_when_it_needs_less,
];

const FOREVER: &str = "echo on; exec sleep 3600";

/// Until Kubernetes has tried in vain so often that it will not try again for long.
async fn until_kubernetes_is_patient(tool: &Tool, name: &str) {
    tool.until(name, POD_TIME_MAX, |job| job.status.reason.as_deref() == Some("QuotaExceeded"))
        .await;
    eventually(&format!("{name} was tried often"), TRIES_TIME_MAX, async || {
        let events = tool.api::<Event>().list(&ListParams::default()).await.unwrap().items;
        let about = |event: &&Event| {
            event.involved_object.name.as_deref() == Some(name)
                && event.reason.as_deref() == Some("FailedCreate")
        };
        let tries: i32 = events.iter().filter(about).map(|event| event.count.unwrap_or(1)).sum();
        let tries = usize::try_from(tries).unwrap_or(0);
        if tries >= TRIES { Ok(()) } else { Err(tries) }
    })
    .await;
}

async fn until_running(tool: &Tool, name: &str) {
    tool.until(name, SOON, |job| job.status.phase == Phase::Running).await;
}

async fn what_waits_starts_soon_after_a_delete(world: Arc<World>) {
    let tool = world.tool("nudge").await;
    set_quota(&tool, json!({"pods": "2"})).await;
    tool.run(with(continuous("crowd", FOREVER), &json!({"replicas": 2}))).await;
    tool.until("crowd", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    tool.run(one_off("late", FOREVER)).await;
    tool.run(continuous("bot", FOREVER)).await;
    until_kubernetes_is_patient(&tool, "bot").await;
    tool.delete("crowd").await;
    tokio::join!(until_running(&tool, "late"), until_running(&tool, "bot"));
    // There was room for two, and they are there.
    let job = tool.show("bot").await;
    assert_eq!(job.status.reason, None, "{job:#?}");
}

async fn what_waits_starts_soon_after_a_flush_of_another_kind_of_room(world: Arc<World>) {
    let tool = world.tool("memory").await;
    set_quota(&tool, json!({"limits.memory": "300Mi"})).await;
    let sized = |job| with(job, &json!({"memory": "200Mi", "cpu": "100m"}));
    tool.run(sized(continuous("crowd", FOREVER))).await;
    tool.until("crowd", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    tool.run(sized(continuous("bot", FOREVER))).await;
    // It does not fit, however much room there will be.
    tool.run(with(continuous("huge", FOREVER), &json!({"memory": "400Mi", "cpu": "100m"}))).await;
    until_kubernetes_is_patient(&tool, "bot").await;
    tool.send(Call::delete("crowd")).await.expect::<serde_json::Value>(200);
    until_running(&tool, "bot").await;
    let huge = tool.show("huge").await;
    assert_eq!(huge.status.reason.as_deref(), Some("QuotaExceeded"), "{huge:#?}");
}

/// The place of a bot that is restarted is its own again.
async fn a_restart_makes_room_for_what_waits_only_when_it_needs_less(world: Arc<World>) {
    let tool = world.tool("place").await;
    set_quota(&tool, json!({"pods": "1"})).await;
    tool.run(continuous("bot", FOREVER)).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    tool.run(continuous("late", FOREVER)).await;
    until_kubernetes_is_patient(&tool, "late").await;
    let _: serde_json::Value = tool.send(Call::restart("bot")).await.expect(200);
    until_running(&tool, "bot").await;
    let late = tool.show("late").await;
    assert_eq!(late.status.reason.as_deref(), Some("QuotaExceeded"), "{late:#?}");
}
