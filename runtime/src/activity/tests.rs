use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn seconds_until_overdue(activity: &Activity) -> u64 {
    let began = Instant::now();
    activity.overdue(&Limits::PRODUCTION).await;
    began.elapsed().as_secs()
}

/// A connection whose handshake is done, and its client.
fn established() -> (DuplexStream, Watched<DuplexStream>, Arc<Activity>) {
    let activity = Activity::new();
    activity.established();
    let (client, server) = duplex(1024);
    (client, Watched::new(server, Arc::clone(&activity)), activity)
}

/// What can be read at once.
async fn read(server: &mut Watched<DuplexStream>) -> Vec<u8> {
    let mut bytes = [0; 1024];
    let length = server.read(&mut bytes).await.unwrap();
    bytes[..length].to_vec()
}

async fn has_nothing_to_read(server: &mut Watched<DuplexStream>) -> bool {
    futures_util::poll!(std::pin::pin!(server.read_u8())).is_pending()
}

#[tokio::test(start_paused = true)]
async fn a_begun_head_has_five_seconds_and_an_idle_connection_seventy_five() {
    assert_eq!(seconds_until_overdue(&Activity::new()).await, 5, "a handshake");
    let (mut client, mut server, activity) = established();
    assert_eq!(seconds_until_overdue(&activity).await, 75);
    activity.established();
    client.write_all(b"\r\n").await.unwrap();
    read(&mut server).await;
    assert_eq!(seconds_until_overdue(&activity).await, 75, "an empty line begins nothing");
    client.write_all(b"G").await.unwrap();
    read(&mut server).await;
    tokio::time::advance(Duration::from_secs(3)).await;
    client.write_all(b"E").await.unwrap();
    read(&mut server).await;
    assert_eq!(seconds_until_overdue(&activity).await, 2, "a second byte buys no time");
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_to_be_taken_in_time_and_then_the_connection_is_idle() {
    let (_client, mut server, activity) = established();
    activity.request_begins(Some(0));
    let answering = activity.answer_begins(false);
    server.write_all(b"200").await.unwrap();
    server.flush().await.unwrap();
    tokio::time::advance(Duration::from_secs(10)).await;
    assert!(activity.idle_since().is_none(), "there is more to come");
    assert_eq!(seconds_until_overdue(&activity).await, 20);
    drop(answering);
    assert!(activity.idle_since().is_none(), "the last of it is on its way");
    server.flush().await.unwrap();
    assert_eq!(seconds_until_overdue(&activity).await, 75);
}

/// It may be quiet for hours. What it says has to be taken.
#[tokio::test(start_paused = true)]
async fn a_quiet_stream_is_not_an_idle_connection() {
    let (mut client, mut server, activity) = established();
    activity.request_begins(Some(0));
    let _answering = activity.answer_begins(true);
    server.write_all(b"one").await.unwrap();
    server.flush().await.unwrap();
    let hours = Duration::from_secs(7200);
    let overdue = tokio::time::timeout(hours, activity.overdue(&Limits::PRODUCTION));
    assert!(overdue.await.is_err());
    let more = [b'x'; 2000];
    assert!(futures_util::poll!(std::pin::pin!(server.write_all(&more))).is_pending());
    assert_eq!(seconds_until_overdue(&activity).await, 30, "nobody reads it");
    tokio::io::AsyncReadExt::read_exact(&mut client, &mut [0; 1024]).await.unwrap();
    server.write_all(b"y").await.unwrap();
    let overdue = tokio::time::timeout(hours, activity.overdue(&Limits::PRODUCTION));
    assert!(overdue.await.is_err());
}

/// Half a head behind a whole request is a head that has begun.
#[tokio::test(start_paused = true)]
async fn what_comes_behind_a_request_is_kept_until_it_has_been_answered() {
    for (head, body) in [(HEAD, 0), (b"POST / HTTP/1.0\nx: y\n\n".as_slice(), 5)] {
        let (mut client, mut server, activity) = established();
        client.write_all(head).await.unwrap();
        client.write_all(&b"12345"[..body]).await.unwrap();
        client.write_all(b"GET /ne").await.unwrap();
        assert_eq!(read(&mut server).await, head);
        assert!(has_nothing_to_read(&mut server).await, "the request has not begun");
        activity.request_begins(Some(body as u64));
        if body > 0 {
            assert_eq!(read(&mut server).await, b"12345");
        }
        assert!(has_nothing_to_read(&mut server).await);
        drop(activity.answer_begins(false));
        server.flush().await.unwrap();
        assert_eq!(read(&mut server).await, b"GET /ne");
        assert_eq!(seconds_until_overdue(&activity).await, 5, "{head:?}");
    }
}

/// Where a chunked body ends is hyper's to know, so what comes behind it may be a head or not.
#[tokio::test(start_paused = true)]
async fn after_a_body_of_unknown_length_a_connection_is_not_idle_for_long() {
    let (mut client, mut server, activity) = established();
    client.write_all(HEAD).await.unwrap();
    client.write_all(b"3\r\nabc\r\n0\r\n\r\nGET").await.unwrap();
    assert_eq!(read(&mut server).await, HEAD);
    activity.request_begins(None);
    assert_eq!(read(&mut server).await.len(), 16);
    drop(activity.answer_begins(false));
    server.flush().await.unwrap();
    assert_eq!(seconds_until_overdue(&activity).await, 5);
}
