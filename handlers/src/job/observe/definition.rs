//! What a job is: the request that is kept with its object, as far as the object still agrees.
//!
//! An object can be changed from outside. What it says then is what holds, and the answer names the
//! fields in which it differs from the request. An object without a request, or with one that can't
//! be read, is another program's; it is told as far as it can be understood.

use std::collections::BTreeMap;

use tjf_api_types::{ContainerState, Emails, HealthCheck, Mount};

use super::words;
use crate::{
    catalogue::Catalogue,
    job::{
        JobKind, Logs, Port, Spec,
        command::{NOWHERE, after_name, checked_script},
        objects::{BatchJob, Container, CronJob, Probe, ReplicationController, Template},
        quantity::{Amount, Quantity},
    },
};

/// What only some kinds of job have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Details {
    pub(super) schedule: Option<String>,
    pub(super) schedule_actual: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) retry: Option<i64>,
    pub(super) timeout: Option<i64>,
    pub(super) replicas: Option<i64>,
    pub(super) port: Option<Port>,
    pub(super) health_check: Option<HealthCheck>,
}

impl From<&BatchJob> for Details {
    fn from(job: &BatchJob) -> Self {
        Self {
            retry: Some(job.spec.backoff_limit.unwrap_or(0)),
            timeout: job.spec.active_deadline_seconds,
            ..Self::default()
        }
    }
}

impl From<&CronJob> for Details {
    fn from(cronjob: &CronJob) -> Self {
        let run = &cronjob.spec.job_template.spec;
        Self {
            schedule: Some(cronjob.spec.schedule.clone()),
            schedule_actual: Some(cronjob.spec.schedule.clone()),
            timezone: cronjob.spec.time_zone.clone(),
            retry: Some(run.backoff_limit.unwrap_or(0)),
            timeout: run.active_deadline_seconds,
            ..Self::default()
        }
    }
}

impl From<&ReplicationController> for Details {
    fn from(controller: &ReplicationController) -> Self {
        let probe = controller.spec.template.container().and_then(|it| it.liveness_probe.as_ref());
        Self {
            replicas: Some(controller.wanted()),
            health_check: probe.and_then(|probe| health_check(probe)),
            ..Self::default()
        }
    }
}

impl From<&JobKind> for Details {
    fn from(kind: &JobKind) -> Self {
        match kind {
            JobKind::OneOff { retry, timeout } => {
                Self { retry: Some((*retry).into()), timeout: *timeout, ..Self::default() }
            }
            JobKind::Scheduled { schedule, schedule_actual, timezone, retry, timeout } => Self {
                schedule: Some(schedule.clone()),
                schedule_actual: Some(schedule_actual.clone()),
                timezone: Some(timezone.clone()),
                retry: Some((*retry).into()),
                timeout: *timeout,
                ..Self::default()
            },
            JobKind::Continuous { replicas, port, health_check } => Self {
                replicas: Some((*replicas).into()),
                port: *port,
                health_check: health_check.clone(),
                ..Self::default()
            },
        }
    }
}

/// What a job is.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) cmd: String,
    pub(super) imagename: String,
    pub(super) image: String,
    pub(super) image_state: ContainerState,
    pub(super) details: Details,
    pub(super) logs: Option<Logs>,
    pub(super) memory: Option<String>,
    pub(super) cpu: Option<String>,
    pub(super) emails: Emails,
    pub(super) mount: Mount,
    pub(super) env: BTreeMap<String, String>,
    /// The fields in which the object differs from the request.
    pub(super) changed: Vec<&'static str>,
}

impl Definition {
    /// What an object with these details and this template is.
    pub(super) fn of(
        kept: Option<&Spec>,
        details: Details,
        template: &Template,
        catalogue: &Catalogue,
    ) -> Self {
        let container = template.container();
        let image = container.map(|it| it.image.clone()).unwrap_or_default();
        let offered = catalogue.by_image(&image, kept.map(|spec| spec.imagename.as_str()));
        let imagename = match (&offered, kept) {
            (Some((short_name, _)), _) => (*short_name).to_owned(),
            (None, Some(kept)) => kept.imagename.clone(),
            (None, None) => image.clone(),
        };
        let image_state = offered.map_or(ContainerState::Deprecated, |(_, state)| state);
        let Program { cmd, env, logs } = container.map(Program::of).unwrap_or_default();
        let limits = container.map(|it| it.resources.limits.clone()).unwrap_or_default();
        let labels = &template.metadata.labels;
        let mut definition = Self {
            cmd,
            imagename,
            image,
            image_state,
            details,
            logs,
            memory: limits.memory,
            cpu: limits.cpu,
            emails: labels.emails(),
            mount: labels.mount(),
            env,
            changed: Vec::new(),
        };
        if let Some(kept) = kept {
            definition.compare(kept);
        }
        definition
    }

    /// Notes where the object says otherwise than the request, and takes over how the rest was typed.
    fn compare(&mut self, kept: &Spec) {
        let wanted = Details::from(&kept.kind);
        let (details, logs) = (&self.details, kept.logs.as_ref());
        let differs = [
            ("cmd", self.cmd != kept.cmd),
            ("filelog_stdout", stdout(self.logs.as_ref()) != stdout(logs)),
            ("filelog_stderr", stderr(self.logs.as_ref()) != stderr(logs)),
            ("schedule", details.schedule_actual != wanted.schedule_actual),
            ("timezone", details.timezone != wanted.timezone),
            ("retry", details.retry != wanted.retry),
            ("timeout", details.timeout != wanted.timeout),
            ("replicas", details.replicas != wanted.replicas),
            ("health_check", details.health_check != wanted.health_check),
            ("memory", !is_same(kept.memory.as_ref(), self.memory.as_deref())),
            ("cpu", !is_same(kept.cpu.as_ref(), self.cpu.as_deref())),
            ("emails", self.emails != kept.emails),
            ("mount", self.mount != kept.mount),
            ("env", self.env != kept.env),
        ];
        self.changed = differs.into_iter().filter(|(_, differs)| *differs).map(|it| it.0).collect();
        let is_changed = |field| self.changed.contains(&field);
        if !is_changed("schedule") {
            self.details.schedule = wanted.schedule;
        }
        // Only the Service says otherwise, for which nobody looks here.
        self.details.port = wanted.port;
        if !is_changed("memory") {
            self.memory = kept.memory.as_ref().map(ToString::to_string);
        }
        if !is_changed("cpu") {
            self.cpu = kept.cpu.as_ref().map(ToString::to_string);
        }
        if !is_changed("filelog_stdout") && !is_changed("filelog_stderr") {
            self.logs = kept.logs.clone();
        }
    }
}

fn stdout(logs: Option<&Logs>) -> &str {
    logs.map_or(NOWHERE, |logs| &logs.stdout)
}

fn stderr(logs: Option<&Logs>) -> &str {
    logs.map_or(NOWHERE, |logs| &logs.stderr)
}

/// Whether an object has the limit that was asked for, however either is written.
fn is_same<A: Amount>(kept: Option<&Quantity<A>>, stored: Option<&str>) -> bool {
    match (kept, stored) {
        (Some(kept), Some(stored)) => A::stored(stored) == Some(kept.amount()),
        (None, None) => true,
        _ => false,
    }
}

/// How it is found out whether a container works, if that is one of the ways that we know. Any other
/// program than ours is told as a shell would have to be told it.
fn health_check(probe: &Probe) -> Option<HealthCheck> {
    if let Some(exec) = &probe.exec {
        let argv: Vec<_> = exec.command.iter().map(String::as_str).collect();
        let script = match checked_script(&argv) {
            Some(script) => unescaped(script),
            None => words::shell_quoted(&argv),
        };
        return Some(HealthCheck::Script { script });
    }
    probe.http_get.as_ref().map(|get| HealthCheck::Http { path: get.path.clone() })
}

/// What a container runs, with which variables, and where its output goes.
#[derive(Default)]
struct Program {
    cmd: String,
    env: BTreeMap<String, String>,
    logs: Option<Logs>,
}

impl Program {
    /// Any other program than ours is told as a shell would have to be told it.
    fn of(container: &Container) -> Self {
        let mut env = environment(container);
        let argv: Vec<_> =
            container.command.iter().chain(&container.args).map(String::as_str).collect();
        let Some((variables, [cmd, stdout, stderr])) = of_ours(&argv) else {
            return Self { cmd: words::shell_quoted(&argv), env, logs: None };
        };
        env.extend(variables);
        let is_kept = stdout != NOWHERE || stderr != NOWHERE;
        Self { cmd, env, logs: is_kept.then_some(Logs { stdout, stderr }) }
    }
}

/// The variables that somebody else gave a container: ours are among its arguments, but for `HOME`.
fn environment(container: &Container) -> BTreeMap<String, String> {
    let theirs = container.env.iter().filter(|it| it.name != "HOME");
    theirs.map(|it| (it.name.clone(), unescaped(&it.value))).collect()
}

/// The variables of one of our jobs, and then the user's text and the two files.
fn of_ours(argv: &[&str]) -> Option<(BTreeMap<String, String>, [String; 3])> {
    let (variables, last) = after_name(argv)?;
    let variable = |text: &&str| {
        let (name, value) = text.split_once('=')?;
        Some((unescaped(name), unescaped(value)))
    };
    Some((variables.iter().filter_map(variable).collect(), last.map(|text| unescaped(text))))
}

/// Undoes what [`escape_dollars`](crate::job::command::escape_dollars) does.
fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}
