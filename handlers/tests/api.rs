//! The whole API in process: every route of the table against every refusal that all have in
//! common.
//!
//! Routes come from the table itself, so a new endpoint is covered the moment that it is mounted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/deployed.rs"]
mod deployed;
#[path = "api/described.rs"]
mod described;
#[path = "api/document.rs"]
mod document;
#[path = "api/inputs.rs"]
mod inputs;
#[path = "api/refusals.rs"]
mod refusals;
#[path = "api/schema.rs"]
mod schema;

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use bytes::Bytes;
use expect_test::expect_file;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use rcgen::{CertificateParams, DnType, KeyPair};
use tjf_api_types::Problem;
use tjf_handlers::{
    AppState,
    job::manifest::{HomeVolume, PodSettings},
    routes,
};
use tjf_runtime::{
    Media, Route, Router, Service,
    config::{Config, Limits, Reader},
    identity::PeerCertificate,
    testing::{FakeCluster, clients_of},
};

/// Stands in every answer of the cluster, and may stand in none of ours.
const SECRET: &str = "SECRET-OF-THE-CLUSTER";
/// All that an answer may carry.
const HEADERS: [&str; 8] = [
    "allow",
    "connection",
    "content-type",
    "etag",
    "location",
    "retry-after",
    "vary",
    "x-request-id",
];

/// What every route that reads a body can read.
const BODY: &str = r#"{"name":"a","cmd":"true","imagename":"busybox"}"#;

fn golden(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(path)
}

/// The service, over a cluster that answers every call with an error of its own.
fn service() -> Service<AppState> {
    service_over(|cluster| cluster.answer_all(500, SECRET))
}

/// The service, over a cluster that answers as it is told.
fn service_over(script: impl FnOnce(FakeCluster)) -> Service<AppState> {
    service_of(routes::all(), script)
}

fn service_of(table: Router<AppState>, script: impl FnOnce(FakeCluster)) -> Service<AppState> {
    let settings: HashMap<&str, String> = [
        ("TJF_IDENTITY", "peer-certificate"),
        ("TJF_TLS_CERT", "unused"),
        ("TJF_TLS_KEY", "unused"),
        ("TJF_CLIENT_CA", "unused"),
        ("TJF_KUBE_SERVER", "https://unused:6443"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into();
    let mut reader = Reader::new(&settings);
    let config = Config::read(&mut reader);
    let config = reader.finish(config).unwrap();
    let pod_settings = PodSettings {
        homes: "/data/project".to_owned(),
        home_volume: HomeVolume::HostPath,
        job_ttl_seconds: 60,
    };
    let state = AppState::new(golden("catalogue.json"), pod_settings).unwrap();
    let (cluster, kube) = FakeCluster::pair();
    script(cluster);
    Service::new(&config, Limits::PRODUCTION, table, Arc::new(state), clients_of(kube))
}

fn certificate(organization: &str) -> PeerCertificate {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::OrganizationName, organization);
    params.distinguished_name.push(DnType::CommonName, "tf-test");
    let key = KeyPair::generate().unwrap();
    PeerCertificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

/// A path with names in the place of its variables.
fn filled(pattern: &str) -> String {
    pattern.replace("{tool}", "tf-test").replace("{name}", "a")
}

/// Every method and path of the table, with names in the place of the variables.
fn every_route() -> Vec<(Method, String)> {
    routes_that(|_| true)
}

/// Those of them that are not for everybody.
fn every_route_of_callers() -> Vec<(Method, String)> {
    routes_that(Route::needs_caller)
}

/// Those of which this is true, under all of their paths.
fn routes_that(is_meant: impl Fn(&Route<AppState>) -> bool) -> Vec<(Method, String)> {
    let table = routes::all();
    let routes = table.table().iter().filter(|route| is_meant(route));
    let paths = routes.flat_map(|route| {
        let patterns = std::iter::once(route.pattern()).chain(route.other_pattern());
        patterns.map(|pattern| (route.method().clone(), filled(pattern)))
    });
    paths.collect()
}

fn request(method: &Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header("x-request-id", "r-1")
}

fn full(body: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(body.into())
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// Asks, and checks what no test's author would remember to: on every answer.
async fn ask(peer: Option<&PeerCertificate>, request: Request<Full<Bytes>>) -> Answer {
    ask_of(&service(), peer, request).await
}

async fn ask_of(
    service: &Service<AppState>,
    peer: Option<&PeerCertificate>,
    request: Request<Full<Bytes>>,
) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = service.respond(peer, request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    for name in parts.headers.keys() {
        assert!(HEADERS.contains(&name.as_str()), "{name} is not on the list");
    }
    assert_eq!(parts.headers["x-request-id"], "r-1");
    assert!(!String::from_utf8_lossy(&body).contains(SECRET), "the cluster's words came through");
    let answer = Answer { status: parts.status, headers: parts.headers, body };
    document::check(&method, &path, &answer);
    answer
}

/// The problem in a refusal, which says the same as the answer's head.
async fn refused(
    peer: Option<&PeerCertificate>,
    request: Request<Full<Bytes>>,
) -> (Problem, HeaderMap) {
    let answer = ask(peer, request).await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(problem.status, answer.status.as_u16());
    assert_eq!((problem.instance.as_str(), &problem.message), ("r-1", &problem.detail));
    let text = serde_json::to_string_pretty(&problem).unwrap();
    let file = match &problem.field {
        Some(field) => format!("problems/{}-{field}.json", problem.slug()),
        None => format!("problems/{}.json", problem.slug()),
    };
    // Errors that every route shares are worded in one way; the endpoints' own are beside their
    // error type.
    let own = ["method-not-allowed", "cluster-unavailable", "invalid-request", "job-not-found"];
    // All but the document can be written as text, too.
    let is_of_all = !problem.detail.starts_with("answers are `application/json`:");
    if is_of_all && !own.contains(&problem.slug()) {
        expect_file![golden(&file)].assert_eq(&text);
    }
    (problem, answer.headers)
}

#[tokio::test]
async fn without_a_certificate_nobody_is_anybody() {
    for (method, path) in every_route_of_callers() {
        let (problem, _) = refused(None, request(&method, &path).body(full("")).unwrap()).await;
        assert_eq!(problem.slug(), "unauthenticated", "{method} {path}");
    }
}

#[tokio::test]
async fn another_organisation_has_no_tools() {
    let peer = certificate("admins");
    for (method, path) in every_route_of_callers() {
        let request = request(&method, &path).body(full("")).unwrap();
        assert_eq!(refused(Some(&peer), request).await.0.slug(), "forbidden", "{method} {path}");
    }
}

#[tokio::test]
async fn a_proxys_header_is_refused_at_this_door() {
    let peer = certificate("toolforge");
    for (method, path) in every_route_of_callers() {
        let request =
            request(&method, &path).header("ssl-client-subject-dn", "CN=tf-other,O=toolforge");
        let (problem, _) = refused(Some(&peer), request.body(full("")).unwrap()).await;
        assert_eq!(
            (problem.status, problem.field.as_deref()),
            (400, Some("ssl-client-subject-dn"))
        );
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let peer = certificate("toolforge");
    for (method, path) in every_route() {
        let request = request(&Method::PUT, &path).body(full("")).unwrap();
        let (problem, headers) = refused(Some(&peer), request).await;
        assert_eq!(problem.slug(), "method-not-allowed");
        let here = every_route().into_iter().filter(|(_, other)| *other == path);
        let allowed = here.map(|(method, _)| match method {
            Method::GET => "GET, HEAD".to_owned(),
            method => method.to_string(),
        });
        let allowed = allowed.collect::<Vec<_>>().join(", ");
        assert_eq!(headers[header::ALLOW], allowed, "{method} {path}");
    }
}

#[tokio::test]
async fn an_unknown_path_and_an_unknown_parameter_are_refused() {
    let peer = certificate("toolforge");
    let unknown = request(&Method::GET, "/api/v1/nope").body(full("")).unwrap();
    assert_eq!(refused(Some(&peer), unknown).await.0.slug(), "route-not-found");
    for (method, path) in every_route() {
        let request = request(&method, &format!("{path}?wiat=1")).body(full("")).unwrap();
        let (problem, _) = refused(Some(&peer), request).await;
        assert_eq!(
            (problem.status, problem.field.as_deref()),
            (400, Some("wiat")),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn an_oversized_body_and_an_answer_that_nobody_reads_are_refused() {
    let peer = certificate("toolforge");
    for (method, path) in every_route() {
        let large = request(&method, &path).body(full(vec![b' '; 64 * 1024 + 1])).unwrap();
        assert_eq!(refused(Some(&peer), large).await.0.slug(), "body-too-large", "{method} {path}");
        let accept = request(&method, &path).header("accept", "text/html").body(full("")).unwrap();
        assert_eq!(
            refused(Some(&peer), accept).await.0.slug(),
            "not-acceptable",
            "{method} {path}"
        );
    }
}

/// A refusal that every route has, and one of its own.
#[tokio::test]
async fn who_reads_text_is_answered_in_lines_by_every_route() {
    let peer = certificate("toolforge");
    let has_text = |route: &Route<AppState>| route.media().contains(&Media::Text);
    for (method, path) in routes_that(has_text) {
        for (peer, query) in [(None, ""), (Some(&peer), "?wiat=1"), (Some(&peer), "")] {
            let request = request(&method, &format!("{path}{query}"))
                .header("accept", "text/plain")
                .header("content-type", "application/json");
            let answer = ask(peer, request.body(full("{\"cmd\":\"\"}")).unwrap()).await;
            let text = String::from_utf8(answer.body.into()).unwrap();
            assert_eq!(answer.headers["content-type"], "text/plain; charset=utf-8", "{path}");
            assert_eq!(answer.headers["vary"], "accept", "{path}");
            if answer.status.is_success() {
                assert!(text.lines().all(|line| line.split('\t').count() == 2), "{text}");
            } else {
                assert!(text.lines().count() == 1 && !text.contains('{'), "{path}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_is_refused() {
    let peer = certificate("toolforge");
    // A restart has no body, and one that comes with it is not looked at.
    let has_body = |(method, path): &(Method, String)| {
        let is_new = *method == Method::POST && !path.contains("restart");
        is_new || *method == Method::PATCH
    };
    for (method, path) in every_route().into_iter().filter(has_body) {
        let json = request(&method, &path).header("content-type", "application/json");
        let (problem, _) = refused(Some(&peer), json.body(full("{")).unwrap()).await;
        assert_eq!(problem.slug(), "invalid-request", "{path}");
        let text = request(&method, &path).header("content-type", "text/plain");
        let (problem, _) = refused(Some(&peer), text.body(full("{}")).unwrap()).await;
        assert_eq!(problem.slug(), "unsupported-media-type", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_fails_is_never_quoted() {
    let peer = certificate("toolforge");
    for (method, path) in every_route() {
        let request = request(&method, &path).header("content-type", "application/json");
        let answer = ask(Some(&peer), request.body(full(BODY)).unwrap()).await;
        if ["containers", "images", "openapi"].iter().any(|word| path.contains(word)) {
            assert_eq!(answer.status, StatusCode::OK, "{path} needs no cluster");
        } else {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
            assert!(answer.headers.contains_key(header::RETRY_AFTER));
        }
    }
}

/// Every slug of the contract that exists by now, each with the document that clients see.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test may block")]
fn every_kind_of_problem_has_its_golden_file() {
    let files: Vec<_> = std::fs::read_dir(golden("problems"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for slug in [
        "body-too-large",
        "cluster-unavailable",
        "credentials-rejected",
        "forbidden",
        "internal",
        "invalid-container",
        "invalid-limits",
        "invalid-request",
        "invalid-schedule",
        "job-exists",
        "job-not-found",
        "no-credentials",
        "not-acceptable",
        "object-too-large",
        "quota-exceeded",
        "route-not-found",
        "unauthenticated",
        "unsupported-media-type",
    ] {
        assert!(files.iter().any(|file| file.starts_with(slug)), "{slug} has none");
    }
}
