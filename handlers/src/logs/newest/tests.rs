use LogStream::{Both, Stderr, Stdout};

use super::*;
use crate::logs::testing::FakeLog;

fn at(text: &str) -> Timestamp {
    format!("2026-11-25T{text}Z").parse().unwrap()
}

fn text(page: &Page) -> Vec<String> {
    let told = |line: &Told| {
        let name = match line.stream {
            Stdout => "out: ",
            Stderr => "err: ",
            Both => "",
        };
        format!("{name}{}", String::from_utf8_lossy(&line.bytes))
    };
    page.lines.iter().map(told).collect()
}

async fn of(logs: &[(LogStream, &FakeLog)], asked: &Asked) -> Page {
    let sources = logs.iter().map(|(stream, log)| (*stream, FakeLog::clone(log))).collect();
    page(sources, asked).await.unwrap()
}

/// All pages, each with what it has.
async fn pages(logs: &[(LogStream, &FakeLog)], mut asked: Asked) -> Vec<Page> {
    let mut pages = Vec::new();
    loop {
        let page = of(logs, &asked).await;
        let next = page.next.clone();
        asked.lines = asked.lines.map(|lines| lines - page.lines.len() as u64);
        pages.push(page);
        if next.is_empty() {
            return pages;
        }
        assert!(!pages.last().unwrap().lines.is_empty());
        assert_ne!(next, asked.before);
        asked.before = next;
    }
}

#[tokio::test]
async fn two_files_are_put_in_order_by_their_times() {
    let out = FakeLog::with(
        "2026-11-25T10:00:00Z one\n2026-11-25T10:00:02Z three\n  of it\n2026-11-25T10:00:04Z x\n",
    );
    let err = FakeLog::with("2026-11-25 10:00:01,500 two\nTraceback\n2026-11-25T10:00:04Z y\n");
    let page = of(&[(Stdout, &out), (Stderr, &err)], &Asked::default()).await;
    assert_eq!(
        text(&page),
        [
            "err: 2026-11-25T10:00:04Z y",
            "out: 2026-11-25T10:00:04Z x",
            "out:   of it",
            "out: 2026-11-25T10:00:02Z three",
            "err: Traceback",
            "err: 2026-11-25 10:00:01,500 two",
            "out: 2026-11-25T10:00:00Z one",
        ]
    );
    let times: Vec<_> = page.lines.iter().map(|line| line.at).collect();
    assert_eq!((times[2], times[5]), (None, Some(at("10:00:01.5"))));
    assert_eq!(page.next, []);
}

/// The file that was written last is told first.
#[tokio::test]
async fn without_times_one_file_comes_behind_the_other() {
    let (out, err) = (FakeLog::with("a\nb\n"), FakeLog::with("c\nd"));
    let logs = [(Stdout, &out), (Stderr, &err)];
    let told = async |lines| text(&of(&logs, &Asked { lines, ..Asked::default() }).await);
    out.modified_at(at("10:00:00"));
    err.modified_at(at("10:00:00"));
    assert_eq!(told(None).await, ["err: d", "err: c", "out: b", "out: a"]);
    out.modified_at(at("11:00:00"));
    assert_eq!(told(None).await, ["out: b", "out: a", "err: d", "err: c"]);
    assert_eq!(told(Some(1)).await, ["out: b"]);
    assert_eq!(told(Some(0)).await, [""; 0]);
    // A time counts for more than when a file was written.
    err.append("\n2026-11-25T10:30:00Z e\n");
    err.modified_at(at("12:00:00"));
    assert_eq!(told(Some(3)).await, ["out: b", "out: a", "err: 2026-11-25T10:30:00Z e"]);
    let nothing = FakeLog::default();
    assert_eq!(text(&of(&[(Both, &nothing)], &Asked::default()).await), [""; 0]);
}

#[tokio::test]
async fn since_and_until_leave_out_what_is_known_to_be_outside() {
    const TIMES: &str = "before all\n\
        2026-11-25T10:00:00Z a\n  more of a\n2026-11-25T11:00:00Z b\n  more of b\n\
        2026-11-25T12:00:00Z c\n  more of c\n";
    const NONE: &str = "x\ny\n";
    for (text_of_it, modified, since, until, expected) in [
        (TIMES, "12:30:00", None, None, "c' c b' b a' a ^"),
        (TIMES, "12:30:00", Some("11:00:00"), None, "c' c b' b"),
        (TIMES, "12:30:00", Some("10:30:00"), Some("11:59:59"), "b' b"),
        (TIMES, "12:30:00", None, Some("10:00:00"), "a' a ^"),
        (TIMES, "12:30:00", None, Some("09:00:00"), "^"),
        (TIMES, "12:30:00", Some("12:00:01"), None, ""),
        (NONE, "12:30:00", Some("12:00:00"), None, "y x"),
        (NONE, "12:30:00", Some("13:00:00"), None, ""),
        (NONE, "12:30:00", None, Some("09:00:00"), "y x"),
        (NONE, "12:30:00", Some("12:30:00"), Some("12:30:00"), "y x"),
    ] {
        let log = FakeLog::with(text_of_it);
        log.modified_at(at(modified));
        let (since, until) = (since.map(at), until.map(at));
        let page = of(&[(Both, &log)], &Asked { since, until, ..Asked::default() }).await;
        let short = |line: String| {
            let last = line.chars().last().unwrap().to_string();
            match line.as_str() {
                "before all" => "^".to_owned(),
                _ if line.starts_with("  more") => last + "'",
                _ => last,
            }
        };
        let told: Vec<_> = text(&page).into_iter().map(short).collect();
        assert_eq!(told.join(" "), expected, "{since:?} {until:?}");
    }
}

#[tokio::test]
async fn pages_tell_every_line_once() {
    let line = |second: i64| Timestamp::from_second(second).unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    for number in 0..3000 {
        out += &format!("{} out {number}\n", line(2 * number));
        err += &format!("{} err {number}\n  more {number}\n", line(2 * number + 1));
    }
    let (out_log, err_log) = (FakeLog::with(&out), FakeLog::with(&err));
    let logs = [(Stdout, &out_log), (Stderr, &err_log)];
    let all = pages(&logs, Asked::default()).await;
    assert!(all.iter().all(|page| page.lines.len() <= PAGE_LINES && !page.is_cut));
    let told: Vec<_> = all.iter().flat_map(text).collect();
    let of = |prefix: &str| -> String {
        let lines = told.iter().rev().filter_map(|line| line.strip_prefix(prefix));
        lines.map(|line| format!("{line}\n")).collect()
    };
    assert!(of("out: ") == out && of("err: ") == err);
    let times = all.iter().flat_map(|page| &page.lines).filter_map(|line| line.at);
    assert!(times.is_sorted_by(|newer, older| newer >= older));
    // So many lines, however many pages that takes.
    let some = pages(&logs, Asked { lines: Some(1500), ..Asked::default() }).await;
    assert!(some.len() > 1);
    assert_eq!(some.iter().flat_map(text).collect::<Vec<_>>(), told[..1500]);
    // A group that is longer than a page, and lines that are longer than a line.
    let long = format!("{} x\n{}{}\n", line(0), "more\n".repeat(2500), "y".repeat(600_000));
    let log = FakeLog::with(&long);
    let all = pages(&[(Both, &log)], Asked::default()).await;
    assert!(all.len() > 4);
    assert!(
        all.iter().all(|page| page.lines.iter().map(|it| it.bytes.len()).sum::<usize>() < 300_000)
    );
    let told: Vec<_> = all.iter().flat_map(text).collect();
    assert_eq!(told.len(), 1 + 2500 + 600_000_usize.div_ceil(16 * 1024));
    assert_eq!(told.into_iter().rev().collect::<String>(), long.replace('\n', ""));
}

#[tokio::test]
async fn a_file_that_is_another_one_by_now_ends_the_pages() {
    let old = "old\n".repeat(3000);
    let changes: [fn(&FakeLog); 5] = [
        FakeLog::truncate,
        |log| drop(log.rename()),
        |log| {
            log.truncate();
            log.append(&"other\n".repeat(5000));
        },
        |log| {
            drop(log.rename());
            log.append(&"other\n".repeat(5000));
        },
        |log| {
            drop(log.rename());
            log.append(&"old\n".repeat(5000));
        },
    ];
    for change in changes {
        let (log, calm) = (FakeLog::with(&old), FakeLog::with(&old));
        let logs = [(Stdout, &log), (Stderr, &calm)];
        let first = of(&logs, &Asked::default()).await;
        let asked = Asked { before: first.next, ..Asked::default() };
        assert!(!of(&logs, &asked).await.is_cut);
        // What is appended changes nothing.
        log.append("new\n");
        assert!(!of(&logs, &asked).await.is_cut);
        change(&log);
        let rest = pages(&logs, asked).await;
        assert!(rest[0].is_cut && rest[1..].iter().all(|page| !page.is_cut));
        assert!(rest.iter().flat_map(text).all(|line| line == "err: old"));
    }
}

#[tokio::test]
async fn whatever_is_asked_costs_no_more_than_a_page() {
    let mut early = String::new();
    for second in 0..400_000 {
        early += &format!("{} x\n", Timestamp::from_second(second).unwrap());
    }
    for (log, asked, told, bytes_max) in [
        (FakeLog::with(&early), Asked { lines: Some(3), ..Asked::default() }, 3, 1 << 17),
        (
            FakeLog::with(&early),
            Asked {
                lines: Some(3),
                until: Some(Timestamp::from_second(5).unwrap()),
                ..Asked::default()
            },
            3,
            1 << 20,
        ),
        (FakeLog::with(&"x\n".repeat(1 << 22)), Asked::default(), PAGE_LINES, 1 << 17),
        (
            FakeLog::with(&early),
            Asked { since: Some(Timestamp::from_second(399_998).unwrap()), ..Asked::default() },
            2,
            1 << 17,
        ),
    ] {
        log.modified_at(Timestamp::from_second(400_000).unwrap());
        assert_eq!(of(&[(Both, &log)], &asked).await.lines.len(), told, "{asked:?}");
        assert!(log.bytes_read() < bytes_max, "{asked:?}: {}", log.bytes_read());
    }
    // Lines that are longer than a look for times lead nobody through the whole file.
    let long = format!("{} {}\n", at("10:00:00"), "x".repeat(60_000));
    let log = FakeLog::with(&long.repeat(200));
    let until = Some(Timestamp::from_second(5).unwrap());
    let page = of(&[(Both, &log)], &Asked { until, ..Asked::default() }).await;
    assert!(log.bytes_read() > SKIPPED_BYTES_MAX as u64);
    assert!(page.has_given_up && page.lines.is_empty() && page.next.is_empty());
    assert!(log.bytes_read() < 2 * SKIPPED_BYTES_MAX as u64, "{}", log.bytes_read());
}
