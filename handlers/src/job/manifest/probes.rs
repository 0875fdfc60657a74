//! How Kubernetes finds out whether a continuous job works.

use k8s_openapi::{
    api::core::v1::{ExecAction, HTTPGetAction, Probe, TCPSocketAction},
    apimachinery::pkg::util::intstr::IntOrString,
};
use tjf_api_types::{HealthCheck, PortProtocol};

use crate::job::{Job, JobKind, Port, command};

/// How long one check may take. This and the numbers below are those of the deployed service, so that
/// a job which works there works here.
const TIMEOUT_SECONDS: i32 = 5;
/// A job that starts is asked so often, until it answers for the first time.
const STARTUP_PERIOD_SECONDS: i32 = 1;
/// It is started anew when it has not answered so many times.
const STARTUP_FAILURES: i32 = 120;
/// A job that works is asked so often.
const PERIOD_SECONDS: i32 = 10;
/// It is started anew when it did not answer so many times, one after the other.
const FAILURES: i32 = 3;

/// The probes of a job: while it starts, and from then on. A job with a TCP port and without a health
/// check works when it can be connected to, as in the deployed service: before, its Service sends
/// nobody there.
pub(super) fn of(job: &Job) -> Option<(Probe, Probe)> {
    let JobKind::Continuous { port, health_check, .. } = &job.spec.kind else { return None };
    let asked = match (health_check, port) {
        (Some(HealthCheck::Script { script }), _) => Probe {
            exec: Some(ExecAction { command: Some(command::check_argv(script, &job.spec.env)) }),
            ..Probe::default()
        },
        (Some(HealthCheck::Http { path }), Some(port)) => Probe {
            http_get: Some(HTTPGetAction {
                path: Some(path.clone()),
                port: number(*port),
                ..HTTPGetAction::default()
            }),
            ..Probe::default()
        },
        (None, Some(port)) if port.protocol == PortProtocol::Tcp => Probe {
            tcp_socket: Some(TCPSocketAction { host: None, port: number(*port) }),
            ..Probe::default()
        },
        // A request that was checked never has the first of these.
        (Some(HealthCheck::Http { .. }), None) | (None, _) => return None,
    };
    let every = |period, failures| Probe {
        initial_delay_seconds: Some(0),
        period_seconds: Some(period),
        failure_threshold: Some(failures),
        timeout_seconds: Some(TIMEOUT_SECONDS),
        ..asked.clone()
    };
    Some((every(STARTUP_PERIOD_SECONDS, STARTUP_FAILURES), every(PERIOD_SECONDS, FAILURES)))
}

fn number(port: Port) -> IntOrString {
    IntOrString::Int(port.number.into())
}
