use super::*;
use crate::logs::testing::FakeLog;

async fn open(log: &FakeLog, end: Option<u64>) -> Backwards<FakeLog> {
    let file = log.open().await.unwrap().unwrap();
    let end = end.unwrap_or(file.length());
    Backwards::new(log.clone(), file, end)
}

/// All lines from the last to the first; each is followed by what begins behind it.
async fn lines(log: &FakeLog) -> Vec<String> {
    let (mut back, mut all) = (open(log, None).await, Vec::new());
    let mut end = u64::MAX;
    while let Some(line) = back.line().await.unwrap() {
        assert!(line.from < end, "{line:?}");
        end = line.from;
        all.push(String::from_utf8(line.bytes).unwrap());
    }
    assert_eq!(back.line().await.unwrap(), None);
    all
}

#[tokio::test]
async fn lines_come_from_the_last_to_the_first() {
    for (text, expected) in [
        ("", &[][..]),
        ("\n", &[""]),
        ("a", &["a"]),
        ("a\nb\n", &["b", "a"]),
        ("a\n\n\nb", &["b", "", "", "a"]),
        ("\na\r\n", &["a", ""]),
        ("10%\r20%\r\n", &["10%\r20%"]),
    ] {
        assert_eq!(lines(&FakeLog::with(text)).await, expected, "{text:?}");
    }
}

#[tokio::test]
async fn what_is_larger_than_a_piece_is_read_whole() {
    let expected: Vec<_> = (0..20_000).map(|number| format!("line {number}")).collect();
    let mut told = lines(&FakeLog::with(&(expected.join("\n") + "\n"))).await;
    told.reverse();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_long_line_is_told_in_parts_and_only_its_first_one_begins_with_a_time() {
    for length in [LINE_BYTES_MAX - 20, LINE_BYTES_MAX, 5 * BACK_BYTES + 1] {
        let long: String = "xü€𝄞".chars().cycle().take(length).collect();
        let text = format!("2026-11-25 12:00:00 {long}");
        let log = FakeLog::with(&format!("before\n{text}\nbehind\n"));
        let mut told = lines(&log).await;
        assert_eq!((told.remove(0).as_str(), told.pop().as_deref()), ("behind", Some("before")));
        assert!(told.iter().all(|part| part.len() <= LINE_BYTES_MAX), "{length}");
        told.reverse();
        assert_eq!(told.concat(), text);
    }
    // So long that each part begins with what looks like a time.
    let time = "2026-11-25 12:00:00 0123456789ab";
    assert_eq!(LINE_BYTES_MAX % time.len(), 0);
    let log = FakeLog::with(&time.repeat(10_000));
    let (mut back, mut with_time) = (open(&log, None).await, 0);
    while let Some(line) = back.line().await.unwrap() {
        with_time += usize::from(line.at.is_some());
        assert_eq!(line.at.is_some(), line.from == 0);
    }
    assert_eq!(with_time, 1);
}

/// A page that ends anywhere is gone on with as if it had not.
#[tokio::test]
async fn whoever_goes_on_at_a_line_reads_the_same_lines() {
    let long = "y".repeat(3 * LINE_BYTES_MAX);
    let log = FakeLog::with(&format!("one\n{long}\r\n\ntwo\n{long}"));
    let mut back = open(&log, None).await;
    let mut at = log.open().await.unwrap().unwrap().length();
    while let Some(line) = back.line().await.unwrap() {
        let again = open(&log, Some(at)).await.line().await.unwrap().unwrap();
        assert_eq!(again, line);
        at = line.from;
    }
    assert_eq!(at, 0);
}

#[tokio::test]
async fn the_end_of_a_large_file_costs_its_end() {
    let log = FakeLog::with(&"line\n".repeat(1_000_000));
    let mut back = open(&log, None).await;
    for _ in 0..10 {
        back.line().await.unwrap();
    }
    assert_eq!(log.bytes_read(), BACK_BYTES as u64);
}

#[tokio::test]
async fn what_is_cut_short_meanwhile_is_not_there_any_more() {
    let log = FakeLog::with(&"line\n".repeat(100_000));
    let mut back = open(&log, None).await;
    back.line().await.unwrap();
    log.truncate();
    let mut left = 0;
    while back.line().await.unwrap().is_some() {
        left += 1;
    }
    assert!(left <= BACK_BYTES / 5 + 1, "{left}");
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(60 * minute).unwrap()
}

/// Where the lines of this minute begin, as the one who looks for the first of them, and the one who
/// looks for the last one in front of them, have to begin; in bytes from it.
async fn distances(log: &FakeLog, text: &str, minute: i64) -> [i64; 2] {
    let file = log.open().await.unwrap().unwrap();
    let line = text.find(&format!("{} ", at(minute))).unwrap_or(text.len());
    let mut found = [0; 2];
    for (distance, doubt) in found.iter_mut().zip([Doubt::InFront, Doubt::Behind]) {
        let place = sought(log, &file, |time| time >= at(minute), doubt).await.unwrap();
        *distance = i64::try_from(place).unwrap() - i64::try_from(line).unwrap();
    }
    found
}

#[tokio::test]
async fn a_time_is_found_without_reading_the_file() {
    let mut text = String::new();
    for minute in 0..50_000 {
        text += &format!("{} hello\n  more\n", at(minute));
    }
    let near = i64::try_from(SOUGHT_BYTES).unwrap();
    let log = FakeLog::with(&text);
    for minute in [0, 1, 777, 25_000, 49_999, 60_000] {
        let [in_front, behind] = distances(&log, &text, minute).await;
        assert!((-near..=0).contains(&in_front), "{minute}: {in_front}");
        assert!((0..=near).contains(&behind), "{minute}: {behind}");
    }
    assert!(log.bytes_read() < 6 * 2 * 20 * PIECE_BYTES as u64, "{}", log.bytes_read());
    // Where there is no time, nothing is left out.
    let log = FakeLog::with(&"line\n".repeat(100_000));
    let [in_front, behind] = distances(&log, "", 5).await;
    assert_eq!((in_front, behind), (0, 500_000));
}
