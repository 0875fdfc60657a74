//! What it costs to remember many tools, on the embedded cluster:
//! `cargo bench -p tjf-devcluster --bench stores`.
//!
//! The service's memory while 100 and then 1,000 tools with 20 jobs each are followed. All tools
//! are the same to it, so what one more costs is the difference, divided.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, for a person to read; a process is looked at by blocking"
)]

use std::{process::ExitCode, sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::json;
use tjf_devcluster::{
    Service,
    suite::{Call, Place, Tool, World, measure},
};
use tokio::time::sleep;

const STEPS: [usize; 3] = [1, 100, 1_000];
const JOBS: usize = 20;
/// Until the connections that the lists came over are let go.
const REST_TIME: Duration = Duration::from_secs(60);
/// Tools that are made at once.
const AT_ONCE: usize = 16;

fn main() -> ExitCode {
    measure(Place::Embedded(env!("CARGO_BIN_EXE_tjf-devcluster").into()), |world| {
        Box::pin(stores(world))
    })
}

async fn stores(world: Arc<World>) {
    let service = world.start_service().await;
    println!("idle: {} KiB", resident(&service));
    let mut tools: Vec<Tool> = Vec::new();
    let mut before = None;
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
        let filled = resident(&service);
        sleep(REST_TIME).await;
        let now = resident(&service);
        println!("{count} tools with {JOBS} jobs each: {now} KiB; {filled} when just filled");
        if let Some((tools_before, kib_before)) = before {
            let each = (now - kib_before) as f64 / (count - tools_before) as f64;
            println!("  {each:.1} KiB for each tool more");
        }
        before = Some((count, now));
    }
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

/// Of a process, what is in memory now.
fn resident(service: &Service) -> i64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
