//! What is not HTTP, or not JSON, or too much of either.

use std::{sync::Arc, time::Duration};

use tjf_devcluster::suite::{Call, Client, Needs, World};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, interval},
};

use super::{one_off, scenarios};

/// The service waits 5 s for a head and 30 s for a request.
const HEAD_TIME_MAX: Duration = Duration::from_secs(9);
const REQUEST_TIME_MAX: Duration = Duration::from_secs(40);

scenarios![
    a_body_without_end_is_cut_off: Needs::OwnDoor,
    a_slow_head_is_not_waited_for: Needs::OwnDoor,
    a_slow_body_is_not_waited_for_for_ever,
    a_body_of_ten_megabytes_is_refused,
    a_wrong_content_length_does_no_harm,
    json_that_is_no_job_is_refused_by_name,
    what_is_no_http_is_refused: Needs::OwnDoor,
    who_sends_everything_first_or_speaks_in_the_clear_is_answered: Needs::OwnDoor,
];

/// A raw `run` with these headers and this body.
fn raw(headers: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/run/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
         Content-Type: application/json\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

#[track_caller]
fn assert_status(heard: &str, status: u16) {
    assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "not {status}: {heard:?}");
}

async fn a_body_of_ten_megabytes_is_refused(world: Arc<World>) {
    let tool = world.tool("big").await;
    let body = format!("{{\"cmd\":\"{}\"}}", "x".repeat(10 * 1024 * 1024));
    let announced = raw(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert_status(&tool.client.send_raw(&announced, HEAD_TIME_MAX).await, 413);
    let chunks: String =
        body.as_bytes().chunks(8192).map(|_| format!("2000\r\n{}\r\n", "x".repeat(8192))).collect();
    let chunked = raw("Transfer-Encoding: chunked\r\n", &format!("{chunks}0\r\n\r\n"));
    assert_status(&tool.client.send_raw(&chunked, HEAD_TIME_MAX).await, 413);
    assert_eq!(tool.list().await, []);
}

/// Chunk after chunk, as long as somebody reads.
async fn a_body_without_end_is_cut_off(world: Arc<World>) {
    let tool = world.tool("chunks").await;
    let mut stream = tool.client.connect().await.unwrap();
    stream.write_all(&raw("Transfer-Encoding: chunked\r\n", "")).await.unwrap();
    stream.flush().await.unwrap();
    let (mut from, mut to) = tokio::io::split(stream);
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let talk =
        async { while to.write_all(chunk.as_bytes()).await.is_ok() && to.flush().await.is_ok() {} };
    let hear = async {
        let mut heard = Vec::new();
        let _ = from.read_to_end(&mut heard).await;
        String::from_utf8_lossy(&heard).into_owned()
    };
    let both = async { tokio::join!(talk, hear).1 };
    let heard = tjf_devcluster::suite::within("an end", HEAD_TIME_MAX, both).await;
    assert_status(&heard, 413);
}

/// A byte a second never ends a head; the connection is closed after about 5 s.
async fn a_slow_head_is_not_waited_for(world: Arc<World>) {
    let tool = world.tool("slow").await;
    let began = Instant::now();
    let heard = drip(&tool.client, b"GET /api/v1/list/ HTTP/1.1\r\nX-Slow: ", HEAD_TIME_MAX).await;
    assert_eq!(heard, "", "nothing was asked yet");
    assert!(began.elapsed() > Duration::from_secs(3), "after {:?}", began.elapsed());
    // Half of a handshake neither.
    let began = Instant::now();
    let mut stream = tokio::net::TcpStream::connect(tool.service().address).await.unwrap();
    stream.write_all(b"\x16\x03\x01").await.unwrap();
    let mut heard = Vec::new();
    let read = stream.read_to_end(&mut heard);
    let _ = tjf_devcluster::suite::within("an end", HEAD_TIME_MAX, read).await;
    assert!(began.elapsed() > Duration::from_secs(3), "after {:?}", began.elapsed());
}

async fn a_slow_body_is_not_waited_for_for_ever(world: Arc<World>) {
    let tool = world.tool("dribble").await;
    let head = raw("Content-Length: 1000\r\n", "{");
    let heard = drip(&tool.client, &head, REQUEST_TIME_MAX).await;
    assert!(heard.starts_with("HTTP/1.1 408 ") || heard.starts_with("HTTP/1.1 504 "), "{heard:?}");
    assert_eq!(tool.list().await, []);
}

/// Says `beginning`, then a letter a second; gives what was heard until the other side closed.
async fn drip(client: &Client, beginning: &[u8], time_max: Duration) -> String {
    let mut stream = client.connect().await.unwrap();
    stream.write_all(beginning).await.unwrap();
    stream.flush().await.unwrap();
    let (mut from, mut to) = tokio::io::split(stream);
    let mut heard = Vec::new();
    let hear = from.read_to_end(&mut heard);
    let talk = async {
        let mut ticks = interval(Duration::from_secs(1));
        loop {
            ticks.tick().await;
            if to.write_all(b"x").await.is_err() || to.flush().await.is_err() {
                // Gone, and what was said before may still be read.
                std::future::pending::<()>().await;
            }
        }
    };
    let both = async {
        tokio::select! {
            _ = hear => {}
            () = talk => {}
        }
    };
    tjf_devcluster::suite::within("the other side closes", time_max, both).await;
    String::from_utf8_lossy(&heard).into_owned()
}

async fn a_wrong_content_length_does_no_harm(world: Arc<World>) {
    let tool = world.tool("length").await;
    let job = one_off("smuggled", "true").to_string();
    let length = job.len();
    // Shorter than the body: half a document, and the rest is not a request.
    let short = raw(&format!("Content-Length: {}\r\n", length - 5), &job);
    assert_status(&tool.client.send_raw(&short, HEAD_TIME_MAX).await, 400);
    // Two that differ, one that is not a number, and one beside chunks, are what smuggling is made of.
    for headers in [
        format!("Content-Length: {length}\r\nContent-Length: {}\r\n", length + 1),
        format!("Content-Length: {length}, {}\r\n", length + 1),
        format!("Content-Length: +{length}\r\n"),
        "Content-Length: -1\r\n".to_owned(),
        "Content-Length: 99999999999999999999\r\n".to_owned(),
    ] {
        let heard = tool.client.send_raw(&raw(&headers, &job), HEAD_TIME_MAX).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 4"), "{headers:?}: {heard:?}");
    }
    assert_eq!(tool.list().await, []);
}

async fn json_that_is_no_job_is_refused_by_name(world: Arc<World>) {
    let tool = world.tool("json").await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let deep_field = format!(r#"{{"cmd":"true","imagename":"tf-busybox","env":{deep}}}"#);
    let cases: [(&str, &str); 12] = [
        (r#"{"cmd":"true","cmd":"false","imagename":"tf-busybox"}"#, "cmd"),
        (r#"{"cmd":"true","image":"tf-busybox","type":"tf-busybox"}"#, "image"),
        (r#"{"cmd":12,"imagename":"tf-busybox"}"#, "cmd"),
        (r#"{"cmd":"true","imagename":"tf-busybox","retry":"2"}"#, "retry"),
        (r#"{"cmd":"true","imagename":"tf-busybox","retry":1e99}"#, "retry"),
        (r#"{"cmd":"true","imagename":"tf-busybox","continuous":1}"#, "continuous"),
        (r#"{"cmd":"true","imagename":"tf-busybox","wiat":true}"#, "wiat"),
        (r#"{"imagename":"tf-busybox"}"#, "cmd"),
        (r#"{"cmd":"true","imagename":"tf-busybox"} {}"#, ""),
        (r#"["cmd"]"#, ""),
        ("", ""),
        (&deep_field, ""),
    ];
    for (body, word) in cases {
        let call =
            Call::new(hyper::Method::POST, "/run/").header("content-type", "application/json");
        let answer = tool.send(call.body(body.to_owned())).await;
        let problem = answer.expect_problem(400, "invalid-request");
        let named = problem.field.clone().unwrap_or_default() + &problem.detail;
        assert!(named.contains(word), "{word} in {problem:?}");
    }
    let invalid =
        [&b"{\"cmd\":\"\xff\",\"imagename\":\"tf-busybox\"}"[..], b"\xef\xbb\xbf[]", b"\0"];
    for body in invalid {
        let call =
            Call::new(hyper::Method::POST, "/run/").header("content-type", "application/json");
        let answer = tool.send(call.body(body.to_vec())).await;
        answer.expect_problem(400, "invalid-request");
    }
    let call = Call::new(hyper::Method::POST, "/run/").header("content-type", "text/yaml");
    tool.send(call.body("cmd: true")).await.expect_problem(415, "unsupported-media-type");
    assert_eq!(tool.list().await, []);
}

async fn what_is_no_http_is_refused(world: Arc<World>) {
    let tool = world.tool("noise").await;
    let long_head = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64 * 1024));
    let long_path = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(64 * 1024));
    for noise in [
        b"\x00\x01\x02\r\n\r\n".to_vec(),
        b"GET /api/v1/list/ HTTP/9.9\r\nHost: x\r\n\r\n".to_vec(),
        b"GET /api/v1/list/ HTTP/1.1\r\nBad Header: x\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        long_head.into_bytes(),
        long_path.into_bytes(),
    ] {
        let heard = tool.client.send_raw(&noise, HEAD_TIME_MAX).await;
        assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 4"), "{heard:?}");
    }
    // The service is as well as before.
    assert_eq!(tool.list().await, []);
}

/// Clients that look for an answer only when they have sent all, and those that take one port for
/// another.
async fn who_sends_everything_first_or_speaks_in_the_clear_is_answered(world: Arc<World>) {
    let tool = world.tool("eager").await;
    let get = b"GET /api/v1/list/ HTTP/1.1\r\nHost: x\r\n\r\n";
    let large = raw("Content-Length: 1048576\r\n", &"x".repeat(1024 * 1024));
    for (request, status) in [(&get[..], 200), (&large, 413)] {
        let mut stream = tool.client.connect().await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut heard = Vec::new();
        let hear = stream.read_to_end(&mut heard);
        let _ = tjf_devcluster::suite::within("an end", HEAD_TIME_MAX, hear).await;
        assert_status(&String::from_utf8_lossy(&heard), status);
    }
    let mut stream = tokio::net::TcpStream::connect(tool.service().address).await.unwrap();
    stream.write_all(get).await.unwrap();
    let mut heard = String::new();
    let hear = stream.read_to_string(&mut heard);
    tjf_devcluster::suite::within("an end", HEAD_TIME_MAX, hear).await.unwrap();
    assert_status(&heard, 400);
    assert!(heard.contains("https://"), "{heard}");
}
