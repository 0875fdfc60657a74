//! What other people's clients send.

use super::*;

const HOLD: &str = "GET /hold HTTP/1.1\r\nhost: x\r\n\r\n";
const CHUNKED: &str = "POST /wait HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n\
                       2\r\nab\r\n0\r\n\r\n";
/// More than there is room for on the way, so that somebody has to read it.
const LARGE_BODY: &[u8] = &[b'x'; 12 * 1024 * 1024];

/// The ways in which a client says that it sends no more.
#[derive(Debug, Clone, Copy)]
enum End {
    /// As TLS wants it.
    Tls,
    /// As `ncat` does.
    Tcp,
}

async fn send_no_more(stream: &mut client::TlsStream<TcpStream>, end: End) {
    match end {
        End::Tls => stream.shutdown().await.unwrap(),
        End::Tcp => stream.get_mut().0.shutdown().await.unwrap(),
    }
}

/// The head of an answer, but for its date.
fn head_of(answer: &str) -> Vec<&str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let changes = |line: &&str| line.starts_with("date") || line.starts_with("x-request-id");
    head.lines().filter(|line| !changes(line)).collect()
}

#[tokio::test]
async fn head_is_answered_with_the_head_of_get() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    let ask_by = async |method: &str, path: &str| {
        let mut stream = server.connect(&client).await.unwrap();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        ask(&mut stream, &head).await.unwrap()
    };
    for (path, status) in [("/hello", "200"), ("/large", "200"), ("/nothing", "404")] {
        let (head, get) = (ask_by("HEAD", path).await, ask_by("GET", path).await);
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{head}");
        assert!(head.contains("content-length: ") && head.ends_with("\r\n\r\n"), "{head}");
        // A problem document has the request's id in it, and all of ours have the same length.
        assert_eq!(head_of(&head), head_of(&get), "{path}");
    }
    let refused = ask_by("HEAD", "/wait").await;
    assert!(
        refused.starts_with("HTTP/1.1 405") && refused.contains("allow: POST\r\n"),
        "{refused}"
    );
    let refused = ask_by("PUT", "/hello").await;
    assert!(refused.contains("allow: GET, HEAD\r\n"), "{refused}");
}

#[tokio::test]
async fn a_client_that_sends_no_more_is_answered() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    for end in [End::Tls, End::Tcp] {
        let mut stream = server.connect(&client).await.unwrap();
        stream.write_all(HELLO_AND_STAY.repeat(2).as_bytes()).await.unwrap();
        send_no_more(&mut stream, end).await;
        let answer = read_all(&mut stream).await.unwrap();
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{end:?}: {answer}");
        for request in [WAIT, CHUNKED] {
            let mut stream = server.connect(&client).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            if request == WAIT {
                server.state.entered.notified().await;
            }
            send_no_more(&mut stream, end).await;
            server.state.go_on.notify_one();
            let answer = read_all(&mut stream).await.unwrap();
            assert!(answer.ends_with("\"done\""), "{end:?}, {request}: {answer}");
        }
    }
    let mut admin = TcpStream::connect(server.admin_address).await.unwrap();
    admin.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    admin.shutdown().await.unwrap();
    assert!(read_all(&mut admin).await.unwrap().ends_with("ok\n"));
}

/// Half of a body and no more of it will never be all of it.
#[tokio::test]
async fn a_client_that_sends_no_more_of_a_body_is_not_waited_for() {
    let server = Server::start(Limits::PRODUCTION).await;
    let of_length = "POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n12";
    for begun in [of_length, &CHUNKED[..CHUNKED.len() - 4], "GET /hel"] {
        for end in [End::Tls, End::Tcp] {
            let mut stream = server.connect(&server.tools_client()).await.unwrap();
            let began = Instant::now();
            stream.write_all(begun.as_bytes()).await.unwrap();
            send_no_more(&mut stream, end).await;
            assert!(!read_all(&mut stream).await.unwrap().contains("200 OK"), "{begun}");
            assert!(began.elapsed() < Limits::PRODUCTION.header_read_time_max, "{begun}");
        }
    }
}

/// One that sends no more may still be there. It is so for as long as any ordinary request has.
#[tokio::test]
async fn what_waits_for_a_client_that_has_gone_ends_in_its_time() {
    let limits = Limits { request_time_max: Duration::from_millis(300), ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    for end in [End::Tls, End::Tcp] {
        let mut stream = server.connect(&client).await.unwrap();
        stream.write_all(HOLD.as_bytes()).await.unwrap();
        server.state.entered.notified().await;
        let began = Instant::now();
        send_no_more(&mut stream, end).await;
        drop(stream);
        let left = timeout(Duration::from_secs(20), server.state.was_left.notified()).await;
        left.expect("it ends");
        assert!(began.elapsed() >= limits.request_time_max, "{end:?}");
    }
}

#[tokio::test]
async fn what_waits_for_a_client_that_says_that_it_has_gone_ends_at_once() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    stream.write_all(HOLD.as_bytes()).await.unwrap();
    server.state.entered.notified().await;
    let began = Instant::now();
    stream.get_ref().0.set_zero_linger().unwrap();
    drop(stream);
    timeout(Duration::from_secs(20), server.state.was_left.notified()).await.expect("it ends");
    assert!(began.elapsed() < Limits::PRODUCTION.request_time_max);
}

/// Those who send all of a body before they read anything.
#[tokio::test]
async fn a_refusal_arrives_although_nobody_wants_the_body() {
    let server = Server::start(Limits::PRODUCTION).await;
    let (known, nobody) = (server.tools_client(), server.client(None, rustls::ALL_VERSIONS));
    let long_header = format!("POST /wait HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(100 * 1024));
    for (client, head, status) in [
        (&known, "POST /wait HTTP/1.1\r\nhost: x", 413),
        (&known, "POST /wait HTTP/1.1", 400),
        (&known, "POST /nothing HTTP/1.1\r\nhost: x", 404),
        (&known, "PUT /wait HTTP/1.1\r\nhost: x", 405),
        (&known, "POST /wait?x=1 HTTP/1.1\r\nhost: x", 400),
        (&known, "POST /wait HTTP/1.1\r\nhost: x\r\ncontent-encoding: gzip", 415),
        (&known, "POST /wait HTTP/1.1\r\nhost: x\r\naccept: text/html", 406),
        (&known, &long_header, 431),
        (&known, "POST wait", 400),
        (&nobody, "POST /wait HTTP/1.1\r\nhost: x", 401),
    ] {
        let mut stream = server.connect(client).await.unwrap();
        let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", LARGE_BODY.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(LARGE_BODY).await.unwrap_or_else(|error| panic!("{status}: {error}"));
        let answer = read_until(&mut stream, "\r\n\r\n").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
    }
    let mut stream = TcpStream::connect(server.admin_address).await.unwrap();
    let head = "POST /livez HTTP/1.1\r\nhost: x\r\ncontent-length: 12582912\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(LARGE_BODY).await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 405"));
}

/// Whoever sends its next request over a connection that is about to end loses it.
#[tokio::test]
async fn a_refusal_of_half_a_body_says_that_the_connection_ends_and_of_a_whole_one_it_stays() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    let nothing = "POST /nothing HTTP/1.1\r\nhost: x\r\n";
    for (rest, is_kept) in [
        ("content-length: 3\r\n\r\nabc", true),
        ("content-length: 0\r\n\r\n", true),
        ("\r\n", true),
        ("content-length: 3\r\n\r\nab", false),
        ("content-length: 3\r\nexpect: 100-continue\r\n\r\n", false),
        ("transfer-encoding: chunked\r\n\r\n3\r\nab", false),
    ] {
        let mut stream = server.connect(&client).await.unwrap();
        stream.write_all(format!("{nothing}{rest}").as_bytes()).await.unwrap();
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 404"), "{head}");
        assert_eq!(head.contains("connection: close"), !is_kept, "{rest:?}: {head}");
        if is_kept {
            let answer = ask(&mut stream, HELLO).await.unwrap();
            assert!(answer.ends_with("\"tf-test\""), "{rest:?}: {answer}");
        }
    }
    let mut stream = server.connect(&client).await.unwrap();
    stream.write_all(CHUNKED.as_bytes()).await.unwrap();
    server.state.go_on.notify_one();
    let answer = read_until(&mut stream, "\"done\"").await;
    assert!(!answer.contains("connection: close"), "all of it was read: {answer}");
}

/// The rest of a body has a time, and whoever sends it makes room for others.
#[tokio::test]
async fn a_body_that_nobody_wants_keeps_no_place() {
    let limits = Limits { connections_max: 1, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut unwanted = server.connect(&client).await.unwrap();
    let head = "POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1048576\r\n\r\n";
    unwanted.write_all(head.as_bytes()).await.unwrap();
    assert!(read_until(&mut unwanted, "\r\n\r\n").await.starts_with("HTTP/1.1 413"));
    let answer = ask(&mut server.connect(&client).await.unwrap(), HELLO).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn who_speaks_in_the_clear_is_told_to_use_tls() {
    let server = Server::start(Limits::PRODUCTION).await;
    for text in
        [HELLO, "post /wait HTTP/1.0\r\n\r\n", "HEAD / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        stream.write_all(LARGE_BODY).await.unwrap();
        let answer = read_until(&mut stream, "address\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("content-type: text/plain"), "{head}");
        assert!(body.contains("https://") && body.lines().count() == 1, "{body}");
    }
    for bytes in [&b"\x00\x01\x02"[..], b"\x80\x2e\x01", b"\r\n", b"\x16\x03\x01\x00\x02xx"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap();
        assert!(!answer.starts_with(b"HTTP"), "{bytes:?}: {answer:?}");
    }
}

#[tokio::test]
async fn a_request_of_http_1_1_has_one_good_host_on_both_ports() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    for (version, headers, is_good) in [
        ("1.1", "host: jobs.example:8443\r\n", true),
        ("1.0", "", true),
        ("1.0", "host: x\r\n", true),
        ("1.1", "", false),
        ("1.1", "host: x\r\nhost: x\r\n", false),
        ("1.0", "host: x\r\nhost: y\r\n", false),
        ("1.1", "host: a b\r\n", false),
        ("1.1", "host:\r\n", false),
    ] {
        let request =
            |path: &str| format!("GET {path} HTTP/{version}\r\n{headers}connection: close\r\n\r\n");
        let mut stream = server.connect(&client).await.unwrap();
        let answer = ask(&mut stream, &request("/hello")).await.unwrap();
        let mut admin = TcpStream::connect(server.admin_address).await.unwrap();
        let of_admin = ask(&mut admin, &request("/livez")).await.unwrap();
        for answer in [answer, of_admin] {
            let status = if is_good { "200" } else { "400" };
            assert!(
                answer.starts_with(&format!("HTTP/{version} {status}")),
                "{headers:?}: {answer}"
            );
            assert!(is_good || answer.contains("one `Host`"), "{answer}");
        }
    }
}

#[tokio::test]
async fn the_target_may_be_a_whole_address() {
    let server = Server::start(Limits::PRODUCTION).await;
    let rest = "HTTP/1.1\r\nhost: other.example\r\nconnection: close\r\n\r\n";
    for (target, status) in
        [("https://x:8443/hello/", 200), ("http://x/hello", 200), ("https://x", 404), ("*", 404)]
    {
        let mut stream = server.connect(&server.tools_client()).await.unwrap();
        let answer = ask(&mut stream, &format!("GET {target} {rest}")).await.unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
    }
    let mut admin = TcpStream::connect(server.admin_address).await.unwrap();
    let answer = ask(&mut admin, &format!("GET http://x/livez {rest}")).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// As curl 7.88 does with `-0`.
#[tokio::test]
async fn a_client_that_offers_the_older_version_alone_is_answered_in_it() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut client = (*server.tools_client()).clone();
    client.alpn_protocols = vec![b"http/1.0".to_vec()];
    let mut stream = server.connect(&Arc::new(client)).await.unwrap();
    let answer = ask(&mut stream, "GET /hello HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("\"tf-test\""), "{answer}");
}
