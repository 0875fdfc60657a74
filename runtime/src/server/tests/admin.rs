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
        let ends = end.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let line = format!("\ntjf_certificate_expiry_timestamp_seconds {ends}\n");
        assert!(server.admin("/metrics").await.contains(&line), "{line}");
    }
}

#[tokio::test]
async fn metrics_are_called_what_they_are() {
    const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let server = Server::start(Limits::PRODUCTION).await;
    // Those of Prometheus 2 and 3, curl's, and some that want neither.
    for (accept, media_type) in [
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
             version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            OPEN_METRICS,
        ),
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;\
             escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            OPEN_METRICS,
        ),
        ("text/plain;version=0.0.4;q=0.5, */*;q=0.1", CLASSIC),
        ("*/*", CLASSIC),
        ("text/html", CLASSIC),
        ("", CLASSIC),
    ] {
        let mut stream = TcpStream::connect(server.admin_address).await.unwrap();
        let request = format!("GET /metrics HTTP/1.0\r\naccept: {accept}\r\n\r\n");
        let answer = ask(&mut stream, &request).await.unwrap();
        assert!(answer.contains(&format!("content-type: {media_type}\r\n")), "{answer}");
        assert!(answer.contains("vary: accept\r\n"), "{answer}");
        assert_eq!(answer.ends_with("# EOF\n"), media_type == OPEN_METRICS, "{answer}");
    }
    assert!(server.admin("/metrics").await.contains(&format!("content-type: {CLASSIC}\r\n")));
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
