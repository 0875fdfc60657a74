//! Answers of the API, made from the wire types.

use std::collections::BTreeMap;

use tjf_api_types::{
    ContainerState, ContainerView, Emails, JobType, JobView, Mount, Phase, Problem, StatusView,
};

use crate::server::Reply;

/// A one-off that runs.
pub(crate) fn job(name: &str) -> JobView {
    JobView {
        name: name.to_owned(),
        uid: format!("uid-of-{name}"),
        cmd: "./bot.py --all".to_owned(),
        imagename: "tf-python39".to_owned(),
        image: "registry.example/tf-python39:latest".to_owned(),
        image_state: ContainerState::Stable.into(),
        job_type: JobType::OneOff.into(),
        schedule: None,
        schedule_actual: None,
        timezone: None,
        continuous: Some(false),
        filelog: Some(true),
        filelog_stdout: Some(format!("/data/project/tf-test/{name}.out")),
        filelog_stderr: Some(format!("/data/project/tf-test/{name}.err")),
        memory: Some("512Mi".to_owned()),
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
        created_at: "2024-05-06T07:08:09Z".to_owned(),
        deleting_since: None,
        status_short: "Running for 5s".to_owned(),
        status_long: "The job has been running for 5 seconds.".to_owned(),
        status: StatusView {
            phase: Phase::Running.into(),
            reason: None,
            message: None,
            started_at: Some("2024-05-06T07:08:10Z".to_owned()),
            finished_at: None,
            exit_code: None,
            signal: None,
            oom_killed: None,
            restarts: None,
            attempts: Some(1),
            last_scheduled_at: None,
            next_scheduled_at: None,
            next_times: Vec::new(),
            clock_change: None,
            last_run: None,
        },
    }
}

/// The same, ended well.
pub(crate) fn completed(name: &str) -> JobView {
    let mut job = job(name);
    job.status_short = "Completed".to_owned();
    job.status_long = "The job ended well after 7 seconds.".to_owned();
    job.status.phase = Phase::Succeeded.into();
    job.status.exit_code = Some(0);
    job.status.finished_at = Some("2024-05-06T07:08:17Z".to_owned());
    job
}

/// The same, ended badly.
pub(crate) fn failed(name: &str, exit_code: Option<i32>, reason: &str) -> JobView {
    let mut job = job(name);
    job.status_short = "Failed".to_owned();
    job.status_long = "The job failed after 7 seconds.".to_owned();
    job.status.phase = Phase::Failed.into();
    job.status.exit_code = exit_code;
    job.status.signal = exit_code.filter(|code| *code > 128).map(|code| code - 128);
    job.status.reason = Some(reason.to_owned());
    job.status.finished_at = Some("2024-05-06T07:08:17Z".to_owned());
    job
}

pub(crate) fn container(shortname: &str, state: ContainerState) -> ContainerView {
    let image = format!("registry.example/{shortname}:latest");
    ContainerView { shortname: shortname.to_owned(), image, state: state.into() }
}

/// A refusal in the API's own words.
pub(crate) fn problem(slug: &str, status: u16, detail: &str) -> Reply {
    Reply::json(status, &Problem::new(slug, status, detail, "r-1"))
}
