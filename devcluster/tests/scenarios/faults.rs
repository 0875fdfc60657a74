//! Kubernetes away. These disturb the whole cluster, so they run alone, after all others.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tjf_devcluster::{
    Outage,
    suite::{Call, Needs, Tool, World, eventually, within},
};

use super::{POD_TIME_MAX, one_off, scenarios};

/// The service gives a request 30 s; what can't be answered is told before.
const TOLD_TIME_MAX: Duration = Duration::from_secs(35);
const BACK_TIME_MAX: Duration = Duration::from_secs(60);

scenarios![
    an_api_server_that_stands_still_is_told_and_survived: Needs::Faults,
    an_api_server_that_is_killed_is_told_and_survived: Needs::Faults,
    a_wait_outlasts_an_outage: Needs::Faults,
];

/// Everything that needs Kubernetes says so; what does not is answered.
async fn assert_told(tool: &Tool) {
    let read = Call::get("/list/").header("cache-control", "no-cache");
    let calls = [read, Call::run(&one_off("lost", "true")), Call::delete("nope"), Call::flush()];
    let answers = futures_util::future::join_all(calls.map(|call| tool.send(call)));
    for answer in within("answers", TOLD_TIME_MAX, answers).await {
        let problem = answer.expect_problem(503, "cluster-unavailable");
        assert!(answer.headers.contains_key("retry-after"), "{problem:?}");
    }
    let containers = tool.send(Call::get("/containers/"));
    let answer = within("the containers", Duration::from_secs(2), containers).await;
    assert_eq!(answer.status, 200);
    let ready = tool.service().admin("/readyz").await.unwrap();
    assert!(ready.starts_with("HTTP/1.1 200 "), "an outage must not take its explanation away");
}

/// The same process, asked again until it is well.
async fn assert_well_again(tool: &Tool) {
    eventually("an answer as before", BACK_TIME_MAX, async || {
        let answer = tool.send(Call::get("/list/").header("cache-control", "no-cache")).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    let name = tool.run(json!({"cmd": "echo well", "imagename": "tf-busybox"})).await.name;
    assert_eq!(tool.ended(&name).await.status_short, "Completed");
}

async fn an_api_server_that_stands_still_is_told_and_survived(world: Arc<World>) {
    let tool = world.tool("pause").await;
    tool.list().await;
    let outage = world.cluster.begin_outage(Outage::StandsStill).await;
    assert_told(&tool).await;
    outage.end().await;
    assert_well_again(&tool).await;
}

async fn an_api_server_that_is_killed_is_told_and_survived(world: Arc<World>) {
    let tool = world.tool("kill").await;
    tool.list().await;
    let outage = world.cluster.begin_outage(Outage::Killed).await;
    assert_told(&tool).await;
    outage.end().await;
    assert_well_again(&tool).await;
}

async fn a_wait_outlasts_an_outage(world: Arc<World>) {
    // Its log tells what the wait was answered, so it is one of our own.
    let service = world.start_service().await;
    let tool = world.tool("patient").await.through(&service);
    let cmd = "echo began; until [ -e go ]; do sleep 0.2; done; exit 7";
    let words = ["run", "bot", "--command", cmd, "--image", "tf-busybox", "--wait"];
    let meanwhile = async {
        tool.read_until("bot.out", "began", POD_TIME_MAX).await;
        let outage = world.cluster.begin_outage(Outage::Killed).await;
        // The first comes after half a minute without a view of Kubernetes.
        eventually("two bad answers", TOLD_TIME_MAX * 2, async || {
            let log = tool.service().log();
            let told =
                |line: &&String| line.contains("/show/{name}/ 503 ") && line.contains(&tool.name);
            let bad = log.iter().filter(told).count();
            if bad >= 2 { Ok(()) } else { Err(log) }
        })
        .await;
        outage.end().await;
        tokio::fs::write(tool.home.join("go"), "").await.unwrap();
    };
    let (output, ()) = tokio::join!(tool.command(&words), meanwhile);
    assert_eq!((output.code, output.stdout.as_str()), (7, "bot\nFailed\n"), "{output:#?}");
}
