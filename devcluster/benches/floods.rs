//! Whether one client can take the service away from the others, on the cluster that the
//! environment names: `cargo bench -p tjf-devcluster --bench floods`.
//!
//! A tool asks one process of the service, again and again. The floods go first to a second process
//! of the same program, and then to the one that is asked, so that only the service's own
//! unfairness makes a difference, and not the machine's load. All is bounded in count and time.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, for a person to read"
)]

use std::{collections::VecDeque, process::ExitCode, sync::Arc, time::Duration};

use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tjf_devcluster::{
    Authority, Service, Subject,
    suite::{Call, Place, Tool, World, measure},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};

/// How long each of the two floods lasts.
const FLOOD_TIME: Duration = Duration::from_secs(60);
/// After it, until the memory is looked at again.
const REST_TIME: Duration = Duration::from_secs(60);
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// Silent connections that are kept open at once; each is followed by another.
const SILENT_MAX: usize = 400;
const LARGE_OBJECTS: usize = 48;
const LARGE_BYTES: usize = 500 * 1024;
const HELD_JOBS: usize = 4;
const FINALIZER: &str = "jobs.toolforge.org/held-by-a-measurement";

fn main() -> ExitCode {
    measure(Place::Named, |world| Box::pin(floods(world)))
}

/// Who floods.
#[derive(Clone)]
struct Flooders {
    /// Has large objects, and jobs that do not go.
    greedy: Tool,
    /// Has keys in its home that Kubernetes refuses.
    refused: Tool,
}

async fn floods(world: Arc<World>) {
    let [asked, second] = [world.start_service().await, world.start_service().await];
    let probe = world.tool("probe").await.through(&asked);
    let foreign = Authority::generate("another").issue(Subject::tool("placeholder"));
    let refused = world.tool_whose_home_holds("refused", &foreign).await;
    let foreign = Authority::generate("another").issue(Subject::tool(&refused.name));
    for (file, text) in [("client.crt", &foreign.certificate), ("client.key", &foreign.key)] {
        std::fs::write(refused.home.join(".toolskube").join(file), text).unwrap();
    }
    let flooders = Flooders { greedy: world.tool("greedy").await, refused };
    prepare(&flooders.greedy).await;
    probe.send(Call::get("/list/")).await;
    let idle = asked.memory().await;
    println!("idle: {} KiB", idle);

    let elsewhere = probed(&probe, flood(&flooders, &second), &asked).await;
    let here = probed(&probe, flood(&flooders, &asked), &asked).await;
    println!("while the floods go to another process: {elsewhere}");
    println!("while they go to the one that is asked: {here}");
    let ratio = here.times.p99.as_secs_f64() / elsewhere.times.p99.as_secs_f64();
    println!("p99 beside p99: {ratio:.2} (aim: at most 1.5)");
    println!("resident at most: {} KiB (aim: 131072)", here.resident_max);
    sleep(REST_TIME).await;
    let rested = asked.memory().await;
    println!("a minute later: {rested} KiB, {:.2} of idle (aim: 2)", rested as f64 / idle as f64);
    let began = Instant::now();
    asked.terminate();
    asked.ended().await;
    println!("ended {:.1?} after SIGTERM (aim: 25 s)", began.elapsed());
    release(&flooders.greedy).await;
}

/// What the probe met.
struct Probed {
    times: Times,
    failed: Vec<String>,
    resident_max: u64,
}

struct Times {
    count: usize,
    p50: Duration,
    p99: Duration,
}

impl std::fmt::Display for Probed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Times { count, p50, p99 } = &self.times;
        write!(f, "{count} asked, {} failed, p50 {p50:.1?}, p99 {p99:.1?}", self.failed.len())?;
        self.failed.first().map_or(Ok(()), |why| write!(f, " (the first: {why})"))
    }
}

/// Asks for as long as the flood lasts, each time over a connection of its own.
async fn probed(probe: &Tool, mut flood: JoinSet<()>, asked: &Service) -> Probed {
    let end = Instant::now() + FLOOD_TIME;
    let (mut times, mut failed, mut resident_max) = (Vec::new(), Vec::new(), 0);
    while Instant::now() < end {
        let began = Instant::now();
        match probe.client.try_send(Call::get("/list/")).await {
            Ok(answer) if answer.status == 200 => times.push(began.elapsed()),
            Ok(answer) => failed.push(answer.text()),
            Err(error) => failed.push(error.to_string()),
        }
        resident_max = asked.memory().await.max(resident_max);
        sleep(PROBE_PAUSE).await;
    }
    flood.shutdown().await;
    times.sort_unstable();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    let times = Times { count: times.len(), p50: at(0.5), p99: at(0.99) };
    Probed { times, failed, resident_max }
}

/// All floods at once, to one process.
fn flood(flooders: &Flooders, service: &Arc<Service>) -> JoinSet<()> {
    let mut flood = JoinSet::new();
    let (address, admin) = (service.address, service.admin_address);
    let nobody = service.client(None);
    let greedy = flooders.greedy.through(service);
    let refused = flooders.refused.through(service);
    // Methods and paths of 30 KB, by nobody.
    for _ in 0..4 {
        let nobody = nobody.clone();
        flood.spawn(async move {
            let long = "X".repeat(30_000);
            let text = format!(
                "{long} / HTTP/1.1\r\nhost: x\r\n\r\nGET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"
            );
            loop {
                let Ok(mut stream) = nobody.connect().await else { continue };
                let mut answer = [0; 4096];
                while stream.write_all(text.as_bytes()).await.is_ok()
                    && stream.flush().await.is_ok()
                    && stream.read(&mut answer).await.is_ok_and(|length| length > 0)
                {
                }
            }
        });
    }
    // Connections that say nothing.
    for (address, kept_max) in [(address, SILENT_MAX), (admin, SILENT_MAX / 4)] {
        flood.spawn(async move {
            let mut kept = VecDeque::new();
            loop {
                if let Ok(stream) = TcpStream::connect(address).await {
                    kept.push_back(stream);
                }
                if kept.len() > kept_max {
                    kept.pop_front();
                }
                sleep(Duration::from_millis(1)).await;
            }
        });
    }
    // Lists of large objects, and of those some whose answers nobody reads.
    for index in 0..32 {
        let greedy = greedy.clone();
        flood.spawn(async move {
            loop {
                if index < 8 {
                    let _ = greedy.client.try_send(Call::get("/list/")).await;
                } else if let Ok(mut stream) = greedy.client.connect().await {
                    let _ =
                        stream.write_all(b"GET /api/v1/list/ HTTP/1.1\r\nhost: x\r\n\r\n").await;
                    let _ = stream.flush().await;
                    sleep(Duration::from_secs(10)).await;
                }
            }
        });
    }
    // Deletes that wait for pods which do not go.
    for index in 0..64 {
        let greedy = greedy.clone();
        flood.spawn(async move {
            loop {
                let name = format!("held-{}", index % HELD_JOBS);
                let _ = greedy.client.try_send(Call::delete(&name)).await;
            }
        });
    }
    // Keys that Kubernetes refuses.
    for _ in 0..8 {
        let refused = refused.clone();
        flood.spawn(async move {
            loop {
                let _ = refused.client.try_send(Call::get("/list/")).await;
            }
        });
    }
    flood
}

/// Makes large objects, and jobs whose pods a finalizer keeps.
async fn prepare(greedy: &Tool) {
    for index in 0..HELD_JOBS {
        let name = format!("held-{index}");
        let job = json!({"name": name, "cmd": "exec sleep 3600", "type": "busybox"});
        greedy.run(job).await;
    }
    let jobs = greedy.api::<Job>();
    let mut template: Value = serde_json::to_value(jobs.get("held-0").await.unwrap()).unwrap();
    let labels = template["metadata"]["labels"].clone();
    let metadata = |name: String| {
        let padding = "x".repeat(LARGE_BYTES / 2);
        json!({"name": name, "labels": labels, "annotations": {"a": padding}})
    };
    template["spec"] = json!({
        "suspend": true,
        "template": {
            "metadata": {"annotations": {"b": "y".repeat(LARGE_BYTES / 2)}},
            "spec": template["spec"]["template"]["spec"],
        },
    });
    template.as_object_mut().unwrap().remove("status");
    for index in 0..LARGE_OBJECTS {
        template["metadata"] = metadata(format!("large-{index}"));
        let job: Job = serde_json::from_value(template.clone()).unwrap();
        jobs.create(&PostParams::default(), &job).await.unwrap();
    }
    set_finalizers(greedy, &json!([FINALIZER])).await;
}

async fn release(greedy: &Tool) {
    set_finalizers(greedy, &Value::Null).await;
}

async fn set_finalizers(greedy: &Tool, finalizers: &Value) {
    let pods = greedy.api::<Pod>();
    let patch = json!({"metadata": {"finalizers": finalizers}});
    for pod in pods.list(&kube::api::ListParams::default()).await.unwrap() {
        let name = pod.metadata.name.unwrap();
        pods.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    }
}
