//! What it costs to remember many tools, on the embedded cluster:
//! `cargo bench -p tjf-devcluster --bench stores`.
//!
//! The service's memory while 100 and then 1,000 tools with 20 jobs each are followed, and after
//! nobody has asked for them any more. All tools are the same to it, so what one more costs is the
//! difference, divided. And a storm: 200 pods of one tool, all changed at once, again and again.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, for a person to read; a process is looked at by blocking"
)]

use std::{process::ExitCode, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::json;
use tjf_devcluster::{
    Service,
    suite::{Call, Place, Tool, World, measure},
};
use tokio::time::sleep;

const STEPS: [usize; 2] = [100, 1_000];
const JOBS: usize = 20;
/// Until connections that calls came over are let go, pages that nobody asks for are forgotten, and
/// what is free goes back to the system.
const REST_TIME: Duration = Duration::from_secs(90);
/// Until nothing is kept any more of tools that do not ask.
const IDLE_TIME: Duration = Duration::from_secs(6 * 60);
/// Tools that are made at once.
const AT_ONCE: usize = 16;
/// Looks at the memory for each figure.
const SAMPLES: usize = 5;
const SAMPLE_PAUSE: Duration = Duration::from_secs(1);

const STORM_PODS: usize = 200;
const STORM_ROUNDS: usize = 20;
/// How soon after a storm the memory is to be as before.
const STORM_REST_TIME: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    measure(Place::Embedded(env!("CARGO_BIN_EXE_tjf-devcluster").into()), |world| {
        Box::pin(stores(world))
    })
}

async fn stores(world: Arc<World>) {
    let service = world.start_service().await;
    let mut before = (0, tell("idle, 0 tools so far", &service).await);
    let mut tools: Vec<Tool> = Vec::new();
    for count in STEPS {
        let new = stream::iter(tools.len()..count).map(|_| tool(&world, &service));
        tools.extend(new.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        // The second read waits for the watches that the first begins.
        for _ in 0..2 {
            for some in tools.chunks(AT_ONCE) {
                let lists = join_all(some.iter().map(Tool::list)).await;
                assert!(lists.iter().all(|list| list.len() == JOBS));
            }
        }
        tell(&format!("loaded, {count} tools with {JOBS} jobs each, just filled"), &service).await;
        sleep(REST_TIME).await;
        let loaded = tell(&format!("loaded, {count} tools"), &service).await;
        let (tools_before, bytes_before) = before;
        let each = (loaded - bytes_before) / (count - tools_before) as i64;
        println!("  {each} bytes for each tool more");
        before = (count, loaded);
    }
    storm(&tools[0], &service).await;
    sleep(IDLE_TIME).await;
    tell(&format!("idle, {} tools so far", tools.len()), &service).await;
}

/// A tool with jobs, none of which runs.
async fn tool(world: &World, service: &Arc<Service>) -> Tool {
    let tool = world.tool("many").await.through(service);
    for number in 0..JOBS {
        let job = json!({
            "name": format!("job-{number}"), "cmd": "./bot.py --all", "imagename": "tf-busybox",
            "schedule": "0 0 1 1 *",
        });
        let answer = tool.send(Call::run(&job)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    tool
}

/// Changes many pods of one tool at once, and looks whether the memory for that is given back.
async fn storm(tool: &Tool, service: &Service) {
    let (quotas, params) = (tool.api::<ResourceQuota>(), PatchParams::default());
    quotas.delete("tool", &DeleteParams::default()).await.unwrap();
    let pods = tool.api::<Pod>();
    for number in 0..STORM_PODS {
        pods.create(&PostParams::default(), &pod(number)).await.unwrap();
    }
    tool.list().await;
    sleep(REST_TIME).await;
    let before = tell(&format!("before a storm of {STORM_PODS} pods"), service).await;
    let mut most = before;
    for round in 0..STORM_ROUNDS {
        let patch = json!({"metadata": {"annotations": {"round": round.to_string()}}});
        let patch = Patch::Merge(&patch);
        let names: Vec<_> = (0..STORM_PODS).map(name).collect();
        let all = names.iter().map(|name| pods.patch(name, &params, &patch));
        assert!(join_all(all).await.iter().all(Result::is_ok));
        most = most.max(resident(service));
    }
    println!("  {most} bytes at most while {STORM_ROUNDS} times all of them are patched at once");
    sleep(STORM_REST_TIME).await;
    let after = tell("a minute after it", service).await;
    println!("  {} bytes more than before", after - before);
}

fn name(number: usize) -> String {
    format!("storm-{number}")
}

/// A pod of a node that there is not, so that nothing becomes of it.
fn pod(number: usize) -> Pod {
    let pod = json!({
        "metadata": {"name": name(number)},
        "spec": {"nodeName": "nowhere", "containers": [{"name": "a", "image": "busybox"}]},
    });
    serde_json::from_value(pod).unwrap()
}

/// Tells how much memory a process takes: the median of some looks, and gives it.
async fn tell(when: &str, service: &Service) -> i64 {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        samples.push(resident(service));
        sleep(SAMPLE_PAUSE).await;
    }
    samples.sort_unstable();
    let bytes = samples[SAMPLES / 2];
    println!("{when}: {bytes} bytes of RSS ({SAMPLES} samples)");
    bytes
}

/// Of a process, what is in memory now, in bytes.
fn resident(service: &Service) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<i64>().unwrap() * 1024
}
