use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tjf_runtime::{Failure, RequestId};

use super::*;
use crate::{error::Error, job::request::Invalid, logs::tests::home::Home};

fn name() -> Path<RequestedName> {
    let Ok(name) = "a".parse();
    Path(name)
}

fn of_page(query: Value) -> OfPage {
    serde_json::from_value(query).unwrap()
}

async fn page_of(home: &Home, job: Value, query: Value) -> Result<Value> {
    let (script, context) = home.asked_about(job);
    let page = newest_first(OwnTool(context), name(), Query(of_page(query))).await;
    script.finish().await;
    page.map(|JsonAlone(page)| serde_json::to_value(page).unwrap())
}

/// Every line of a stream, read back, and as it came.
async fn lines_of(home: &Home, job: Value, query: Streamed, follow: bool) -> (Vec<Value>, String) {
    let (_script, context) = home.asked_about(job);
    let Path(name) = name();
    let LineStream(lines) = told(context, name, query, follow).await.unwrap();
    let pieces: Vec<_> = lines.try_collect().await.unwrap();
    let text = String::from_utf8(pieces.concat()).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (lines, text)
}

fn messages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["message"].as_str().unwrap()).collect()
}

fn is_now(line: &Value) -> bool {
    let at: Timestamp = line["datetime"].as_str().unwrap().parse().unwrap();
    (-1..60).contains(&Timestamp::now().duration_since(at).as_secs())
}

#[tokio::test]
async fn a_page_has_the_keys_that_are_read_and_the_newest_line_first() {
    let home = Home::new();
    home.write("a.out", "2026-11-25 12:00:00,123 one\n  two\r\n\n");
    home.write("a.err", "2026-11-25T13:00:00+01:00 oops\n");
    let page = page_of(&home, home.job("a.out", "a.err"), json!({})).await.unwrap();
    let logs = page["data"]["logs"].as_array().unwrap();
    assert_eq!(
        logs[3],
        json!({
            "datetime": "2026-11-25T12:00:00Z",
            "pod": "a",
            "container": "stderr",
            "message": "2026-11-25T13:00:00+01:00 oops",
        })
    );
    assert_eq!(messages(&logs[..3]), ["", "  two", "2026-11-25 12:00:00,123 one"]);
    assert_eq!(logs[2]["datetime"], "2026-11-25T12:00:00.123Z");
    assert_eq!((&logs[1]["container"], is_now(&logs[1])), (&json!("stdout"), true));
    assert_eq!(page["data"]["next"], Value::Null);
    assert_eq!(page["messages"], json!({"info": [], "warning": []}));
    let page = page_of(&home, home.job("a.out", "a.out"), json!({"lines": 1})).await.unwrap();
    assert_eq!(page["data"]["logs"][0]["container"], "job");
    assert_eq!(page["data"]["logs"].as_array().unwrap().len(), 1);
    let nothing = page_of(&home, home.job("none", "neither"), json!({})).await.unwrap();
    assert_eq!(nothing["data"], json!({"logs": [], "next": null}));
}

/// As the command does it: the next address is joined to the one before.
#[tokio::test]
async fn next_leads_from_page_to_page_with_what_was_asked() {
    let home = Home::new();
    let out: String =
        (0..2500).map(|number| format!("2026-11-25T12:00:00Z out {number}\n")).collect();
    home.write("a.out", &out);
    home.write("a.err", &"2026-11-25T11:00:00Z old\nno time\n".repeat(2500));
    let job = || home.job("a.out", "a.err");
    let mut query = json!({"lines": 4600, "since": "2026-11-25T10:00:00+00:00", "until": "0s"});
    let mut told = Vec::new();
    let (mut sizes, mut first_read) = (Vec::new(), None::<String>);
    loop {
        let page = page_of(&home, job(), query).await.unwrap();
        let logs = page["data"]["logs"].as_array().unwrap();
        sizes.push(logs.len());
        // Lines without a time have that of the first page, also those that are read later.
        let read = logs.iter().filter(|line| line["message"] == "no time");
        for time in read.map(|line| line["datetime"].as_str().unwrap()) {
            assert_eq!(first_read.get_or_insert_with(|| time.to_owned()), time);
        }
        told.extend(messages(logs).into_iter().map(str::to_owned));
        let Some(url) = page["data"]["next"]["url"].as_str() else { break };
        let next = url.strip_prefix('?').unwrap();
        let pairs: std::collections::BTreeMap<String, Value> =
            form_urlencoded::parse(next.as_bytes())
                .map(|(key, value)| (key.into_owned(), value.into_owned()))
                .map(|(key, value)| match value.parse::<u64>() {
                    Ok(number) if key == "lines" => (key, json!(number)),
                    _ => (key, json!(value)),
                })
                .collect();
        assert_eq!(pairs["direction"], "newest_first");
        assert_eq!(pairs["since"], "2026-11-25T10:00:00Z");
        assert_eq!(pairs["lines"], json!(4600 - told.len()));
        query = json!(pairs);
    }
    assert_eq!(sizes, [1000, 1000, 1000, 1000, 600]);
    assert_eq!(
        told.iter().rev().skip(2100).map(|line| format!("{line}\n")).collect::<String>(),
        out
    );
    // What is cut short between two pages is told of.
    let page = page_of(&home, job(), json!({})).await.unwrap();
    let url = page["data"]["next"]["url"].as_str().unwrap().to_owned();
    home.write("a.out", "new\n");
    let before = url.rsplit_once("before=").unwrap().1;
    let page = page_of(&home, job(), json!({"before": before})).await.unwrap();
    assert!(
        messages(page["data"]["logs"].as_array().unwrap())
            .iter()
            .all(|it| it.ends_with("old") || *it == "no time")
    );
    assert_eq!(page["messages"]["warning"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_a_time_an_order_or_a_place_is_refused_by_name() {
    let home = Home::new();
    for (query, field) in [
        (json!({"since": "yesterday"}), "since"),
        (json!({"until": "1h 2m"}), "until"),
        (json!({"since": "1h", "until": "2h"}), "until"),
        (json!({"before": ""}), "before"),
        (json!({"before": "1-2-3.4"}), "before"),
        (json!({"before": "5.1-2-3.4"}), "before"),
        (json!({"before": "5"}), "before"),
        (json!({"before": "99999999999999999.1-2-3"}), "before"),
    ] {
        let refused = of_page(query.clone()).read(Timestamp::now()).unwrap_err();
        let Error::Invalid(Invalid { field: of, .. }) = &refused else { panic!("{refused:?}") };
        assert_eq!(*of, field, "{query}");
        let problem = Failure::from(refused).problem(&RequestId::from_text("r1"));
        assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)));
    }
    let three = json!({"before": "5.1-2-3.1-2-3.1-2-3"});
    let refused = page_of(&home, home.job("a.out", "a.err"), three).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid(Invalid { field: "before", .. })), "{refused:?}");
    let followed = |query: Value| serde_json::from_value::<Streamed>(query).unwrap();
    for (query, field) in [(json!({"until": "1h"}), "until"), (json!({"since": "x"}), "since")] {
        let refused = followed(query).since(Timestamp::now()).unwrap_err();
        let Error::Invalid(Invalid { field: of, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(of, field);
    }
    assert!(serde_json::from_value::<OfPage>(json!({"direction": "oldest_first"})).is_err());
    assert!(serde_json::from_value::<OfPage>(json!({"lines": -1})).is_err());
    let discards = || home.job("/dev/null", "/dev/null");
    let refused = page_of(&home, discards(), json!({})).await.unwrap_err();
    assert!(matches!(refused, Error::Invalid(Invalid { field: "filelog", .. })), "{refused:?}");
}

#[tokio::test]
async fn a_stream_has_an_object_a_line_the_oldest_first() {
    let home = Home::new();
    home.write("a.out", "2026-11-25 12:00:00 one\n\ntwo");
    home.write("a.err", "oops\n");
    let job = || home.job("a.out", "a.err");
    for follow in [false, true] {
        let (mut lines, _) = lines_of(&home, job(), Streamed::default(), follow).await;
        // What comes at the same time may come in any order of files.
        lines.sort_by_key(|line| line["container"] == "stdout");
        assert_eq!(messages(&lines), ["oops", "2026-11-25 12:00:00 one", "", "two"], "{follow}");
        assert_eq!(lines[1]["datetime"], "2026-11-25T12:00:00Z");
        assert!(is_now(&lines[0]) && is_now(&lines[3]));
        assert_eq!((&lines[0]["container"], &lines[0]["pod"]), (&json!("stderr"), &json!("a")));
        let query = || serde_json::from_value(json!({"lines": 1})).unwrap();
        let (mut lines, _) = lines_of(&home, job(), query(), follow).await;
        lines.sort_by_key(|line| line["container"] == "stdout");
        assert_eq!(messages(&lines), ["oops", "two"]);
        let (lines, _) = lines_of(&home, home.job("a.out", "a.out"), query(), follow).await;
        assert_eq!((messages(&lines), &lines[0]["container"]), (vec!["two"], &json!("job")));
        let (_, text) = lines_of(&home, home.job("none", "no"), query(), follow).await;
        assert_eq!(text, "");
    }
}

#[tokio::test]
async fn a_stream_leaves_out_what_is_known_to_be_older() {
    let home = Home::new();
    let old: String = (0..100_000)
        .map(|second| format!("{} x\n  more\n", Timestamp::from_second(second).unwrap()))
        .collect();
    let since =
        |since: &str| -> Streamed { serde_json::from_value(json!({"since": since})).unwrap() };
    home.write("a.out", &old);
    home.write("a.err", "without a time\n");
    let job = || home.job("a.out", "a.err");
    let at = Timestamp::from_second(99_999).unwrap().to_string();
    let (mut lines, _) = lines_of(&home, job(), since(&at), true).await;
    lines.sort_by_key(|line| line["container"] == "stderr");
    assert_eq!(messages(&lines), [&format!("{at} x"), "  more", "without a time"]);
    let (lines, _) = lines_of(&home, job(), since("1h"), true).await;
    assert_eq!(messages(&lines), ["without a time"]);
}

/// Python's `splitlines` knows more ends of lines than there are, and its `iter_lines` reads by it.
#[tokio::test]
async fn nothing_within_a_line_of_a_stream_looks_like_the_end_of_one() {
    let home = Home::new();
    let odd = "a\r\u{b}\u{c}\u{1c}\u{1d}\u{1e}\u{85}\u{2028}\u{2029}\u{0}\u{7f}\"\\ü𝄞";
    let long = "x".repeat(40_000);
    home.write("a.out", &format!("{odd}\n{long}\n"));
    home.write("a.err", "");
    std::fs::write(home.path("a.err"), b"\xff\xfe caf\xc3\n").unwrap();
    let (lines, text) =
        lines_of(&home, home.job("a.out", "a.err"), Streamed::default(), false).await;
    let told = messages(&lines);
    assert_eq!((told[0], told[1..4].concat().as_str()), (odd, long.as_str()));
    assert_eq!(told[4..], ["\u{fffd}\u{fffd} caf\u{fffd}"]);
    for end in ['\r', '\u{b}', '\u{c}', '\u{1c}', '\u{85}', '\u{2028}', '\u{2029}'] {
        assert!(!text.contains(end), "{end:?}");
    }
    assert!(text.ends_with("}\n") && !text.contains("\n\n"));
}

/// An object is larger than the line in it.
#[tokio::test]
async fn many_small_lines_come_in_small_pieces() {
    let home = Home::new();
    home.write("a.out", &"\n".repeat(50_000));
    let (_script, context) = home.asked_about(home.job("a.out", "a.out"));
    let Path(name) = name();
    let LineStream(lines) = told(context, name, Streamed::default(), true).await.unwrap();
    let pieces: Vec<_> = lines.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| piece.len() < 17 * 1024), "{}", pieces[0].len());
    assert_eq!(pieces.concat().iter().filter(|byte| **byte == b'\n').count(), 50_000);
}
