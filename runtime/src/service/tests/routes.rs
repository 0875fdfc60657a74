//! What a route's policy does: toys, mounted with nothing but that.

use futures_util::{StreamExt, stream};
use serde::Deserialize;

use super::*;
use crate::{Anonymous, Class, Media, Query, Reply, TextStream};

async fn version(_: Anonymous<State>) -> Result<Json<&'static str>, Failure> {
    Ok(Json("1"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    #[serde(default)]
    lines: Option<u32>,
}

async fn tail(
    _: Context<State>,
    crate::Path(name): crate::Path<String>,
    Query(Lines { lines }): Query<Lines>,
) -> Result<Json<String>, Failure> {
    Ok(Json(format!("{name} {lines:?}")))
}

async fn follow(_: Context<State>) -> Result<impl Reply, Failure> {
    let first = stream::iter([Ok(Bytes::from_static(b"one\n"))]);
    let headers = vec![("log-position", "1-0".to_owned())];
    Ok(TextStream { text: first.chain(stream::pending()), headers })
}

/// Waits until there is something to say, or the server stops.
async fn hold(context: Context<State>) -> Result<Json<&'static str>, Failure> {
    context.state.entered.notify_one();
    tokio::select! {
        () = context.state.go_on.notified() => Ok(Json("done")),
        () = context.stopping() => Ok(Json("not yet")),
    }
}

/// Comes to wait much longer than its route has.
async fn wait(context: Context<State>) -> Result<Json<&'static str>, Failure> {
    let until = Instant::now() + Duration::from_secs(500);
    let waiting = context.waits_until(until).ok_or_else(|| Failure::overloaded("no place"))?;
    assert_eq!(waiting.deadline, until);
    hold(waiting).await
}

/// A value that can be written in two ways.
struct Greeting;

impl Reply for Greeting {
    fn into_response(self, media: Media) -> Result<Response, Failure> {
        let text = match media {
            Media::Json | Media::Wrapped => "\"hello\"",
            Media::Text => "hello",
        };
        Ok(Response::new(text.as_bytes().to_vec().into()))
    }
}

async fn greet(_: Context<State>) -> Result<Greeting, Failure> {
    Ok(Greeting)
}

fn toys() -> Arc<Service<State>> {
    let long = Duration::from_secs(300);
    service_of(
        Router::new()
            .route(Route::get("/version/", version).class(Class::Free).answers(&[Media::Json]))
            .route(Route::get("/tail/{name}/", tail))
            .route(Route::get("/follow/", follow).class(Class::Waiting).answers(&[Media::Text]))
            .route(Route::get("/hold/", hold).class(Class::Waiting).time_max(long))
            .route(Route::get("/wait/", wait))
            .route(Route::get("/greet/", greet)),
    )
}

fn get(path: &str) -> Request<Full<Bytes>> {
    request("GET", path).body(body("")).unwrap()
}

#[tokio::test]
async fn a_route_for_everybody_asks_for_no_certificate_and_shows_no_other() {
    let service = toys();
    let answer = service.respond(None, get("/version")).await;
    assert_eq!((answer.status().as_u16(), text_of(answer).await.as_str()), (200, "\"1\""));
    assert_eq!(service.respond(None, get("/greet")).await.status().as_u16(), 401);
    assert_eq!(service.respond(None, get("/nope")).await.status().as_u16(), 401);
}

#[tokio::test]
async fn a_query_is_read_where_a_route_has_one_and_refused_elsewhere() {
    let (service, peer) = (toys(), peer());
    let ask = async |path: &str| service.respond(Some(&peer), get(path)).await;
    assert_eq!(text_of(ask("/tail/a?lines=5").await).await, "\"a Some(5)\"");
    assert_eq!(text_of(ask("/tail/a").await).await, "\"a None\"");
    for (path, field) in [
        ("/tail/a?lins=5", "lins"),
        ("/tail/a?lines=five", "lines"),
        ("/tail/a?lines=1&lines=2", "lines"),
        ("/greet?lines=5", "lines"),
    ] {
        let problem = problem_of(ask(path).await).await;
        assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)), "{path}");
    }
}

#[tokio::test]
async fn an_answer_is_written_as_the_caller_wants_it_and_so_is_a_refusal() {
    let (service, peer) = (toys(), peer());
    let ask = async |path: &str, accept: &str| {
        let request = request("GET", path).header("accept", accept).body(body("")).unwrap();
        service.respond(Some(&peer), request).await
    };
    assert_eq!(text_of(ask("/greet", "text/plain").await).await, "hello");
    assert_eq!(text_of(ask("/greet", "application/json;q=0, */*").await).await, "hello");
    assert_eq!(text_of(ask("/greet", "*/*").await).await, "\"hello\"");
    let problem = problem_of(ask("/version", "text/plain").await).await;
    assert_eq!(
        (problem.slug(), problem.detail.contains("application/json")),
        ("not-acceptable", true)
    );
    let refused = ask("/greet", "text/html").await;
    assert_eq!(refused.status().as_u16(), 406);
    for (path, line) in [
        ("/tail/a?lines=five", "`lines` has to be a whole number"),
        ("/tail/a?lins=5", "`lins` is none of those that are known here"),
        ("/greet?lines=5", "there is no query parameter `lines` here"),
        ("/nope", "there is nothing under this path"),
    ] {
        let refused = ask(path, "text/plain").await;
        assert_eq!(refused.headers()["content-type"], "text/plain; charset=utf-8", "{path}");
        let text = text_of(refused).await;
        assert!(text.starts_with(line) && text.lines().count() == 1, "{path}: {text:?}");
        assert!(text.ends_with('\n'), "{text:?}");
    }
    let nobody = request("GET", "/tail/a").header("accept", "text/plain").body(body("")).unwrap();
    let refused = text_of(service.respond(None, nobody).await).await;
    assert!(refused.contains("certificate") && !refused.contains('{'), "{refused}");
}

/// Whatever keeps answers must not give one in JSON to who asks for text.
#[tokio::test]
async fn an_answer_says_that_it_could_be_another_where_it_could() {
    let (service, peer) = (toys(), peer());
    for (path, varies) in [
        ("/greet", true),
        ("/tail/a", true),
        ("/tail/a?lins=5", true),
        ("/nope", true),
        ("/version", false),
        ("/follow", false),
    ] {
        let answer = service.respond(Some(&peer), get(path)).await;
        let vary = answer.headers().get("vary").map(|it| it.to_str().unwrap());
        assert_eq!(vary, varies.then_some("accept"), "{path}");
    }
}

/// A held answer has longer than others, and is given when the server stops.
#[tokio::test(start_paused = true)]
async fn a_route_that_waits_has_its_own_time_and_ends_with_the_server() {
    let (service, peer) = (toys(), peer());
    let began = Instant::now();
    let late = service.respond(Some(&peer), get("/hold")).await;
    assert_eq!(problem_of(late).await.slug(), "deadline-exceeded");
    assert_eq!(began.elapsed().as_secs(), 300);
    service.state.entered.notified().await;
    let stop = async {
        service.state.entered.notified().await;
        service.stopping.cancel();
    };
    let (held, ()) = tokio::join!(service.respond(Some(&peer), get("/hold")), stop);
    assert_eq!(text_of(held).await, "\"not yet\"");
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_wait_has_the_time_that_it_asked_for() {
    let (service, peer) = (toys(), peer());
    let began = Instant::now();
    let late = service.respond(Some(&peer), get("/wait")).await;
    assert_eq!(problem_of(late).await.slug(), "deadline-exceeded");
    assert_eq!(began.elapsed().as_secs(), 500);
}

/// It breaks off, so that its reader knows that there is more.
#[tokio::test]
async fn a_stream_goes_on_until_the_server_stops() {
    let (service, peer) = (toys(), peer());
    let answer = service.respond(Some(&peer), get("/follow")).await;
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("x-accel-buffering", "no"),
        ("log-position", "1-0"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    let mut stream = answer.into_body();
    let first = stream.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "one\n");
    assert!(futures_util::poll!(std::pin::pin!(stream.frame())).is_pending());
    service.stopping.cancel();
    assert!(stream.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn who_asks_for_a_head_is_answered_as_one_who_asks_for_all() {
    let (service, peer) = (toys(), peer());
    let head = request("HEAD", "/tail/a").body(body("")).unwrap();
    let answer = service.respond(Some(&peer), head).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(hyper::body::Body::size_hint(answer.body()).exact(), Some(8));
}

/// Whoever reads wrapped answers reads a refusal so, wherever it comes from.
#[tokio::test]
async fn who_does_not_get_as_far_as_a_route_is_refused_as_its_readers_read() {
    let wrapped = Route::get("/wrapped/{name}/", tail).answers(&[Media::Wrapped]);
    let service = service_of(Router::new().route(wrapped));
    for (accept, path, is_wrapped) in [
        ("*/*", "/wrapped/a", true),
        ("text/plain", "/wrapped/a", true),
        ("*/*", "/wrapped/a/b", true),
        ("*/*", "/nothing", false),
    ] {
        let asked = request("GET", path).header("accept", accept).body(body("")).unwrap();
        let answer = service.refuse(None, &asked, Failure::overloaded("too many"));
        let text = text_of(answer).await;
        assert_eq!(text.contains("\"error\":[\"too many\"]"), is_wrapped, "{path}: {text}");
    }
}
