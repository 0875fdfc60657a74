//! What `show` says of a job, and why.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};
use tjf_api_types::{JobView, Phase};
use tjf_devcluster::suite::{Tool, World};

use super::{POD_TIME_MAX, continuous, one_off, room::set_limits, scenarios, with};

scenarios![
    a_job_with_retries_is_tried_again_and_says_so,
    a_crash_loop_is_pending_and_says_why,
    an_exit_code_is_told,
    a_signal_is_told_by_number,
    a_program_that_outgrew_its_memory_says_so,
    a_deadline_is_told_as_such,
    an_image_that_cannot_be_pulled_is_told,
    a_log_that_cannot_be_written_fails_the_job_and_names_the_file,
    a_job_whose_pod_was_deleted_has_failed,
    a_job_whose_namespace_lost_its_defaults_is_told_what_it_does_not_say,
    what_was_changed_from_outside_is_told_as_it_is,
];

/// Runs a one-off to its end, which must be a failure.
async fn failed(tool: &Tool, job: Value) -> JobView {
    let name = tool.run(job).await.name;
    let job = tool.ended(&name).await;
    assert_eq!(job.status.phase, Phase::Failed, "{job:#?}");
    assert_eq!(job.status_short, "Failed", "{job:#?}");
    // The list tells the same as the description.
    let listed = tool.list().await.into_iter().find(|other| other.name == name).unwrap();
    assert_eq!(listed.status.reason, job.status.reason);
    job
}

/// The word for programs and the words for people.
#[track_caller]
fn assert_told(job: &JobView, reason: &str, words: &[&str]) {
    assert_eq!(job.status.reason.as_deref(), Some(reason), "{job:#?}");
    let long = job.status_long.to_lowercase();
    assert!(words.iter().all(|word| long.contains(word)), "{words:?} in {:?}", job.status_long);
}

async fn an_exit_code_is_told(world: Arc<World>) {
    let tool = world.tool("exit").await;
    let job = failed(&tool, one_off("three", "echo dying >&2; exit 3")).await;
    assert_told(&job, "ExitCode", &["exit code 3"]);
    let status = &job.status;
    assert_eq!((status.exit_code, status.signal, status.oom_killed), (Some(3), None, Some(false)));
    assert!(status.started_at.is_some() && status.finished_at >= status.started_at, "{job:#?}");
    assert_eq!(status.attempts, Some(1));
    // 73 is the code for a log that can't be written; a program may well end with it all the same.
    let job = failed(&tool, one_off("seventy-three", "exit 73")).await;
    assert_told(&job, "ExitCode", &["exit code 73"]);
}

async fn a_signal_is_told_by_number(world: Arc<World>) {
    let tool = world.tool("signal").await;
    let job = failed(&tool, one_off("kill", "kill -KILL $$")).await;
    assert_told(&job, "Signal", &["signal 9"]);
    assert_eq!((job.status.exit_code, job.status.signal), (Some(137), Some(9)));
    let job = failed(&tool, one_off("segv", "kill -SEGV $$")).await;
    assert_told(&job, "Signal", &["signal 11"]);
}

async fn a_program_that_outgrew_its_memory_says_so(world: Arc<World>) {
    let tool = world.tool("oom").await;
    let greedy = with(one_off("greedy", "tail /dev/zero"), &json!({"memory": "24Mi"}));
    let job = failed(&tool, greedy).await;
    assert_told(&job, "OOMKilled", &["memory"]);
    assert_eq!(job.status.oom_killed, Some(true), "{job:#?}");
}

async fn a_deadline_is_told_as_such(world: Arc<World>) {
    let tool = world.tool("late").await;
    let late = with(one_off("late", "exec sleep 3600"), &json!({"timeout": 2}));
    let job = failed(&tool, late).await;
    assert_told(&job, "DeadlineExceeded", &["2 s", "timeout"]);
}

async fn an_image_that_cannot_be_pulled_is_told(world: Arc<World>) {
    let tool = world.tool("image").await;
    let gone = with(one_off("gone", "true"), &json!({"imagename": "tf-gone"}));
    tool.run(gone).await;
    let job = tool.until("gone", POD_TIME_MAX, |job| job.status.reason.is_some()).await;
    assert_eq!(job.status.phase, Phase::Pending, "{job:#?}");
    let reason = job.status.reason.clone().unwrap();
    assert!(["ErrImagePull", "ImagePullBackOff"].contains(&reason.as_str()), "{job:#?}");
    assert_told(&job, &reason, &["image", &format!("`{}`", job.image), "because the registry"]);
    // It can be deleted all the same.
    tool.delete("gone").await;
}

async fn a_log_that_cannot_be_written_fails_the_job_and_names_the_file(world: Arc<World>) {
    let tool = world.tool("log").await;
    tokio::fs::create_dir(tool.home.join("folder")).await.unwrap();
    for (name, file) in [("missing", "no/such/folder/log"), ("folder", "folder")] {
        let job = with(one_off(name, "echo never"), &json!({"filelog_stdout": file}));
        let job = failed(&tool, job).await;
        assert_told(&job, "LogNotWritable", &[file]);
    }
}

async fn a_crash_loop_is_pending_and_says_why(world: Arc<World>) {
    let tool = world.tool("loop").await;
    tool.run(continuous("bot", "echo try; sleep 1; exit 4")).await;
    let is_loop = |job: &JobView| job.status.restarts >= Some(2);
    let job = tool.until("bot", Duration::from_secs(120), is_loop).await;
    assert_eq!(job.status.phase, Phase::Pending, "{job:#?}");
    assert_told(&job, "CrashLoopBackOff", &["exit code 4", "again"]);
    assert!(tool.read("bot.out").await.lines().count() >= 2);
}

async fn a_job_with_retries_is_tried_again_and_says_so(world: Arc<World>) {
    let tool = world.tool("retry").await;
    let cmd = "echo try; [ $(wc -l <$HOME/log) -lt 2 ] && exit 4; echo done";
    let retried = json!({"retry": 2, "filelog_stdout": "log"});
    tool.run(with(one_off("stubborn", cmd), &retried)).await;
    let is_between_tries = |job: &JobView| {
        let status = &job.status;
        if status.phase == Phase::Running {
            let end = (&status.reason, &status.exit_code, &status.finished_at);
            assert_eq!(end, (&None, &None, &None), "it runs, and tells of an end: {job:#?}");
        }
        status.phase == Phase::Pending && status.reason.is_some()
    };
    let job = tool.until("stubborn", POD_TIME_MAX, is_between_tries).await;
    assert_eq!(job.status.attempts, Some(1), "{job:#?}");
    assert_told(&job, "ExitCode", &["exit code 4", "again"]);
    let job = tool.ended("stubborn").await;
    assert_eq!(job.status.phase, Phase::Succeeded, "{job:#?}");
    assert_eq!(job.status.attempts, Some(2), "{job:#?}");
    assert_eq!(job.status.reason, None, "{job:#?}");
    assert_eq!(tool.read("log").await, "try\ntry\ndone\n");
}

/// Deletes the pods of a job, as somebody else might.
async fn delete_pods_of(tool: &Tool, job: &str) {
    let api = tool.api::<Pod>();
    for pod in tool.pods_of(job).await {
        let name = pod.metadata.name.unwrap();
        // One that has gone meanwhile is what is wanted.
        let _ = api.delete(&name, &DeleteParams::default()).await;
    }
}

async fn a_job_whose_pod_was_deleted_has_failed(world: Arc<World>) {
    let tool = world.tool("robbed").await;
    tool.run(one_off("robbed", "echo on; exec sleep 3600")).await;
    tool.read_until("robbed.out", "on", POD_TIME_MAX).await;
    delete_pods_of(&tool, "robbed").await;
    let job = tool.ended("robbed").await;
    assert_eq!(job.status.phase, Phase::Failed, "{job:#?}");
    assert!(job.status.reason.is_some() && !job.status_long.is_empty(), "{job:#?}");
}

async fn a_job_whose_namespace_lost_its_defaults_is_told_what_it_does_not_say(world: Arc<World>) {
    let tool = world.tool("unsaid").await;
    tool.run(continuous("bot", "exec sleep 3600")).await;
    tool.until("bot", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    set_limits(&tool, &json!([{"type": "Container"}])).await;
    // A pod that was made before this was known everywhere goes too.
    let job = tjf_devcluster::suite::eventually("a refusal", POD_TIME_MAX, async || {
        delete_pods_of(&tool, "bot").await;
        let job = tool.show("bot").await;
        if job.status.reason.as_deref() == Some("FailedCreate") { Ok(job) } else { Err(job) }
    })
    .await;
    assert_told(&job, "FailedCreate", &["how much `cpu` and `memory`", "limits.memory"]);
}

async fn what_was_changed_from_outside_is_told_as_it_is(world: Arc<World>) {
    let tool = world.tool("changed").await;
    let asked = json!({"env": {"A": "b"}, "emails": "onfailure"});
    let job = tool.run(with(continuous("bot", "exec sleep 3600"), &asked)).await;
    assert_eq!(
        (job.env["A"].as_str(), job.emails.as_str(), job.mount.as_str()),
        ("b", "onfailure", "all")
    );
    assert!(!job.status_long.contains("changed"), "{job:#?}");
    let bots = tool.api::<ReplicationController>();
    let mut bot = bots.get("bot").await.unwrap();
    let template = bot.spec.as_mut().unwrap().template.as_mut().unwrap();
    let labels = template.metadata.as_mut().unwrap().labels.as_mut().unwrap();
    labels.insert("jobs.toolforge.org/emails".to_owned(), "all".to_owned());
    labels.remove("toolforge.org/mount-storage").unwrap();
    let command = template.spec.as_mut().unwrap().containers[0].command.as_mut().unwrap();
    *command.iter_mut().find(|argument| *argument == "A=b").unwrap() = "A=$$c".to_owned();
    // Whatever Kubernetes wrote into its status meanwhile.
    bot.metadata.resource_version = None;
    bots.replace("bot", &PostParams::default(), &bot).await.unwrap();
    let job = tool.show("bot").await;
    let (emails, mount) = (job.emails.as_str(), job.mount.as_str());
    assert_eq!((job.env["A"].as_str(), emails, mount), ("$c", "all", "none"));
    let changed = "changed from outside: `emails`, `mount`, `env`";
    assert!(job.status_long.contains(changed), "{job:#?}");
}
