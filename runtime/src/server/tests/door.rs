//! Who gets in, as a client sees it.

use super::*;

#[tokio::test]
async fn no_certificate_is_told_so() {
    let server = Server::start(Limits::PRODUCTION).await;
    let nobody = server.client(None, rustls::ALL_VERSIONS);
    let answer = ask(&mut server.connect(&nobody).await.unwrap(), HELLO).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

/// Over TLS 1.3 a client learns of a refusal only when it reads.
#[tokio::test]
async fn a_foreign_certificate_gets_an_alert_and_no_answer() {
    let server = Server::start(Limits::PRODUCTION).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let foreign = server.client(Some(tool(&authority())), &[version]);
        let outcome = match server.connect(&foreign).await {
            Ok(mut stream) => ask(&mut stream, HELLO).await,
            Err(error) => Err(error),
        };
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("alert"), "{version:?}: {error}");
    }
    assert!(server.admin("/metrics").await.contains("tjf_handshakes_failed_total 2"));
}

#[tokio::test]
async fn who_speaks_only_another_protocol_is_refused() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut client = (*server.tools_client()).clone();
    client.alpn_protocols = vec![b"h2".to_vec()];
    let error = server.connect(&Arc::new(client)).await.unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");
}

/// The certificate runs out some seconds after the first handshake. From then on a kept connection
/// is told so and ends, and so is every new connection that resumes the session, for which TLS
/// itself looks at no dates.
#[tokio::test]
async fn a_certificate_that_runs_out_is_refused_on_kept_and_resumed_connections() {
    let server = Server::start(Limits::PRODUCTION).await;
    let until_refused = async |version| {
        let end = SystemTime::now() + Duration::from_secs(3);
        let client = server.client(Some(tool_until(&server.issuer, end)), &[version]);
        let mut kept = server.connect(&client).await.unwrap();
        kept.write_all(HELLO_AND_STAY.as_bytes()).await.unwrap();
        read_until(&mut kept, "\"tf-test\"").await;
        let resumed = loop {
            let mut stream = server.connect(&client).await.unwrap();
            let answer = ask(&mut stream, HELLO).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(HandshakeKind::Resumed));
            if !answer.starts_with("HTTP/1.1 200") {
                break answer;
            }
        };
        [resumed, ask(&mut kept, HELLO_AND_STAY).await.unwrap()]
    };
    let versions = async {
        tokio::join!(until_refused(&rustls::version::TLS12), until_refused(&rustls::version::TLS13))
    };
    let (old, new) = timeout(Duration::from_secs(20), versions).await.expect("it runs out");
    for answer in old.iter().chain(&new) {
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
}

/// The other door: the proxy's certificate is its own, and the header says who calls. Without a
/// certificate the header is worth nothing; and connections of one proxy are not counted.
#[tokio::test]
async fn a_proxy_speaks_for_its_callers_and_nobody_else_does() {
    let limits = Limits { connections_per_certificate_max: 1, ..Limits::PRODUCTION };
    let server = Server::start_with("trusted-header", limits).await;
    let (certificate, key) = named(&server.issuer, PROXY);
    let proxy = server.client(Some((certificate, key)), rustls::ALL_VERSIONS);
    let headers = "ssl-client-verify: SUCCESS\r\nssl-client-subject-dn: CN=someone,O=toolforge";
    let request = format!("GET /hello HTTP/1.1\r\nhost: x\r\n{headers}\r\n\r\n");
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = server.connect(&proxy).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        read_until(&mut stream, "\"someone\"").await;
        streams.push(stream);
    }
    let nobody = server.client(None, rustls::ALL_VERSIONS);
    let mut stream = server.connect(&nobody).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(read_until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 401"));
    let mut stream = server.connect(&server.tools_client()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = read_until(&mut stream, "the proxy\"").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "a tool's certificate is not a proxy's: {answer}");
    let answer = ask(&mut server.connect(&proxy).await.unwrap(), HELLO).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "the proxy itself is nobody: {answer}");
}
