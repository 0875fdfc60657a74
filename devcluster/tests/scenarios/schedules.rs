//! Jobs that run when their schedule says so. Each of these tests waits for a real tick.

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::Pod,
};
use kube::api::{ListParams, ObjectMeta, PostParams};
use serde_json::{Value, json};
use tjf_api_types::{JobType, Phase};
use tjf_devcluster::suite::{Tool, World, eventually};

use super::{POD_TIME_MAX, one_off, output::assert_only_files_tell, scenarios, with};

/// A whole minute, and what it takes to start a pod.
const TICK_TIME_MAX: Duration = Duration::from_secs(130);

scenarios![
    a_scheduled_job_fires_and_writes_its_output_to_files,
    a_scheduled_job_tells_of_the_run_that_failed,
    a_scheduled_job_that_is_deleted_leaves_no_child_and_no_pod,
];

fn every_minute(name: &str, cmd: &str) -> Value {
    with(one_off(name, cmd), &json!({"schedule": "* * * * *"}))
}

async fn a_scheduled_job_fires_and_writes_its_output_to_files(world: Arc<World>) {
    let tool = world.tool("cron").await;
    let job = tool.run(every_minute("tick", "echo tick; echo tock >&2")).await;
    assert_eq!(job.job_type, JobType::Scheduled);
    assert_eq!(job.status.phase, Phase::Pending);
    assert!(job.status.next_scheduled_at.is_some(), "{job:#?}");
    tool.read_until("tick.out", "tick\n", TICK_TIME_MAX).await;
    let job = tool
        .until("tick", Duration::from_secs(30), |job| {
            job.status.last_run.is_some() && job.status.phase == Phase::Pending
        })
        .await;
    let last_run = job.status.last_run.clone().unwrap();
    assert_eq!(
        (last_run.phase, last_run.exit_code),
        (Phase::Succeeded.into(), Some(0)),
        "{job:#?}"
    );
    assert!(job.status.last_scheduled_at.is_some(), "{job:#?}");
    assert!(tool.read("tick.err").await.starts_with("tock\n"));
    assert_only_files_tell(&tool, "tick").await;
    // Its child is not a job of its own.
    assert_eq!(tool.list().await.len(), 1);
}

async fn a_scheduled_job_tells_of_the_run_that_failed(world: Arc<World>) {
    let tool = world.tool("cronbad").await;
    tool.run(every_minute("bad", "exit 5")).await;
    let job = tool.until("bad", TICK_TIME_MAX, |job| job.status.last_run.is_some()).await;
    let last_run = job.status.last_run.clone().unwrap();
    assert_eq!((last_run.phase, last_run.exit_code), (Phase::Failed.into(), Some(5)), "{job:#?}");
    assert_eq!(last_run.reason.as_deref(), Some("ExitCode"), "{job:#?}");
    assert!(!job.status.phase.is_final(), "{job:#?}");
}

/// A child of the schedule's own making, and one made by hand as `kubectl create job --from` does,
/// both running.
async fn a_scheduled_job_that_is_deleted_leaves_no_child_and_no_pod(world: Arc<World>) {
    let tool = world.tool("crondel").await;
    let cmd = "echo running $HOSTNAME; exec sleep 3600";
    tool.run(every_minute("long", cmd)).await;
    create_child(&tool, "long", "long-by-hand").await.unwrap();
    eventually("two pods that run", TICK_TIME_MAX, async || {
        let text = tool.read("long.out").await;
        if text.lines().count() == 2 { Ok(()) } else { Err(text) }
    })
    .await;
    tool.until("long", POD_TIME_MAX, |job| job.status.phase == Phase::Running).await;
    tool.delete("long").await;
    let all = ListParams::default();
    assert_eq!(tool.api::<Pod>().list(&all).await.unwrap().items.len(), 0);
    assert_eq!(tool.api::<Job>().list(&all).await.unwrap().items.len(), 0);
    assert_eq!(tool.api::<CronJob>().list(&all).await.unwrap().items.len(), 0);
}

/// A run of a scheduled job, made by hand.
pub(super) async fn create_child(tool: &Tool, cronjob: &str, name: &str) -> kube::Result<Job> {
    let parent = tool.api::<CronJob>().get(cronjob).await?;
    let template = parent.spec.unwrap_or_default().job_template;
    let owner = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob, "controller": true,
        "uid": parent.metadata.uid,
    }]);
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        owner_references: serde_json::from_value(owner).map_err(kube::Error::SerdeError)?,
        ..template.metadata.unwrap_or_default()
    };
    let child = Job { metadata, spec: template.spec, status: None };
    tool.api::<Job>().create(&PostParams::default(), &child).await
}
