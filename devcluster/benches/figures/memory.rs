//! What it costs to remember many tools, while 100 and then 1,000 of them with 20 jobs each are
//! followed, and after nobody has asked for them any more. All tools are the same to the service, so
//! what one more costs is the difference, divided.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::json;
use tjf_devcluster::{
    Service,
    suite::{Call, Tool, World},
};
use tokio::time::sleep;

use crate::{megabytes, tell};

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

pub(crate) async fn measure(world: &Arc<World>) {
    let service = world.start_service().await;
    let mut before = (0, told("idle", "≤ 8 MB", &service).await);
    let mut tools: Vec<Tool> = Vec::new();
    for count in STEPS {
        let new = stream::iter(tools.len()..count).map(|_| tool(world, &service));
        tools.extend(new.buffer_unordered(AT_ONCE).collect::<Vec<_>>().await);
        // The second read waits for the watches that the first begins.
        for _ in 0..2 {
            for some in tools.chunks(AT_ONCE) {
                let lists = join_all(some.iter().map(Tool::list)).await;
                assert!(lists.iter().all(|list| list.len() == JOBS));
            }
        }
        told(&format!("{count} tools of {JOBS} jobs, just read"), "", &service).await;
        sleep(REST_TIME).await;
        let aim = if count == 1_000 { "≤ 200 MB" } else { "" };
        let loaded = told(&format!("{count} tools of {JOBS} jobs"), aim, &service).await;
        let (tools_before, bytes_before) = before;
        let each = (loaded - bytes_before) / (count - tools_before) as i64;
        tell("memory for each tool more", &format!("{:.0} KiB", each as f64 / 1024.0), "", 1);
        before = (count, loaded);
    }
    sleep(IDLE_TIME).await;
    told("idle again, when all have gone", "", &service).await;
}

/// A tool with jobs, none of which runs.
async fn tool(world: &World, service: &Arc<Service>) -> Tool {
    let tool = world.tool("many").await.through(service);
    make_jobs(&tool).await;
    tool
}

/// Jobs that wait for New Year.
pub(crate) async fn make_jobs(tool: &Tool) {
    for number in 0..JOBS {
        let job = json!({
            "name": format!("job-{number}"), "cmd": "./bot.py --all", "imagename": "tf-busybox",
            "schedule": "0 0 1 1 *",
        });
        let answer = tool.send(Call::run(&job)).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// Tells how much memory a process takes: the median of some looks, and gives it.
async fn told(when: &str, aim: &str, service: &Service) -> i64 {
    let mut samples = Vec::new();
    for _ in 0..SAMPLES {
        samples.push(service.memory().await as i64 * 1024);
        sleep(SAMPLE_PAUSE).await;
    }
    samples.sort_unstable();
    let bytes = samples[SAMPLES / 2];
    tell(&format!("memory of the service, {when}"), &megabytes(bytes as u64), aim, SAMPLES);
    bytes
}
