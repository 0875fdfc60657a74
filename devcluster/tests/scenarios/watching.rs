//! What an administrator sees of it: metrics, and the rules that read them.

use std::{ffi::OsStr, path::Path, sync::Arc};

use tjf_devcluster::{
    Machine, Service,
    suite::{Call, Needs, World, run_program},
};

use super::{one_off, scenarios};

scenarios![
    what_a_tool_does_is_counted_without_its_name,
    promtool_finds_no_fault_in_metrics_and_rules: Needs::Program("promtool"),
];

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/monitoring");

async fn metrics(service: &Service) -> String {
    let answer = service.admin("/metrics").await.unwrap();
    let (head, metrics) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    metrics.to_owned()
}

async fn what_a_tool_does_is_counted_without_its_name(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("watched").await.through(&service);
    tool.run(one_off("seen", "true")).await;
    tool.ended("seen").await;
    assert_eq!(tool.send(Call::get("/show/nope/")).await.status, 404);
    tool.delete("seen").await;
    let metrics = metrics(&service).await;
    for line in [
        r#"tjf_requests_total{method="GET",route="/api/v1/show/{name}/",status="404"} 1"#,
        r#"tjf_kube_requests_total{verb="create",resource="jobs",status="201"} "#,
        r#"tjf_kube_requests_total{verb="list",resource="pods",status="200"} "#,
        r#"tjf_kube_requests_total{verb="delete",resource="jobs",status="200"} "#,
        r#"tjf_kube_request_duration_seconds_count{verb="list",resource="pods"} "#,
        r#"tjf_home_looks_total{outcome="built"} 1"#,
        "tjf_kube_clients 1",
    ] {
        assert!(metrics.contains(&format!("\n{line}")), "{line} is missing in:\n{metrics}");
    }
    for named in [tool.name.as_str(), "seen", "nope"] {
        assert!(!metrics.contains(named), "{named} is in:\n{metrics}");
    }
}

async fn promtool_finds_no_fault_in_metrics_and_rules(world: Arc<World>) {
    let service = world.start_service().await;
    let tool = world.tool("promtool").await.through(&service);
    tool.list().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    tokio::fs::write(file.path(), metrics(&service).await).await.unwrap();
    let path = Machine::read().path;
    let variables = [
        ("PATH", path.as_os_str()),
        ("METRICS", file.path().as_os_str()),
        ("RULES", OsStr::new(RULES)),
    ];
    for script in [
        r#"promtool check metrics <"$METRICS""#,
        r#"promtool check rules "$RULES/alerts.yaml""#,
        r#"promtool test rules "$RULES/alerts-test.yaml""#,
    ] {
        let output = run_program(Path::new("/bin/sh"), &["-c", script], &variables).await;
        assert_eq!(output.code, 0, "{script}: {output:?}");
    }
}
