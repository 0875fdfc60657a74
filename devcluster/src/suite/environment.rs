//! What the environment says of a cluster that somebody else runs.

use std::{cell::RefCell, env, ffi::OsString, net::SocketAddr, path::PathBuf};

use thiserror::Error;

use crate::{Installed, Site, machine::Variable};

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
    /// `TJF_CLUSTER_SERVICE` and `TJF_CLUSTER_SERVICE_ADMIN`, each `IP:PORT`, and
    /// `TJF_CLUSTER_SERVICE_CA`: the service to test, when it is installed there already.
    /// `TJF_CLUSTER_SERVICE_IS_PROXY`, if set: a proxy is what answers at that address.
    /// `TJF_CLUSTER_SERVICE_OTHER`: the image of another version, which the node has.
    pub service: Option<Installed>,
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
        let missing = RefCell::new(Vec::new());
        let optional = |name: &str| variable(name).filter(|value| !value.is_empty());
        let required = |name: &'static str| {
            optional(name).unwrap_or_else(|| {
                missing.borrow_mut().push(name);
                OsString::new()
            })
        };
        let text = |value: OsString| value.to_string_lossy().into_owned();
        // One that can't be read is missing too: it names the right form.
        let address = |name: &str, form: &'static str| {
            let address = optional(name).and_then(|value| value.to_str()?.parse().ok());
            address.unwrap_or_else(|| {
                missing.borrow_mut().push(form);
                SocketAddr::from(([0; 4], 0))
            })
        };
        let service = optional("TJF_CLUSTER_SERVICE").map(|_| Installed {
            address: address("TJF_CLUSTER_SERVICE", "TJF_CLUSTER_SERVICE=IP:PORT"),
            admin_address: address(
                "TJF_CLUSTER_SERVICE_ADMIN",
                "TJF_CLUSTER_SERVICE_ADMIN=IP:PORT",
            ),
            ca: required("TJF_CLUSTER_SERVICE_CA").into(),
            is_behind_proxy: optional("TJF_CLUSTER_SERVICE_IS_PROXY").is_some(),
            other_image: optional("TJF_CLUSTER_SERVICE_OTHER").map(text),
        });
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
            service,
        };
        let missing = missing.into_inner();
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
        let is_set = |name: &str| name != "KUBECONFIG" && !name.starts_with("TJF_CLUSTER_SERVICE");
        let error = Environment::from(&|name| is_set(name).then(|| "x".into()));
        let text = error.unwrap_err().to_string();
        assert!(text.contains("KUBECONFIG is not set"), "{text}");
        assert!(text.contains("CONTRIBUTING.md"), "{text}");
        let text = Environment::from(&|_| None).unwrap_err().to_string();
        assert!(text.contains("TJF_CLUSTER_HOMES, TJF_CLUSTER_CA_KEY are not set"), "{text}");
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        let empty = ["TJF_CLUSTER_COMMAND", "TJF_CLUSTER_SERVICE"];
        let environment =
            Environment::from(&|name| Some(if empty.contains(&name) { "" } else { "x" }.into()));
        let environment = environment.unwrap();
        assert_eq!((environment.command, environment.service), (None, None));
    }

    #[test]
    fn an_installed_service_is_named_by_its_two_addresses_and_its_ca() {
        let value = |name: &str| match name {
            "TJF_CLUSTER_SERVICE" => "10.0.0.1:8443",
            "TJF_CLUSTER_SERVICE_ADMIN" => "10.0.0.2:9090",
            _ => "x",
        };
        let environment = Environment::from(&|name| Some(value(name).into())).unwrap();
        let service = environment.service.unwrap();
        assert_eq!(service.address.to_string(), value("TJF_CLUSTER_SERVICE"));
        assert_eq!(service.admin_address.to_string(), value("TJF_CLUSTER_SERVICE_ADMIN"));
        assert_eq!(service.other_image.as_deref(), Some("x"));
        let error = Environment::from(&|_| Some("x".into())).unwrap_err().to_string();
        assert!(error.contains("TJF_CLUSTER_SERVICE=IP:PORT"), "{error}");
    }
}
