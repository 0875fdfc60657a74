//! Every request has its line, also what was done for a client that left.

use std::{io, sync::Mutex};

use tracing::{Dispatch, subscriber::NoSubscriber};

use super::*;
use crate::{
    connections::ConnectionCount,
    metrics::{Format, Now},
};

/// What is logged while this goes on. Tasks of a test run on its own thread.
async fn log_of(work: impl Future) -> String {
    // While there is one subscriber alone, tracing asks only the thread that comes to a line first
    // whether anybody listens, and that may be another test's.
    let _second = Dispatch::new(NoSubscriber::default());
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || Log(Arc::clone(&writer)))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    work.await;
    drop(guard);
    let log = std::mem::take(&mut *log.lock().unwrap());
    String::from_utf8(log).unwrap()
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line a request, and one more, with the cause, when it was our own fault.
#[tokio::test]
async fn a_cause_is_told_once_in_the_log_and_a_request_in_one_line() {
    let log = log_of(refused(request("GET", "/panics").body(body("")).unwrap())).await;
    assert_eq!(log.matches("SECRET").count(), 1, "{log}");
    let lines: Vec<_> = log.lines().collect();
    assert!(lines[0].contains("ERROR") && lines[0].contains("SECRET"), "{log}");
    for part in [" INFO ", "request.id=r-1", "route=\"/panics/\"", "status=500"] {
        assert!(lines[1].contains(part), "{part} is missing in {log}");
    }
    let (peer, service) = (peer(), service());
    let good = post_json("/echo").body(body("\"the text\"")).unwrap();
    let log = log_of(async { text_of(service.respond(Some(&peer), good).await).await }).await;
    assert!(log.contains("tool.name=\"tf-test\"") && log.contains("status=200"), "{log}");
    assert!(log.lines().count() == 1 && !log.contains("the text"), "{log}");
}

/// Begins a request, lets its handler begin, and then leaves.
async fn leave(service: &Service<State>, method: &str) {
    let peer = peer();
    let request = request(method, "/wait").body(body("")).unwrap();
    tokio::select! {
        _ = service.respond(Some(&peer), request) => panic!("it was answered"),
        () = service.state.entered.notified() => {}
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_read_with_it() {
    let service = service();
    leave(&service, "GET").await;
    service.tasks.close();
    service.tasks.wait().await;
    assert!(service.state.was_dropped.load(Ordering::SeqCst));
    assert!(!service.state.was_finished.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_changes_something_goes_on_when_its_client_has_left() {
    let service = service();
    leave(&service, "POST").await;
    service.state.go_on.notify_one();
    service.tasks.close();
    service.tasks.wait().await;
    assert!(service.state.was_finished.load(Ordering::SeqCst));
}

/// Whatever a client sends, its line is short and says no more than what is known to be true.
#[tokio::test]
async fn what_a_client_makes_up_does_not_come_into_the_log() {
    let long = "X".repeat(30_000);
    let (service, peer) = (service(), peer());
    let log = log_of(async {
        for (method, path) in
            [(long.as_str(), "/wait"), ("BREW", "/wait"), ("GET", &format!("/{long}"))]
        {
            for peer in [Some(&peer), None] {
                let request = request(method, path).body(body("")).unwrap();
                text_of(service.respond(peer, request).await).await;
            }
        }
    })
    .await;
    assert_eq!(log.lines().count(), 6, "{log}");
    assert!(!log.contains("XX") && !log.contains("BREW"), "{log}");
    assert_eq!(log.matches("method=\"other\"").count(), 4, "{log}");
}

/// Of those who prove nothing there are some lines, and the count of the others.
#[tokio::test(start_paused = true)]
async fn callers_who_prove_nothing_do_not_fill_the_log() {
    let (service, peer) = (service(), peer());
    let log = log_of(async {
        for _ in 0..1000 {
            let request = request("GET", "/wait").body(body("")).unwrap();
            text_of(service.respond(None, request).await).await;
        }
        let request = request("GET", "/nope").body(body("")).unwrap();
        text_of(service.respond(Some(&peer), request).await).await;
        service.log.tell_left_out();
        service.log.tell_left_out();
    })
    .await;
    assert_eq!(log.matches("status=401").count(), 10, "{log}");
    assert_eq!(log.matches("tool.name").count(), 1, "who is known has a line");
    assert_eq!(log.matches("left_out=990").count(), 1, "{log}");
    let now = Now {
        connections: ConnectionCount { unproven: 0, idle: 0, busy: 0 },
        held: service.held(),
        certificate_end: SystemTime::UNIX_EPOCH,
    };
    let text = service.metrics.encode(now, Format::OpenMetrics).unwrap();
    assert!(text.contains(r#"{method="GET",route="none",status="401"} 1000"#), "{text}");
}

#[tokio::test]
async fn what_was_done_for_a_client_that_left_has_its_line() {
    let service = service();
    let log = log_of(async {
        leave(&service, "POST").await;
        service.state.go_on.notify_one();
        leave(&service, "GET").await;
        service.tasks.close();
        service.tasks.wait().await;
    })
    .await;
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert!(lines[0].contains("status=200") && lines[0].contains("client_left=true"), "{log}");
    assert!(lines[1].contains("status=499") && lines[1].contains("client_left=true"), "{log}");
    assert!(lines.iter().all(|line| line.contains("tool.name=\"tf-test\"")), "{log}");
}

/// A handler says what it is about, and what is logged below it is found by the request's id.
#[tokio::test]
async fn a_handlers_own_lines_carry_the_requests_id() {
    async fn warns(context: Context<State>) -> Result<Json<&'static str>, Failure> {
        context.is_about("the-name");
        context.is_about("another");
        tracing::warn!("look here");
        Ok(Json("done"))
    }
    let service = service_of(Router::new().route(Route::get("/warns/", warns)));
    let peer = peer();
    let request = request("GET", "/warns").body(body("")).unwrap();
    let log = log_of(async { text_of(service.respond(Some(&peer), request).await).await }).await;
    let (warning, line) = log.split_once('\n').unwrap();
    assert!(warning.contains("look here") && warning.contains("request{id=r-1}"), "{log}");
    assert!(line.contains("name=\"the-name\"") && !line.contains("another"), "{log}");
}
