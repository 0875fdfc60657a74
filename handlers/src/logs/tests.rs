pub(crate) mod home;

use std::{fs, os::unix::fs::symlink};

use futures_util::TryStreamExt;
use serde_json::Value;
use tjf_api_types::LogPosition;
use tjf_runtime::{Failure, RequestId, testing::FakeCluster};

use self::home::{Home, with_logs};
use super::*;
use crate::testing::TOOL;

impl Home {
    /// What is answered about this job.
    async fn ask(&self, job: Value, query: LogQuery) -> Result<TextStream<Text>> {
        let (script, context) = self.asked_about(job);
        let Ok(name) = "a".parse();
        let answer = logs(context, Path(name), Query(query)).await;
        // Who follows keeps the client.
        if !query.follow {
            script.finish().await;
        }
        answer
    }

    async fn read(&self, job: Value, query: LogQuery) -> String {
        read(self.ask(job, query).await.unwrap()).await
    }

    async fn refused(&self, job: Value, query: LogQuery) -> tjf_api_types::Problem {
        let error = self.ask(job, query).await.err().unwrap();
        Failure::from(error).problem(&RequestId::from_text("r1"))
    }
}

async fn read(answer: TextStream<Text>) -> String {
    let pieces: Vec<_> = answer.text.try_collect().await.unwrap();
    String::from_utf8(pieces.concat()).unwrap()
}

fn of(stream: LogStream) -> LogQuery {
    LogQuery { stream, ..LogQuery::default() }
}

#[tokio::test]
async fn each_stream_is_told_alone_or_both_by_the_line() {
    let home = Home::new();
    home.write("a.out", "one\ntwo\n");
    home.write("a.err", "oops\n");
    let job = || home.job("a.out", "a.err");
    for follow in [false, true] {
        for (stream, lines, expected) in [
            (LogStream::Stdout, None, "one\ntwo\n"),
            (LogStream::Stderr, None, "oops\n"),
            (LogStream::Both, None, "out: one\nout: two\nerr: oops\n"),
            (LogStream::Stdout, Some(1), "two\n"),
            (LogStream::Both, Some(1), "out: two\nerr: oops\n"),
            (LogStream::Both, Some(0), ""),
        ] {
            let query = LogQuery { lines, follow, ..of(stream) };
            assert_eq!(home.read(job(), query).await, expected, "{query}");
        }
    }
}

#[tokio::test]
async fn one_file_for_both_is_told_once_and_nowhere_is_empty() {
    let home = Home::new();
    home.write("a.log", "one\noops\n");
    let both = home.job("a.log", "a.log");
    assert_eq!(home.read(both, of(LogStream::Both)).await, "one\noops\n");
    for follow in [false, true] {
        let read = async |job, stream| home.read(job, LogQuery { follow, ..of(stream) }).await;
        let job = || home.job("a.log", "/dev/null");
        assert_eq!(read(job(), LogStream::Both).await, "out: one\nout: oops\n");
        assert_eq!(read(job(), LogStream::Stderr).await, "");
        assert_eq!(read(home.job("not-there", "neither"), LogStream::Both).await, "");
        assert_eq!(read(home.job("not-there", "neither"), LogStream::Stdout).await, "");
    }
}

#[tokio::test]
async fn a_single_files_answer_says_where_it_begins() {
    let home = Home::new();
    home.write("a.out", "one\ntwo\n");
    let job = || home.job("a.out", "a.err");
    let query = LogQuery { lines: Some(1), ..of(LogStream::Stdout) };
    let headers = home.ask(job(), query).await.unwrap().headers;
    let [("log-position", position), ("log-length", length), ("log-modified", modified)] =
        &headers[..]
    else {
        panic!("{headers:?}")
    };
    let position: LogPosition = position.parse().unwrap();
    assert_eq!((position.offset, length.as_str()), (4, "8"));
    let age = jiff::Timestamp::now().duration_since(modified.parse().unwrap());
    assert!((-1..60).contains(&age.as_secs()), "{modified}");
    let from = |offset| LogQuery {
        from: Some(LogPosition { offset, ..position }),
        ..of(LogStream::Stdout)
    };
    assert_eq!(home.read(job(), from(6)).await, "o\n");
    assert_eq!(home.read(job(), from(99)).await, "one\ntwo\n");
    let nowhere = home.ask(job(), of(LogStream::Stderr)).await.unwrap();
    assert_eq!(nowhere.headers, [("log-position", "0-0".to_owned())]);
    assert_eq!(home.ask(job(), of(LogStream::Both)).await.unwrap().headers, []);
}

#[tokio::test]
async fn what_is_not_the_tools_own_is_not_shown_and_not_named() {
    let home = Home::new();
    let neighbour = home.homes().join("secret");
    fs::write(&neighbour, "theirs").unwrap();
    symlink("../secret", home.path("link")).unwrap();
    fs::create_dir(home.path("folder")).unwrap();
    let outside = neighbour.to_str().unwrap();
    let beside = format!("{}-2/x", home.homes().join(TOOL).display());
    for job in [
        home.job("link", "a.err"),
        home.job("folder", "a.err"),
        home.job("../secret", "a.err"),
        with_logs(outside, outside),
        with_logs(&beside, &beside),
        with_logs("", "x"),
    ] {
        for stream in [LogStream::Stdout, LogStream::Both] {
            let problem = home.refused(job.clone(), of(stream)).await;
            assert_eq!((problem.status, problem.slug()), (403, "forbidden"), "{problem:?}");
            assert!(!problem.detail.contains("secret"), "{problem:?}");
        }
    }
}

#[tokio::test]
async fn a_job_without_output_and_a_query_that_makes_no_sense_are_refused() {
    let home = Home::new();
    let problem = home.refused(home.job("/dev/null", "/dev/null"), LogQuery::default()).await;
    assert_eq!((problem.status, problem.field.as_deref()), (400, Some("filelog")));
    let from = Some(LogPosition::START);
    for query in [
        LogQuery { from, ..LogQuery::default() },
        LogQuery { from, lines: Some(1), ..of(LogStream::Stdout) },
    ] {
        let (_cluster, kube) = FakeCluster::pair();
        let Ok(name) = "a".parse();
        let refused = logs(home.context(kube), Path(name), Query(query)).await.err().unwrap();
        assert!(matches!(refused, Error::Invalid(Invalid { field: "from", .. })), "{refused:?}");
    }
}
