//! Reads of a tool that the service follows: beside Kubernetes, and beside an answer that is the
//! same for everybody.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tjf_devcluster::{
    Service,
    suite::{Call, Client, Tool, World, eventually},
};
use tokio::time::Instant;

use crate::{
    asking::{KINDS, beside, connections, direct_lists, get, list, pressed, timed, timed_all},
    figure::{Rate, Table, Wanted},
};

const ROUNDS: usize = 500;
const THINGS: usize = 5;
const JOBS: usize = 23;
/// What an entry of `containers` has beside a long image.
const ENTRY_BYTES: usize = 65;
const READS: usize = 1_000;
const CALLERS: usize = 8;
/// How long one thing is pressed until it is the next one's turn.
const TURN: Duration = Duration::from_millis(300);
const TURNS: usize = 10;
const NEVER: &str = "0 0 1 1 *";

pub(crate) async fn measure(world: &Arc<World>, table: &mut Table) {
    let short = world.tool("bench").await.through(&world.start_service().await);
    make_jobs(&short).await;
    let bytes = timed(&mut short.client.open().await.unwrap(), list(), 200).await.0.body.len();
    let sides = Sides {
        long: answered_as_many_bytes(world, &short, bytes).await,
        kubernetes: beside(world, &short).await,
        short,
        bytes,
    };
    sides.long.list().await;
    one_caller(&sides, table).await;
    calls(&sides.long, table).await;
    many_callers(&sides, table).await;
}

/// Whoever is asked, by the same tool.
struct Sides {
    /// A service whose `containers` is as long as its `list`.
    long: Tool,
    /// One with the usual containers.
    short: Tool,
    kubernetes: Client,
    /// Of a `list`.
    bytes: usize,
}

async fn one_caller(sides: &Sides, table: &mut Table) {
    let lists = direct_lists(&sides.short);
    let mut long = sides.long.client.open().await.unwrap();
    let mut short = sides.short.client.open().await.unwrap();
    let mut direct = sides.kubernetes.open().await.unwrap();
    let containers = || Call::get("/containers/");
    let small = timed(&mut short, containers(), 200).await.0.body.len();
    let mut direct_bytes = 0;
    for path in &lists {
        direct_bytes += timed(&mut direct, get(path), 200).await.0.body.len();
    }
    let [mut lists_took, mut direct_took, mut alike_took] = [const { Vec::new() }; 3];
    let [mut unchanged_took, mut small_took] = [const { Vec::new() }; 2];
    let mut tag = String::new();
    for round in 0..ROUNDS {
        for place in 0..THINGS {
            // Each comes as often after each other: what a processor has just done makes a difference.
            match (round + place * (1 + round % (THINGS - 1))) % THINGS {
                0 => {
                    let (listed, took) = timed(&mut long, list(), 200).await;
                    tag = listed.headers["etag"].to_str().unwrap().to_owned();
                    lists_took.push(took);
                }
                1 => alike_took.push(timed(&mut long, containers(), 200).await.1),
                2 => small_took.push(timed(&mut short, containers(), 200).await.1),
                3 => direct_took.push(timed_all(&mut direct, &lists).await),
                _ => {
                    // Two services tell the same by the same tag.
                    let known = list().header("if-none-match", &tag);
                    let began = Instant::now();
                    let known = short.send(known).await.unwrap();
                    // Jobs that run change every second, in which they tell for how long.
                    if known.status == 304 {
                        unchanged_took.push(began.elapsed());
                    }
                }
            }
        }
    }
    let bytes = sides.bytes;
    let of = format!("warm `list` of {JOBS} jobs ({bytes} bytes), one caller, p50");
    table.medians(
        &format!("{of}, beside the four LISTs one after another ({direct_bytes} bytes)"),
        (lists_took.clone(), direct_took),
        Wanted::AtMost { aim: 1.0 / 40.0, gate: 0.15 },
    );
    table.medians(
        &format!("{of}, beside `containers` of as many bytes"),
        (lists_took, alike_took),
        Wanted::AtMost { aim: 1.5, gate: 4.0 },
    );
    table.medians(
        &format!("`list` with `If-None-Match`, unchanged, beside `containers` of {small} bytes"),
        (unchanged_took, small_took),
        Wanted::AtMost { aim: 1.1, gate: 3.0 },
    );
}

async fn many_callers(sides: &Sides, table: &mut Table) {
    let mut ours = connections(&sides.long.client, CALLERS).await;
    let mut direct = connections(&sides.kubernetes, CALLERS).await;
    let lists = direct_lists(&sides.short).map(|path| get(&path));
    let [mut ours_rate, mut alike_rate, mut direct_rate] = [Rate::default(); 3];
    for _ in 0..TURNS {
        pressed(&mut ours, &[list()], TURN, &mut ours_rate).await;
        pressed(&mut ours, &[Call::get("/containers/")], TURN, &mut alike_rate).await;
        pressed(&mut direct, &lists, TURN, &mut direct_rate).await;
    }
    let of = format!("warm `list`, {CALLERS} callers, answers a second");
    table.rates(
        &format!("{of}, beside quadruples of LISTs"),
        [ours_rate, direct_rate],
        Wanted::AtLeast { aim: 40.0, gate: 8.0 },
    );
    table.rates(
        &format!("{of}, beside `containers` of as many bytes"),
        [ours_rate, alike_rate],
        Wanted::AtLeast { aim: 0.7, gate: 0.25 },
    );
}

/// What the service has asked Kubernetes for so far, in calls; watches are counted at their end.
pub(crate) async fn asked(service: &Service) -> u64 {
    let metrics = service.admin("/metrics").await.unwrap();
    let counts = metrics.lines().filter(|line| line.contains("kube_requests_total{"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

async fn calls(tool: &Tool, table: &mut Table) {
    let mut connection = tool.client.open().await.unwrap();
    let before = asked(tool.service()).await;
    for _ in 0..READS {
        timed(&mut connection, list(), 200).await;
    }
    let calls = asked(tool.service()).await - before;
    let what = format!("calls to the API server by {READS} warm reads (aim 0)");
    table.note(&what, &calls.to_string(), &READS.to_string());
    // A watch may have had its time just then.
    assert!(calls <= KINDS as u64, "{calls} calls");
}

/// Ten one-off ones, ten scheduled, three continuous. The first have ended then.
pub(crate) async fn make_jobs(tool: &Tool) {
    for number in 0..10 {
        tool.run(json!({"name": format!("done-{number}"), "cmd": "true", "type": "busybox"})).await;
        let scheduled = json!({
            "name": format!("cron-{number}"), "cmd": "true", "type": "busybox", "schedule": NEVER,
        });
        tool.run(scheduled).await;
    }
    for number in 0..3 {
        let bot = json!({
            "name": format!("bot-{number}"), "cmd": "exec sleep 3600", "type": "busybox",
            "continuous": true,
        });
        tool.run(bot).await;
    }
    for number in 0..10 {
        tool.ended(&format!("done-{number}")).await;
    }
}

/// The same tool, asking a service whose `containers` is as long as that.
async fn answered_as_many_bytes(world: &World, tool: &Tool, bytes: usize) -> Tool {
    let service = world.start_service().await;
    let tool = tool.through(&service);
    let length = async || tool.send(Call::get("/containers/")).await.body.len();
    let missing = bytes - length().await;
    let file = service.ca_file().with_file_name("catalogue.json");
    let mut entries: Vec<Value> = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    // As many entries as jobs, so that as much is written as often.
    let image = "a".repeat(missing / JOBS - ENTRY_BYTES);
    let entry = |number| {
        let (name, image) = (format!("filler-{number:02}"), format!("tjf.local/{image}:1"));
        json!({"shortname": name, "image": image, "state": "stable"})
    };
    entries.extend((0..JOBS).map(entry));
    std::fs::write(&file, serde_json::to_vec(&entries).unwrap()).unwrap();
    service.look_now();
    eventually("the longer catalogue", Duration::from_secs(10), async || {
        let length = length().await;
        let is_near = length.abs_diff(bytes) * 50 < bytes;
        if is_near { Ok(()) } else { Err(length) }
    })
    .await;
    tool
}
