//! What the environment says of a cluster that somebody else runs.

use std::{env, ffi::OsString, path::PathBuf};

use thiserror::Error;

use crate::{Site, machine::Variable};

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

/// A cluster that somebody else runs.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `TJF_CLUSTER_SERVER`, `TJF_CLUSTER_CA` and `TJF_CLUSTER_HOMES`; `TJF_CLUSTER_IMAGE`, which
    /// is optional, must have busybox and bash.
    pub site: Site,
    /// `KUBECONFIG`: the administrator's.
    pub kubeconfig: PathBuf,
    /// `TJF_CLUSTER_CA_KEY`: the CA's key.
    pub ca_key: PathBuf,
    /// `TJF_CLUSTER_COMMAND`: takes `pause`, `resume` and `kill` with a daemon's name, and `up`.
    /// Optional; without it no faults are made.
    pub command: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// When it does not name a cluster.
    #[expect(clippy::disallowed_methods, reason = "one of two places that read variables")]
    pub fn read() -> Result<Self, NoCluster> {
        Self::from(&|name| env::var_os(name))
    }

    fn from(variable: Variable<'_>) -> Result<Self, NoCluster> {
        let mut missing = Vec::new();
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut required = |name: &'static str| {
            let value = optional(name);
            if value.is_none() {
                missing.push(name);
            }
            value.unwrap_or_default()
        };
        let text = |value: OsString| value.to_string_lossy().into_owned();
        let environment = Self {
            kubeconfig: required("KUBECONFIG").into(),
            site: Site {
                server: text(required("TJF_CLUSTER_SERVER")),
                ca: required("TJF_CLUSTER_CA").into(),
                homes: required("TJF_CLUSTER_HOMES").into(),
                image: optional("TJF_CLUSTER_IMAGE").map_or_else(|| IMAGE.to_owned(), text),
            },
            ca_key: required("TJF_CLUSTER_CA_KEY").into(),
            command: optional("TJF_CLUSTER_COMMAND").map(PathBuf::from),
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
        let error = Environment::from(&|name| (name != "KUBECONFIG").then(|| "x".into()));
        let text = error.unwrap_err().to_string();
        assert!(text.contains("KUBECONFIG is not set"), "{text}");
        assert!(text.contains("CONTRIBUTING.md"), "{text}");
        let text = Environment::from(&|_| None).unwrap_err().to_string();
        assert!(text.contains("TJF_CLUSTER_HOMES, TJF_CLUSTER_CA_KEY are not set"), "{text}");
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let environment = Environment::from(&|name| {
            Some(if name == "TJF_CLUSTER_COMMAND" { "" } else { "x" }.into())
        });
        assert_eq!(environment.unwrap().command, None);
    }
}
