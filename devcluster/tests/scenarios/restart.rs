//! Jobs that are restarted: never two of one bot, whoever asks how often.

use std::sync::Arc;

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
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::suite::{Answer, Call, Tool, World, eventually};

use super::{POD_TIME_MAX, continuous, one_off, room::set_quota, scenarios, with};

scenarios![
    a_continuous_job_gets_a_new_pod_after_the_old_one_has_ended,
    many_restarts_at_once_make_no_two_pods_of_one_bot,
    a_restart_goes_on_when_its_client_has_left,
    a_restart_that_a_server_left_in_the_middle_is_ended_by_the_next_look,
    a_scheduled_job_runs_now_also_while_it_is_suspended,
    many_restarts_at_once_make_no_two_runs_of_a_scheduled_job,
    a_run_for_which_there_is_no_room_ends_no_other,
    a_one_off_and_what_is_not_there_are_not_restarted,
    the_command_restarts_and_tells_the_quota,
    the_next_three_times_and_the_next_change_of_clocks_are_told,
];

/// A program that notes when it begins and ends, and complains when it is not alone. It needs a
/// second for its last words.
const BOT: &str = "trap 'sleep 1; echo end >>log; rmdir alone; exit' TERM
    mkdir alone || echo twice >>log; echo begin >>log
    while true; do sleep 0.1; done";

async fn restart(tool: &Tool, name: &str) -> JobView {
    tool.send(Call::restart(name)).await.expect(200)
}

/// Six restarts at once, through two servers.
async fn restarts(world: &World, tool: &Tool, name: &str) -> Vec<Answer> {
    let other = tool.through(&world.start_service().await);
    let both = [tool, &other].into_iter().cycle().take(6);
    join_all(both.map(|tool| tool.send(Call::restart(name)))).await
}

/// Until the bot has begun so often. It was alone each time.
async fn until_begun(tool: &Tool, times: usize) {
    let expected = format!("{}begin\n", "begin\nend\n".repeat(times - 1));
    eventually("the log of the bot", POD_TIME_MAX, async || {
        let log = tool.read("log").await;
        assert!(!log.contains("twice"), "{log}");
        if log == expected { Ok(()) } else { Err(log) }
    })
    .await;
}

/// The pods that are not going.
async fn pods(tool: &Tool, name: &str) -> Vec<String> {
    let pods = tool.pods_of(name).await.into_iter();
    pods.filter(|pod| pod.metadata.deletion_timestamp.is_none()).map(|pod| pod.name_any()).collect()
}

async fn a_continuous_job_gets_a_new_pod_after_the_old_one_has_ended(world: Arc<World>) {
    let tool = world.tool("again").await;
    let job = tool.run(continuous("bot", BOT)).await;
    until_begun(&tool, 1).await;
    let before = pods(&tool, "bot").await;
    let restarted = restart(&tool, "bot").await;
    assert_eq!((&restarted.uid, restarted.replicas), (&job.uid, Some(1)));
    // What was asked is not told as changed from outside.
    assert!(!restarted.status_long.contains("outside"), "{}", restarted.status_long);
    until_begun(&tool, 2).await;
    let after = pods(&tool, "bot").await;
    assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
    let bot = tool.api::<ReplicationController>().get("bot").await.unwrap();
    assert_eq!(bot.annotations().get("jobs.toolforge.org/restart"), None);
}

async fn many_restarts_at_once_make_no_two_pods_of_one_bot(world: Arc<World>) {
    let tool = world.tool("crowd").await;
    tool.run(continuous("bot", BOT)).await;
    until_begun(&tool, 1).await;
    let answers = restarts(&world, &tool, "bot").await;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // Those that came while one was under way have joined it; one that came later made another.
    until_one_is_at_work(&tool, "bot").await;
}

/// Until one pod of the job has begun and is there. One may be ended before it begins.
async fn until_one_is_at_work(tool: &Tool, name: &str) {
    eventually("one pod is at work", POD_TIME_MAX, async || {
        let (log, pods) = (tool.read("log").await, tool.pods_of(name).await);
        assert!(!log.contains("twice"), "{log}");
        if log.ends_with("begin\n") && pods.len() == 1 { Ok(()) } else { Err((log, pods.len())) }
    })
    .await;
}

async fn a_restart_goes_on_when_its_client_has_left(world: Arc<World>) {
    let tool = world.tool("left").await;
    tool.run(continuous("bot", BOT)).await;
    until_begun(&tool, 1).await;
    let bots = tool.api::<ReplicationController>();
    let scaled_down = eventually("it is scaled down", POD_TIME_MAX, async || {
        let replicas = bots.get("bot").await.unwrap().spec.unwrap().replicas;
        if replicas == Some(0) { Ok(()) } else { Err(replicas) }
    });
    tokio::select! {
        () = scaled_down => {}
        answer = tool.send(Call::restart("bot")) => panic!("too early: {}", answer.text()),
    }
    until_begun(&tool, 2).await;
}

/// As a server leaves it that dies after it has scaled the bot down.
async fn a_restart_that_a_server_left_in_the_middle_is_ended_by_the_next_look(world: Arc<World>) {
    let tool = world.tool("half").await;
    tool.run(with(continuous("bot", BOT), &json!({"replicas": 1}))).await;
    until_begun(&tool, 1).await;
    let restart = json!({"since": "2026-01-01T00:00:00Z", "replicas": 1}).to_string();
    let left = Patch::Merge(json!({
        "metadata": {"annotations": {"jobs.toolforge.org/restart": restart}},
        "spec": {"replicas": 0},
    }));
    let bots = tool.api::<ReplicationController>();
    bots.patch("bot", &PatchParams::default(), &left).await.unwrap();
    let shown = Call::get("/show/bot/").header("cache-control", "no-cache");
    let shown: JobView = tool.send(shown).await.expect(200);
    assert_eq!(shown.status.reason.as_deref(), Some("RestartInterrupted"), "{shown:#?}");
    assert_eq!(shown.replicas, Some(1));
    until_begun(&tool, 2).await;
    let shown = tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    assert_eq!(shown.status.reason, None, "{shown:#?}");
}

fn yearly(cmd: &str) -> Value {
    with(one_off("tick", cmd), &json!({"schedule": "0 0 1 1 *"}))
}

async fn runs(tool: &Tool) -> Vec<Job> {
    tool.api::<Job>().list(&ListParams::default()).await.unwrap().items
}

async fn a_scheduled_job_runs_now_also_while_it_is_suspended(world: Arc<World>) {
    let tool = world.tool("now").await;
    let job = tool.run(yearly(BOT)).await;
    let suspended = Patch::Merge(json!({"spec": {"suspend": true}}));
    let cronjobs = tool.api::<CronJob>();
    cronjobs.patch("tick", &PatchParams::default(), &suspended).await.unwrap();
    let restarted = restart(&tool, "tick").await;
    assert_eq!(restarted.uid, job.uid);
    until_begun(&tool, 1).await;
    let run = runs(&tool).await.pop().unwrap();
    let name = run.name_any();
    assert!(name.starts_with("tick-") && name.len() == 10, "{name}");
    let owners = serde_json::to_value(run.owner_references()).unwrap();
    let owner = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick",
        "uid": job.uid, "controller": true}]);
    assert_eq!(owners, owner);
    tool.until("tick", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    assert_eq!(tool.list().await.len(), 1);
    // Once more: the run that is at work ends, and then another begins.
    restart(&tool, "tick").await;
    until_begun(&tool, 2).await;
    assert_eq!(pods(&tool, "tick").await.len(), 1);
    tool.delete("tick").await;
    assert_eq!(tool.read("log").await, "begin\nend\nbegin\nend\n");
    assert_eq!(runs(&tool).await.len(), 0);
}

async fn many_restarts_at_once_make_no_two_runs_of_a_scheduled_job(world: Arc<World>) {
    let tool = world.tool("runs").await;
    tool.run(yearly(BOT)).await;
    for round in 1..=2 {
        let answers = restarts(&world, &tool, "tick").await;
        for answer in answers {
            assert_eq!(answer.status, 200, "{round}: {}", answer.text());
        }
        until_one_is_at_work(&tool, "tick").await;
    }
}

async fn a_run_for_which_there_is_no_room_ends_no_other(world: Arc<World>) {
    let tool = world.tool("noroom").await;
    tool.run(yearly(BOT)).await;
    set_quota(&tool, json!({"count/jobs.batch": "0"})).await;
    let refused = tool.send(Call::restart("tick")).await.expect_problem(403, "quota-exceeded");
    for word in ["1 asked", "0 used", "0 allowed"] {
        assert!(refused.detail.contains(word), "{word} in {}", refused.detail);
    }
    assert_eq!(runs(&tool).await.len(), 0);
    // Its own run takes the one place, and gives it to the next.
    set_quota(&tool, json!({"count/jobs.batch": "1"})).await;
    for times in 1..=2 {
        restart(&tool, "tick").await;
        until_begun(&tool, times).await;
    }
}

async fn a_one_off_and_what_is_not_there_are_not_restarted(world: Arc<World>) {
    let tool = world.tool("once").await;
    tool.run(one_off("once", "true")).await;
    let refused = tool.send(Call::restart("once")).await.expect_problem(400, "invalid-request");
    assert_eq!(refused.field.as_deref(), Some("name"), "{refused:?}");
    tool.send(Call::restart("none")).await.expect_problem(404, "job-not-found");
}

async fn the_command_restarts_and_tells_the_quota(world: Arc<World>) {
    let tool = world.tool("verbs").await;
    tool.run(continuous("bot", BOT)).await;
    until_begun(&tool, 1).await;
    let output = tool.command(&["restart", "bot"]).await;
    assert_eq!((output.code, output.stdout.as_str()), (0, "bot\n"), "{output:?}");
    until_begun(&tool, 2).await;
    let output = tool.command(&["restart", "bto"]).await;
    assert_eq!(output.code, 1, "{output:?}");
    assert!(output.stderr.contains("did you mean `bot`?"), "{output:?}");
    // Kubernetes counts a little late.
    eventually("the quota counts what there is", POD_TIME_MAX, async || {
        let output = tool.command(&["quota"]).await;
        assert_eq!(output.code, 0, "{output:?}");
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<_> = output.stdout.lines().map(words).collect();
        let mut wanted =
            ["Running jobs Pods 1 16", "Jobs Continuous jobs 1 16", "Jobs Scheduled jobs 0 50"]
                .into_iter();
        if wanted.all(|line| lines.iter().any(|found| found == line)) { Ok(()) } else { Err(lines) }
    })
    .await;
    let quota = tool.command(&["quota", "--json"]).await;
    let quota: Value = serde_json::from_str(&quota.stdout).unwrap();
    assert_eq!(quota["categories"][0]["items"][0]["name"], "Pods", "{quota:#}");
}

async fn the_next_three_times_and_the_next_change_of_clocks_are_told(world: Arc<World>) {
    let tool = world.tool("clocks").await;
    let at = |name: &str, schedule: &str, zone: &str| {
        with(one_off(name, "true"), &json!({"schedule": schedule, "timezone": zone}))
    };
    tool.run(at("night", "30 2 * * *", "Europe/Berlin")).await;
    tool.run(at("noon", "0 12 * * *", "Europe/Berlin")).await;
    let night = tool.show("night").await.status;
    assert_eq!(night.next_times.len(), 3, "{night:#?}");
    assert_eq!(night.next_times.first(), night.next_scheduled_at.as_ref());
    assert!(night.next_times.is_sorted());
    // Once in spring and once in autumn, for as long as Berlin changes its clocks.
    let change = night.clock_change.expect("clocks change");
    assert!(change.local_time.ends_with("T02:30"), "{change:?}");
    assert_eq!(tool.show("noon").await.status.clock_change, None);
    let suspended = Patch::Merge(json!({"spec": {"suspend": true}}));
    let cronjobs = tool.api::<CronJob>();
    cronjobs.patch("night", &PatchParams::default(), &suspended).await.unwrap();
    let suspended = |job: &JobView| job.status.reason.as_deref() == Some("Suspended");
    let night = tool.until("night", POD_TIME_MAX, suspended).await.status;
    assert!(night.next_times.is_empty() && night.clock_change.is_none(), "{night:#?}");
    assert_eq!(tool.api::<Pod>().list(&ListParams::default()).await.unwrap().items.len(), 0);
}
