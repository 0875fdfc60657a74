//! What one tool can do to the others. A tool asks one process of the service, at an even pace; the
//! load goes now to that one, and now to a second process of the same program, so that only the
//! service's own unfairness makes a difference, and not the machine's load.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::json;
use tjf_devcluster::{
    Service,
    suite::{Call, Connection, Tool, World, eventually},
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    asking::{connections, list, timed},
    figure::{Table, Times, Wanted},
    large::lift,
};

const CALLERS: usize = 100;
const TURN: Duration = Duration::from_secs(3);
const TURNS: usize = 5;
const PROBE_EVERY: Duration = Duration::from_millis(5);
const PODS: usize = 200;
const STORMS: usize = 5;
/// After a storm, until its memory must be free again.
const REST_TIME: Duration = Duration::from_secs(60);

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let [asked, second] = [world.start_service().await, world.start_service().await];
    let probe = world.tool("probe").await.through(&asked);
    probe
        .run(json!({"name": "bot", "cmd": "true", "type": "busybox", "schedule": "@yearly"}))
        .await;
    let greedy = world.tool("greedy").await;
    for number in 0..23 {
        let name = format!("job-{number}");
        let job = json!({"name": name, "cmd": "true", "type": "busybox", "schedule": "@yearly"});
        greedy.run(job).await;
    }
    flood(&probe, &greedy, [&asked, &second], list(), table).await;
    let uncached = list().header("cache-control", "no-cache");
    flood(&probe, &greedy, [&asked, &second], uncached, table).await;
    storm(world, &probe, [&asked, &second], table).await;
}

async fn flood(
    probe: &Tool,
    greedy: &Tool,
    [asked, second]: [&Arc<Service>; 2],
    call: Call,
    table: &mut Table,
) {
    let is_uncached = format!("{call:?}").contains("no-cache");
    let mut connection = probe.client.open().await.unwrap();
    timed(&mut connection, list(), 200).await;
    let flooders = async |service| connections(&greedy.through(service).client, CALLERS).await;
    let [mut here, mut there] = [flooders(asked).await, flooders(second).await];
    let [mut probed_here, mut probed_there, mut flooders_took] = [const { Vec::new() }; 3];
    for _ in 0..TURNS {
        for (flooders, probed) in [(&mut there, &mut probed_there), (&mut here, &mut probed_here)] {
            flooders_took.clear();
            let flood = join_all(flooders.iter_mut().map(|flooder| pressed(flooder, &call)));
            let (times, took) = tokio::join!(probed_for(&mut connection, TURN), flood);
            probed.extend(times);
            flooders_took.extend(took.into_iter().flatten());
        }
    }
    let how = if is_uncached { "`no-cache`" } else { "warm" };
    let of = format!("{CALLERS} callers of one tool flood with {how} `list`");
    table.quantiles(
        &format!("{of}: another's p99, beside that while the flood goes to another process"),
        0.99,
        (probed_here.clone(), probed_there),
        Wanted::AtMost { aim: 1.5, gate: 10.0 },
    );
    if is_uncached {
        table.medians(
            &format!("{of}: their p50 beside another's"),
            (flooders_took, probed_here),
            Wanted::AtLeast { aim: 3.0, gate: 1.5 },
        );
    }
}

async fn pressed(connection: &mut Connection, call: &Call) -> Times {
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < TURN {
        let sent = Instant::now();
        // One that is told to come again has been answered, too.
        connection.send(call.clone()).await.unwrap();
        times.push(sent.elapsed());
    }
    times
}

/// Asks at an even pace. A time counts from when it was the question's turn, so that a pause of the
/// service is felt by all whom it concerns.
async fn probed_for(connection: &mut Connection, time: Duration) -> Times {
    let mut ticks = interval(PROBE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < time {
        let due = ticks.tick().await;
        timed(connection, list(), 200).await;
        times.push(due.elapsed());
    }
    times
}

async fn storm(
    world: &Arc<World>,
    probe: &Tool,
    [asked, second]: [&Arc<Service>; 2],
    table: &mut Table,
) {
    let stormy = world.tool("stormy").await;
    lift(&stormy).await;
    make_pods(&stormy).await;
    let probe_there = probe.through(second);
    let mut here = probe.client.open().await.unwrap();
    let mut there = probe_there.client.open().await.unwrap();
    // Only the first process has a store of the stormy tool.
    stormy.through(asked).list().await;
    for connection in [&mut here, &mut there] {
        timed(connection, list(), 200).await;
    }
    let before = asked.memory().await;
    let [mut probed_here, mut probed_there] = [const { Vec::new() }; 2];
    for _ in 0..STORMS {
        for (connection, probed) in [(&mut there, &mut probed_there), (&mut here, &mut probed_here)]
        {
            let (times, ()) = tokio::join!(probed_for(connection, TURN), patched(&stormy));
            probed.extend(times);
        }
    }
    table.quantiles(
        &format!(
            "{PODS} pods of one tool patched at once: another's p99, beside that of a process \
             without a store of that tool"
        ),
        0.99,
        (probed_here, probed_there),
        Wanted::AtMost { aim: 1.5, gate: 10.0 },
    );
    sleep(REST_TIME).await;
    let after = asked.memory().await;
    table.tell(
        "memory a minute after the storms, beside that before",
        [format!("{after} KiB"), format!("{before} KiB")],
        after as f64 / before as f64,
        Wanted::AtMost { aim: 1.05, gate: 2.0 },
        "1 and 1",
    );
}

/// Pods that belong to a tool's job, and that no node is good enough for.
async fn make_pods(tool: &Tool) {
    let pods: Api<Pod> = tool.api();
    let labels = json!({
        "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": tool.name, "app.kubernetes.io/name": "crowd",
        "app.kubernetes.io/component": "jobs",
    });
    let make = async |number: usize| {
        let pod = json!({
            "metadata": {"name": format!("crowd-{number}"), "labels": labels},
            "spec": {
                "nodeSelector": {"tjf.local/no-node": "has-this"},
                "containers": [{"name": "job", "image": "tjf.local/none:1"}],
            },
        });
        let pod: Pod = serde_json::from_value(pod).unwrap();
        pods.create(&PostParams::default(), &pod).await.unwrap();
    };
    for chunk in (0..PODS).collect::<Vec<_>>().chunks(20) {
        join_all(chunk.iter().map(|number| make(*number))).await;
    }
    eventually("the pods", Duration::from_secs(30), async || {
        let count = pods.list(&Default::default()).await.unwrap().items.len();
        if count == PODS { Ok(()) } else { Err(count) }
    })
    .await;
}

async fn patched(tool: &Tool) {
    let pods: Api<Pod> = tool.api();
    let mut patching = JoinSet::new();
    for number in 0..PODS {
        let pods = pods.clone();
        patching.spawn(async move {
            let mark = format!("{:?}", Instant::now());
            let patch = json!({"metadata": {"annotations": {"tjf.local/mark": mark}}});
            let params = PatchParams::default();
            pods.patch(&format!("crowd-{number}"), &params, &Patch::Merge(&patch)).await.unwrap();
        });
    }
    patching.join_all().await;
}
