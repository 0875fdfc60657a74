//! One name is one job, whoever asks at the same time.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::future::join_all;
use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{Pod, ReplicationController},
};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams},
};
use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_devcluster::suite::{Call, DelayingProxy, Tool, World};

use super::{continuous, one_off, scenarios, with};

const ROUNDS: usize = 8;
const RUNS: usize = 20;
/// Before each step of the slow service: much longer than the other needs for all its steps.
const PAUSE: Duration = Duration::from_millis(100);

scenarios![
    twenty_runs_of_one_name_make_one_job,
    twenty_runs_of_one_name_through_two_services_make_one_job,
    a_name_is_taken_across_kinds,
    a_finished_one_off_gives_its_name_to_any_kind,
    the_new_job_never_shows_how_the_old_one_ended,
    a_foreign_object_keeps_its_name,
];

/// The same name in one kind after the other.
fn in_turn(name: &str, number: usize) -> Value {
    let job = one_off(name, "exec sleep 3600");
    match number % 3 {
        0 => job,
        1 => with(job, &json!({"schedule": "0 0 1 1 *"})),
        _ => with(job, &json!({"continuous": true})),
    }
}

/// How many objects have this name, in the three kinds.
async fn objects(tool: &Tool, name: &str) -> usize {
    let all = ListParams::default().fields(&format!("metadata.name={name}"));
    tool.api::<Job>().list(&all).await.unwrap().items.len()
        + tool.api::<CronJob>().list(&all).await.unwrap().items.len()
        + tool.api::<ReplicationController>().list(&all).await.unwrap().items.len()
}

/// One round: all at once, the runs shared out among the services; then one object is left, and it
/// is the one that was answered with 201.
async fn round(tools: &[Tool], name: &str) {
    let runs = (0..RUNS).map(|number| {
        // Not the same remainder as for the kinds, so that each service gets all kinds.
        let tool = &tools[number / 3 % tools.len()];
        let call = Call::run(&in_turn(name, number));
        async move { tool.send(call).await }
    });
    let answers = join_all(runs).await;
    let mut statuses = BTreeMap::<u16, usize>::new();
    for answer in &answers {
        *statuses.entry(answer.status).or_default() += 1;
    }
    let texts: Vec<_> = answers.iter().map(tjf_devcluster::suite::Answer::text).collect();
    assert_eq!(statuses, BTreeMap::from([(201, 1), (409, RUNS - 1)]), "{name}: {texts:#?}");
    let created: Value = answers.iter().find(|answer| answer.status == 201).unwrap().expect(201);
    assert_eq!(objects(&tools[0], name).await, 1, "{name}");
    for tool in tools {
        assert_eq!(tool.show(name).await.uid, created["uid"], "{name}");
    }
    tools[0].delete(name).await;
    assert_eq!(objects(&tools[0], name).await, 0, "{name}");
}

async fn twenty_runs_of_one_name_make_one_job(world: Arc<World>) {
    let tool = world.tool("one").await;
    for number in 0..ROUNDS {
        round(std::slice::from_ref(&tool), &format!("round-{number}")).await;
    }
}

/// The second service reaches Kubernetes over a slow road, so that between its create and its
/// second look the first one has time for everything; and the other way round.
async fn twenty_runs_of_one_name_through_two_services_make_one_job(world: Arc<World>) {
    let proxy = DelayingProxy::start(&world.cluster.site.server, PAUSE).await;
    let slow = world.start_service_at(&proxy.url).await;
    let tool = world.tool("two").await;
    let tools = [tool.clone(), tool.through(&slow)];
    // The slow one knows the tool before the race begins.
    tools[1].list().await;
    for number in 0..ROUNDS {
        round(&tools, &format!("round-{number}")).await;
    }
}

async fn a_name_is_taken_across_kinds(world: Arc<World>) {
    let tool = world.tool("kinds").await;
    for (number, kind) in [(0, "a"), (1, "b"), (2, "c")] {
        let job = tool.run(in_turn(kind, number)).await;
        for other in 0..3 {
            let answer = tool.send(Call::run(&in_turn(kind, other))).await;
            let problem = answer.expect_problem(409, "job-exists");
            assert!(problem.detail.contains(&format!("`{kind}`")), "{}", problem.detail);
        }
        assert_eq!(tool.show(kind).await.uid, job.uid);
        assert_eq!(objects(&tool, kind).await, 1);
    }
}

async fn a_finished_one_off_gives_its_name_to_any_kind(world: Arc<World>) {
    let tool = world.tool("reuse").await;
    let mut uids = Vec::new();
    for number in 0..3 {
        let done = tool.run(one_off("name", "true")).await;
        tool.ended("name").await;
        let next = tool.run(in_turn("name", number)).await;
        assert_eq!(objects(&tool, "name").await, 1, "{:?}", next.job_type);
        uids.extend([done.uid, next.uid]);
        tool.delete("name").await;
    }
    uids.sort();
    uids.dedup();
    assert_eq!(uids.len(), 6, "each is an object of its own");
}

/// The old job's pod is kept from going, by a finalizer, for as long as the new one runs: it has
/// the same name in its labels, and has failed, but belongs to another.
async fn the_new_job_never_shows_how_the_old_one_ended(world: Arc<World>) {
    let tool = world.tool("old").await;
    tool.run(one_off("job", "exit 9")).await;
    assert_eq!(tool.ended("job").await.status.exit_code, Some(9));
    let pod = tool.pods_of("job").await.pop().unwrap().name_any();
    hold(&tool, &pod, json!(["devcluster/hold"])).await;
    let new = tool.run(one_off("job", "sleep 2")).await;
    let mut seen = Vec::new();
    while seen.last().is_none_or(|job: &JobView| !job.status.phase.is_final()) {
        seen.push(tool.show("job").await);
    }
    let pods = tool.pods_of("job").await.len();
    // Before anything can fail, or the namespace could not go.
    hold(&tool, &pod, json!(null)).await;
    assert_eq!(pods, 2, "the old pod was to be seen all the while");
    for job in seen {
        assert_eq!(job.uid, new.uid);
        assert_ne!(job.status.exit_code, Some(9), "{job:#?}");
        assert_ne!(job.status_short, "Failed", "{job:#?}");
        assert!(job.status.attempts <= Some(1), "{job:#?}");
    }
}

/// Sets a pod's finalizers.
async fn hold(tool: &Tool, pod: &str, finalizers: Value) {
    let patch = Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
    tool.api::<Pod>().patch(pod, &PatchParams::default(), &patch).await.unwrap();
}

async fn a_foreign_object_keeps_its_name(world: Arc<World>) {
    let tool = world.tool("foreign").await;
    let pod = json!({"metadata": {"labels": {"app": "foreign"}}, "spec": {"containers": [
        {"name": "c", "image": world.cluster.site.image, "command": ["true"]},
    ]}});
    let object = json!({"metadata": {"name": "theirs"}, "spec": {
        "replicas": 0, "selector": {"app": "foreign"}, "template": pod,
    }});
    let object: ReplicationController = serde_json::from_value(object).unwrap();
    let api = tool.api::<ReplicationController>();
    let theirs = api.create(&kube::api::PostParams::default(), &object).await.unwrap();
    for number in 0..3 {
        let answer = tool.send(Call::run(&in_turn("theirs", number))).await;
        let problem = answer.expect_problem(409, "job-exists");
        assert!(problem.detail.contains("not a job"), "{}", problem.detail);
    }
    let words = ["run", "theirs", "--command", "true", "--image", "tf-busybox"];
    let output = tool.command(&words).await;
    assert!(output.stderr.contains("hint: take another name\n"), "{output:?}");
    tool.send(Call::get("/show/theirs/")).await.expect_problem(404, "job-not-found");
    tool.send(Call::delete("theirs")).await.expect_problem(404, "job-not-found");
    assert_eq!(api.get("theirs").await.unwrap().uid(), theirs.uid());
    tool.run(continuous("ours", "true")).await;
    assert_eq!(tool.list().await.len(), 1);
}
