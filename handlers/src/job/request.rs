//! From what a caller sends to a job that may be created.
//!
//! Everything that can be refused without asking Kubernetes is refused here, with the field at
//! fault and what would be right.

mod port;

use thiserror::Error;
use tjf_api_types::{HealthCheck, JobName, Mount, RunRequest, Shown, Suffix, ToolName};

use std::collections::BTreeMap;

use super::{
    Job, JobKind, Logs, Spec,
    command::NOWHERE,
    given::Given,
    quantity::{Amount, Quantity},
    schedule::{self, Schedule},
};

/// The longest command, as long as Kubernetes' own objects stay handy.
const CMD_BYTES_MAX: usize = 8 * 1024;
/// The longest log path, below Linux's own limit of 4096 with the home in front.
const LOG_PATH_BYTES_MAX: usize = 1024;
/// Process 1 hands the variables on one by one, which takes bash some seconds for thousands.
const ENV_VARIABLES_MAX: usize = 256;
/// With a health check's script among them, and together with the command, below the 256 KiB that an
/// object's annotations may have, even when JSON has to spell out all of it.
const ENV_BYTES_MAX: usize = 32 * 1024;
const RETRY_MAX: i64 = 5;
const REPLICAS_MAX: i64 = 16;
/// A larger deadline makes Kubernetes fail the Job at once.
const TIMEOUT_MAX: i64 = i32::MAX as i64;
/// Without a zone a schedule is UTC.
const TIME_ZONE: &str = "Etc/UTC";

/// A field that can't be as it is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{detail}")]
pub struct Invalid {
    /// What kind of rule it breaks.
    pub rule: Rule,
    /// The culprit.
    pub field: &'static str,
    /// What would be right.
    pub detail: String,
}

/// The kinds of rule that have an error of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Any other.
    Request,
    /// Schedules and time zones.
    Schedule,
    /// Containers on offer.
    Container,
    /// Memory and CPU.
    Limits,
}

impl Invalid {
    /// A field that breaks a rule of its own.
    pub fn new(field: &'static str, detail: impl Into<String>) -> Self {
        Self::of(Rule::Request, field, detail)
    }

    /// A field that breaks a rule of this kind.
    pub fn of(rule: Rule, field: &'static str, detail: impl Into<String>) -> Self {
        Self { rule, field, detail: detail.into() }
    }
}

/// What a request runs as, which it does not say itself.
#[derive(Debug)]
pub struct RunsAs<'a> {
    /// The caller.
    pub tool: &'a ToolName,
    /// Its home, as an absolute path.
    pub home: &'a str,
    /// The key by which the request is known when it comes again.
    pub idempotency_key: String,
    /// The end of the name, when none is given.
    pub suffix: Suffix,
    /// The container of the catalogue that `imagename` means: short name and image.
    pub container: (String, String),
}

/// Checks a request and resolves its defaults.
///
/// # Errors
/// The first field that can't be as it is.
pub fn check(request: RunRequest, runs_as: RunsAs<'_>) -> Result<Job, Invalid> {
    check_cmd(&request.cmd)?;
    let given = Given::of(&request);
    let name = match &request.name {
        Some(name) => name.parse().map_err(|error| Invalid::new("name", format!("{error}")))?,
        None => JobName::from_command(&request.cmd, runs_as.suffix),
    };
    let kind = kind(&request, runs_as.tool, &name)?;
    let mount = request.mount.unwrap_or_default();
    let logs = logs(&request, runs_as.home, &name, mount)?;
    let memory = quantity("memory", request.memory)?;
    let cpu = quantity("cpu", request.cpu)?;
    let env = request.env.unwrap_or_default();
    if env.len() > ENV_VARIABLES_MAX {
        let detail = format!("a job may have {ENV_VARIABLES_MAX} variables, not {}", env.len());
        return Err(Invalid::new("env", detail));
    }
    for (key, value) in &env {
        check_variable(key, value)?;
    }
    check_size(&env, &kind)?;
    let (imagename, image) = runs_as.container;
    let spec = Spec {
        cmd: request.cmd,
        imagename,
        kind,
        logs,
        memory,
        cpu,
        emails: request.emails.unwrap_or_default(),
        mount,
        env,
        given,
        idempotency_key: Some(runs_as.idempotency_key),
    };
    Ok(Job { name, tool: runs_as.tool.clone(), image, spec })
}

fn quantity<A: Amount>(
    field: &'static str,
    typed: Option<String>,
) -> Result<Option<Quantity<A>>, Invalid> {
    typed
        .map(Quantity::try_from)
        .transpose()
        .map_err(|error| Invalid::of(Rule::Limits, field, error.to_string()))
}

fn check_cmd(cmd: &str) -> Result<(), Invalid> {
    if cmd.is_empty() {
        return Err(Invalid::new("cmd", "the command is empty: write what is to run"));
    }
    if cmd.len() > CMD_BYTES_MAX {
        let detail = format!(
            "a command has at most {CMD_BYTES_MAX} bytes, not {}: put a longer one into a script",
            cmd.len()
        );
        return Err(Invalid::new("cmd", detail));
    }
    if cmd.contains('\0') {
        return Err(Invalid::new("cmd", "a command can't contain a NUL character"));
    }
    Ok(())
}

fn check_size(env: &BTreeMap<String, String>, kind: &JobKind) -> Result<(), Invalid> {
    let variables = env.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let script = match kind {
        JobKind::Continuous { health_check: Some(HealthCheck::Script { script }), .. } => {
            script.len()
        }
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } | JobKind::Continuous { .. } => 0,
    };
    if variables + script <= ENV_BYTES_MAX {
        return Ok(());
    }
    let and = if script > 0 { ", with the script of the health check" } else { "" };
    let detail = format!("all variables together may have {ENV_BYTES_MAX} bytes{and}");
    Err(Invalid::new("env", detail))
}

/// Kubernetes takes anything printable but `=` as a variable's name, and so does `env` in a pod.
fn check_variable(key: &str, value: &str) -> Result<(), Invalid> {
    let is_name =
        !key.is_empty() && key.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=');
    if !is_name {
        let detail = format!(
            "`{}` is not the name of a variable: use letters, digits and `_`",
            Shown::new(key)
        );
        return Err(Invalid::new("env", detail));
    }
    if value.contains('\0') {
        let detail = format!("the value of `{}` contains a NUL character", Shown::new(key));
        return Err(Invalid::new("env", detail));
    }
    Ok(())
}

/// A field that can't be as it is.
fn refuse<T>(field: &'static str, detail: &str) -> Result<T, Invalid> {
    Err(Invalid::new(field, detail))
}

fn kind(request: &RunRequest, tool: &ToolName, name: &JobName) -> Result<JobKind, Invalid> {
    let is_continuous = request.continuous.unwrap_or(false);
    let retry = in_range("retry", request.retry, 0..=RETRY_MAX)?;
    let replicas = in_range("replicas", request.replicas, 0..=REPLICAS_MAX)?;
    let timeout = in_range("timeout", request.timeout, 1..=TIMEOUT_MAX)?;
    let small =
        |number: Option<i64>, default| number.and_then(|n| u8::try_from(n).ok()).unwrap_or(default);
    if let (Some(_), true) = (&request.schedule, is_continuous) {
        return refuse(
            "continuous",
            "a job is either scheduled or continuous: leave out `schedule` or `continuous`",
        );
    }
    if is_continuous {
        if retry.is_some_and(|retry| retry != 0) {
            return refuse("retry", "a continuous job is always started again: leave out `retry`");
        }
        if timeout.is_some() {
            return refuse("timeout", "a continuous job has no end: leave out `timeout`");
        }
    } else if replicas.is_some_and(|replicas| replicas != 1) {
        return refuse(
            "replicas",
            "only a continuous job has several copies: leave out `replicas`",
        );
    }
    if request.timezone.as_deref().is_some_and(|zone| zone != TIME_ZONE)
        && request.schedule.is_none()
    {
        return refuse("timezone", "only a schedule has a time zone: leave out `timezone`");
    }
    let (retry, replicas) = (small(retry, 0), small(replicas, 1));
    let (port, health_check) = port::check(request, name, is_continuous)?;
    match &request.schedule {
        Some(text) => {
            let refused = |field, error: String| Invalid::of(Rule::Schedule, field, error);
            let timezone = request.timezone.as_deref().unwrap_or(TIME_ZONE);
            let zone = schedule::time_zone(timezone)
                .map_err(|error| refused("timezone", error.to_string()))?;
            let schedule = Schedule::parse(text, tool.as_str(), name.as_str(), &zone)
                .map_err(|error| refused("schedule", error.to_string()))?;
            Ok(JobKind::Scheduled {
                schedule: schedule.as_typed().to_owned(),
                schedule_actual: schedule.actual().to_owned(),
                timezone: timezone.to_owned(),
                retry,
                timeout,
            })
        }
        None if is_continuous => Ok(JobKind::Continuous { replicas, port, health_check }),
        None => Ok(JobKind::OneOff { retry, timeout }),
    }
}

fn in_range(
    field: &'static str,
    number: Option<i64>,
    range: std::ops::RangeInclusive<i64>,
) -> Result<Option<i64>, Invalid> {
    match number {
        Some(number) if !range.contains(&number) => {
            let detail = format!("`{field}` is a number from {} to {}", range.start(), range.end());
            Err(Invalid::new(field, detail))
        }
        number => Ok(number),
    }
}

fn logs(
    request: &RunRequest,
    home: &str,
    name: &JobName,
    mount: Mount,
) -> Result<Option<Logs>, Invalid> {
    let wanted = request.filelog.unwrap_or(mount == Mount::All);
    if wanted && mount == Mount::None {
        let detail =
            "without the home there is nowhere to write to: leave out `filelog`, or mount the home";
        return Err(Invalid::new("filelog", detail));
    }
    let paths = [
        ("filelog_stdout", &request.filelog_stdout, "out"),
        ("filelog_stderr", &request.filelog_stderr, "err"),
    ];
    if !wanted {
        return match paths.iter().find(|(_, path, _)| path.is_some()) {
            Some((field, ..)) => {
                Err(Invalid::new(field, "output is not kept: leave this out, or set `filelog`"))
            }
            None => Ok(None),
        };
    }
    let [stdout, stderr] = paths.map(|(field, path, extension)| match path {
        Some(path) => log_path(field, path, home),
        None => Ok(Logs::default_file(home, name.as_str(), extension)),
    });
    Ok(Some(Logs { stdout: stdout?, stderr: stderr? }))
}

/// An absolute path beneath the home. What it leads to when the job opens it, as the tool's own
/// user, is the file system's business: links and rights are looked at there, and nowhere earlier.
fn log_path(field: &'static str, path: &str, home: &str) -> Result<String, Invalid> {
    if path == NOWHERE {
        return Ok(NOWHERE.to_owned());
    }
    let refuse = |detail: String| Err(Invalid::new(field, detail));
    if path.is_empty() {
        return refuse("the log path is empty: write a file's path, or leave it out".to_owned());
    }
    if path.len() > LOG_PATH_BYTES_MAX {
        let length = path.len();
        return refuse(format!("a log path has at most {LOG_PATH_BYTES_MAX} bytes, not {length}"));
    }
    if path.chars().any(char::is_control) {
        return refuse("a log path can't contain control characters".to_owned());
    }
    let beneath = match path.strip_prefix('/') {
        None => path,
        Some(_) => match path.strip_prefix(home).and_then(|rest| rest.strip_prefix('/')) {
            Some(beneath) => beneath,
            None => {
                return refuse(format!(
                    "a log file is in the tool's home: write a path relative to it, or `{NOWHERE}`"
                ));
            }
        },
    };
    let parts: Vec<_> = beneath.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if parts.contains(&"..") {
        return refuse("a log path can't contain `..`".to_owned());
    }
    if parts.is_empty() || beneath.ends_with('/') || beneath.ends_with("/.") {
        return refuse("a log path names a file, not a folder".to_owned());
    }
    Ok(format!("{home}/{}", parts.join("/")))
}

#[cfg(test)]
mod tests;
