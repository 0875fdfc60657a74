//! How a continuous job is reached, and how Kubernetes finds out whether it works.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::{Word, Words, answer::answer};

/// What is spoken at a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortProtocol {
    /// Connections.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
}

impl Words for PortProtocol {
    const ALL: &'static [Self] = &[Self::Tcp, Self::Udp];

    fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }
}

/// How Kubernetes finds out whether a job works. A job that does not is started anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields, extend("type" = "object")))]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum HealthCheck {
    /// Runs a script beside the job's program.
    Script {
        /// Shell text, 1 byte to 8 KiB. The job works when it ends with exit code 0.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 8192)))]
        script: String,
    },
    /// Asks the job's port.
    Http {
        /// Begins with `/`. The job works when the answer's status is from 200 to 399.
        #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1024)))]
        path: String,
    },
}

impl HealthCheck {
    /// Its kind alone.
    pub fn kind(&self) -> HealthCheckType {
        match self {
            Self::Script { .. } => HealthCheckType::Script,
            Self::Http { .. } => HealthCheckType::Http,
        }
    }
}

/// The keys of a health check as they may be sent: what is `null` is not given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(rename = "type")]
    kind: HealthCheckType,
    script: Option<String>,
    path: Option<String>,
}

impl<'de> Deserialize<'de> for HealthCheck {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Sent { kind, script, path } = Sent::deserialize(deserializer)?;
        match (kind, script, path) {
            (HealthCheckType::Script, Some(script), None) => Ok(Self::Script { script }),
            (HealthCheckType::Http, None, Some(path)) => Ok(Self::Http { path }),
            (HealthCheckType::Script, None, _) => Err(D::Error::missing_field("script")),
            (HealthCheckType::Http, _, None) => Err(D::Error::missing_field("path")),
            (HealthCheckType::Script | HealthCheckType::Http, Some(_), Some(_)) => Err(
                D::Error::custom("a check has either a `script` or a `path`, as its `type` says"),
            ),
        }
    }
}

/// The kinds of health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthCheckType {
    /// Runs a script beside the job's program.
    Script,
    /// Asks the job's port.
    Http,
}

impl Words for HealthCheckType {
    const ALL: &'static [Self] = &[Self::Script, Self::Http];

    fn as_str(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Http => "http",
        }
    }
}

answer! {
    /// How Kubernetes finds out whether a job works. Every key is always there.
    #[derive(Eq)]
    pub struct HealthCheckView {
        optional:
        /// By a script, or by HTTP.
        pub r#type: Word<HealthCheckType>,
        /// Shell text that runs beside the job's program.
        pub script: Option<String>,
        /// What is asked for at the job's port.
        pub path: Option<String>,
    }
}

impl From<&HealthCheck> for HealthCheckView {
    fn from(check: &HealthCheck) -> Self {
        let (script, path) = match check {
            HealthCheck::Script { script } => (Some(script.clone()), None),
            HealthCheck::Http { path } => (None, Some(path.clone())),
        };
        Self { r#type: check.kind().into(), script, path }
    }
}

impl HealthCheckView {
    /// The check as it is asked for; none that only a newer server knows.
    pub fn known(&self) -> Option<HealthCheck> {
        match self.r#type.known()? {
            HealthCheckType::Script => Some(HealthCheck::Script { script: self.script.clone()? }),
            HealthCheckType::Http => Some(HealthCheck::Http { path: self.path.clone()? }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_has_what_its_type_says_and_nothing_else() {
        for (sent, check) in [
            (
                json!({"type": "script", "script": ""}),
                HealthCheck::Script { script: String::new() },
            ),
            (
                json!({"type": "script", "script": "x", "path": null}),
                HealthCheck::Script { script: "x".to_owned() },
            ),
            (
                json!({"path": "/", "type": "http", "script": null}),
                HealthCheck::Http { path: "/".to_owned() },
            ),
        ] {
            let read: HealthCheck = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(read, check, "{sent}");
            let told = HealthCheckView::from(&check);
            assert_eq!(told.known().as_ref(), Some(&check));
            // What an answer says can be sent as it is.
            let told = serde_json::to_value(told).unwrap();
            assert_eq!(serde_json::from_value::<HealthCheck>(told).unwrap(), check);
            let kept = serde_json::to_string(&check).unwrap();
            assert_eq!(serde_json::from_str::<HealthCheck>(&kept).unwrap(), check);
        }
        for (sent, why) in [
            (json!({"script": "x"}), "missing field `type`"),
            (json!({"type": "script"}), "missing field `script`"),
            (json!({"type": "script", "path": "/"}), "missing field `script`"),
            (json!({"type": "http", "script": "x"}), "missing field `path`"),
            (json!({"type": "http", "path": "/", "script": "x"}), "either a `script` or a `path`"),
            (json!({"type": "tcp"}), "unknown variant `tcp`"),
            (json!({"type": "http", "path": "/", "port": 80}), "unknown field `port`"),
            (json!("http"), "invalid type"),
        ] {
            let error = serde_json::from_value::<HealthCheck>(sent.clone()).unwrap_err();
            assert!(error.to_string().contains(why), "{sent}: {error}");
        }
    }

    #[test]
    fn a_check_of_a_newer_server_is_kept_as_it_came_and_is_not_guessed() {
        let told = json!({"type": "grpc", "script": null, "path": null, "service": "x"});
        let read: HealthCheckView = serde_json::from_value(told).unwrap();
        assert_eq!((read.r#type.as_str(), read.known()), ("grpc", None));
        let half: HealthCheckView = serde_json::from_value(json!({"type": "http"})).unwrap();
        assert_eq!(half.known(), None);
    }
}
