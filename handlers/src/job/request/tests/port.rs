use tjf_api_types::{HealthCheck, PortProtocol};

use super::*;
use crate::job::Port;

fn continuous(change: Change) -> RunRequest {
    let mut request = RunRequest { continuous: Some(true), ..request() };
    change(&mut request);
    request
}

fn script(script: &str) -> Option<HealthCheck> {
    Some(HealthCheck::Script { script: script.to_owned() })
}

fn http(path: &str) -> Option<HealthCheck> {
    Some(HealthCheck::Http { path: path.to_owned() })
}

#[test]
fn a_continuous_job_may_have_a_port_and_a_health_check() {
    let tcp = |number| Some(Port { number, protocol: PortProtocol::Tcp });
    let udp = Some(Port { number: 53, protocol: PortProtocol::Udp });
    let table: [(Change, Option<Port>, Option<HealthCheck>); 8] = [
        (|_| {}, None, None),
        (|request| request.port = Some(1), tcp(1), None),
        (|request| request.port = Some(65_535), tcp(65_535), None),
        (
            |request| {
                (request.port, request.port_protocol) = (Some(53), Some(PortProtocol::Udp));
            },
            udp,
            None,
        ),
        (|request| request.health_check = script("true"), None, script("true")),
        (
            |request| (request.port, request.health_check) = (Some(80), script("a\nb")),
            tcp(80),
            script("a\nb"),
        ),
        (
            |request| (request.port, request.health_check) = (Some(80), http("/a?b=%20#c")),
            tcp(80),
            http("/a?b=%20#c"),
        ),
        (
            |request| {
                (request.port, request.port_protocol) = (Some(53), Some(PortProtocol::Udp));
                request.health_check = script("true");
            },
            udp,
            script("true"),
        ),
    ];
    for (index, (change, port, health_check)) in table.into_iter().enumerate() {
        let kind = check(continuous(change)).unwrap().spec.kind;
        assert_eq!(kind, JobKind::Continuous { replicas: 1, port, health_check }, "case {index}");
    }
}

#[test]
fn a_protocol_that_is_the_default_may_be_said_anywhere() {
    for request in [request(), RunRequest { schedule: text("@daily"), ..request() }] {
        let request = RunRequest { port_protocol: Some(PortProtocol::Tcp), ..request };
        assert_eq!(refused(request), None);
    }
    let tcp = |request: &mut RunRequest| request.port_protocol = Some(PortProtocol::Tcp);
    assert_eq!(refused(continuous(tcp)), None);
}

/// Each of these is refused by its name, with a sentence that says what would be right.
#[test]
fn what_cannot_be_is_refused_by_name() {
    let udp = PortProtocol::Udp;
    let elsewhere: [(&str, Change, &str); 5] = [
        ("port", |request| request.port = Some(80), "only a continuous job has a port"),
        (
            "port",
            |request| (request.port, request.schedule) = (Some(80), text("@daily")),
            "only a continuous job has a port",
        ),
        ("health_check", |request| request.health_check = script("true"), "only a continuous job"),
        (
            "health_check",
            |request| (request.health_check, request.schedule) = (http("/"), text("@daily")),
            "only a continuous job has a health check",
        ),
        ("port_protocol", |it| it.port_protocol = Some(PortProtocol::Udp), "give `port`"),
    ];
    let of_a_continuous_one: [(&str, Change, &str); 9] = [
        ("port", |request| request.port = Some(0), "`port` is a number from 1 to 65535"),
        ("port", |request| request.port = Some(65_536), "`port` is a number from 1 to 65535"),
        ("port", |request| request.port = Some(-1), "`port` is a number from 1 to 65535"),
        ("port_protocol", |it| it.port_protocol = Some(PortProtocol::Udp), "give `port`"),
        ("health_check", |request| request.health_check = http("/"), "TCP port: give `port`"),
        ("health_check", |request| request.health_check = script(""), "is empty"),
        ("health_check", |request| request.health_check = script("a\0"), "a NUL character"),
        ("health_check", |it| it.health_check = script(&"x".repeat(8193)), "8192 bytes, not 8193"),
        (
            "name",
            |request| (request.port, request.name) = (Some(80), text("0-bot")),
            "begins with a letter: give a `name` other than `0-bot`",
        ),
    ];
    let elsewhere = elsewhere.map(|(field, change, why)| (field, changed(change), why));
    let continuous = of_a_continuous_one.map(|(field, it, why)| (field, continuous(it), why));
    for (field, request, why) in elsewhere.into_iter().chain(continuous) {
        let Invalid { field: refused, detail, .. } = check(request).unwrap_err();
        assert_eq!(refused, field);
        assert!(detail.contains(why), "{field}: {detail}");
    }
    // Datagrams are not HTTP.
    let request =
        RunRequest { port: Some(80), port_protocol: Some(udp), ..continuous_by_http("/") };
    assert_eq!(refused(request), Some(("health_check", Rule::Request)));
}

fn continuous_by_http(path: &str) -> RunRequest {
    RunRequest { continuous: Some(true), port: Some(80), health_check: http(path), ..request() }
}

#[test]
fn a_path_begins_with_a_slash_and_can_be_seen() {
    for path in ["/", "/healthz", "/a/../b//c?d=e&f", &format!("/{}", "x".repeat(1023))] {
        assert_eq!(refused(continuous_by_http(path)), None, "{path}");
    }
    for path in ["", "healthz", "http://a/", "/a b", "/\n", "/ü", "/a\r\nx: y", "/\u{7f}"] {
        let Invalid { field, detail, .. } = check(continuous_by_http(path)).unwrap_err();
        assert_eq!(field, "health_check", "{path:?}");
        assert!(!detail.contains(char::is_control) && detail.contains("begins with `/`"));
    }
    let detail = check(continuous_by_http(&format!("/{}", "x".repeat(1024)))).unwrap_err().detail;
    assert!(detail.ends_with("at most 1024 bytes, not 1025"), "{detail}");
}

/// A name with a digit in front is fine without a port; one that we made up is refused with one.
#[test]
fn a_name_that_begins_with_a_digit_can_have_no_port() {
    let digit = |port| RunRequest {
        continuous: Some(true),
        name: None,
        cmd: "./3d.py".to_owned(),
        port,
        ..request()
    };
    assert_eq!(check(digit(None)).unwrap().name.as_str(), "3d-py-bbbbb");
    assert_eq!(refused(digit(Some(80))), Some(("name", Rule::Request)));
}

/// The script stands beside the variables, in an annotation that has its bounds.
#[test]
fn a_script_counts_with_the_variables() {
    let with = |value: usize, length: usize| {
        let env = BTreeMap::from([("A".to_owned(), "x".repeat(value))]);
        let health_check = script(&"x".repeat(length));
        check(RunRequest { continuous: Some(true), env: Some(env), health_check, ..request() })
    };
    assert!(with(32 * 1024 - 1 - 100, 100).is_ok());
    let Invalid { field, detail, .. } = with(32 * 1024 - 100, 100).unwrap_err();
    assert_eq!(field, "env");
    assert!(detail.ends_with("may have 32768 bytes, with the script of the health check"));
}

/// Even when JSON has to spell out every character of them.
#[test]
fn the_largest_request_fits_into_an_annotation() {
    let request = RunRequest {
        continuous: Some(true),
        cmd: "\u{1}".repeat(8192),
        env: Some(BTreeMap::from([("A".to_owned(), "\u{1}".repeat(24 * 1024 - 1))])),
        health_check: script(&"\u{1}".repeat(8192)),
        ..request()
    };
    let spec = check(request).unwrap().spec;
    assert!(serde_json::to_string(&spec).unwrap().len() < 250 * 1024);
}
