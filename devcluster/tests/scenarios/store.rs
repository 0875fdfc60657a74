//! Answers from memory: as true as those of Kubernetes, and cheaper.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tjf_api_types::Phase;
use tjf_devcluster::{
    Outage,
    suite::{Answer, Call, Needs, Tool, World, eventually},
};
use tokio::time::Instant;

use super::{POD_TIME_MAX, continuous, one_off, scenarios, with};

scenarios![
    warm_reads_ask_kubernetes_for_nothing: Needs::Embedded("only there calls are noted"),
    a_read_after_an_answered_change_shows_it,
    what_another_server_has_done_is_never_denied,
    what_happens_without_us_is_seen_at_once,
    a_reader_that_knows_the_answer_is_not_told_it_again,
    nothing_older_than_half_a_minute_is_told: Needs::Faults,
];

/// More rounds than it takes to meet a watch that lags.
const ROUNDS: usize = 25;

fn schedule(name: &str) -> serde_json::Value {
    with(one_off(name, "true"), &json!({"schedule": "0 0 1 1 *"}))
}

async fn warm_reads_ask_kubernetes_for_nothing(world: Arc<World>) {
    let tool = world.tool("warm").await;
    let cluster = world.cluster.embedded().unwrap();
    tool.run(one_off("once", "true")).await;
    tool.run(schedule("yearly")).await;
    tool.run(continuous("always", "exec sleep 3600")).await;
    tool.ended("once").await;
    tool.until("always", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    // The first read may begin to follow, and the second may wait for what the first began.
    tool.list().await;
    eventually("a read without a call", POD_TIME_MAX, async || {
        cluster.take_calls(&tool.name);
        tool.list().await;
        let calls = cluster.take_calls(&tool.name);
        if calls.is_empty() { Ok(()) } else { Err(calls) }
    })
    .await;
    let reads = (0..ROUNDS).map(|_| async {
        assert_eq!(tool.list().await.len(), 3);
        for name in ["once", "yearly", "always"] {
            assert_eq!(tool.show(name).await.name, name);
        }
    });
    futures_util::future::join_all(reads).await;
    let calls: Vec<_> = cluster.take_calls(&tool.name);
    assert!(calls.is_empty(), "{calls:?}");
    // A `run` needs its create, and a look at the two other kinds.
    tool.run(one_off("next", "true")).await;
    let calls: Vec<_> = cluster.take_calls(&tool.name).iter().map(ToString::to_string).collect();
    let looks = ["get cronjobs/next", "get replicationcontrollers/next"];
    assert_eq!(calls.first().map(String::as_str), Some("create jobs"), "{calls:?}");
    assert!(
        calls.len() == 3 && looks.iter().all(|it| calls.contains(&it.to_string())),
        "{calls:?}"
    );
}

async fn a_read_after_an_answered_change_shows_it(world: Arc<World>) {
    let tool = world.tool("own").await;
    tool.list().await;
    for round in 0..ROUNDS {
        let name = format!("job-{round}");
        let job = match round % 3 {
            0 => schedule(&name),
            1 => with(continuous(&name, "true"), &json!({"replicas": 0})),
            _ => one_off(&name, "true"),
        };
        let uid = tool.run(job).await.uid;
        assert_eq!(tool.list().await.iter().filter(|job| job.uid == uid).count(), 1, "{round}");
        assert_eq!(tool.show(&name).await.uid, uid);
        tool.delete(&name).await;
        assert!(tool.list().await.iter().all(|job| job.uid != uid), "{round}");
        tool.send(Call::get(&format!("/show/{name}/"))).await.expect_problem(404, "job-not-found");
    }
    for name in ["a", "b", "c"] {
        tool.run(schedule(name)).await;
    }
    assert_eq!(tool.list().await.len(), 3);
    assert_eq!(tool.send(Call::flush()).await.status, 200);
    assert_eq!(tool.list().await, []);
}

async fn what_another_server_has_done_is_never_denied(world: Arc<World>) {
    let tool = world.tool("two").await;
    let other = tool.through(&world.start_service().await);
    for asked in [&tool, &other] {
        asked.list().await;
    }
    for round in 0..ROUNDS {
        let name = format!("job-{round}");
        let (one, two) = if round % 2 == 0 { (&tool, &other) } else { (&other, &tool) };
        let uid = one.run(schedule(&name)).await.uid;
        assert_eq!(two.show(&name).await.uid, uid, "{round}");
        let taken = two.send(Call::run(&one_off(&name, "true"))).await;
        taken.expect_problem(409, "job-exists");
        two.delete(&name).await;
        // Its name is free for the other one, whatever that remembers.
        assert_ne!(one.run(schedule(&name)).await.uid, uid, "{round}");
        two.delete(&name).await;
    }
}

async fn what_happens_without_us_is_seen_at_once(world: Arc<World>) {
    let tool = world.tool("beside").await;
    tool.list().await;
    tool.run(one_off("bot", "exit 3")).await;
    let job = tool.ended("bot").await;
    assert_eq!((job.status_short.as_str(), job.status.exit_code), ("Failed", Some(3)), "{job:?}");
    let jobs = tool.api::<k8s_openapi::api::batch::v1::Job>();
    jobs.delete("bot", &Default::default()).await.unwrap();
    let seen = |job: &tjf_api_types::JobView| job.name != "bot";
    eventually("what was deleted is gone", Duration::from_secs(5), async || {
        let jobs = tool.list().await;
        if jobs.iter().all(seen) { Ok(()) } else { Err(jobs) }
    })
    .await;
}

async fn read(tool: &Tool, path: &str, known: Option<&str>) -> Answer {
    let call = Call::get(path);
    tool.send(known.into_iter().fold(call, |call, tag| call.header("if-none-match", tag))).await
}

async fn a_reader_that_knows_the_answer_is_not_told_it_again(world: Arc<World>) {
    let tool = world.tool("tags").await;
    tool.run(schedule("a")).await;
    for path in ["/list/", "/show/a/"] {
        let first = read(&tool, path, None).await;
        let tag = first.headers["etag"].to_str().unwrap();
        let second = read(&tool, path, Some(tag)).await;
        assert_eq!((second.status, second.body.len()), (304, 0), "{path}");
        assert_eq!(second.headers["etag"], tag);
        assert_eq!(read(&tool, path, Some("\"other\"")).await.body, first.body);
        // Asked for anew, it is the same answer.
        let call = Call::get(path).header("cache-control", "no-cache");
        let anew = tool.send(call.header("if-none-match", tag)).await;
        assert_eq!(anew.status, 304, "{}", anew.text());
    }
    let tag = read(&tool, "/list/", None).await.headers["etag"].to_str().unwrap().to_owned();
    tool.run(schedule("b")).await;
    let changed = read(&tool, "/list/", Some(&tag)).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.headers["etag"], tag);
}

/// Contract, section 1. A server that has been stopped takes whatever is sent, and says nothing.
async fn nothing_older_than_half_a_minute_is_told(world: Arc<World>) {
    let tool = world.tool("stale").await;
    tool.run(schedule("a")).await;
    // The second waits for what the first begins.
    for _ in 0..2 {
        assert_eq!(tool.list().await.len(), 1);
    }
    let outage = world.cluster.begin_outage(Outage::StandsStill).await;
    let began = Instant::now();
    let answered = AtomicU32::new(0);
    let first_refused = eventually("a refusal", Duration::from_secs(60), async || {
        let asked = began.elapsed();
        let answer = tool.send(Call::get("/list/")).await;
        if answer.status == 200 {
            answered.fetch_add(1, Ordering::Relaxed);
            return Err(answer.text());
        }
        answer.expect_problem(503, "cluster-unavailable");
        Ok(asked)
    })
    .await;
    outage.end().await;
    assert!(answered.into_inner() > 0, "it was warm");
    assert!(first_refused < Duration::from_secs(30), "asked after {first_refused:?}");
    eventually("an answer as before", Duration::from_secs(60), async || {
        let answer = tool.send(Call::get("/list/")).await;
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
}
