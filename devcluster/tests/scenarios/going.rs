//! Jobs and pods that have been deleted, and are there all the same.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream};
use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{Pod, ReplicationController},
};
use kube::{
    ResourceExt,
    api::{ListParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use tjf_devcluster::{
    Effect, Fault,
    kind::Kind,
    suite::{Answer, Call, Needs, Tool, World, eventually, within},
};

use super::{POD_TIME_MAX, continuous, one_off, pod_of, room::set_quota, scenarios, with};

const KNOB: Needs = Needs::Embedded("only the embedded cluster can let single calls go wrong");

scenarios![
    nothing_is_answered_while_a_bot_has_its_last_words,
    nothing_is_answered_while_a_bot_has_its_last_words_though_the_client_left,
    flush_does_not_touch_a_job_that_was_run_meanwhile: KNOB,
    flush_leaves_a_pod_that_no_job_made,
    what_is_refused_takes_no_finished_job_away,
    a_hundred_pods_are_ended_in_time: KNOB,
    a_job_that_is_held_is_said_to_be_going,
];

/// A bot that needs three seconds for its last words, and writes down when it begins and ends.
fn bot() -> Value {
    let cmd = "trap 'sleep 3; echo end >>log; exit' TERM; echo begin >>log
        while true; do sleep 0.1; done";
    continuous("bot", cmd)
}

/// Until the bot has been deleted and only its pod is left.
async fn until_going(tool: &Tool) {
    let bots = tool.api::<ReplicationController>();
    eventually("only its pod is left", POD_TIME_MAX, async || {
        let bot = bots.get_opt("bot").await.unwrap();
        let pods = tool.pods_of("bot").await;
        let is_going = pods.iter().any(|pod| pod.metadata.deletion_timestamp.is_some());
        if bot.is_none() && is_going { Ok(()) } else { Err(is_going) }
    })
    .await;
}

/// What is asked while the first `delete` waits is not answered before the pod is gone.
async fn answer_meanwhile(world: &World, call: Call, first_leaves: bool) -> (Tool, Answer) {
    let tool = world.tool("words").await;
    tool.run(bot()).await;
    tool.read_until("log", "begin", POD_TIME_MAX).await;
    let client = tool.client.clone();
    let mut first = Some(Box::pin(client.send(Call::delete("bot"))));
    tokio::select! {
        () = until_going(&tool) => {}
        answer = first.as_mut().unwrap() => panic!("answered too early: {}", answer.text()),
    }
    if first_leaves {
        first = None;
    }
    let answer = tool.send(call).await;
    assert_eq!(tool.read("log").await.lines().nth(1), Some("end"), "{}", answer.text());
    if let Some(first) = first.take() {
        assert_eq!(first.await.status, 200);
    }
    (tool, answer)
}

async fn assert_all_wait(world: &World, first_leaves: bool) {
    let answer = |call| Box::pin(answer_meanwhile(world, call, first_leaves));
    let (deleted, flushed, run) =
        tokio::join!(answer(Call::delete("bot")), answer(Call::flush()), answer(Call::run(&bot())));
    for (tool, answer) in [deleted, flushed] {
        assert!(matches!(answer.status, 200 | 404), "{}", answer.text());
        assert!(tool.pods_of("bot").await.is_empty(), "{}", answer.text());
    }
    let (tool, answer) = run;
    assert_eq!(answer.status, 201, "{}", answer.text());
    tool.read_until("log", "begin\nend\nbegin\n", POD_TIME_MAX).await;
}

async fn nothing_is_answered_while_a_bot_has_its_last_words(world: Arc<World>) {
    assert_all_wait(&world, false).await;
}

async fn nothing_is_answered_while_a_bot_has_its_last_words_though_the_client_left(
    world: Arc<World>,
) {
    assert_all_wait(&world, true).await;
}

/// Whatever ends its pods comes late.
async fn flush_does_not_touch_a_job_that_was_run_meanwhile(world: Arc<World>) {
    let (tool, cluster) = (world.tool("flush").await, world.cluster.embedded().unwrap());
    tool.run(continuous("bot", "echo on; exec sleep 3600")).await;
    tool.read_until("bot.out", "on", POD_TIME_MAX).await;
    for verb in ["delete", "deletecollection", "list"] {
        let late = Effect::DelayBefore(Duration::from_secs(2));
        let fault = Fault::on(verb, Kind::Pod, late);
        cluster.inject(&tool.name, Fault { times: 2, ..fault });
    }
    let meanwhile = async {
        eventually("the bot is deleted", POD_TIME_MAX, async || {
            let bot = tool.api::<ReplicationController>().get_opt("bot").await.unwrap();
            if bot.is_none() { Ok(()) } else { Err("it is there") }
        })
        .await;
        tool.run(one_off("new", "echo on; sleep 5")).await;
    };
    let (flushed, ()) = tokio::join!(tool.send(Call::flush()), meanwhile);
    assert_eq!(flushed.expect::<Value>(200), json!({"deleted": ["bot"]}));
    let new = tool.ended("new").await;
    assert_eq!(new.status_short, "Completed", "{new:#?}");
}

/// It has the labels of a job's pod, but nothing made it.
async fn flush_leaves_a_pod_that_no_job_made(world: Arc<World>) {
    let tool = world.tool("bare").await;
    tool.run(continuous("bot", "echo on; exec sleep 3600")).await;
    tool.read_until("bot.out", "on", POD_TIME_MAX).await;
    let labels = tool.pods_of("bot").await.pop().unwrap().metadata.labels;
    let container = json!({"name": "job", "image": world.cluster.site.image,
        "command": ["sleep", "3600"]});
    // A bot would adopt it.
    let mut labels = labels.unwrap();
    labels.insert("app.kubernetes.io/name".to_owned(), "bare".to_owned());
    let pod = json!({"metadata": {"name": "bare", "labels": labels}, "spec": pod_of(&container)});
    let pod: Pod = serde_json::from_value(pod).unwrap();
    tool.api::<Pod>().create(&PostParams::default(), &pod).await.unwrap();
    let flushed: Value = tool.send(Call::flush()).await.expect(200);
    assert_eq!(flushed, json!({"deleted": ["bot"]}));
    let pods = tool.api::<Pod>().list(&ListParams::default()).await.unwrap();
    let left = pods.iter().map(|pod| (pod.name_any(), pod.metadata.deletion_timestamp.is_none()));
    assert_eq!(left.collect::<Vec<_>>(), [("bare".to_owned(), true)]);
}

async fn what_is_refused_takes_no_finished_job_away(world: Arc<World>) {
    let tool = world.tool("refused").await;
    set_quota(&tool, json!({"replicationcontrollers": "0", "count/cronjobs.batch": "0"})).await;
    let result = tool.run(one_off("result", "exit 3")).await;
    tool.ended("result").await;
    let scheduled = with(one_off("result", "true"), &json!({"schedule": "0 0 1 1 *"}));
    for job in [continuous("result", "exec sleep 3600"), scheduled] {
        tool.send(Call::run(&job)).await.expect_problem(403, "quota-exceeded");
        let left = tool.show("result").await;
        assert_eq!((left.uid, left.status.exit_code), (result.uid.clone(), Some(3)), "{job}");
    }
}

/// Each call takes 0.3 s; one after the other they would take longer than a request may.
async fn a_hundred_pods_are_ended_in_time(world: Arc<World>) {
    for call in [Call::delete("many"), Call::flush()] {
        let (tool, cluster) = (world.tool("many").await, world.cluster.embedded().unwrap());
        tool.run(with(one_off("many", "true"), &json!({"schedule": "0 0 1 1 *"}))).await;
        let job = tool.api::<CronJob>().get("many").await.unwrap();
        let pods = stream::iter(0..100).map(|number| create_ended_pod(&tool, &job, number));
        pods.buffer_unordered(8).collect::<()>().await;
        let slow = Fault::next(Effect::DelayBefore(Duration::from_millis(300)));
        cluster.inject(&tool.name, Fault { times: usize::MAX, ..slow });
        let answer = within("an answer", Duration::from_secs(29), tool.send(call)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let left = tool.api::<Pod>().list(&ListParams::default()).await.unwrap();
        assert_eq!(left.items.len(), 0);
    }
}

/// A pod of the job that has ended. Of its owner only the uid is told as it is, so that Kubernetes
/// does not take the pod away with it: it stays until somebody deletes it.
async fn create_ended_pod(tool: &Tool, job: &CronJob, number: usize) {
    let owner = json!([{"apiVersion": "example.org/v1", "kind": "Other", "name": "many",
        "controller": true, "uid": job.uid()}]);
    let labels = job.labels();
    let name = format!("many-{number}");
    let pod = json!({
        "metadata": {"name": name, "labels": labels, "ownerReferences": owner},
        "spec": with(
            pod_of(&json!({"name": "job", "image": "any"})),
            &json!({"nodeName": "elsewhere", "restartPolicy": "Always"}),
        ),
    });
    let pod: Pod = serde_json::from_value(pod).unwrap();
    let pods = tool.api::<Pod>();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let ended = Patch::Merge(json!({"status": {"phase": "Failed"}}));
    pods.patch_status(&name, &PatchParams::default(), &ended).await.unwrap();
}

/// Somebody else's finalizer keeps it; whoever wants its name has to be told why it is not free.
async fn a_job_that_is_held_is_said_to_be_going(world: Arc<World>) {
    let tool = world.tool("held").await;
    tool.run(one_off("held", "true")).await;
    tool.ended("held").await;
    hold(&tool, json!(["devcluster/hold"])).await;
    let deleted = tool.send(Call::delete("held")).await;
    let job = tool.api::<Job>().get("held").await.unwrap();
    let (shown, listed) = (tool.show("held").await, tool.list().await);
    let refused = tool.send(Call::run(&one_off("held", "true"))).await;
    // Before anything can fail, or the namespace could not go.
    hold(&tool, json!(null)).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    let since = job.metadata.deletion_timestamp.expect("it is going").0.to_string();
    let refused = refused.expect_problem(409, "job-exists").detail;
    for told in [&shown.status_long, &listed[0].status_long, &refused] {
        assert!(told.contains("being deleted") && told.contains(&since), "{since}: {told}");
    }
}

async fn hold(tool: &Tool, finalizers: Value) {
    let patch = Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
    tool.api::<Job>().patch("held", &PatchParams::default(), &patch).await.unwrap();
}
