//! Health and metrics.

use super::*;

/// Each date of the certificate by itself; and a renewed one mends it without a restart.
#[tokio::test]
async fn a_server_whose_own_certificate_is_not_valid_now_is_not_ready_and_says_so() {
    let server = Server::start(Limits::PRODUCTION).await;
    let day = Duration::from_secs(24 * 60 * 60);
    let now = SystemTime::now();
    for (begin, end, status, sentence) in [
        (now - 2 * day, now - day, "503", "is not valid any more: it ended at 20"),
        (now + day, now + 2 * day, "503", "is not valid yet: it will be from 20"),
        (now - day, now + day, "200", "ok\n"),
    ] {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (begin.into(), end.into());
        write_own_with(server.folder.path(), &server.issuer, params);
        server.own_certificate.look();
        let answer = server.admin("/readyz").await;
        assert!(answer.starts_with(&format!("HTTP/1.0 {status}")), "{answer}");
        assert!(answer.contains(sentence), "{answer}");
        assert!(server.admin("/livez").await.starts_with("HTTP/1.0 200"));
    }
}

#[tokio::test]
async fn probes_and_scrapers_have_so_many_connections_and_no_more() {
    let server = Server::start(Limits { admin_connections_max: 1, ..Limits::PRODUCTION }).await;
    let mut silent = TcpStream::connect(server.admin_address).await.unwrap();
    silent.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    read_until(&mut silent, "ok\n").await;
    let mut second = TcpStream::connect(server.admin_address).await.unwrap();
    assert_eq!(read_all(&mut second).await.unwrap(), "");
    drop(silent);
    let answered = async {
        loop {
            let mut stream = TcpStream::connect(server.admin_address).await.unwrap();
            let answer = ask(&mut stream, "GET /livez HTTP/1.0\r\n\r\n").await;
            if answer.is_ok_and(|answer| answer.ends_with("ok\n")) {
                return;
            }
        }
    };
    timeout(Duration::from_secs(20), answered).await.expect("there is room again");
}

#[tokio::test]
async fn metrics_are_called_what_they_are() {
    let server = Server::start(Limits::PRODUCTION).await;
    let answer = server.admin("/metrics").await;
    let media_type = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    assert!(answer.contains(media_type), "{answer}");
    assert!(answer.ends_with("# EOF\n"), "{answer}");
    assert!(server.admin("/livez").await.contains("content-type: text/plain; charset=utf-8\r\n"));
}

/// The same head as GET's, and no body.
#[tokio::test]
async fn head_is_answered_wherever_get_is_and_nothing_else() {
    let server = Server::start(Limits::PRODUCTION).await;
    let ask_by = async |method: &str, path: &str| {
        let mut stream = TcpStream::connect(server.admin_address).await.unwrap();
        ask(&mut stream, &format!("{method} {path} HTTP/1.0\r\n\r\n")).await.unwrap()
    };
    for path in ["/livez", "/readyz", "/metrics", "/nothing"] {
        let (head, get) = (ask_by("HEAD", path).await, ask_by("GET", path).await);
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        // The date may be another.
        let lines = |text: &str| -> Vec<String> {
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect()
        };
        assert_eq!(lines(&head), lines(&get), "{path}");
    }
    let refused = ask_by("POST", "/livez").await;
    assert!(
        refused.starts_with("HTTP/1.0 405") && refused.contains("allow: GET, HEAD"),
        "{refused}"
    );
}
