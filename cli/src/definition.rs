//! What defines a job, as a file has it: the keys of `load` and `dump`, with defaults left out.
//!
//! What `run` may be asked for is here, and nothing else: two jobs with the same definition were
//! asked for alike. What the service made of it, such as the image behind a container's name or the
//! minute of `@daily`, is not: nobody changed a job because those change.

use std::cmp::Ordering;

use tjf_api_types::{Emails, HealthCheckView, JobType, JobView, Mount, RunRequest, Word, Words};

use crate::{args::Port, home, yaml::write};

mod quantity;

/// The time zone of schedules that name none.
const TIME_ZONE: &str = "Etc/UTC";

/// A job's definition: a line for each key, in a fixed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    /// Where it stands among all lines that there can be.
    place: (usize, String),
    text: String,
    /// What it is compared by.
    value: String,
}

/// What a line is, in the difference of two definitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Both,
    Before,
    After,
}

impl Definition {
    /// The definition of a job. Log files below this home are told as they are seen from there.
    pub(crate) fn of(job: &JobView, home: Option<&str>) -> Self {
        let mut definition = Self { lines: Vec::new() };
        let said = |word: &str, default: &str| {
            (!word.is_empty() && word != default).then(|| word.to_owned())
        };
        let (stdout, stderr) = (logs(job, home, "out"), logs(job, home, "err"));
        let keeps_output = job.filelog != Some(false) || job.mount == Mount::None;
        let is_continuous = job.job_type == JobType::Continuous;
        let zone = job.timezone.clone().filter(|zone| zone != TIME_ZONE);
        definition.add("name", Some(job.name.clone()));
        definition.add("command", Some(job.cmd.clone()));
        definition.add("image", Some(job.imagename.clone()));
        definition.add("schedule", job.schedule.clone());
        definition.add("timezone", zone);
        definition.add_bare("continuous", is_continuous.then_some(true));
        definition.add_bare("replicas", job.replicas.filter(|count| *count != 1));
        definition.add_bare("port", port(job));
        let check = job.health_check.as_ref();
        definition.add("health-check-script", check.and_then(|check| check.script.clone()));
        definition.add("health-check-http", check.and_then(|check| check.path.clone()));
        definition.add_bare("no-filelog", (!keeps_output).then_some(true));
        definition.add("filelog-stdout", stdout);
        definition.add("filelog-stderr", stderr);
        definition.add_quantity("mem", job.memory.as_deref());
        definition.add_quantity("cpu", job.cpu.as_deref());
        definition.add_bare("retry", job.retry.filter(|count| *count != 0));
        definition.add_bare("timeout", job.timeout);
        definition.add("emails", said(job.emails.as_str(), Emails::None.as_str()));
        definition.add("mount", said(job.mount.as_str(), Mount::All.as_str()));
        if !job.env.is_empty() {
            definition.push("env", "", "env:".to_owned(), String::new());
        }
        for (name, value) in &job.env {
            let line = format!("  {}: {}", write::text(name), write::text(value));
            definition.push("env", name, line, value.clone());
        }
        definition
    }

    /// The lines of one entry of a file.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().map(|line| line.text.as_str())
    }

    /// Whether both define the same job. Sizes are compared by value.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.difference(other).iter().all(|(side, _)| *side == Side::Both)
    }

    /// What leads from this to another, line by line.
    pub(crate) fn difference<'a>(&'a self, after: &'a Self) -> Vec<(Side, &'a str)> {
        let (mut before, mut after) = (self.lines.iter().peekable(), after.lines.iter().peekable());
        let mut difference = Vec::new();
        loop {
            let order = match (before.peek(), after.peek()) {
                (Some(old), Some(new)) => old.place.cmp(&new.place),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return difference,
            };
            let old = if order.is_le() { before.next() } else { None };
            let new = if order.is_ge() { after.next() } else { None };
            match (old, new) {
                (Some(old), Some(new)) if old.value == new.value => {
                    difference.push((Side::Both, new.text.as_str()));
                }
                (old, new) => {
                    difference.extend(old.map(|line| (Side::Before, line.text.as_str())));
                    difference.extend(new.map(|line| (Side::After, line.text.as_str())));
                }
            }
        }
    }

    fn add(&mut self, key: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.push(key, "", format!("{key}: {}", write::text(&value)), value);
        }
    }

    /// Adds what YAML has a word for, which is in no quotes.
    fn add_bare(&mut self, key: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value.map(|value| value.to_string()) {
            self.push(key, "", format!("{key}: {value}"), value);
        }
    }

    /// Adds a size. A number alone is one to whoever reads it here.
    fn add_quantity(&mut self, key: &'static str, value: Option<&str>) {
        if let Some(text) = value {
            self.push(key, "", format!("{key}: {}", write::text(text)), quantity::normal(text));
        }
    }

    fn push(&mut self, key: &'static str, name: &str, text: String, value: String) {
        let place = KEYS.iter().position(|known| *known == key).unwrap_or(KEYS.len());
        self.lines.push(Line { place: (place, name.to_owned()), text, value });
    }
}

/// The keys of an entry, in the order in which they are written.
pub(crate) const KEYS: [&str; 22] = [
    "name",
    "command",
    "image",
    "schedule",
    "timezone",
    "continuous",
    "replicas",
    "port",
    "health-check-script",
    "health-check-http",
    "filelog",
    "no-filelog",
    "filelog-stdout",
    "filelog-stderr",
    "mem",
    "cpu",
    "retry",
    "timeout",
    "emails",
    "mount",
    "wait",
    "env",
];

/// The port, with its protocol where that is not the default.
fn port(job: &JobView) -> Option<Port> {
    let protocol = job.port_protocol.as_ref().and_then(Word::known);
    job.port.map(|number| Port { number, protocol })
}

/// A log file that is not where it is by default.
fn logs(job: &JobView, home: Option<&str>, extension: &str) -> Option<String> {
    let file = if extension == "out" { &job.filelog_stdout } else { &job.filelog_stderr };
    let file = file.as_deref().filter(|_| job.filelog != Some(false))?;
    let seen = home::below(home, file);
    let Some(within) = seen.strip_prefix("~/") else { return Some(seen) };
    let is_default = within == format!("{}.{extension}", job.name);
    (!is_default).then(|| within.to_owned())
}

/// The request that makes such a job.
pub(crate) fn request_of(job: &JobView) -> RunRequest {
    RunRequest {
        name: Some(job.name.clone()),
        cmd: job.cmd.clone(),
        imagename: job.imagename.clone(),
        schedule: job.schedule.clone(),
        timezone: job.timezone.clone(),
        continuous: Some(job.job_type == JobType::Continuous),
        filelog: job.filelog,
        filelog_stdout: job.filelog_stdout.clone(),
        filelog_stderr: job.filelog_stderr.clone(),
        memory: job.memory.clone(),
        cpu: job.cpu.clone(),
        retry: job.retry,
        timeout: job.timeout,
        replicas: job.replicas,
        port: job.port,
        port_protocol: job.port_protocol.as_ref().and_then(Word::known),
        health_check: job.health_check.as_ref().and_then(HealthCheckView::known),
        emails: job.emails.known(),
        mount: job.mount.known(),
        env: (!job.env.is_empty()).then(|| job.env.clone()),
    }
}

#[cfg(test)]
mod tests;
