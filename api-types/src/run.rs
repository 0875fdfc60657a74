//! The body of `POST /run/`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a caller asks to run. Everything that is `None` was not given.
///
/// The same fields come as JSON and as a form. Only shapes are checked here; what a value may be is
/// the server's to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The job's name; without one it is made from the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Shell text, 1 byte to 8 KiB.
    pub cmd: String,
    /// Short name or alias of a container of the catalogue.
    #[serde(alias = "type", alias = "container", alias = "image")]
    pub imagename: String,
    /// Five-field cron expression, or a macro such as `@daily`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// IANA time zone of the schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Whether the job never ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continuous: Option<bool>,
    /// Whether output is kept in files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filelog: Option<bool>,
    /// File for standard output, relative to the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filelog_stdout: Option<String>,
    /// File for standard error, relative to the home.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filelog_stderr: Option<String>,
    /// Memory limit, a Kubernetes quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// CPU limit, a Kubernetes quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// How often a failed run is tried again, 0 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<i64>,
    /// Seconds after which a run is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<i64>,
    /// Copies of a continuous job, 0 to 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i64>,
    /// When to send e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails: Option<Emails>,
    /// Whether the home is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<Mount>,
    /// Environment variables; JSON only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<BTreeMap<String, String>>,
}

/// When the e-mailer writes to the tool's maintainers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Emails {
    /// Never.
    #[default]
    None,
    /// At every change.
    All,
    /// When a run failed.
    OnFailure,
    /// When a run ended.
    OnFinish,
}

impl Emails {
    /// The value as it crosses the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::All => "all",
            Self::OnFailure => "onfailure",
            Self::OnFinish => "onfinish",
        }
    }
}

/// Whether the tool's home is there inside the job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mount {
    /// The home is mounted.
    #[default]
    All,
    /// Nothing is mounted.
    None,
}

impl Mount {
    /// The value as it crosses the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alias_of_the_container_is_the_same_field() {
        for key in ["imagename", "type", "container", "image"] {
            let body = format!(r#"{{"cmd":"true","{key}":"tf-busybox"}}"#);
            let request: RunRequest = serde_json::from_str(&body).unwrap();
            assert_eq!(request.imagename, "tf-busybox");
        }
        let twice = r#"{"cmd":"true","type":"a","image":"b"}"#;
        let error = serde_json::from_str::<RunRequest>(twice).unwrap_err();
        assert!(error.to_string().contains("duplicate field"), "{error}");
    }

    #[test]
    fn null_is_not_given_and_a_misspelt_field_is_refused_by_name() {
        let body = r#"{"cmd":"true","imagename":"x","schedule":null,"retry":null}"#;
        let request: RunRequest = serde_json::from_str(body).unwrap();
        assert_eq!((request.schedule, request.retry), (None, None));
        let error =
            serde_json::from_str::<RunRequest>(r#"{"cmd":"true","imagename":"x","wiat":1}"#);
        assert!(error.unwrap_err().to_string().contains("`wiat`"));
    }

    #[test]
    fn words_on_the_wire_are_lower_case() {
        for value in [Emails::None, Emails::All, Emails::OnFailure, Emails::OnFinish] {
            assert_eq!(serde_json::to_value(value).unwrap(), value.as_str());
        }
        for value in [Mount::All, Mount::None] {
            assert_eq!(serde_json::to_value(value).unwrap(), value.as_str());
        }
    }
}
