//! Every label, annotation and selector.
//!
//! Webservices live in the same namespace and carry `toolforge=tool` too, so a selector that is
//! partial or empty would list, or delete, what is not ours. Selectors can only be made here, and
//! never are.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use tjf_api_types::{Emails, Mount, ObjectName, ToolName, Words};

use super::{Job, Spec, kind::Kind, time};

/// The request itself, as JSON.
pub const SPEC_ANNOTATION: &str = "jobs.toolforge.org/spec";

/// A restart that is under way, as JSON.
pub const RESTART_ANNOTATION: &str = "jobs.toolforge.org/restart";
/// When what waits for room was last told that there is some. Kubernetes tries at once whatever was
/// changed, and else only after a pause that may be minutes.
pub const NUDGED_ANNOTATION: &str = "jobs.toolforge.org/nudged-at";

const TOOLFORGE: (&str, &str) = ("toolforge", "tool");
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "toolforge-jobs-framework");
const VERSION: (&str, &str) = ("app.kubernetes.io/version", "2");
const CREATED_BY: &str = "app.kubernetes.io/created-by";
const COMPONENT: &str = "app.kubernetes.io/component";
const NAME: &str = "app.kubernetes.io/name";
const FILELOG: &str = "jobs.toolforge.org/filelog";
const EMAILS: &str = "jobs.toolforge.org/emails";
const MOUNT_STORAGE: &str = "toolforge.org/mount-storage";

/// The most characters that a label's value may have.
const VALUE_LENGTH_MAX: usize = 63;

/// The labels by which the pods of one job are told from all others for as long as it lives.
pub fn stable(job: &Job) -> BTreeMap<String, String> {
    owned([
        TOOLFORGE,
        MANAGED_BY,
        (CREATED_BY, job.tool.as_str()),
        (COMPONENT, Kind::of(job.spec.kind.job_type()).plural()),
        (NAME, job.name.as_str()),
    ])
}

/// All labels of an object, and of the pods that it makes.
pub fn of(job: &Job) -> BTreeMap<String, String> {
    let Spec { logs, emails, mount, .. } = &job.spec;
    let mut labels = stable(job);
    labels.extend(owned([VERSION, (EMAILS, emails.as_str()), (MOUNT_STORAGE, mount.as_str())]));
    if logs.is_some() {
        labels.extend(owned([(FILELOG, "yes")]));
    }
    labels
}

/// Changes nothing of this very object but an annotation of ours.
pub fn nudge(uid: &str, now: Timestamp) -> Value {
    json!({"metadata": {"uid": uid, "annotations": {NUDGED_ANNOTATION: time::written(now)}}})
}

fn owned<const N: usize>(labels: [(&str, &str); N]) -> BTreeMap<String, String> {
    labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
}

/// Selects what belongs to one tool, or to one job of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector(String);

impl Selector {
    /// Everything of ours that one tool has.
    pub fn of_tool(tool: &ToolName) -> Self {
        let (toolforge, managed_by) = (TOOLFORGE, MANAGED_BY);
        Self(format!(
            "{}={},{}={},{CREATED_BY}={tool}",
            toolforge.0, toolforge.1, managed_by.0, managed_by.1
        ))
    }

    /// Everything that one job has: its children and its pods. A name that is too long for a label
    /// can't be asked for, so then it is everything of ours that the tool has.
    pub fn of_job(tool: &ToolName, name: &ObjectName) -> Self {
        match Reach::of_name(name) {
            Reach::Job => Self(format!("{},{NAME}={name}", Self::of_tool(tool).0)),
            Reach::Tool | Reach::Namespace => Self::of_tool(tool),
        }
    }

    /// The text that Kubernetes reads.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The few labels that we read.
#[derive(Debug, Clone, Default, serde::Deserialize)]
pub struct Labels {
    toolforge: Option<Box<str>>,
    #[serde(rename = "app.kubernetes.io/managed-by")]
    managed_by: Option<Box<str>>,
    #[serde(rename = "app.kubernetes.io/created-by")]
    created_by: Option<Box<str>>,
    #[serde(rename = "app.kubernetes.io/name")]
    name: Option<Box<str>>,
    #[serde(rename = "jobs.toolforge.org/emails")]
    emails: Option<Box<str>>,
    #[serde(rename = "toolforge.org/mount-storage")]
    mount_storage: Option<Box<str>>,
}

impl Labels {
    /// The name of the job that an object belongs to.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether an object is one of ours, of this tool: what [`Selector::of_tool`] selects.
    pub fn are_ours(&self, tool: &ToolName) -> bool {
        self.toolforge.as_deref() == Some(TOOLFORGE.1)
            && self.managed_by.as_deref() == Some(MANAGED_BY.1)
            && self.created_by.as_deref() == Some(tool.as_str())
    }

    /// When e-mail is sent. Any other word than ours, or none, is never.
    pub fn emails(&self) -> Emails {
        let label = self.emails.as_deref();
        let mut words = [Emails::All, Emails::OnFailure, Emails::OnFinish].into_iter();
        words.find(|emails| label == Some(emails.as_str())).unwrap_or(Emails::None)
    }

    /// Whether the home is mounted. Any other word than ours, or none, mounts nothing.
    pub fn mount(&self) -> Mount {
        let is_all = self.mount_storage.as_deref() == Some(Mount::All.as_str());
        if is_all { Mount::All } else { Mount::None }
    }

    /// Those that tell one tool's objects from all others.
    pub fn of_tool(&self) -> [Option<&str>; 3] {
        [&self.toolforge, &self.managed_by, &self.created_by].map(Option::as_deref)
    }
}

/// How much of a namespace is read, to find what belongs to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Reach {
    /// What [`Selector::of_job`] selects.
    #[default]
    Job,
    /// What [`Selector::of_tool`] selects.
    Tool,
    /// Everything.
    Namespace,
}

impl Reach {
    /// The narrowest that can be asked for by a job's name.
    pub fn of_name(name: &ObjectName) -> Self {
        if name.as_str().len() <= VALUE_LENGTH_MAX { Self::Job } else { Self::Tool }
    }
}
