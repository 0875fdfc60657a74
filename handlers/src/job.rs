//! What a job is, before and after Kubernetes.
//!
//! Nothing here knows HTTP, and only [`manifest`] knows Kubernetes' types. A [`Job`] is what a
//! caller may have: everything in it was checked when it was made.

pub mod command;
pub mod given;
pub mod kind;
pub mod labels;
pub mod manifest;
pub mod objects;
pub mod observe;
pub mod quantity;
pub mod quota;
pub mod request;
pub mod requested_name;
pub mod restart;
pub mod sameness;
pub mod schedule;
pub mod time;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tjf_api_types::{Emails, HealthCheck, JobName, JobType, Mount, PortProtocol, ToolName};

use self::{
    given::Given,
    quantity::{Cpu, Memory, Quantity},
};

/// A job that may be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Unique among the tool's jobs.
    pub name: JobName,
    /// Who owns it.
    pub tool: ToolName,
    /// What really runs; the catalogue's answer to the short name.
    pub image: String,
    /// What was asked for.
    pub spec: Spec,
}

/// What was asked for, with defaults and aliases resolved. It is kept with the object as one
/// annotation and read back from there; nothing is ever parsed out of a shell string.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Shell text.
    pub cmd: String,
    /// Short name of the container.
    pub imagename: String,
    /// One-off, scheduled or continuous.
    #[serde(flatten)]
    pub kind: JobKind,
    /// Where output goes; nowhere when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<Logs>,
    /// Memory limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Quantity<Memory>>,
    /// CPU limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Quantity<Cpu>>,
    /// When e-mail is sent.
    #[serde(default)]
    pub emails: Emails,
    /// Whether the home is mounted.
    #[serde(default)]
    pub mount: Mount,
    /// Environment variables.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Which fields were given that have a default. The job is the same without it.
    #[serde(default, skip_serializing_if = "Given::is_nothing")]
    pub given: Given,
    /// The caller's key, by which a repeated request is known; or one that we made up, by which the
    /// object is known should the answer that it was created get lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
}

/// How a key begins that we made up, because the caller sent none. A header holds no blank in a
/// key, so no caller can send such a one.
pub const MADE_UP_KEY: &str = "made up ";

impl Spec {
    /// Whether the caller itself sent the key, and may send it again.
    pub fn has_callers_key(&self) -> bool {
        self.idempotency_key.as_ref().is_some_and(|key| !key.starts_with(MADE_UP_KEY))
    }

    /// Whether the job has an address within the cluster.
    pub fn has_port(&self) -> bool {
        matches!(self.kind, JobKind::Continuous { port: Some(_), .. })
    }

    /// Whether this is the same request as another. What we made of a schedule is not part of one:
    /// another version of ours, or of the time zones, may choose another minute. Nor is whether a
    /// default was written down.
    pub fn is_same_request(&self, other: &Self) -> bool {
        let mut this = Self { given: other.given, ..self.clone() };
        if let (
            JobKind::Scheduled { schedule_actual, .. },
            JobKind::Scheduled { schedule_actual: theirs, .. },
        ) = (&mut this.kind, &other.kind)
        {
            schedule_actual.clone_from(theirs);
        }
        this == *other
    }
}

/// The three kinds of job, each with what only it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "job_type", rename_all = "kebab-case")]
pub enum JobKind {
    /// Runs once.
    OneOff {
        /// How often a failed run is tried again.
        retry: u8,
        /// Seconds after which it is ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<i64>,
    },
    /// Runs when its schedule says so.
    Scheduled {
        /// As it was typed.
        schedule: String,
        /// As Kubernetes has it.
        schedule_actual: String,
        /// IANA name.
        timezone: String,
        /// How often a failed run is tried again.
        retry: u8,
        /// Seconds after which a run is ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout: Option<i64>,
    },
    /// Is kept running.
    Continuous {
        /// How many copies.
        replicas: u8,
        /// Where it is reached under its name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        port: Option<Port>,
        /// How Kubernetes finds out whether it works.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        health_check: Option<HealthCheck>,
    },
}

impl JobKind {
    /// The kind without its details.
    pub fn job_type(&self) -> JobType {
        match self {
            Self::OneOff { .. } => JobType::OneOff,
            Self::Scheduled { .. } => JobType::Scheduled,
            Self::Continuous { .. } => JobType::Continuous,
        }
    }
}

/// A port that is reached under the job's name, inside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// Never 0.
    pub number: u16,
    /// What is spoken there.
    pub protocol: PortProtocol,
}

/// The two files that output goes to, as absolute paths beneath the home, or `/dev/null`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logs {
    /// Standard output.
    pub stdout: String,
    /// Standard error; may be the same file.
    pub stderr: String,
}

impl Logs {
    /// Where output goes of which nobody has said that: `out` or `err` is the extension.
    pub fn default_file(home: &str, name: &str, extension: &str) -> String {
        format!("{home}/{name}.{extension}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_of_before_there_were_ports_can_be_read() {
        let kept = json!({
            "cmd": "true", "imagename": "tf-busybox", "job_type": "continuous", "replicas": 2,
        });
        let spec: Spec = serde_json::from_value(kept).unwrap();
        let kind = JobKind::Continuous { replicas: 2, port: None, health_check: None };
        assert_eq!(spec.kind, kind);
        // And one without is kept as it was then.
        assert_eq!(
            serde_json::to_value(&spec.kind).unwrap(),
            json!({"job_type": "continuous", "replicas": 2})
        );
    }

    #[test]
    fn another_port_or_health_check_is_another_request() {
        let with = |more: serde_json::Value| -> Spec {
            let mut kept = json!({
                "cmd": "true", "imagename": "tf-busybox", "job_type": "continuous", "replicas": 1,
            });
            kept.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let spec: Spec = serde_json::from_value(kept).unwrap();
            let text = serde_json::to_string(&spec).unwrap();
            assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), spec);
            spec
        };
        let different = [
            json!({}),
            json!({"port": {"number": 80, "protocol": "tcp"}}),
            json!({"port": {"number": 80, "protocol": "udp"}}),
            json!({"port": {"number": 81, "protocol": "tcp"}}),
            json!({"health_check": {"type": "script", "script": "/"}}),
            json!({"health_check": {"type": "http", "path": "/"}}),
        ];
        for (at, one) in different.iter().enumerate() {
            for (other_at, other) in different.iter().enumerate() {
                let is_same = with(one.clone()).is_same_request(&with(other.clone()));
                assert_eq!(is_same, at == other_at, "{one} {other}");
            }
        }
    }

    #[test]
    fn what_we_made_of_a_schedule_is_not_part_of_the_request() {
        let daily = |schedule: &str, actual: &str| -> Spec {
            serde_json::from_value(json!({
                "cmd": "true", "imagename": "tf-busybox", "job_type": "scheduled", "retry": 0,
                "schedule": schedule, "schedule_actual": actual, "timezone": "Etc/UTC",
            }))
            .unwrap()
        };
        let before = daily("@daily", "3 4 * * *");
        assert!(before.is_same_request(&daily("@daily", "7 5 * * *")));
        assert!(!before.is_same_request(&daily("@hourly", "3 4 * * *")));
    }

    #[test]
    fn whether_a_default_was_written_down_is_not_part_of_the_request() {
        let one_off = |given: serde_json::Value| -> Spec {
            serde_json::from_value(json!({
                "cmd": "true", "imagename": "tf-busybox", "job_type": "one-off", "retry": 0,
                "given": given,
            }))
            .unwrap()
        };
        let written = one_off(json!(["retry"]));
        assert_ne!(written, one_off(json!([])));
        assert!(written.is_same_request(&one_off(json!([]))));
    }
}
