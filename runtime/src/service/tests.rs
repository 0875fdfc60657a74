mod log;
mod routes;

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use http_body_util::Full;
use hyper::body::Frame;
use tjf_api_types::Problem;
use tokio::sync::Notify;

use super::*;
use crate::{
    Context, Route,
    config::Reader,
    pool::{PoolLimits, testing::Homeless},
    reply::Json,
};

/// What the handlers of these tests share.
#[derive(Default)]
struct State {
    entered: Notify,
    go_on: Notify,
    was_finished: AtomicBool,
    was_dropped: Arc<AtomicBool>,
}

impl Application for State {
    type PerCaller = ();
}

/// Remembers that it was dropped.
struct Witness(Arc<AtomicBool>);

impl Drop for Witness {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

async fn wait(context: Context<State>) -> Result<Json<&'static str>, Failure> {
    let _witness = Witness(Arc::clone(&context.state.was_dropped));
    context.state.entered.notify_one();
    context.state.go_on.notified().await;
    context.state.was_finished.store(true, Ordering::SeqCst);
    Ok(Json("done"))
}

async fn panics(_: Context<State>) -> Result<Json<&'static str>, Failure> {
    panic!("SECRET")
}

async fn echo(_: Context<State>, Json(text): Json<String>) -> Result<Json<String>, Failure> {
    Ok(Json(text))
}

fn service() -> Arc<Service<State>> {
    service_of(
        Router::new()
            .route(Route::get("/wait/", wait))
            .route(Route::post("/wait/", wait))
            .route(Route::get("/panics/", panics))
            .route(Route::post("/echo/", echo)),
    )
}

fn service_of(router: Router<State>) -> Arc<Service<State>> {
    let settings: HashMap<&str, String> = [
        ("TJF_IDENTITY", "peer-certificate"),
        ("TJF_TLS_CERT", "unused"),
        ("TJF_TLS_KEY", "unused"),
        ("TJF_CLIENT_CA", "unused"),
        ("TJF_KUBE_SERVER", "https://unused"),
    ]
    .map(|(key, value)| (key, value.to_owned()))
    .into();
    let mut reader = Reader::new(&settings);
    let config = Config::read(&mut reader);
    let config = reader.finish(config).unwrap();
    let limits = Limits {
        body_bytes_max: 64,
        requests_in_flight_max: 1,
        requests_per_caller_max: 1,
        requests_queued_per_caller_max: 1,
        ..Limits::PRODUCTION
    };
    let clients = Clients::new(Homeless, PoolLimits::PRODUCTION);
    Arc::new(Service::new(&config, limits, router, Arc::default(), clients))
}

fn peer() -> PeerCertificate {
    peer_named("tf-test")
}

fn peer_named(tool: &str) -> PeerCertificate {
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::OrganizationName, "toolforge");
    params.distinguished_name.push(rcgen::DnType::CommonName, tool);
    let key = rcgen::KeyPair::generate().unwrap();
    PeerCertificate::from_der(params.self_signed(&key).unwrap().der()).unwrap()
}

fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path).header(REQUEST_ID, "r-1")
}

fn post_json(path: &str) -> http::request::Builder {
    request("POST", path).header("content-type", "application/json")
}

fn body(bytes: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(bytes.into())
}

async fn text_of(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn problem_of(response: Response) -> Problem {
    let status = response.status().as_u16();
    let problem: Problem = serde_json::from_str(&text_of(response).await).unwrap();
    assert_eq!((problem.status, problem.instance.as_str()), (status, "r-1"));
    problem
}

/// The problem that a request gets which is refused.
async fn refused(request: Request<Full<Bytes>>) -> Problem {
    problem_of(service().respond(Some(&peer()), request).await).await
}

#[tokio::test]
async fn an_answer_carries_the_requests_id_or_a_new_one() {
    let service = service();
    let with =
        service.respond(Some(&peer()), post_json("/echo").body(body("\"x\"")).unwrap()).await;
    assert_eq!(
        (with.status().as_u16(), &with.headers()[REQUEST_ID]),
        (200, &"r-1".parse().unwrap())
    );
    let without = Request::get("/nope").body(body("")).unwrap();
    let response = service.respond(Some(&peer()), without).await;
    let id = response.headers()[REQUEST_ID].to_str().unwrap().to_owned();
    let problem: Problem = serde_json::from_str(&text_of(response).await).unwrap();
    assert_eq!(problem.instance, id);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_by_name() {
    let problem = refused(request("GET", "/wait?wiat=5").body(body("")).unwrap()).await;
    assert_eq!(problem.field.as_deref(), Some("wiat"));
}

#[tokio::test]
async fn only_who_can_read_an_answer_is_answered() {
    for (accept, is_ok) in [
        ("*/*", true),
        ("application/json", true),
        ("text/html, application/*;q=0.8", true),
        ("text/plain", true),
        ("text/html", false),
        ("*/*;q=0", false),
        ("", false),
    ] {
        let request = post_json("/echo").header("accept", accept).body(body("\"x\"")).unwrap();
        let status = service().respond(Some(&peer()), request).await.status().as_u16();
        assert_eq!(status, if is_ok { 200 } else { 406 }, "{accept:?}");
    }
}

/// A body that says nothing about its length; it ends only when it has bytes to end with.
struct Trickle {
    chunks: Vec<Bytes>,
    has_end: bool,
}

impl Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.chunks.pop() {
            Some(chunk) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            None if self.has_end => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_whether_or_not_it_says_so() {
    let said = refused(post_json("/echo").body(body(vec![b'x'; 65])).unwrap()).await;
    assert_eq!(said.slug(), "body-too-large");
    let chunks = vec![Bytes::from_static(&[b'x'; 40]); 2];
    let request = post_json("/echo").body(Trickle { chunks, has_end: false }).unwrap();
    let response = service().respond(Some(&peer()), request).await;
    assert_eq!(response.headers()["connection"], "close", "the rest is not read");
    assert_eq!(problem_of(response).await.slug(), "body-too-large");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_waited_for_until_the_deadline() {
    let began = Instant::now();
    let request = post_json("/echo").body(Trickle { chunks: Vec::new(), has_end: false }).unwrap();
    let problem = problem_of(service().respond(Some(&peer()), request).await).await;
    assert_eq!(problem.slug(), "deadline-exceeded");
    assert_eq!(began.elapsed(), Limits::PRODUCTION.request_time_max);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_its_words_stay_here() {
    let problem = refused(request("GET", "/panics").body(body("")).unwrap()).await;
    assert_eq!(problem.slug(), "internal");
    assert!(!problem.detail.contains("SECRET"));
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let request = request("POST", "/echo").header("content-type", "text/plain");
    assert_eq!(refused(request.body(body("x")).unwrap()).await.slug(), "unsupported-media-type");
}

#[tokio::test]
async fn a_packed_body_is_refused_by_the_name_of_its_packing() {
    let ask = async |headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(post_json("/echo"), |request, (name, value)| request.header(*name, *value));
        service().respond(Some(&peer()), request.body(body("\"x\"")).unwrap()).await
    };
    let (content, transfer) = ("content-encoding", "transfer-encoding");
    for headers in [
        &[][..],
        &[(content, "identity")],
        &[(content, "Identity, identity")],
        &[(content, "")],
        &[(transfer, "Chunked")],
    ] {
        assert_eq!(ask(headers).await.status().as_u16(), 200, "{headers:?}");
    }
    for headers in [
        &[(content, "gzip")][..],
        &[(content, "identity, gzip")],
        &[(content, "identity"), (content, "gzip")],
        &[(content, "gzip, br")],
        &[(transfer, "gzip, chunked")],
    ] {
        let problem = problem_of(ask(headers).await).await;
        assert_eq!((problem.status, problem.slug()), (415, "unsupported-media-type"));
        let named = format!("`{}: gzip`", headers[0].0);
        assert!(problem.detail.contains(&named), "{}", problem.detail);
    }
}

#[tokio::test]
async fn who_is_nobody_learns_nothing_about_routes() {
    for path in ["/echo", "/nope", "/wait?wiat=5"] {
        let request = request("GET", path).body(body("")).unwrap();
        let response = service().respond(None, request).await;
        assert_eq!(problem_of(response).await.slug(), "unauthenticated", "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_ended_at_its_deadline() {
    let problem = refused(request("GET", "/wait").body(body("")).unwrap()).await;
    assert_eq!(problem.slug(), "deadline-exceeded");
}

/// There is one place of all, and the slow body has not got it.
#[tokio::test(start_paused = true)]
async fn a_slow_body_keeps_nobody_else_waiting() {
    let service = service();
    let (slow, other) = (peer(), peer_named("tf-other"));
    let trickle = Trickle { chunks: Vec::new(), has_end: false };
    let slow = service.respond(Some(&slow), post_json("/echo").body(trickle).unwrap());
    let mut slow = std::pin::pin!(slow);
    assert!(futures_util::poll!(&mut slow).is_pending());
    let began = Instant::now();
    let echo = post_json("/echo").body(body("\"x\"")).unwrap();
    assert_eq!(service.respond(Some(&other), echo).await.status().as_u16(), 200);
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(slow.await.status().as_u16(), 504);
}

/// One request at work, one that waits, and a third for which there is no room.
#[tokio::test(start_paused = true)]
async fn too_many_requests_of_one_caller_are_told_when_to_come_back() {
    let service = service();
    let peer = peer();
    let ask = async || {
        let request = request("GET", "/wait").body(body("")).unwrap();
        let response = service.respond(Some(&peer), request).await;
        // A place is held until the answer has been taken.
        (response.headers().get("retry-after").cloned(), text_of(response).await)
    };
    let third = async {
        service.state.entered.notified().await;
        let third = ask().await;
        service.state.go_on.notify_one();
        service.state.entered.notified().await;
        service.state.go_on.notify_one();
        third
    };
    let (first, second, (retry_after, third)) = tokio::join!(ask(), ask(), third);
    assert_eq!([first.1, second.1], ["\"done\"", "\"done\""]);
    assert_eq!(retry_after.unwrap(), "1");
    let problem: Problem = serde_json::from_str(&third).unwrap();
    assert_eq!(problem.slug(), "overloaded");
}

/// Whoever does not read its answers keeps its places, and gets no more.
#[tokio::test(start_paused = true)]
async fn a_place_is_held_until_the_answer_has_been_taken() {
    let (service, peer) = (service(), peer());
    let ask = || service.respond(Some(&peer), post_json("/echo").body(body("\"x\"")).unwrap());
    let first = ask().await;
    let mut second = std::pin::pin!(ask());
    assert!(futures_util::poll!(&mut second).is_pending());
    assert_eq!(text_of(first).await, "\"x\"");
    assert_eq!(text_of(second.await).await, "\"x\"");
    drop(ask().await);
    assert_eq!(text_of(ask().await).await, "\"x\"", "who left holds nothing");
}

#[tokio::test]
async fn an_expired_certificate_also_ends_the_connection() {
    let mut params = rcgen::CertificateParams::default();
    params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    let key = rcgen::KeyPair::generate().unwrap();
    let expired = PeerCertificate::from_der(params.self_signed(&key).unwrap().der()).unwrap();
    let request = request("GET", "/wait").body(body("")).unwrap();
    let response = service().respond(Some(&expired), request).await;
    assert_eq!(response.headers()["connection"], "close");
    assert_eq!(problem_of(response).await.slug(), "unauthenticated");
}
