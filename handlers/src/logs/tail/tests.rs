use super::*;
use crate::logs::testing::FakeLog;

async fn tail(log: &FakeLog, start: Start) -> Tail<FakeLog> {
    let mut tail = Tail::new(log.clone());
    tail.begin(start).await.unwrap();
    tail
}

/// All that there is, up to the first look that finds nothing; `|` is where a file begins.
async fn read(tail: &mut Tail<FakeLog>) -> String {
    let mut text = String::new();
    loop {
        match tail.look().await.unwrap() {
            Look::More(bytes) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Look::Anew => text.push('|'),
            Look::Nothing => return text,
        }
    }
}

#[tokio::test]
async fn what_is_appended_comes_once() {
    let log = FakeLog::with("one\n");
    let mut tail = tail(&log, Start::Beginning).await;
    assert_eq!(tail.position(), LogPosition { inode: log.inode(), offset: 0 });
    assert_eq!(read(&mut tail).await, "one\n");
    assert_eq!(read(&mut tail).await, "");
    log.append("two\n");
    assert_eq!(read(&mut tail).await, "two\n");
    assert_eq!(tail.position().offset, 8);
}

#[tokio::test]
async fn a_file_that_is_not_there_yet_is_waited_for() {
    let log = FakeLog::default();
    let mut tail = tail(&log, Start::Beginning).await;
    assert_eq!(tail.position(), LogPosition::START);
    assert_eq!(read(&mut tail).await, "");
    log.append("one\n");
    assert_eq!(read(&mut tail).await, "|one\n");
}

#[tokio::test]
async fn a_file_that_was_cut_begins_anew_also_when_it_is_longer_by_then() {
    for (before, after) in [
        ("first\n", "x\n"),
        ("first\n", ""),
        ("first\n", "again\n"),
        ("first\n", "much longer than it was\n"),
        (&"y".repeat(200), &"z".repeat(500)),
    ] {
        let log = FakeLog::with(before);
        let mut tail = tail(&log, Start::Beginning).await;
        assert_eq!(read(&mut tail).await, before);
        log.truncate();
        log.append(after);
        // Of two texts of one length nothing shows the difference before there is more.
        log.append("more\n");
        assert_eq!(read(&mut tail).await, format!("|{after}more\n"));
    }
}

/// Nothing is known of what is in front of it, but a file is never shorter than what was read.
#[tokio::test]
async fn a_file_that_was_cut_before_anything_was_read_begins_anew_too() {
    let log = FakeLog::with("one\ntwo\n");
    let mut tail = tail(&log, Start::Lines(0)).await;
    log.truncate();
    log.append("3\n");
    assert_eq!(read(&mut tail).await, "|3\n");
}

#[tokio::test]
async fn a_renamed_file_is_read_to_its_end_before_its_successor() {
    let log = FakeLog::with("one\n");
    let mut tail = tail(&log, Start::Beginning).await;
    assert_eq!(read(&mut tail).await, "one\n");
    let old = log.rename();
    old.append("two\n");
    assert_eq!(read(&mut tail).await, "two\n", "without a successor it is still the one");
    log.append("new\n");
    old.append("three\n");
    assert_eq!(read(&mut tail).await, "three\n");
    assert!(tail.has_successor());
    old.append("last words\n");
    assert_eq!(read(&mut tail).await, "last words\n|new\n");
    assert!(!tail.has_successor());
    log.append("newer\n");
    assert_eq!(read(&mut tail).await, "newer\n");
}

#[tokio::test]
async fn a_successor_that_goes_again_is_none() {
    let log = FakeLog::with("one\n");
    let mut tail = tail(&log, Start::Lines(0)).await;
    let old = log.rename();
    log.append("second\n");
    assert_eq!(read(&mut tail).await, "");
    log.rename();
    old.append("still\n");
    assert_eq!(read(&mut tail).await, "still\n");
    assert!(!tail.has_successor());
    log.append("third\n");
    assert_eq!(read(&mut tail).await, "");
    assert_eq!(read(&mut tail).await, "|third\n");
}

#[tokio::test]
async fn the_last_lines_are_found_from_the_end() {
    let long = "x".repeat(3 * BACK_BYTES);
    for (text, lines, expected) in [
        ("a\nb\nc\n", 0, ""),
        ("a\nb\nc\n", 1, "c\n"),
        ("a\nb\nc\n", 2, "b\nc\n"),
        ("a\nb\nc\n", 3, "a\nb\nc\n"),
        ("a\nb\nc\n", u64::MAX, "a\nb\nc\n"),
        ("a\nb\nc", 1, "c"),
        ("a\nb\nc", 2, "b\nc"),
        ("\n\n\n", 2, "\n\n"),
        ("\n", 1, "\n"),
        ("", 5, ""),
        (&format!("a\n{long}\nb\n"), 2, &format!("{long}\nb\n")),
        (&format!("{long}\n"), 1, &format!("{long}\n")),
    ] {
        let mut tail = tail(&FakeLog::with(text), Start::Lines(lines)).await;
        assert_eq!(read(&mut tail).await, expected, "{lines} of {text:.20}");
    }
}

#[tokio::test]
async fn the_last_lines_of_a_large_file_cost_no_more_than_its_end() {
    let log = FakeLog::with(&"0123456789abcde\n".repeat(1 << 20));
    let mut tail = tail(&log, Start::Lines(10)).await;
    assert_eq!(log.bytes_read(), BACK_BYTES as u64);
    assert_eq!(read(&mut tail).await.lines().count(), 10);
}

#[tokio::test]
async fn a_position_is_gone_on_from_if_it_is_one_in_this_file() {
    let log = FakeLog::with("one\ntwo\n");
    let inode = log.inode();
    for (inode, offset, expected) in [
        (inode, 4, "two\n"),
        (inode, 8, ""),
        (inode, 0, "one\ntwo\n"),
        (inode, 9, "one\ntwo\n"),
        (inode + 1, 4, "one\ntwo\n"),
        (0, 4, "one\ntwo\n"),
    ] {
        let mut tail = tail(&log, Start::At(LogPosition { inode, offset })).await;
        assert_eq!(read(&mut tail).await, expected, "{inode}-{offset}");
    }
}

#[tokio::test]
async fn what_is_there_now_ends_where_it_ended_at_first() {
    let text = "line\n".repeat(PIECE_BYTES);
    let log = FakeLog::with(&text);
    let mut tail = tail(&log, Start::Beginning).await;
    let mut found = Vec::new();
    while let Some(bytes) = tail.up_to(text.len() as u64).await.unwrap() {
        assert!(bytes.len() <= PIECE_BYTES);
        found.extend_from_slice(&bytes);
        log.append("more\n");
    }
    assert!(found == text.as_bytes(), "{} bytes", found.len());
}
