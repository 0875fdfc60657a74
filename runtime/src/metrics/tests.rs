use std::{collections::BTreeSet, iter::once};

use super::*;

/// What an administrator installs and reads.
const MONITORING: [(&str, &str); 4] = [
    ("alerts.yaml", include_str!("../../../deploy/monitoring/alerts.yaml")),
    ("alerts-test.yaml", include_str!("../../../deploy/monitoring/alerts-test.yaml")),
    ("dashboard.json", include_str!("../../../deploy/monitoring/dashboard.json")),
    ("OPERATIONS.md", include_str!("../../../deploy/OPERATIONS.md")),
];

/// Metrics of a service to which something has happened.
fn metrics() -> Metrics {
    let metrics = Metrics::new(LookCounts::default(), Calls::default(), Evictions::default());
    metrics.answered("GET", "/v1/show/{name}/", 200, Duration::from_millis(3));
    metrics.answered("other", "none", 404, Duration::ZERO);
    metrics.calls.happened();
    metrics
}

fn now() -> Now {
    Now {
        connections: ConnectionCount { unproven: 1, idle: 2, busy: 3 },
        held: Held {
            callers: CallerCount { callers: 5, clients: 4 },
            places: PlaceCount {
                working: Taken { now: 6, max: 256 },
                waiting: Taken { now: 7, max: 512 },
                in_callers_lines: 8,
                in_line_of_all: 9,
            },
        },
        certificate_end: SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
    }
}

fn encoded(format: Format) -> String {
    metrics().encode(now(), format).unwrap()
}

#[test]
fn an_answer_is_counted_by_route_and_never_by_path() {
    for format in [Format::Classic, Format::OpenMetrics] {
        let text = encoded(format);
        for line in [
            r#"tjf_requests_total{method="GET",route="/v1/show/{name}/",status="200"} 1"#,
            r#"tjf_requests_total{method="other",route="none",status="404"} 1"#,
            r#"tjf_request_duration_seconds_bucket{le="0.005",route="/v1/show/{name}/"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}

#[test]
fn what_there_is_now_is_told_as_it_is() {
    let text = encoded(Format::OpenMetrics);
    for line in [
        r#"tjf_connections{state="unproven"} 1"#,
        r#"tjf_connections{state="idle"} 2"#,
        r#"tjf_connections{state="busy"} 3"#,
        "tjf_callers 5",
        "tjf_kube_clients 4",
        r#"tjf_permits_in_use{class="ordinary"} 6"#,
        r#"tjf_permits_in_use{class="waiting"} 7"#,
        r#"tjf_permits_limit{class="ordinary"} 256"#,
        r#"tjf_permits_limit{class="waiting"} 512"#,
        r#"tjf_permits_awaited{line="caller"} 8"#,
        r#"tjf_permits_awaited{line="all"} 9"#,
        "tjf_certificate_expiry_timestamp_seconds 1800000000",
        r#"tjf_caller_evictions_total{reason="idle"} 0"#,
        "tjf_home_looks_overdue 0",
    ] {
        assert!(text.lines().any(|it| it == line), "{line} is missing in:\n{text}");
    }
}

/// The name that each sample begins with.
fn names(text: &str) -> BTreeSet<&str> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.filter_map(|line| line.split(['{', ' ']).next()).collect()
}

/// The names of all that is described: of a histogram its own, and not those of its samples.
fn families(text: &str) -> BTreeSet<&str> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.filter_map(|line| line.split(' ').next()).collect()
}

/// All words of a text that begin as our metrics do.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_of_a_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    text.split(move |letter| !is_of_a_name(letter)).filter(|word| word.starts_with("tjf_"))
}

#[test]
fn dashboard_and_alerts_name_only_what_there_is() {
    let text = encoded(Format::Classic);
    let (names, families) = (names(&text), families(&text));
    for (file, monitoring) in MONITORING {
        let named: BTreeSet<_> = words(monitoring).collect();
        assert!(!named.is_empty(), "{file} names no metric");
        // Queries are about samples, and words about metrics.
        let known = if file.ends_with(".md") { &families } else { &names };
        let unknown: Vec<_> = named.difference(known).collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}

/// Who is woken finds what to do.
#[test]
fn each_alert_has_its_section_and_its_test() {
    let [(_, alerts), (_, tests), _, (_, operations)] = MONITORING;
    let names: Vec<_> = alerts.lines().filter_map(|line| line.split_once("alert: ")).collect();
    assert!(names.len() > 5, "the alerts are not where they were");
    for (_, name) in names {
        let anchor = format!("OPERATIONS.md#{}", name.to_lowercase());
        assert!(alerts.contains(&anchor), "{name} does not lead to {anchor}");
        assert!(operations.contains(&format!("### {name}\n")), "{name} is not explained");
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} is not tested");
    }
}

/// As Prometheus has it: what is counted ends with `_total`, and nothing is without help.
#[test]
fn names_follow_the_conventions() {
    let text = encoded(Format::Classic);
    let described = |keyword: &'static str| {
        let lines = text.lines().filter_map(move |line| line.strip_prefix(keyword));
        lines.filter_map(|line| line.split_once(' ')).collect::<Vec<_>>()
    };
    let helped: BTreeSet<_> = described("# HELP ").iter().map(|(name, _)| *name).collect();
    let types = described("# TYPE ");
    for (name, of_type) in &types {
        assert_eq!(name.ends_with("_total"), *of_type == "counter", "{name} {of_type}");
        assert!(helped.contains(name), "{name} has no help");
    }
    for name in names(&text) {
        let parts = ["_bucket", "_sum", "_count"].iter().filter_map(|part| name.strip_suffix(part));
        let mut families = parts.chain(once(name));
        let is_described = families.any(|family| types.iter().any(|(known, _)| *known == family));
        assert!(is_described, "{name} has no type");
    }
    assert_eq!(text.matches("# TYPE ").count(), helped.len(), "something is described twice");
}
