//! `Idempotency-Key`: a `run` that is sent again runs nothing again.

use std::sync::Arc;

use futures_util::future::join_all;
use k8s_openapi::api::batch::v1::Job;
use kube::api::ListParams;
use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Call, Tool, World};

use super::{continuous, one_off, scenarios, with};

scenarios![
    the_same_run_again_answers_with_the_same_job,
    the_same_run_ten_times_at_once_makes_one_job,
    a_key_makes_the_name_when_there_is_none,
    a_key_that_comes_with_another_job_is_refused,
];

/// A `run` with a key.
pub(super) fn keyed(job: &Value, key: &str) -> Call {
    Call::run(job).header("idempotency-key", key)
}

async fn jobs(tool: &Tool) -> usize {
    tool.api::<Job>().list(&ListParams::default()).await.unwrap().items.len()
}

async fn the_same_run_again_answers_with_the_same_job(world: Arc<World>) {
    let tool = world.tool("key").await;
    let job = one_off("once", "echo ran");
    let first: JobView = tool.send(keyed(&job, "k-1")).await.expect(201);
    let again: JobView = tool.send(keyed(&job, "k-1")).await.expect(201);
    assert_eq!(again.uid, first.uid);
    tool.ended("once").await;
    let after_its_end: JobView = tool.send(keyed(&job, "k-1")).await.expect(201);
    assert_eq!(
        (&after_its_end.uid, after_its_end.status_short.as_str()),
        (&first.uid, "Completed")
    );
    assert_eq!(jobs(&tool).await, 1);
    assert_eq!(tool.read("once.out").await, "ran\n");
    // A fresh key is a fresh job.
    let next: JobView = tool.send(keyed(&job, "k-2")).await.expect(201);
    assert_ne!(next.uid, first.uid);
    tool.ended("once").await;
    assert_eq!(tool.read("once.out").await, "ran\nran\n");
}

async fn the_same_run_ten_times_at_once_makes_one_job(world: Arc<World>) {
    let tool = world.tool("ten").await;
    for (round, job) in [
        one_off("once", "exec sleep 3600"),
        continuous("bot", "exec sleep 3600"),
        with(one_off("cron", "true"), &json!({"schedule": "0 0 1 1 *"})),
        json!({"cmd": "sleep 3600", "imagename": "tf-busybox"}),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("key-{round}");
        let answers = join_all((0..10).map(|_| tool.send(keyed(&job, &key)))).await;
        let mut uids: Vec<_> =
            answers.iter().map(|answer| answer.expect::<JobView>(201).uid).collect();
        uids.dedup();
        assert_eq!(uids.len(), 1, "{job}");
        assert_eq!(tool.list().await.len(), round + 1, "{job}");
    }
}

async fn a_key_makes_the_name_when_there_is_none(world: Arc<World>) {
    let tool = world.tool("noname").await;
    let job = json!({"cmd": "./Bin/My_Bot.py --all", "imagename": "tf-busybox"});
    let first: JobView = tool.send(keyed(&job, "a")).await.expect(201);
    assert!(first.name.starts_with("my-bot-py-"), "{}", first.name);
    assert_eq!(tool.send(keyed(&job, "a")).await.expect::<JobView>(201).uid, first.uid);
    let other: JobView = tool.send(keyed(&job, "b")).await.expect(201);
    assert_ne!(other.name, first.name);
    // Without a key each is a job of its own.
    let third = tool.run(job.clone()).await;
    assert!(third.name != first.name && third.name != other.name, "{}", third.name);
}

async fn a_key_that_comes_with_another_job_is_refused(world: Arc<World>) {
    let tool = world.tool("other").await;
    let job = one_off("once", "exec sleep 3600");
    let first: JobView = tool.send(keyed(&job, "key")).await.expect(201);
    let same_kind = one_off("once", "exec sleep 1");
    let other_kind = continuous("once", "exec sleep 3600");
    let more = with(job, &json!({"env": {"A": "b"}}));
    for other in [same_kind, other_kind, more] {
        let answer = tool.send(keyed(&other, "key")).await;
        let problem = answer.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"), "{other}");
    }
    let long = "x".repeat(65);
    for bad in ["", "with blank", &long] {
        let answer = tool.send(keyed(&one_off("bad", "true"), bad)).await;
        let problem = answer.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"), "{bad:?}");
    }
    assert_eq!(tool.show("once").await.uid, first.uid);
    assert_eq!(jobs(&tool).await, 1);
}
