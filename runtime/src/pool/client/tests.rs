use std::convert::Infallible;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http2;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time,
};

use super::*;

async fn server() -> (TcpListener, kube::Client) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = format!("http://{address}").parse().unwrap();
    let tls = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    let client = client(&server, &tls.with_no_client_auth(), &Calls::default());
    (listener, client)
}

async fn ask(client: &kube::Client) -> Result<(StatusCode, Bytes), kube::Error> {
    let response = client.send(Request::get("/").body(Body::empty()).unwrap()).await?;
    Ok((response.status(), response.into_body().collect().await?.to_bytes()))
}

/// Reads one request and answers it.
async fn answer(stream: &mut TcpStream, response: &[u8]) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.unwrap());
    }
    // Whoever refuses a response may hang up before it is whole.
    let _ = stream.write_all(response).await;
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn a_connection_serves_the_next_call_too_and_is_let_go_when_there_is_none() {
    let (listener, client) = server().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, OK).await;
        answer(&mut stream, OK).await;
        stream
    };
    let calls = async {
        for _ in 0..2 {
            assert_eq!(ask(&client).await.unwrap().1, "ok");
        }
    };
    let (mut stream, ()) = tokio::join!(serve, calls);
    time::pause();
    let began = time::Instant::now();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    // It is looked for in steps of the same length.
    let kept = began.elapsed();
    assert!(kept <= 2 * IDLE_TIME_MAX + Duration::from_secs(1), "{kept:?}");
    drop(client);
}

#[tokio::test]
async fn what_asks_for_http_2_shares_one_connection_however_long_it_is_in_between() {
    let (listener, client) = server().await;
    let serve = async {
        let (stream, _) = listener.accept().await.unwrap();
        let answer = async |_| Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("ok")));
        let answer = hyper::service::service_fn(answer);
        let served = http2::Builder::new(TokioExecutor::new());
        let served = served.serve_connection(TokioIo::new(stream), answer);
        tokio::select! {
            served = served => panic!("it has ended: {served:?}"),
            second = listener.accept() => panic!("there is another: {second:?}"),
        }
    };
    let calls = async {
        for _ in 0..2 {
            let request = Request::get("/").version(Version::HTTP_2).body(Body::empty());
            let answer = client.send(request.unwrap()).await.unwrap();
            assert_eq!(answer.version(), Version::HTTP_2);
            time::pause();
            time::advance(Duration::from_secs(600)).await;
            time::resume();
        }
    };
    tokio::select! {
        () = calls => {}
        () = serve => {}
    }
}

#[tokio::test]
async fn what_is_read_at_once_is_bounded() {
    for (header_bytes, fits) in [(READ_BUFFER_MAX / 2, true), (2 * READ_BUFFER_MAX, false)] {
        let (listener, client) = server().await;
        let header = "x".repeat(header_bytes);
        let response = format!("HTTP/1.1 200 OK\r\nA: {header}\r\nContent-Length: 2\r\n\r\nok");
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            answer(&mut stream, response.as_bytes()).await;
        };
        let (answered, ()) = tokio::join!(ask(&client), serve);
        assert_eq!(answered.is_ok(), fits, "{header_bytes}: {answered:?}");
    }
}

#[tokio::test]
async fn a_call_is_never_repeated() {
    let (listener, client) = server().await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        answer(&mut stream, b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy").await;
        stream
    };
    let (answered, mut stream) = tokio::join!(ask(&client), serve);
    assert!(matches!(&answered, Ok((StatusCode::SERVICE_UNAVAILABLE, _))), "{answered:?}");
    drop(client);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "a second request came");
}
