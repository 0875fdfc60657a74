//! The body that the deployed service's command sends, and the request of ours that it is.
//!
//! Version 16.2 names the kind of job and leaves out what nobody gave; 16.1 names no kind, and sends
//! every key, many of them `null`.

use serde::{Deserialize, de::IgnoredAny};
use tjf_api_types::{Emails, HealthCheck, JobType, JobView, Mount, PortProtocol, RunRequest, Word};

use super::lenient::{Flag, Number};
use crate::job::request::Invalid;

/// What is asked to run. A field that is missing, or `null`, is not given; numbers, and `true` and
/// `false`, may be texts.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct JobRequest {
    /// The job's name; without one it is made from the command. PATCH needs one.
    name: Option<String>,
    /// Shell text, 1 byte to 8 KiB. There has to be one.
    cmd: Option<String>,
    /// Short name or alias of a container of the catalogue. There has to be one.
    imagename: Option<String>,
    /// The kind of job; without it `schedule` and `continuous` say so. A `webservice` is refused.
    job_type: Option<Kind>,
    /// Five-field cron expression, or a macro such as `@daily`.
    schedule: Option<String>,
    /// Whether the job never ends.
    continuous: Option<Flag>,
    /// Whether output is kept in files.
    filelog: Option<Flag>,
    /// File for standard output, relative to the home.
    filelog_stdout: Option<String>,
    /// File for standard error, relative to the home.
    filelog_stderr: Option<String>,
    /// Memory limit, a Kubernetes quantity.
    memory: Option<String>,
    /// CPU limit, a Kubernetes quantity.
    cpu: Option<String>,
    /// How often a failed run is tried again, 0 to 5.
    retry: Option<Number>,
    /// Seconds after which a run is ended.
    timeout: Option<Number>,
    /// Copies of a continuous job, 0 to 16.
    replicas: Option<Number>,
    /// Port of a continuous job that is reached under the job's name, inside the cluster.
    port: Option<Number>,
    /// Protocol of the port.
    port_protocol: Option<PortProtocol>,
    /// How Kubernetes finds out whether a continuous job works; JSON only.
    health_check: Option<HealthCheck>,
    /// When to send e-mail.
    emails: Option<Emails>,
    /// Whether the home is mounted.
    mount: Option<Mount>,
    /// Refused: nothing is published.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    publish: Option<IgnoredAny>,
}

/// The kinds of job that the deployed service knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
enum Kind {
    OneOff,
    Scheduled,
    Continuous,
    Webservice,
}

const NOT_OUTSIDE: &str = "a job with a `port` is reached inside the cluster alone: start what is for \
                           everybody by `toolforge webservice`";

impl TryFrom<JobRequest> for RunRequest {
    type Error = Invalid;

    fn try_from(asked: JobRequest) -> Result<Self, Invalid> {
        asked.refuse_what_there_is_not()?;
        let is_continuous = asked.is_continuous()?;
        let number = |Number(number)| number;
        let missing = |field, what| Invalid::new(field, format!("`{field}` is missing: {what}"));
        Ok(Self {
            name: asked.name,
            cmd: asked.cmd.ok_or_else(|| missing("cmd", "write what is to run"))?,
            imagename: asked
                .imagename
                .ok_or_else(|| missing("imagename", "write the name of a container"))?,
            schedule: asked.schedule,
            timezone: None,
            continuous: is_continuous.then_some(true),
            filelog: asked.filelog.map(|Flag(is_kept)| is_kept),
            filelog_stdout: asked.filelog_stdout,
            filelog_stderr: asked.filelog_stderr,
            memory: asked.memory,
            cpu: asked.cpu,
            retry: asked.retry.map(number),
            timeout: asked.timeout.map(number),
            replicas: asked.replicas.map(number),
            port: asked.port.map(number),
            port_protocol: asked.port_protocol,
            health_check: asked.health_check,
            emails: asked.emails,
            mount: asked.mount,
            env: None,
        })
    }
}

impl JobRequest {
    /// What leaves of the job that is there what this request can't say, because that command knows
    /// no variables, no time zones, no time-out of a one-off, and 16.1 no protocol of a port. Else a
    /// file that it has dumped would change the job when it is loaded again.
    pub(super) fn keeps(&self) -> impl Fn(&mut RunRequest, &JobView) + Send + Sync + use<> {
        let names_protocols = self.job_type.is_some();
        move |request, there| {
            if request.env.is_none() && !there.env.is_empty() {
                request.env = Some(there.env.clone());
            }
            let is_one_off = request.schedule.is_none() && request.continuous.is_none();
            if request.schedule.is_some() && there.job_type == JobType::Scheduled {
                request.timezone.clone_from(&there.timezone);
            }
            if is_one_off && there.job_type == JobType::OneOff && request.timeout.is_none() {
                request.timeout = there.timeout;
            }
            if !names_protocols && request.port.is_some() && request.port == there.port {
                request.port_protocol = there.port_protocol.as_ref().and_then(Word::known);
            }
        }
    }

    fn refuse_what_there_is_not(&self) -> Result<(), Invalid> {
        if self.job_type == Some(Kind::Webservice) {
            return Err(Invalid::new("job_type", NOT_OUTSIDE));
        }
        if self.publish.is_some() {
            return Err(Invalid::new("publish", NOT_OUTSIDE));
        }
        Ok(())
    }

    /// Whether the job is a continuous one: by the kind that is named, with which `schedule` and
    /// `continuous` have to agree, or else by these.
    fn is_continuous(&self) -> Result<bool, Invalid> {
        let refuse = |field, detail| Err(Invalid::new(field, detail));
        let continuous = self.continuous.map(|Flag(is_continuous)| is_continuous);
        match (self.job_type, &self.schedule, continuous) {
            (None | Some(Kind::Webservice), _, continuous) => Ok(continuous == Some(true)),
            (Some(Kind::Scheduled), None, _) => {
                refuse("schedule", "a scheduled job needs a `schedule`, such as `@daily`")
            }
            (Some(Kind::OneOff | Kind::Scheduled), _, Some(true)) => {
                refuse("continuous", "`job_type` names another kind: leave out `continuous`")
            }
            (Some(Kind::Continuous), _, Some(false)) => {
                refuse("continuous", "`job_type` is `continuous`: leave out `continuous`")
            }
            (Some(Kind::OneOff | Kind::Continuous), Some(_), _) => {
                refuse("schedule", "only a scheduled job has a `schedule`: leave it out")
            }
            (Some(kind), _, _) => Ok(kind == Kind::Continuous),
        }
    }
}

#[cfg(test)]
mod tests;
