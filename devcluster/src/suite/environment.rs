//! The cluster that the environment names.

use std::{env, ffi::OsString, path::PathBuf};

use thiserror::Error;

/// The image of jobs, when the environment names no other: busybox and bash, able to run as any
/// user.
const IMAGE: &str = "tjf.local/busybox:1";

/// There is no cluster to test on.
#[derive(Debug, Error)]
#[error(
    "these tests need a Kubernetes cluster that runs pods, and {missing} {are} not set: \
     point KUBECONFIG, TJF_CLUSTER_SERVER, TJF_CLUSTER_CA, TJF_CLUSTER_CA_KEY and \
     TJF_CLUSTER_HOMES at a cluster; CONTRIBUTING.md says how"
)]
pub struct NoCluster {
    missing: String,
    are: &'static str,
}

/// Where everything is, as variables of the environment say.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `KUBECONFIG`: the administrator's.
    pub kubeconfig: PathBuf,
    /// `TJF_CLUSTER_SERVER`: URL of the API server.
    pub server: String,
    /// `TJF_CLUSTER_CA`: the CA's certificate; it signed the API server's and signs those of tools.
    pub ca: PathBuf,
    /// `TJF_CLUSTER_CA_KEY`: its key.
    pub ca_key: PathBuf,
    /// `TJF_CLUSTER_HOMES`: the folder of all homes, at the same path here and on the nodes.
    pub homes: PathBuf,
    /// `TJF_CLUSTER_COMMAND`: takes `pause`, `resume` and `kill` with a daemon's name, and `up`.
    /// Optional; without it no faults are made.
    pub command: Option<PathBuf>,
    /// `TJF_CLUSTER_IMAGE`: an image with busybox and bash. Optional.
    pub image: String,
    /// `CARGO`: what builds the two programs.
    pub cargo: PathBuf,
    /// `HOME`: the administrator's, where the cluster's own command may keep things.
    pub home: OsString,
    /// `PATH`: where scripts find their programs.
    pub path: OsString,
}

impl Environment {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When it does not name a cluster.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads variables")]
    pub fn read() -> Result<Self, NoCluster> {
        Self::from(|name| env::var_os(name))
    }

    fn from(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NoCluster> {
        let mut missing = Vec::new();
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut required = |name: &'static str| {
            let value = optional(name);
            if value.is_none() {
                missing.push(name);
            }
            value.unwrap_or_default()
        };
        let environment = Self {
            kubeconfig: required("KUBECONFIG").into(),
            server: required("TJF_CLUSTER_SERVER").to_string_lossy().into_owned(),
            ca: required("TJF_CLUSTER_CA").into(),
            ca_key: required("TJF_CLUSTER_CA_KEY").into(),
            homes: required("TJF_CLUSTER_HOMES").into(),
            command: optional("TJF_CLUSTER_COMMAND").map(PathBuf::from),
            image: optional("TJF_CLUSTER_IMAGE")
                .map_or_else(|| IMAGE.to_owned(), |image| image.to_string_lossy().into_owned()),
            cargo: optional("CARGO").unwrap_or_else(|| "cargo".into()).into(),
            home: optional("HOME").unwrap_or_else(|| "/".into()),
            path: optional("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
        };
        if missing.is_empty() {
            return Ok(environment);
        }
        let are = if missing.len() == 1 { "is" } else { "are" };
        Err(NoCluster { missing: missing.join(", "), are })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_so_is_the_way_out() {
        let error = Environment::from(|name| (name != "KUBECONFIG").then(|| "x".into()));
        let text = error.unwrap_err().to_string();
        assert!(text.contains("KUBECONFIG is not set"), "{text}");
        assert!(text.contains("CONTRIBUTING.md"), "{text}");
        let text = Environment::from(|_| None).unwrap_err().to_string();
        assert!(text.contains("TJF_CLUSTER_CA_KEY, TJF_CLUSTER_HOMES are not set"), "{text}");
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::from(|name| {
            Some(if name == "TJF_CLUSTER_COMMAND" { "" } else { "x" }.into())
        });
        assert_eq!(environment.unwrap().command, None);
    }
}
