use std::{convert::Infallible, future::pending};

use prometheus_client::encoding::text::encode;
use tower::service_fn;

use super::*;

fn text(calls: &Calls) -> String {
    let mut registry = Registry::default();
    calls.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    text
}

fn get(path: &str) -> Request<()> {
    Request::get(path).body(()).unwrap()
}

/// Whatever a caller may name comes behind the resource, or is the namespace.
#[test]
fn a_call_is_called_what_kubernetes_calls_it_and_never_by_a_name() {
    for (method, path, verb, resource) in [
        ("GET", "/api/v1/namespaces/tool-a/pods/secret", "get", "pods"),
        ("GET", "/api/v1/namespaces/tool-a/pods/secret/log?follow=true", "get", "pods"),
        ("GET", "/api/v1/namespaces/tool-a/pods?labelSelector=a", "list", "pods"),
        ("GET", "/api/v1/namespaces/tool-a/pods?watch=true", "watch", "pods"),
        ("GET", "/api/v1/namespaces/tool-a/pods?labelSelector=watch%3Dtrue", "list", "pods"),
        ("GET", "/api/v1/namespaces/tool-a", "get", "namespaces"),
        ("GET", "/api/v1/namespaces", "list", "namespaces"),
        ("GET", "/api/v1/nodes/secret", "get", "nodes"),
        ("POST", "/apis/batch/v1/namespaces/tool-a/jobs", "create", "jobs"),
        ("PUT", "/apis/apps/v1/namespaces/tool-a/deployments/x", "update", "deployments"),
        ("PATCH", "/apis/apps/v1/namespaces/tool-a/deployments/x", "patch", "deployments"),
        ("DELETE", "/apis/batch/v1/namespaces/tool-a/jobs/x", "delete", "jobs"),
        ("DELETE", "/apis/batch/v1/namespaces/tool-a/jobs", "deletecollection", "jobs"),
        ("GET", "/version", "list", "other"),
        ("GET", "/", "list", "other"),
        ("GET", "/api", "list", "other"),
        ("GET", "/apis/batch/v1", "list", "other"),
        ("GET", "/api/v1/namespaces/tool-a/%2e%2e/x", "get", "other"),
        (
            "GET",
            "/api/v1/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "list",
            "other",
        ),
        ("BREW", "/api/v1/namespaces/tool-a/pods", "other", "pods"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let asked = Asked::of(&method, &path.parse().unwrap());
        assert_eq!((asked.verb, asked.resource.as_str()), (verb, resource), "{method} {path}");
    }
}

#[tokio::test]
async fn a_call_counts_once_by_its_status() {
    let calls = Calls::default();
    let mut service = calls.counting(service_fn(async |request: Request<()>| {
        let status = request.uri().query().unwrap().parse().unwrap();
        Ok::<_, Infallible>(Response::builder().status::<u16>(status).body(()).unwrap())
    }));
    for status in [200, 200, 404, 503] {
        let path = format!("/api/v1/namespaces/tool-a/pods?{status}");
        assert_eq!(service.call(get(&path)).await.unwrap().status(), status);
    }
    let text = text(&calls);
    for line in [
        r#"kube_requests_total{verb="list",resource="pods",status="200"} 2"#,
        r#"kube_requests_total{verb="list",resource="pods",status="404"} 1"#,
        r#"kube_requests_total{verb="list",resource="pods",status="503"} 1"#,
        r#"kube_request_duration_seconds_count{verb="list",resource="pods"} 4"#,
    ] {
        assert!(text.contains(line), "{line} is missing in:\n{text}");
    }
    assert!(!text.contains("tool-a"), "{text}");
}

/// A Kubernetes that hangs is seen by our deadlines alone, and they drop the call.
#[tokio::test]
async fn a_call_without_an_answer_counts_too_and_so_does_one_that_nobody_waits_for() {
    let calls = Calls::default();
    let mut broken = calls.counting(service_fn(async |_: Request<()>| {
        Err::<Response<()>, _>(std::io::Error::other("broken off"))
    }));
    assert!(broken.call(get("/api/v1/namespaces/tool-a/pods/x")).await.is_err());
    let mut silent =
        calls.counting(service_fn(|_: Request<()>| pending::<Result<Response<()>, Infallible>>()));
    let mut call = silent.call(get("/api/v1/namespaces/tool-a/pods/x"));
    assert!((&mut call).now_or_never().is_none());
    let none = r#"kube_requests_total{verb="get",resource="pods",status="none"}"#;
    assert!(text(&calls).contains(&format!("{none} 1")));
    drop(call);
    assert!(text(&calls).contains(&format!("{none} 2")));
}
