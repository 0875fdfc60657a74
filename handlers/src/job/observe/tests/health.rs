//! Ports and health checks.

use tjf_api_types::{HealthCheck, HealthCheckView, PortProtocol};

use super::{
    definition::{in_container, made, view_of},
    *,
};
use crate::job::{JobKind, Port};

fn kind(port: Option<u16>, health_check: Option<HealthCheck>) -> JobKind {
    let port = port.map(|number| Port { number, protocol: PortProtocol::Tcp });
    JobKind::Continuous { replicas: 1, port, health_check }
}

fn script(script: &str) -> HealthCheck {
    HealthCheck::Script { script: script.to_owned() }
}

fn http(path: &str) -> HealthCheck {
    HealthCheck::Http { path: path.to_owned() }
}

#[test]
fn a_port_and_a_health_check_are_told_as_they_were_asked_for() {
    for (port, check) in [
        (None, None),
        (Some(8080), None),
        (Some(8080), Some(http("/healthz?a=$b"))),
        (Some(8080), Some(script("test $$ -gt 1 && echo \"$(HOME)\""))),
        (None, Some(script("-n\n'x' \\"))),
    ] {
        let kind = kind(port, check.clone());
        let view = view_of(&kind, made(&kind, None, &json!({})));
        assert_eq!(view.port, port.map(i64::from));
        assert_eq!(view.port_protocol, port.map(|_| PortProtocol::Tcp.into()));
        assert_eq!(view.health_check, check.as_ref().map(HealthCheckView::from));
        assert!(!view.status_long.contains("changed"), "{}", view.status_long);
    }
}

#[test]
fn a_health_check_that_was_changed_is_told_as_it_is_and_by_its_name() {
    let exec = |words: Value| json!({"httpGet": null, "exec": {"command": words}});
    let ours = |script: &str| exec(json!(["env", "--", "A=b", "/bin/sh", "-c", "--", script]));
    for (probe, holds) in [
        (json!({"httpGet": {"path": "/other"}}), Some(http("/other"))),
        (json!({"httpGet": null, "tcpSocket": {"port": 80}}), None),
        (json!(null), None),
        (ours("echo $$x"), Some(script("echo $x"))),
        (exec(json!(["pgrep", "my bot"])), Some(script("pgrep 'my bot'"))),
        (exec(json!([])), Some(script(""))),
    ] {
        let kind = kind(Some(80), Some(http("/")));
        let mut object = made(&kind, None, &json!({}));
        in_container(&mut object, &json!({"livenessProbe": probe}));
        let view = view_of(&kind, object);
        assert_eq!(view.health_check, holds.as_ref().map(HealthCheckView::from), "{probe}");
        let sentence = "it was changed from outside: `health_check`";
        assert_eq!(view.status.message.as_deref(), Some(sentence), "{probe}");
    }
}

/// Nobody has told where another program's controller is reached.
#[test]
fn another_programs_controller_has_no_port() {
    let container = json!({
        "name": "main", "ports": [{"containerPort": 80}],
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    });
    let more = json!({"spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}}});
    let view = view(&Objects { controllers: vec![controller(&more)], ..Objects::default() });
    assert_eq!((view.port, view.port_protocol), (None, None));
    assert_eq!(view.health_check, Some(HealthCheckView::from(&http("/"))));
}
