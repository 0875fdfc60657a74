//! What one client takes away from the others: nothing.

use super::*;

const LARGE: &str = "GET /large HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// Many times as many as there is room for: some shake hands and no more, some have no certificate.
#[tokio::test]
async fn connections_that_prove_nothing_end_no_other() {
    let limits = Limits {
        connections_max: 6,
        unproven_connections_max: 3,
        // So that it is not their own time that ends them.
        header_read_time_max: Duration::from_secs(60),
        ..Limits::PRODUCTION
    };
    let server = Server::start(limits).await;
    let (known, nobody) = (server.tools_client(), server.client(None, rustls::ALL_VERSIONS));
    let mut kept = kept(&server, &known).await;
    let (mut silent, mut nameless) = (Vec::new(), Vec::new());
    let mut begun = server.connect(&nobody).await.unwrap();
    begun.write_all(b"GET /hel").await.unwrap();
    for _ in 0..20 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
        nameless.push(server.connect(&nobody).await.unwrap());
    }
    let newcomer = ask(&mut server.connect(&known).await.unwrap(), HELLO).await.unwrap();
    assert!(newcomer.starts_with("HTTP/1.1 200"), "{newcomer}");
    let answer = ask(&mut kept, HELLO).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(read_all(&mut begun).await.unwrap(), "", "it made room, with half a head");
    for silent in &mut silent[..15] {
        assert_eq!(read_all(silent).await.unwrap(), "", "it made room");
    }
}

#[tokio::test]
async fn silent_connections_to_the_admins_port_do_not_take_it_away() {
    let server = Server::start(Limits::PRODUCTION).await;
    let mut silent = Vec::new();
    for _ in 0..2 * Limits::PRODUCTION.admin_connections_max {
        silent.push(TcpStream::connect(server.admin_address).await.unwrap());
    }
    assert!(server.admin("/livez").await.starts_with("HTTP/1.0 200"));
    assert_eq!(read_all(&mut silent[0]).await.unwrap(), "", "the oldest made room");
}

/// The caller has one place, and its answer is on its way until it has been read.
#[tokio::test]
async fn who_does_not_read_keeps_its_own_place_busy_and_nobody_elses() {
    let limits = Limits { requests_per_caller_max: 1, ..Limits::PRODUCTION };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut unread = server.connect(&client).await.unwrap();
    unread.write_all(LARGE.as_bytes()).await.unwrap();
    read_until(&mut unread, "HTTP/1.1 200").await;
    let mut second = server.connect(&client).await.unwrap();
    second.write_all(HELLO.as_bytes()).await.unwrap();
    let mut answer = [0; 1];
    let waited = timeout(Duration::from_millis(300), second.read_exact(&mut answer)).await;
    assert!(waited.is_err(), "there is one place, and it is taken");
    let rest = read_all(&mut unread).await.unwrap();
    assert!(rest.len() > LARGE_BYTES / 2);
    assert!(read_all(&mut second).await.unwrap().starts_with("HTTP/1.1 200"));
}

/// An answer that nobody reads has its time, and then all that it held is free again.
#[tokio::test]
async fn an_answer_that_nobody_reads_ends_in_its_time() {
    let limits = Limits {
        requests_per_caller_max: 1,
        request_time_max: Duration::from_secs(1),
        ..Limits::PRODUCTION
    };
    let server = Server::start(limits).await;
    let client = server.tools_client();
    let mut unread = server.connect(&client).await.unwrap();
    unread.write_all(LARGE.as_bytes()).await.unwrap();
    read_until(&mut unread, "HTTP/1.1 200").await;
    until_answered(&server, &client).await;
    assert!(read_all(&mut unread).await.unwrap().len() < LARGE_BYTES);
}

async fn until_answered(server: &Server, client: &Arc<ClientConfig>) {
    let answered = async {
        while !ask(&mut server.connect(client).await.unwrap(), HELLO)
            .await
            .unwrap()
            .contains("200 OK")
        {}
    };
    timeout(Duration::from_secs(20), answered).await.expect("its place is free again");
}
