use std::{pin::pin, task::Poll};

use futures_util::{FutureExt, StreamExt, TryStreamExt, future, poll};
use tokio::{sync::oneshot, time::Instant};

use super::*;
use crate::logs::testing::FakeLog;

async fn one(log: &FakeLog) -> Files<FakeLog> {
    begun(Files::One(Tail::new(log.clone()))).await
}

async fn both(out: &FakeLog, err: &FakeLog) -> Files<FakeLog> {
    let sources = vec![(LogStream::Stdout, out.clone()), (LogStream::Stderr, err.clone())];
    begun(Files::by_line(sources, Prefixed::default())).await
}

async fn begun(mut files: Files<FakeLog>) -> Files<FakeLog> {
    files.begin(Start::Beginning).await.unwrap();
    files
}

fn when(told: oneshot::Receiver<()>) -> Ended {
    async { told.await.map_err(|_| BrokenOff::TooLong) }.boxed().shared()
}

fn never() -> Ended {
    future::pending().boxed().shared()
}

async fn all(text: impl Stream<Item = Result<Bytes, BoxError>>) -> Result<String, BoxError> {
    let pieces: Vec<_> = text.try_collect().await?;
    Ok(String::from_utf8(pieces.concat()).unwrap())
}

async fn next(text: &mut (impl Stream<Item = Result<Bytes, BoxError>> + Unpin)) -> String {
    String::from_utf8(text.next().await.unwrap().unwrap().into()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_comes_is_told_within_a_quarter_of_a_second_until_the_job_has_ended() {
    let log = FakeLog::with("one\n");
    let (tell, told) = oneshot::channel();
    let mut text = pin!(followed(one(&log).await, when(told)));
    assert_eq!(next(&mut text).await, "one\n");
    for line in ["two\n", "three\n"] {
        log.append(line);
        let began = Instant::now();
        assert_eq!(next(&mut text).await, line);
        assert!(began.elapsed() <= LOOK_TIME, "{:?}", began.elapsed());
    }
    tell.send(()).unwrap();
    log.append("last words\n");
    assert_eq!(next(&mut text).await, "last words\n");
    assert!(text.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_quiet_file_is_looked_at_four_times_a_second() {
    let log = FakeLog::with("");
    let quiet = followed(one(&log).await, never());
    let before = log.opens();
    let waited = tokio::time::timeout(Duration::from_secs(100), all(quiet)).await;
    assert!(waited.is_err());
    assert!((400..=402).contains(&(log.opens() - before)), "{}", log.opens());
}

/// Whoever does not read has nothing read for him.
#[tokio::test(start_paused = true)]
async fn nothing_is_read_ahead_of_its_reader() {
    let log = FakeLog::with(&"x".repeat(1 << 20));
    let mut text = pin!(followed(one(&log).await, never()));
    next(&mut text).await;
    let read = log.bytes_read();
    tokio::time::advance(Duration::from_secs(60)).await;
    assert!(log.bytes_read() == read && read <= 2 * (1 << 14), "{read}");
}

/// A reader that counts bytes would count those of two files as if they were one's.
#[tokio::test(start_paused = true)]
async fn a_counted_file_breaks_off_where_another_begins() {
    for change in [FakeLog::truncate, |log: &FakeLog| drop(log.rename())] {
        let log = FakeLog::with("one\n");
        let mut text = pin!(followed(one(&log).await, future::ready(Ok(())).boxed().shared()));
        assert_eq!(next(&mut text).await, "one\n");
        change(&log);
        log.append("2\n");
        let error = text.next().await.unwrap().unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(BrokenOff::Anew)), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_nobody_counts_goes_on_with_the_next_one() {
    let log = FakeLog::default();
    let (tell, told) = oneshot::channel();
    let uncounted = begun(Files::Uncounted(Tail::new(log.clone()))).await;
    let mut text = pin!(followed(uncounted, when(told)));
    assert!(poll!(text.next()).is_pending());
    log.append("one\n");
    assert_eq!(next(&mut text).await, "one\n");
    log.truncate();
    log.append("two two\n");
    assert_eq!(next(&mut text).await, "two two\n");
    drop(log.rename());
    log.append("three\n");
    // Its successor is not forgotten when the job ends meanwhile.
    tell.send(()).unwrap();
    assert_eq!(all(text).await.unwrap(), "three\n");
}

#[tokio::test(start_paused = true)]
async fn both_streams_come_by_the_line() {
    let (out, err) = (FakeLog::with("a\nbeg"), FakeLog::default());
    let (tell, told) = oneshot::channel();
    let mut text = pin!(followed(both(&out, &err).await, when(told)));
    assert_eq!(next(&mut text).await, "out: a\n");
    err.append("oops\n");
    assert_eq!(next(&mut text).await, "err: oops\n");
    out.append("un\n");
    assert_eq!(next(&mut text).await, "out: begun\n");
    err.append("no end");
    tell.send(()).unwrap();
    assert_eq!(all(text).await.unwrap(), "err: no end\n");
}

#[tokio::test]
async fn what_there_is_now_is_one_stream_after_the_other() {
    let (out, err) = (FakeLog::with("a\nb"), FakeLog::with(&"c\n".repeat(20_000)));
    let text = all(now(both(&out, &err).await)).await.unwrap();
    assert_eq!(text, format!("out: a\nout: b\n{}", "err: c\n".repeat(20_000)));
    // The end of a piece is not the end of a line.
    let odd = FakeLog::with(&"odd\n\n\n".repeat(10_000));
    let text = all(now(both(&odd, &odd).await)).await.unwrap();
    let lines = |name: &str| format!("{name}: odd\n{name}: \n{name}: \n").repeat(10_000);
    assert!(text == lines("out") + &lines("err"));
    assert_eq!(all(now(one(&err).await)).await.unwrap().len(), 40_000);
    let (nothing, neither) = (FakeLog::default(), FakeLog::default());
    assert_eq!(all(now(both(&nothing, &neither).await)).await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn it_breaks_off_when_the_home_hangs_and_when_the_job_cannot_be_seen() {
    let log = FakeLog::with("");
    let (tell, told) = oneshot::channel();
    let mut text = pin!(followed(one(&log).await, when(told)));
    assert!(poll!(text.next()).is_pending());
    drop(tell);
    let error = text.next().await.unwrap().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(BrokenOff::TooLong)), "{error}");
    let mut text = pin!(followed(one(&log).await, never()));
    assert!(matches!(poll!(text.next()), Poll::Pending));
    log.hang();
    let error = text.next().await.unwrap().unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(FileError::Silent)), "{error}");
}
