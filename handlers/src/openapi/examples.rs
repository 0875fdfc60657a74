//! Examples of requests and answers. They are values of the types, so that they are complete.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tjf_api_types::{
    ContainerState, ContainerView, Deleted, Emails, HealthCheck, JobType, JobView, Mount, Phase,
    QuotaCategory, QuotaItem, QuotaView, RunRequest, StatusView,
};

fn value(example: impl serde::Serialize) -> Value {
    serde_json::to_value(example).unwrap()
}

/// One request of each kind.
pub(super) fn requests() -> Value {
    let bot = || RunRequest {
        name: Some("bot".to_owned()),
        cmd: "./bot.py --once".to_owned(),
        imagename: "python3.11".to_owned(),
        ..RunRequest::default()
    };
    let scheduled = RunRequest {
        schedule: Some("@daily".to_owned()),
        emails: Some(Emails::OnFailure),
        ..bot()
    };
    let continuous = RunRequest {
        continuous: Some(true),
        port: Some(8080),
        health_check: Some(HealthCheck::Http { path: "/healthz".to_owned() }),
        memory: Some("1Gi".to_owned()),
        env: Some([("LANG".to_owned(), "C.UTF-8".to_owned())].into()),
        ..bot()
    };
    json!({
        "one-off": {"summary": "Runs once.", "value": bot()},
        "scheduled": {"summary": "Runs every day.", "value": scheduled},
        "continuous": {"summary": "Is kept running.", "value": continuous},
    })
}

/// A one-off that has ended.
pub(super) fn job() -> Value {
    value(JobView {
        name: "bot".to_owned(),
        uid: "8f0c7d0e-2c5a-4a53-9d0b-6e3a9c1f2b7d".to_owned(),
        cmd: "./bot.py --once".to_owned(),
        imagename: "python3.11".to_owned(),
        image: "docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest".to_owned(),
        image_state: ContainerState::Stable.into(),
        job_type: JobType::OneOff.into(),
        schedule: None,
        schedule_actual: None,
        timezone: None,
        continuous: Some(false),
        filelog: Some(true),
        filelog_stdout: Some("/data/project/example/bot.out".to_owned()),
        filelog_stderr: Some("/data/project/example/bot.err".to_owned()),
        memory: Some("1Gi".to_owned()),
        cpu: None,
        retry: Some(0),
        timeout: None,
        replicas: None,
        port: None,
        port_protocol: None,
        health_check: None,
        emails: Emails::None.into(),
        mount: Mount::All.into(),
        env: BTreeMap::new(),
        created_at: "2026-11-02T09:00:00Z".to_owned(),
        deleting_since: None,
        status_short: "Failed".to_owned(),
        status_long: "It ended with exit code 3.".to_owned(),
        status: StatusView {
            phase: Phase::Failed.into(),
            reason: Some("ExitCode".to_owned()),
            message: Some("It ended with exit code 3.".to_owned()),
            started_at: Some("2026-11-02T09:00:02Z".to_owned()),
            finished_at: Some("2026-11-02T09:01:07Z".to_owned()),
            exit_code: Some(3),
            oom_killed: Some(false),
            attempts: Some(1),
            ..StatusView::default()
        },
    })
}

/// What went.
pub(super) fn deleted() -> Value {
    value(Deleted { deleted: vec!["bot".to_owned()] })
}

/// A container that is on offer.
pub(super) fn containers() -> Value {
    value([ContainerView {
        shortname: "python3.11".to_owned(),
        image: "docker-registry.tools.wmflabs.org/toolforge-python311-sssd-base:latest".to_owned(),
        state: ContainerState::Stable.into(),
    }])
}

/// One limit of the namespace.
pub(super) fn quota() -> Value {
    let pods = QuotaItem {
        name: "Running pods".to_owned(),
        limit: "16".to_owned(),
        used: Some("3".to_owned()),
    };
    value(QuotaView {
        categories: vec![QuotaCategory { name: "Running jobs".to_owned(), items: vec![pods] }],
    })
}
