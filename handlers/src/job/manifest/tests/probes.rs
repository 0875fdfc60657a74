//! Ports and health checks.

use tjf_api_types::{HealthCheck, PortProtocol};

use super::*;
use crate::job::Port;

/// Jobs of the golden files.
pub(super) fn cases() -> impl Iterator<Item = (&'static str, Job)> {
    [
        ("port-tcp", with_port(PortProtocol::Tcp)),
        ("port-udp", with_port(PortProtocol::Udp)),
        ("health-http", checked_by_http()),
        ("health-script", checked_by_script()),
        ("health-script-with-variables", checked_by_script_with_variables()),
    ]
    .into_iter()
}

fn checked(port: Option<Port>, health_check: Option<HealthCheck>) -> Job {
    job(JobKind::Continuous { replicas: 1, port, health_check })
}

fn with_port(protocol: PortProtocol) -> Job {
    checked(Some(Port { number: 8080, protocol }), None)
}

fn checked_by_http() -> Job {
    let path = "/healthz?full=1".to_owned();
    let port = Port { number: 8080, protocol: PortProtocol::Tcp };
    checked(Some(port), Some(HealthCheck::Http { path }))
}

fn checked_by_script() -> Job {
    checked(None, Some(HealthCheck::Script { script: "test -e \"$HOME/ok\"".to_owned() }))
}

/// The variables are the program's alone, so the script gets them too.
fn checked_by_script_with_variables() -> Job {
    let mut job = checked_by_script();
    job.spec.env = BTreeMap::from([("-A".to_owned(), "$(HOME)".to_owned())]);
    job
}
