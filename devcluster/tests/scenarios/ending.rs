//! How jobs end before their time.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde_json::json;
use tjf_devcluster::suite::{Call, Tool, World, eventually};
use tokio::time::Instant;

use super::{POD_TIME_MAX, continuous, one_off, scenarios, with};

scenarios![
    a_program_that_is_deleted_gets_sigterm_and_its_last_words_are_kept,
    a_program_behind_a_shell_gets_sigterm_too,
    delete_answers_when_the_pod_is_gone,
    delete_and_run_again_never_makes_two_of_one_bot,
    what_was_deleted_is_not_there_any_more,
];

async fn pods(tool: &Tool) -> usize {
    tool.api::<Pod>().list(&ListParams::default()).await.unwrap().items.len()
}

async fn a_program_that_is_deleted_gets_sigterm_and_its_last_words_are_kept(world: Arc<World>) {
    let tool = world.tool("term").await;
    let cmd = "trap 'echo last words; echo last errors >&2; exit' TERM
        echo ready; while true; do sleep 0.1; done";
    let mut shortest = Duration::MAX;
    for (name, job) in [("once", one_off("once", cmd)), ("bot", continuous("bot", cmd))] {
        tool.run(job).await;
        tool.read_until(&format!("{name}.out"), "ready", POD_TIME_MAX).await;
        let began = Instant::now();
        tool.delete(name).await;
        shortest = shortest.min(began.elapsed());
        assert_eq!(tool.read(&format!("{name}.out")).await, "ready\nlast words\n");
        // The shell may say too that its `sleep` was terminated.
        let errors = tool.read(&format!("{name}.err")).await;
        assert!(errors.ends_with("last errors\n"), "{errors}");
    }
    // The node may take its time, but not both times the whole grace: the signal ended it, not
    // SIGKILL.
    assert!(shortest < Duration::from_secs(14), "{shortest:?}");
}

/// The shell in between dies at once; the program behind it needs a second for its last words.
async fn a_program_behind_a_shell_gets_sigterm_too(world: Arc<World>) {
    let tool = world.tool("behind").await;
    let program = "trap 'sleep 1; echo last words; exit' TERM; echo ready
        while true; do sleep 0.1; done";
    tokio::fs::write(tool.home.join("program"), program).await.unwrap();
    tool.run(one_off("pipe", "cd / && sh $HOME/program; echo not reached")).await;
    tool.read_until("pipe.out", "ready", POD_TIME_MAX).await;
    tool.delete("pipe").await;
    assert_eq!(tool.read("pipe.out").await, "ready\nlast words\n");
}

/// A program that hears nothing keeps its pod for the whole grace of 15 s, and delete waits for
/// that. After 20 s it answers all the same: on a node that has much to do, that may come first.
async fn delete_answers_when_the_pod_is_gone(world: Arc<World>) {
    let tool = world.tool("gone").await;
    tool.run(one_off("deaf", "trap '' TERM; echo ready; while true; do sleep 1; done")).await;
    tool.read_until("deaf.out", "ready", POD_TIME_MAX).await;
    assert_eq!(pods(&tool).await, 1);
    let began = Instant::now();
    tool.delete("deaf").await;
    let elapsed = began.elapsed();
    assert!(elapsed > Duration::from_secs(10), "answered after {elapsed:?}");
    if elapsed < Duration::from_secs(19) {
        assert_eq!(pods(&tool).await, 0);
    }
    eventually("no pod", POD_TIME_MAX, async || {
        let left = pods(&tool).await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}

/// Each copy writes when it begins and when it ends. Whatever the pause between, the words must
/// alternate.
async fn delete_and_run_again_never_makes_two_of_one_bot(world: Arc<World>) {
    const ROUNDS: usize = 3;
    let tool = world.tool("again").await;
    let cmd = "trap 'sleep 1; echo end; exit' TERM; echo begin; while true; do sleep 0.1; done";
    for round in 1..=ROUNDS {
        let job = if round == 2 { one_off("bot", cmd) } else { continuous("bot", cmd) };
        tool.run(with(job, &json!({"filelog_stdout": "log"}))).await;
        let text = "begin\nend\n".repeat(round - 1) + "begin\n";
        tool.read_until("log", &text, POD_TIME_MAX).await;
        tool.delete("bot").await;
    }
    assert_eq!(tool.read("log").await, "begin\nend\n".repeat(ROUNDS));
}

async fn what_was_deleted_is_not_there_any_more(world: Arc<World>) {
    let tool = world.tool("twice").await;
    tool.run(one_off("once", "sleep 3600")).await;
    tool.delete("once").await;
    for call in [Call::delete("once"), Call::get("/show/once/"), Call::get("/show/never/")] {
        tool.send(call).await.expect_problem(404, "job-not-found");
    }
    assert_eq!(tool.list().await, []);
}
