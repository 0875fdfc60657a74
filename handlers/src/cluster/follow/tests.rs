use std::{io, sync::Arc};

use bytes::Bytes;
use http::Response;
use http_body_util::channel::{Channel, Sender};
use serde_json::{Value, json};
use tokio::time::advance;
use tower_test::mock;

use super::*;
use crate::{
    job::observe::Objects,
    state::Creates,
    store::{Contents, Filling, Store},
    testing::object,
};

type Answer = Response<Channel<Bytes, io::Error>>;
type Stream = Sender<Bytes, io::Error>;

const KINDS: [Kind; 4] = [Kind::JOBS, Kind::CRON_JOBS, Kind::REPLICATION_CONTROLLERS, Kind::PODS];

/// Kubernetes, as far as watches go.
struct Kubernetes {
    calls: mock::Handle<Request<Body>, Answer>,
    kube: kube::Client,
}

impl Kubernetes {
    fn new() -> Self {
        let (service, calls) = mock::pair();
        Self { calls, kube: kube::Client::new(service, "default") }
    }

    /// Begins the watch that is asked for next. Gives where from, and what it is told through.
    async fn begins(&mut self) -> (String, Stream) {
        self.answers(HttpVersion::HTTP_2, StatusCode::OK).await
    }

    async fn answers(&mut self, version: HttpVersion, status: StatusCode) -> (String, Stream) {
        let (request, respond) = self.calls.next_request().await.unwrap();
        let (stream, body) = Channel::new(1);
        let mut response = Response::new(body);
        (*response.version_mut(), *response.status_mut()) = (version, status);
        respond.send_response(response);
        (request.uri().to_string(), stream)
    }
}

/// A store that knows of nothing up to version 10, and in which three kinds are followed.
fn store() -> (Store, Feed) {
    let store = Store::default();
    let versions = KINDS.map(|kind| (kind, Version::parse("10"))).into();
    let filling = Filling { objects: Objects::default(), versions, bytes: 0 };
    let feed = store.fill(&Arc::default(), store.writes(), filling).unwrap();
    for kind in KINDS.into_iter().filter(|kind| *kind != Kind::JOBS) {
        feed.begun(kind).unwrap();
    }
    (store, feed)
}

/// The names of the jobs in the store; none when nothing may be shown.
async fn shown(store: &Store) -> Option<Vec<String>> {
    let names = |contents: &mut Contents| {
        contents.objects().jobs.iter().map(|job| job.metadata.name.clone()).collect()
    };
    store.with(&Creates::default(), names).await
}

fn line(what: &str, object: &Value) -> String {
    format!("{}\n", json!({"type": what, "object": object}))
}

fn job(name: &str, version: u64) -> Value {
    object(
        name,
        &format!("u{name}"),
        &json!({"metadata": {"resourceVersion": version.to_string()}}),
    )
}

fn bookmark(version: u64) -> String {
    line("BOOKMARK", &json!({"kind": "Job", "metadata": {"resourceVersion": version.to_string()}}))
}

async fn say(stream: &mut Stream, text: impl Into<Bytes>) {
    stream.send_data(text.into()).await.unwrap();
}

/// What becomes of a watch of jobs that is told this, and then breaks off.
async fn told(text: &str) -> (End, Store, Feed) {
    let (mut kubernetes, (store, feed)) = (Kubernetes::new(), store());
    let kube = kubernetes.kube.clone();
    let tell = async {
        let (_, mut stream) = kubernetes.begins().await;
        let _ = stream.send_data(Bytes::from(text.to_owned())).await;
        stream.abort(io::ErrorKind::ConnectionReset.into());
    };
    let (end, ()) = tokio::join!(watch::<BatchJob>(&kube, "tool-a", &feed), tell);
    (end.unwrap_err(), store, feed)
}

#[tokio::test(start_paused = true)]
async fn lines_are_told_however_they_are_cut() {
    let text = [
        line("ADDED", &job("a", 11)),
        line("ADDED", &job("b", 12)),
        line("MODIFIED", &job("a", 13)),
        line("DELETED", &job("b", 14)),
        bookmark(20),
    ]
    .concat();
    for size in [1, 7, 100, text.len()] {
        let (mut kubernetes, (store, feed)) = (Kubernetes::new(), store());
        let kube = kubernetes.kube.clone();
        let tell = async {
            let (path, mut stream) = kubernetes.begins().await;
            assert!(path.starts_with("/apis/batch/v1/namespaces/tool-a/jobs?watch=true"), "{path}");
            assert!(path.contains("&allowWatchBookmarks=true&resourceVersion=10&"), "{path}");
            for piece in text.as_bytes().chunks(size) {
                say(&mut stream, piece.to_vec()).await;
            }
        };
        let (outcome, ()) = tokio::join!(watch::<BatchJob>(&kube, "tool-a", &feed), tell);
        outcome.unwrap();
        assert_eq!(shown(&store).await.unwrap(), ["a"], "in pieces of {size}");
        assert_eq!(feed.version(Kind::JOBS).unwrap(), Version::parse("20"));
    }
}

/// What the half says is told again by the watch that begins where the last whole line ended.
#[tokio::test(start_paused = true)]
async fn half_a_line_is_nothing() {
    let whole = line("ADDED", &job("a", 11));
    let half = line("ADDED", &job("b", 12));
    let (end, store, feed) = told(&format!("{whole}{}", &half[..half.len() / 2])).await;
    assert!(matches!(end, End::BrokenOff(_)), "{end:?}");
    assert!(!end.lasts());
    assert_eq!(shown(&store).await.unwrap(), ["a"]);
    assert_eq!(feed.version(Kind::JOBS).unwrap(), Version::parse("11"));
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_forgotten_ends_it_and_everything_may_be_read_anew() {
    let status = json!({"kind": "Status", "code": 410, "reason": "Expired",
        "message": "too old resource version: 10 (900)"});
    let (end, ..) = told(&line("ERROR", &status)).await;
    assert!(matches!(&end, End::Told(why) if why.starts_with("too old")), "{end:?}");
    assert!(!end.lasts());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_ends_it_and_an_odd_object_is_left_out() {
    let odd = json!({"metadata": {"name": "a", "uid": "ua", "resourceVersion": "12"}, "spec": 7});
    let text = [line("ADDED", &job("a", 11)), line("MODIFIED", &odd)].concat();
    let (end, store, feed) = told(&text).await;
    assert!(matches!(end, End::BrokenOff(_)), "{end:?}");
    assert_eq!(shown(&store).await.unwrap(), Vec::<String>::new());
    assert_eq!(feed.version(Kind::JOBS).unwrap(), Version::parse("12"));
    for nonsense in ["{}\n", "<html>\n", "{\"type\":\"ADDED\",\"object\":{}}\n"] {
        let (end, ..) = told(nonsense).await;
        assert!(matches!(end, End::Unreadable(_)) && end.lasts(), "{nonsense}: {end:?}");
    }
    let (end, ..) = told(&"x".repeat(OBJECT_BYTES_MAX + 1)).await;
    assert!(matches!(end, End::TooLarge) && end.lasts(), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_silent_is_not_believed_for_ever() {
    let (mut kubernetes, (_, feed)) = (Kubernetes::new(), store());
    let kube = kubernetes.kube.clone();
    let began = Instant::now();
    let tell = async {
        let (_, mut stream) = kubernetes.begins().await;
        advance(SILENCE_MAX / 2).await;
        say(&mut stream, bookmark(11)).await;
        stream
    };
    let (outcome, _stream) = tokio::join!(watch::<BatchJob>(&kube, "tool-a", &feed), tell);
    assert!(matches!(outcome, Err(End::Silent)), "{outcome:?}");
    assert_eq!(began.elapsed().as_secs(), (SILENCE_MAX + SILENCE_MAX / 2).as_secs());
}

#[tokio::test(start_paused = true)]
async fn who_may_not_watch_or_cannot_be_asked_whether_it_lives_is_not_followed() {
    for (version, status) in [
        (HttpVersion::HTTP_2, StatusCode::FORBIDDEN),
        (HttpVersion::HTTP_2, StatusCode::UNAUTHORIZED),
        (HttpVersion::HTTP_11, StatusCode::OK),
    ] {
        let (mut kubernetes, (store, feed)) = (Kubernetes::new(), store());
        let kube = kubernetes.kube.clone();
        let (outcome, _) = tokio::join!(
            watch::<BatchJob>(&kube, "tool-a", &feed),
            kubernetes.answers(version, status)
        );
        let end = outcome.unwrap_err();
        assert!(matches!(end, End::Refused(_) | End::NotHttp2) && end.lasts(), "{end:?}");
        assert_eq!(shown(&store).await, None);
    }
    let (mut kubernetes, (_, feed)) = (Kubernetes::new(), store());
    let kube = kubernetes.kube.clone();
    let silent = async { kubernetes.calls.next_request().await };
    let (outcome, _call) = tokio::join!(watch::<BatchJob>(&kube, "tool-a", &feed), silent);
    assert!(matches!(outcome, Err(End::NotBegun(_))), "{outcome:?}");
}

/// Rights that were withdrawn meanwhile are missed then, and the store ends.
#[tokio::test(start_paused = true)]
async fn a_watch_that_has_had_its_time_begins_again_where_it_ended() {
    let (mut kubernetes, (_, feed)) = (Kubernetes::new(), store());
    let kube = kubernetes.kube.clone();
    let tell = async {
        let (path, mut stream) = kubernetes.begins().await;
        let seconds = path.split("timeoutSeconds=").nth(1).unwrap().parse::<u64>().unwrap();
        assert!((260..=290).contains(&seconds), "{path}");
        for at in [1, 2, 3, 4] {
            advance(Duration::from_secs(seconds / 4)).await;
            say(&mut stream, bookmark(10 + at)).await;
        }
        drop(stream);
        let (path, stream) = kubernetes.begins().await;
        assert!(path.contains("&resourceVersion=14&"), "{path}");
        advance(Duration::from_secs(1)).await;
        drop(stream);
    };
    let (outcome, ()) = tokio::join!(follow::<BatchJob>(&kube, "tool-a", &feed), tell);
    assert!(matches!(outcome, Err(End::TooEarly)), "{outcome:?}");
}
