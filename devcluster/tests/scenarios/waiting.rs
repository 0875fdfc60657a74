//! Waiting for a job to end: what is answered is true, and costs nothing until then.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::{join, join_all};
use serde_json::json;
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::{
    Outage, Service,
    suite::{Answer, Call, Needs, Relay, Tool, World, eventually, within},
};
use tokio::{fs, time::Instant};

use super::{POD_TIME_MAX, continuous, one_off, room::set_quota, scenarios};

scenarios![
    a_wait_is_answered_once_the_job_has_ended,
    a_job_that_went_away_is_never_called_ended,
    a_wait_ends_with_its_server_and_goes_on_with_the_next,
    the_command_waits_for_all_or_for_any,
    the_command_outlasts_half_a_minute_without_a_server,
    waits_have_places_of_their_own_and_cost_kubernetes_nothing:
        Needs::Embedded("only there calls are noted"),
    a_hundred_waits_take_little_memory,
    half_a_minute_without_kubernetes_ends_a_wait: Needs::Faults,
];

/// A hundred times what a wait that nothing disturbs takes to be answered.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(20);

/// Ends with this code once a file is in the home.
fn until_told(name: &str, code: u8) -> serde_json::Value {
    one_off(name, &format!("until [ -e {name}.go ]; do sleep 0.1; done; exit {code}"))
}

async fn tell_to_end(tool: &Tool, name: &str) {
    fs::write(tool.home.join(format!("{name}.go")), "").await.unwrap();
}

async fn wait(tool: &Tool, job: &JobView, seconds: u32) -> Answer {
    let path = format!("/show/{}/?wait={seconds}&uid={}", job.name, job.uid);
    tool.send(Call::get(&path)).await
}

async fn a_wait_is_answered_once_the_job_has_ended(world: Arc<World>) {
    let tool = world.tool("wait").await;
    let job = tool.run(until_told("bot", 3)).await;
    // The time is up before the job has ended.
    let early: JobView = wait(&tool, &job, 1).await.expect(200);
    assert!(!early.status.phase.is_final(), "{early:#?}");
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    let waits = join_all((0..3).map(|_| wait(&tool, &job, 300)));
    let (answers, ()) = join(waits, tell_to_end(&tool, "bot")).await;
    for answer in answers {
        let ended: JobView = answer.expect(200);
        assert_eq!((ended.uid.as_str(), ended.status.exit_code), (job.uid.as_str(), Some(3)));
        assert_eq!(ended.status_short, "Failed");
    }
    // Of one that has ended the answer comes at once.
    let again = within("an answer at once", ANSWER_TIME_MAX, wait(&tool, &job, 300)).await;
    assert_eq!(again.expect::<JobView>(200).status.exit_code, Some(3));
    tool.run(continuous("always", "exec sleep 3600")).await;
    let refused = tool.send(Call::get("/show/always/?wait=5")).await;
    assert_eq!(refused.expect_problem(400, "invalid-request").field.as_deref(), Some("wait"));
}

async fn a_job_that_went_away_is_never_called_ended(world: Arc<World>) {
    let tool = world.tool("gone").await;
    let job = tool.run(until_told("bot", 0)).await;
    let (answer, ()) = join(wait(&tool, &job, 300), tool.delete("bot")).await;
    answer.expect_problem(404, "job-not-found");
    // One that ended well takes its place.
    tool.run(one_off("bot", "true")).await;
    assert_eq!(tool.ended("bot").await.status.phase, Phase::Succeeded);
    wait(&tool, &job, 300).await.expect_problem(404, "job-not-found");
}

async fn a_wait_ends_with_its_server_and_goes_on_with_the_next(world: Arc<World>) {
    let (service, next) = (world.start_service().await, world.start_service().await);
    let tool = world.tool("drain").await.through(&service);
    let job = tool.run(until_told("bot", 0)).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    let began = Instant::now();
    let drain = async { service.terminate() };
    let (answer, ()) = join(wait(&tool, &job, 300), drain).await;
    let seen: JobView = answer.expect(200);
    assert_eq!(seen.status.phase, Phase::Running);
    // So that the endpoints can follow, it goes on serving for 5 s.
    let held = began.elapsed().as_secs();
    assert!((4..20).contains(&held), "answered after {held} s");
    let tool = tool.through(&next);
    let (answer, ()) = join(wait(&tool, &job, 300), tell_to_end(&tool, "bot")).await;
    assert_eq!(answer.expect::<JobView>(200).status.phase, Phase::Succeeded);
}

async fn the_command_waits_for_all_or_for_any(world: Arc<World>) {
    let tool = world.tool("many").await;
    for (name, code) in [("one", 0), ("two", 7), ("three", 1)] {
        tool.run(until_told(name, code)).await;
    }
    let any = tool.command(&["wait", "one", "two", "three", "--any"]);
    let (output, ()) = join(any, tell_to_end(&tool, "two")).await;
    assert_eq!((output.code, output.stdout.as_str()), (7, "two Failed\n"), "{output:?}");
    let output = tool.command(&["wait", "one", "two", "--timeout", "1"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (124, "two Failed\n"), "{output:?}");
    let all = tool.command(&["wait", "one", "two", "three"]);
    let tell = async {
        tell_to_end(&tool, "one").await;
        tell_to_end(&tool, "three").await;
    };
    let (output, ()) = join(all, tell).await;
    let mut lines: Vec<_> = output.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!((output.code, lines), (7, vec!["one Completed", "three Failed", "two Failed"]));
}

/// A file with the CAs of both.
pub(super) async fn both_cas(tool: &Tool, one: &Service, two: &Service) -> PathBuf {
    let file = tool.home.join("both-ca.crt");
    fs::write(&file, format!("{}\n{}", one.ca, two.ca)).await.unwrap();
    file
}

/// The server is killed, nobody is there for half a minute, and then another one is.
async fn the_command_outlasts_half_a_minute_without_a_server(world: Arc<World>) {
    const GAP: Duration = Duration::from_secs(31);
    let (service, next) = (world.start_service().await, world.start_service().await);
    let tool = world.tool("gap").await.through(&service);
    let relay = Relay::start(service.address).await;
    let ca = both_cas(&tool, &service, &next).await;
    let words = ["run", "until [ -e go ]; do sleep 0.1; done; exit 9", "--name", "bot"];
    let words = [&words[..], &["--type", "tf-busybox", "--wait"]].concat();
    let command = tool.command_at(relay.address, &ca, &words);
    let faults = async {
        let other = tool.through(&next);
        let running = |job: &JobView| job.status.phase == Phase::Running;
        eventually("the job", POD_TIME_MAX, async || {
            let jobs = other.list().await;
            if jobs.iter().any(running) { Ok(()) } else { Err(jobs) }
        })
        .await;
        relay.cut();
        service.signal(rustix::process::Signal::KILL);
        relay.close_for(GAP).await;
        relay.lead_to(next.address);
        fs::write(tool.home.join("go"), "").await.unwrap();
    };
    let (output, ()) = join(command, faults).await;
    assert_eq!((output.code, output.stdout.as_str()), (9, "bot\nFailed\n"), "{output:?}");
}

/// 64 a caller. They hold up nobody, the caller itself neither.
async fn waits_have_places_of_their_own_and_cost_kubernetes_nothing(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("places").await.through(&service);
    let cluster = world.cluster.embedded().unwrap();
    let job = tool.run(until_told("bot", 0)).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    // The first read may begin to follow, and the second may wait for what the first began.
    eventually("a read without a call", POD_TIME_MAX, async || {
        cluster.take_calls(&tool.name);
        tool.list().await;
        let calls = cluster.take_calls(&tool.name);
        if calls.is_empty() { Ok(()) } else { Err(calls) }
    })
    .await;
    let waits = join_all((0..64).map(|_| wait(&tool, &job, 300)));
    let one_more = async {
        until_so_many_wait(&service, 64).await;
        wait(&tool, &job, 1).await.expect_problem(503, "overloaded");
        assert_eq!(tool.list().await.len(), 1, "the others have their own places");
        let calls = cluster.take_calls(&tool.name);
        assert!(calls.is_empty(), "{calls:?}");
        tell_to_end(&tool, "bot").await;
    };
    let (answers, ()) = join(waits, one_more).await;
    for answer in answers {
        assert_eq!(answer.expect::<JobView>(200).status.phase, Phase::Succeeded);
    }
}

async fn until_so_many_wait(service: &Service, count: usize) {
    let line = format!("tjf_permits_in_use{{class=\"waiting\"}} {count}\n");
    eventually("requests that wait", ANSWER_TIME_MAX, async || {
        let metrics = service.admin("/metrics").await.unwrap();
        if metrics.contains(&line) { Ok(()) } else { Err(metrics) }
    })
    .await;
}

/// Jobs without pods, since a quota lets none in; they are waited for all the same.
async fn a_hundred_waits_take_little_memory(world: Arc<World>) {
    const GROWTH_KIB_MAX: u64 = 10 * 1024;
    let service = world.start_service().await;
    let mut tools = Vec::new();
    for _ in 0..4 {
        let tool = world.tool("hundred").await.through(&service);
        set_quota(&tool, json!({"pods": "0", "count/jobs.batch": "200"})).await;
        tools.push(tool);
    }
    let runs: Vec<_> = (0..100)
        .map(async |number: usize| {
            let tool = &tools[number / 25];
            (tool, tool.run(one_off(&format!("job-{number}"), "true")).await)
        })
        .collect();
    let jobs = join_all(runs).await;
    for tool in &tools {
        assert_eq!(tool.list().await.len(), 25);
    }
    let before = service.memory().await;
    let waits = join_all(jobs.iter().map(|(tool, job)| wait(tool, job, 300)));
    let metrics = async {
        until_so_many_wait(&service, 100).await;
        let grown = service.memory().await.saturating_sub(before);
        for tool in &tools {
            assert_eq!(tool.send(Call::flush()).await.status, 200);
        }
        grown
    };
    let (answers, grown) = join(waits, metrics).await;
    assert!(grown < GROWTH_KIB_MAX, "{grown} KiB more for a hundred waits");
    for answer in answers {
        answer.expect_problem(404, "job-not-found");
    }
}

/// Contract, section 4.
async fn half_a_minute_without_kubernetes_ends_a_wait(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("blind").await.through(&service);
    let job = tool.run(until_told("bot", 0)).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    // The second may wait for what the first began.
    for _ in 0..2 {
        tool.list().await;
    }
    let outage = async {
        until_so_many_wait(&service, 1).await;
        (world.cluster.begin_outage(Outage::StandsStill).await, Instant::now())
    };
    let (answer, (outage, began)) = join(wait(&tool, &job, 300), outage).await;
    answer.expect_problem(503, "cluster-unavailable");
    let told_after = began.elapsed().as_secs();
    // That a server which says nothing is not there is noticed within 15 s.
    assert!((25..=50).contains(&told_after), "{told_after} s");
    outage.end().await;
}
