//! What a server does not put up with, and what it does.

use super::*;

/// One place, and three who want it: who only keeps a connection makes room, whether or not it ever
/// asked for anything; who is being answered does not.
#[tokio::test]
async fn who_is_idle_makes_room_and_who_is_at_work_does_not() {
    let limits = Limits { connections_max: 1, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut silent = server.connect(&client).await.unwrap();
    let mut idle = kept(&server, &client).await;
    assert_eq!(read_all(&mut silent).await.unwrap(), "", "it never asked");
    let mut at_work = server.connect(&client).await.unwrap();
    assert_eq!(read_all(&mut idle).await.unwrap(), "", "it asked, and was answered");
    at_work.write_all(WAIT.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    assert!(server.connect(&client).await.is_err(), "there is no room");
    server.state.go_on.notify_one();
    read_until(&mut at_work, "\"done\"").await;
    let metrics = server.admin("/metrics").await;
    assert!(metrics.contains("tjf_connections_refused_total 3"), "{metrics}");
}

#[tokio::test]
async fn one_certificate_has_so_many_connections_and_no_more() {
    let limits = Limits { connections_per_certificate_max: 2, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut streams = Vec::new();
    for _ in 0..2 {
        streams.push(kept(&server, &client).await);
    }
    let third = ask(&mut server.connect(&client).await.unwrap(), HELLO_AND_STAY).await.unwrap();
    assert!(third.starts_with("HTTP/1.1 503") && third.contains("connection: close"), "{third}");
    assert!(third.contains("too many connections with this certificate"), "{third}");
    let other =
        ask(&mut server.connect(&server.tools_client()).await.unwrap(), HELLO).await.unwrap();
    assert!(other.starts_with("HTTP/1.1 200"), "another certificate: {other}");
}

#[tokio::test]
async fn idle_connections_end_in_their_time() {
    let limits =
        Limits { idle_connection_time_max: Duration::from_millis(200), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let mut idle = server.connect(&server.tools_client()).await.unwrap();
    assert_eq!(read_all(&mut idle).await.unwrap(), "");
}

/// Half a head is closed soon, and a kept connection between two requests is not.
#[tokio::test]
async fn a_head_that_is_not_finished_is_not_waited_for() {
    let limits = Limits { header_read_time_max: Duration::from_millis(300), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut kept = kept(&server, &client).await;
    let mut slow = server.connect(&client).await.unwrap();
    assert_eq!(ask(&mut slow, "GET /hello HTTP/1.1\r\nho").await.unwrap(), "");
    let answer = ask(&mut kept, HELLO).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200"),
        "it was idle for longer than a head may take: {answer}"
    );
    assert_eq!(ask(&mut server.connect(&client).await.unwrap(), "G").await.unwrap(), "");
}

#[tokio::test]
async fn half_a_head_behind_a_whole_request_is_not_waited_for() {
    let limits = Limits { header_read_time_max: Duration::from_millis(300), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    let answer = ask(&mut stream, &format!("{HELLO_AND_STAY}GET /he")).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\"tf-test\""), "{answer}");
}

/// Bytes of a body are not a head: what takes its time is the request, which has a deadline.
#[tokio::test]
async fn a_body_may_take_longer_than_a_head() {
    let limits = Limits {
        header_read_time_max: Duration::from_millis(200),
        request_time_max: Duration::from_millis(800),
        ..Limits::PRODUCTION
    };
    let server = Server::start(limits).await;
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    let head = "POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n12";
    let began = Instant::now();
    let answer = ask(&mut stream, head).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 504") && answer.contains("connection: close"), "{answer}");
    assert!(began.elapsed() >= limits.request_time_max);
}

/// Whoever sends a large body without looking reads afterwards why it was refused.
#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_unread() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    for head in ["content-length: 10485760\r\n\r\n", "transfer-encoding: chunked\r\n\r\n100000\r\n"]
    {
        let mut stream = server.connect(&client).await.unwrap();
        let head = format!("POST /wait HTTP/1.1\r\nhost: x\r\n{head}");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut read, mut write) = tokio::io::split(stream);
        let sending = async { while write.write_all(&[b'x'; 65536]).await.is_ok() {} };
        let (answer, ()) = tokio::join!(read_until(&mut read, "\r\n\r\n"), sending);
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer:?}");
        assert!(answer.contains("connection: close"), "{answer}");
    }
}

#[tokio::test]
async fn requests_that_come_together_are_answered_in_their_order() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    let nope = "GET /nope HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = ask(&mut stream, &format!("{nope}{HELLO_AND_STAY}{HELLO}")).await.unwrap();
    let statuses: Vec<_> =
        answer.match_indices("HTTP/1.1 ").map(|(at, _)| &answer[at + 9..at + 12]).collect();
    assert_eq!(statuses, ["404", "200", "200"], "{answer}");
}

#[tokio::test]
async fn a_handshake_that_is_not_finished_is_not_waited_for() {
    let limits = Limits { header_read_time_max: Duration::from_millis(200), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&[22]).await.unwrap();
    assert_eq!(read_all(&mut stream).await.unwrap(), "");
    assert!(server.admin("/metrics").await.contains("tjf_handshakes_failed_total 1"));
}

/// A change goes on when its client leaves, and a drain waits for it.
#[tokio::test]
async fn a_drain_waits_for_a_change_whose_client_has_left() {
    let limits = Limits { drain_notice_time: Duration::ZERO, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    stream.write_all(WAIT.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    drop(stream);
    server.shutdown.drain();
    until_refused(server.address).await;
    server.state.go_on.notify_one();
    server.ended().await;
    assert!(server.state.was_done.load(Ordering::SeqCst));
}

/// Connects until nobody listens any longer.
async fn until_refused(address: SocketAddr) {
    let refused = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), refused).await.expect("it stops listening");
}

#[tokio::test]
async fn a_drain_has_its_time_and_then_ends() {
    let limits = Limits {
        drain_notice_time: Duration::ZERO,
        drain_time_max: Duration::from_millis(300),
        ..Limits::PRODUCTION
    };
    let server = Server::start(limits).await;
    let mut at_work = server.connect(&server.tools_client()).await.unwrap();
    at_work.write_all(WAIT.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    server.shutdown.drain();
    server.ended().await;
}

/// Kept connections, used or never used, are not a reason to wait.
#[tokio::test]
async fn a_drain_does_not_wait_for_who_is_silent() {
    let limits = Limits { drain_notice_time: Duration::ZERO, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut silent = server.connect(&client).await.unwrap();
    let mut idle = kept(&server, &client).await;
    let began = Instant::now();
    server.shutdown.drain();
    assert_eq!(read_all(&mut silent).await.unwrap(), "");
    assert_eq!(read_all(&mut idle).await.unwrap(), "");
    server.ended().await;
    assert!(began.elapsed() < limits.idle_connection_time_max);
    assert!(began.elapsed() < limits.header_read_time_max);
}
