//! A job with the keys of the deployed service, for both of its command's versions at once.
//!
//! What does not apply is left out and never `null`, which either version shows as `None` or takes for
//! a value. A key that is there in the wrong kind of job is one that `load` refuses in what `dump`
//! has written: so each kind has only its own.

mod status;

use jiff::Timestamp;
use serde::Serialize;
use tjf_api_types::{
    ContainerState, Emails, HealthCheck, HealthCheckView, JobType, JobView, Mount, PortProtocol,
    Word,
};

use self::status::Status;
use crate::job::{
    Logs,
    given::{Field, Given},
};

/// One job. Keys that do not apply are left out.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Job {
    /// Name, unique among the tool's jobs.
    name: String,
    /// One-off, scheduled or continuous.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<Word<JobType>>,
    /// Shell text as it was given.
    cmd: String,
    /// Short name of the container.
    imagename: String,
    /// What really runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// Whether the container is still on offer.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_state: Option<Word<ContainerState>>,
    /// Schedule of a scheduled job, as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<String>,
    /// There, and true, in continuous jobs alone: 16.1 takes any value for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    continuous: Option<bool>,
    /// Whether output is kept in files.
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog: Option<bool>,
    /// The file for standard output.
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog_stdout: Option<String>,
    /// The file for standard error.
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog_stderr: Option<String>,
    /// Memory limit as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<String>,
    /// CPU limit as it was typed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<String>,
    /// How often a failed run is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<i64>,
    /// Seconds after which a run of a scheduled job is ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<i64>,
    /// Copies of a continuous job.
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<i64>,
    /// Port of a continuous job.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<i64>,
    /// Protocol of the port.
    #[serde(skip_serializing_if = "Option::is_none")]
    port_protocol: Option<Word<PortProtocol>>,
    /// How Kubernetes finds out whether a continuous job works: with the one key of its type, since
    /// a `script` of `null` is shown as one.
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check: Option<HealthCheck>,
    /// When e-mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<Word<Emails>>,
    /// Whether the home is mounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    mount: Option<Word<Mount>>,
    /// What is known of its present.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    /// The status as 16.1 reads it: exactly `Completed` or `Failed` for a one-off that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_short: Option<String>,
    /// The same in a sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_long: Option<String>,
}

/// A job with all that is known of it.
pub(super) fn of(job: JobView) -> Job {
    let is_continuous = job.job_type == JobType::Continuous;
    let is_scheduled = job.job_type == JobType::Scheduled;
    Job {
        status: Some(Status::of(&job, Timestamp::now())),
        name: job.name,
        job_type: Some(job.job_type),
        cmd: job.cmd,
        imagename: job.imagename,
        image: Some(job.image),
        image_state: Some(job.image_state),
        schedule: job.schedule.filter(|_| is_scheduled),
        continuous: is_continuous.then_some(true),
        filelog: job.filelog,
        filelog_stdout: job.filelog_stdout,
        filelog_stderr: job.filelog_stderr,
        memory: job.memory,
        cpu: job.cpu,
        // 16.1 shows "yes" for what is not there, and its `dump` does not work without it.
        retry: Some(job.retry.unwrap_or(0)),
        timeout: job.timeout.filter(|_| is_scheduled),
        replicas: job.replicas.filter(|_| is_continuous),
        port: job.port,
        port_protocol: job.port_protocol,
        health_check: job.health_check.as_ref().and_then(HealthCheckView::known),
        emails: Some(job.emails),
        mount: Some(job.mount),
        status_short: Some(job.status_short),
        status_long: Some(job.status_long),
    }
}

/// The same for a list of 16.1, which makes its dump of it: there it warns of each key that it does not
/// know, for each job.
pub(super) fn for_16_1(job: JobView) -> Job {
    Job { job_type: None, port_protocol: None, status: None, ..of(job) }
}

/// A job with what somebody gave, or changed from outside: whoever asks for the same again gets the
/// same job. Log files are told as they are seen from the home.
pub(super) fn as_given(job: JobView, given: Given, home: &str) -> Job {
    let default_log = |extension| Some(Logs::default_file(home, &job.name, extension));
    let is_said = |field: Field, is_default: bool| given.has(field) || !is_default;
    let keeps_output = job.mount == Mount::All;
    let filelog = is_said(Field::Filelog, job.filelog == Some(keeps_output));
    let stdout = is_said(Field::FilelogStdout, job.filelog_stdout == default_log("out"));
    let stderr = is_said(Field::FilelogStderr, job.filelog_stderr == default_log("err"));
    let is_continuous = job.job_type == JobType::Continuous;
    let retry = !is_continuous && is_said(Field::Retry, job.retry.unwrap_or(0) == 0);
    let replicas = is_said(Field::Replicas, job.replicas.unwrap_or(1) == 1);
    let is_tcp = job.port_protocol.as_ref().is_none_or(|protocol| *protocol == PortProtocol::Tcp);
    let port_protocol = is_said(Field::PortProtocol, is_tcp);
    let emails = is_said(Field::Emails, job.emails == Emails::None);
    let mount = is_said(Field::Mount, job.mount == Mount::All);
    let within = |path: Option<String>| path.map(|path| seen_from(home, path));
    let whole = of(job);
    Job {
        image: None,
        image_state: None,
        continuous: None,
        filelog: whole.filelog.filter(|_| filelog),
        filelog_stdout: within(whole.filelog_stdout).filter(|_| stdout),
        filelog_stderr: within(whole.filelog_stderr).filter(|_| stderr),
        retry: whole.retry.filter(|_| retry),
        replicas: whole.replicas.filter(|_| replicas),
        port_protocol: whole.port_protocol.filter(|_| port_protocol),
        emails: whole.emails.filter(|_| emails),
        mount: whole.mount.filter(|_| mount),
        status: None,
        status_short: None,
        status_long: None,
        ..whole
    }
}

/// A path beneath the home, without the home; but `load` takes what begins with a hyphen for an option.
fn seen_from(home: &str, path: String) -> String {
    let beneath = path.strip_prefix(home).and_then(|rest| rest.strip_prefix('/'));
    beneath.filter(|path| !path.starts_with('-')).map(str::to_owned).unwrap_or(path)
}

#[cfg(test)]
mod tests;
