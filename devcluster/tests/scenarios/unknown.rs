//! What Kubernetes did although its answer was lost, and what it did not do.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Pod, ReplicationController},
};
use kube::{
    ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};
use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::{
    Effect, Fault,
    kind::Kind,
    suite::{Answer, Needs, Tool, World, eventually},
};
use tokio::task::JoinSet;

use super::{POD_TIME_MAX, continuous, keys::keyed, one_off, scenarios};

const KNOB: Needs = Needs::Embedded("only the embedded cluster can let single calls go wrong");

scenarios![
    a_job_stays_when_the_second_look_fails: KNOB,
    a_create_whose_answer_is_lost_is_not_said_to_have_failed: KNOB,
    a_create_that_was_not_done_is_repeated: KNOB,
    a_create_that_came_second_and_was_not_answered_is_withdrawn: KNOB,
    a_create_that_hangs_holds_up_nobody_else: KNOB,
    a_key_that_comes_with_another_name_is_refused,
    a_key_that_comes_to_another_server_with_another_name_is_refused,
    a_version_of_the_future_does_no_harm: KNOB,
];

const KEY: &str = "the-key";

fn job() -> Value {
    one_off("a", "echo ran >>runs")
}

fn inject(world: &World, tool: &Tool, fault: Fault) {
    world.cluster.embedded().unwrap().inject(&tool.name, fault);
}

/// How many calls a `run` makes up to its create, and that one.
async fn calls_up_to_create(world: &World) -> usize {
    let (tool, cluster) = (world.tool("dry").await, world.cluster.embedded().unwrap());
    cluster.take_calls(&tool.name);
    let _: JobView = tool.send(keyed(&job(), KEY)).await.expect(201);
    let calls = cluster.take_calls(&tool.name);
    calls.iter().position(|call| call.verb == "create").unwrap() + 1
}

/// The same key again is the same job, and its command runs once in all.
async fn assert_ran_once(tool: &Tool, first: &Answer) {
    let again: JobView = tool.send(keyed(&job(), KEY)).await.expect(201);
    if first.status == 201 {
        assert_eq!(again.uid, first.expect::<JobView>(201).uid);
    }
    assert_eq!(tool.ended("a").await.status_short, "Completed");
    let jobs = tool.api::<Job>().list(&ListParams::default()).await.unwrap();
    let uids: Vec<_> = jobs.iter().filter_map(ResourceExt::uid).collect();
    assert_eq!(uids, [again.uid]);
    assert_eq!(tool.read("runs").await, "ran\n");
}

/// The two other kinds are asked for side by side, and each may be asked for again.
async fn a_job_stays_when_the_second_look_fails(world: Arc<World>) {
    let skip = calls_up_to_create(&world).await;
    for (effect, times) in [
        (Effect::ResetBefore, 4),
        (Effect::Refuse(429), 1),
        (Effect::Refuse(500), 1),
        (Effect::Refuse(500), 4),
    ] {
        let tool = world.tool("look").await;
        inject(&world, &tool, Fault { skip, times, ..Fault::next(effect) });
        let first = tool.send(keyed(&job(), KEY)).await;
        world.cluster.embedded().unwrap().clear_faults(&tool.name);
        assert!(matches!(first.status, 201 | 504), "{effect:?}: {}", first.text());
        assert_ran_once(&tool, &first).await;
    }
}

async fn a_create_whose_answer_is_lost_is_not_said_to_have_failed(world: Arc<World>) {
    for effect in [Effect::ResetAfter, Effect::HalfAnswer, Effect::FailAfter(500)] {
        let tool = world.tool("lost").await;
        inject(&world, &tool, Fault::on("create", Kind::Job, effect));
        let first = tool.send(keyed(&job(), KEY)).await;
        assert!(matches!(first.status, 201 | 504), "{effect:?}: {}", first.text());
        assert_ran_once(&tool, &first).await;

        let tool = world.tool("nokey").await;
        inject(&world, &tool, Fault::on("create", Kind::Job, effect));
        let answer = tool.send(tjf_devcluster::suite::Call::run(&job())).await;
        assert!(matches!(answer.status, 201 | 504), "{effect:?}: {}", answer.text());
        tool.ended("a").await;
    }
}

async fn a_create_that_was_not_done_is_repeated(world: Arc<World>) {
    for code in [409, 429] {
        let tool = world.tool("notdone").await;
        inject(&world, &tool, Fault::on("create", Kind::Job, Effect::Refuse(code)));
        let first = tool.send(keyed(&job(), KEY)).await;
        assert_eq!(first.status, 201, "{code}: {}", first.text());
        assert_ran_once(&tool, &first).await;
    }
}

/// Between the first look and the create, another server creates a bot of that name.
async fn a_create_that_came_second_and_was_not_answered_is_withdrawn(world: Arc<World>) {
    let (tool, cluster) = (world.tool("second").await, world.cluster.embedded().unwrap());
    let bot = bot(&tool).await;
    let pause = Effect::DelayAfter(Duration::from_secs(2));
    inject(&world, &tool, Fault::on("list", Kind::ReplicationController, pause));
    inject(&world, &tool, Fault::on("create", Kind::Job, Effect::ResetAfter));
    let bots = tool.api::<ReplicationController>();
    let between = async {
        eventually("the first look", POD_TIME_MAX, async || {
            let mut calls = cluster.take_calls(&tool.name).into_iter();
            calls.find(|call| call.effect == Some(pause)).map(drop).ok_or("not yet")
        })
        .await;
        bots.create(&PostParams::default(), &bot).await.unwrap().uid().unwrap()
    };
    let call = keyed(&one_off("a", "exec sleep 3600"), KEY);
    let (first, bot) = tokio::join!(tool.send(call.clone()), between);
    assert!(matches!(first.status, 409 | 504), "{}", first.text());
    tool.send(call).await.expect_problem(409, "job-exists");
    assert_eq!(tool.show("a").await.uid, bot);
    let jobs = tool.api::<Job>().list(&ListParams::default()).await.unwrap();
    assert!(jobs.items.is_empty(), "{:?}", jobs.items);
    for pod in tool.api::<Pod>().list(&ListParams::default()).await.unwrap() {
        assert_eq!(pod.owner_references()[0].uid, bot, "{pod:?}");
    }
}

/// A bot as the service makes it, which nobody has created yet.
async fn bot(tool: &Tool) -> ReplicationController {
    tool.run(continuous("a", "exec sleep 3600")).await;
    let mut bot = tool.api::<ReplicationController>().get("a").await.unwrap();
    tool.delete("a").await;
    let ObjectMeta { name, labels, annotations, .. } = bot.metadata;
    bot.metadata = ObjectMeta { name, labels, annotations, ..ObjectMeta::default() };
    bot.status = None;
    bot
}

async fn a_key_that_comes_with_another_name_is_refused(world: Arc<World>) {
    let tool = world.tool("names").await;
    let unnamed = |cmd: &str| json!({"cmd": cmd, "imagename": "tf-busybox"});
    let (named, sleep) = (one_off("a", "exec sleep 3600"), "exec sleep 3600");
    for (key, job, others) in [
        ("named", named, [one_off("b", sleep), unnamed(sleep)]),
        ("unnamed", unnamed("sleep 3600"), [one_off("c", "sleep 3600"), unnamed("true 3600")]),
    ] {
        let first: JobView = tool.send(keyed(&job, key)).await.expect(201);
        for other in others {
            let problem = tool.send(keyed(&other, key)).await;
            let problem = problem.expect_problem(400, "invalid-request");
            assert_eq!(problem.field.as_deref(), Some("Idempotency-Key"), "{other}");
        }
        assert_eq!(tool.send(keyed(&job, key)).await.expect::<JobView>(201).uid, first.uid);
    }
    assert_eq!(tool.list().await.len(), 2);
}

/// Another request of the same tool, meanwhile.
async fn a_create_that_hangs_holds_up_nobody_else(world: Arc<World>) {
    let (tool, cluster) = (world.tool("hang").await, world.cluster.embedded().unwrap());
    let hang = Effect::DelayBefore(Duration::from_secs(5));
    inject(&world, &tool, Fault::on("create", Kind::Job, hang));
    let mut hanging = JoinSet::new();
    hanging.spawn({
        let tool = tool.clone();
        async move { tool.run(one_off("a", "true")).await }
    });
    eventually("a create that hangs", POD_TIME_MAX, async || {
        let mut calls = cluster.take_calls(&tool.name).into_iter();
        calls.find(|call| call.effect == Some(hang)).map(drop).ok_or("not yet")
    })
    .await;
    tool.run(one_off("b", "true")).await;
    assert!(hanging.try_join_next().is_none(), "the other request did not have to wait");
    hanging.join_all().await;
    assert_eq!(tool.list().await.len(), 2);
}

/// The other server has answered nothing of this tool yet, and Kubernetes' memory may be behind.
async fn a_key_that_comes_to_another_server_with_another_name_is_refused(world: Arc<World>) {
    let other = world.start_service().await;
    for _ in 0..5 {
        let tool = world.tool("servers").await;
        let first: JobView = tool.send(keyed(&one_off("a", "sleep 3600"), KEY)).await.expect(201);
        let tool = tool.through(&other);
        let refused = tool.send(keyed(&one_off("b", "sleep 3600"), KEY)).await;
        refused.expect_problem(400, "invalid-request");
        let again: JobView = tool.send(keyed(&one_off("a", "sleep 3600"), KEY)).await.expect(201);
        assert_eq!(again.uid, first.uid);
    }
}

/// As after the database of Kubernetes was restored: what was answered before it is ahead of it.
async fn a_version_of_the_future_does_no_harm(world: Arc<World>) {
    for (verb, kind) in [("create", Kind::Job), ("list", Kind::Job), ("get", Kind::CronJob)] {
        let tool = world.tool("future").await;
        let fault = Fault::on(verb, kind, Effect::FutureVersion);
        inject(&world, &tool, Fault { times: 2, ..fault });
        for name in ["a", "b", "c"] {
            tool.run(one_off(name, "true")).await;
        }
        tool.list().await;
    }
}
