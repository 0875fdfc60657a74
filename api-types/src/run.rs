//! The body of `POST /run/`.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};

use crate::{HealthCheck, PortProtocol, Shown, Words};

/// What a caller asks to run. A field that is missing, or `null`, is not given.
///
/// The same fields come as JSON and as a form. Only shapes are checked here; what a value may be is
/// the server's to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The job's name; without one it is made from the command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(length(max = 52)))]
    pub name: Option<String>,
    /// Shell text, 1 byte to 8 KiB.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 8192)))]
    pub cmd: String,
    /// Short name or alias of a container of the catalogue.
    #[serde(alias = "type", alias = "container", alias = "image")]
    #[cfg_attr(feature = "schema", schemars(extend("x-aliases" = ["type", "container", "image"])))]
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
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 5)))]
    pub retry: Option<i64>,
    /// Seconds after which a run is ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 2_147_483_647)))]
    pub timeout: Option<i64>,
    /// Copies of a continuous job, 0 to 16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 16)))]
    pub replicas: Option<i64>,
    /// Port of a continuous job that is reached under the job's name, inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 65_535)))]
    pub port: Option<i64>,
    /// Protocol of the port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_protocol: Option<PortProtocol>,
    /// How Kubernetes finds out whether a continuous job works; JSON only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// When to send e-mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emails: Option<Emails>,
    /// Whether the home is mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mount: Option<Mount>,
    /// Environment variables; JSON only.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "variables")]
    pub env: Option<BTreeMap<String, String>>,
}

/// Reads variables and refuses one that is there twice: a map would silently keep the last.
fn variables<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeMap<String, String>>, D::Error> {
    Ok(Option::<Variables>::deserialize(deserializer)?.map(|Variables(variables)| variables))
}

struct Variables(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Variables {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VariablesVisitor)
    }
}

struct VariablesVisitor;

impl<'de> Visitor<'de> for VariablesVisitor {
    type Value = Variables;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of names to texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Variables, A::Error> {
        let mut variables = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, String>()? {
            match variables.entry(name) {
                Entry::Vacant(entry) => entry.insert(value),
                Entry::Occupied(entry) => {
                    let name = Shown::new(entry.key());
                    return Err(A::Error::custom(format_args!(
                        "the variable `{name}` is there twice"
                    )));
                }
            };
        }
        Ok(Variables(variables))
    }
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

impl Words for Emails {
    const ALL: &'static [Self] = &[Self::None, Self::All, Self::OnFailure, Self::OnFinish];

    fn as_str(self) -> &'static str {
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

impl Words for Mount {
    const ALL: &'static [Self] = &[Self::All, Self::None];

    fn as_str(self) -> &'static str {
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
    fn a_variable_that_is_there_twice_is_refused_even_when_both_agree() {
        let read = |env: &str| {
            let body = format!(r#"{{"cmd":"true","imagename":"x","env":{env}}}"#);
            serde_json::from_str::<RunRequest>(&body).map_err(|error| error.to_string())
        };
        for env in
            [r#"{"A":"1","A":"2"}"#, r#"{"A":"1","B":"","A":"1"}"#, r#"{"A":"","\u0041":""}"#]
        {
            let error = read(env).unwrap_err();
            assert!(error.starts_with("the variable `A` is there twice"), "{error}");
        }
        assert_eq!(read("null").unwrap().env, None);
        assert_eq!(read("{}").unwrap().env, Some(BTreeMap::new()));
        let env = read(r#"{"A":"1","a":"2"}"#).unwrap().env.unwrap();
        assert_eq!(env.len(), 2);
        assert!(read(r#"["A=1"]"#).is_err() && read(r#"{"A":1}"#).is_err());
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
