//! Who calls, and who we are.

use super::*;

#[tokio::test]
async fn the_certificate_says_who_calls_over_either_version_of_tls() {
    let server = Server::start(Limits::PRODUCTION).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let client = server.client(Some(tool(&server.issuer)), &[version]);
        let mut stream = server.connect(&client).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let answer = ask(&mut stream, HELLO).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\"tf-test\""), "{answer}");
    }
}

#[tokio::test]
async fn a_session_is_resumed_and_still_known() {
    let server = Server::start(Limits::PRODUCTION).await;
    let client = server.tools_client();
    for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
        let mut stream = server.connect(&client).await.unwrap();
        let answer = ask(&mut stream, HELLO).await.unwrap();
        assert!(answer.ends_with("\"tf-test\""), "{answer}");
        assert_eq!(stream.get_ref().1.handshake_kind(), Some(kind));
    }
}

#[tokio::test]
async fn a_renewed_certificate_of_our_own_is_shown_without_a_restart() {
    let server = Server::start(Limits::PRODUCTION).await;
    let shown = async || {
        let stream = server.connect(&server.tools_client()).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    assert_eq!(shown().await, server.own);
    fs::write(server.folder.path().join("tls.crt"), "half a certific").unwrap();
    server.own_certificate.look();
    assert_eq!(shown().await, server.own, "half written");
    let renewed = write_own(server.folder.path(), &server.issuer);
    server.own_certificate.look();
    assert_eq!(shown().await, renewed);
}
