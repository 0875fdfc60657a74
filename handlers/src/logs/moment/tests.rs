use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_line_begins_with_a_time_or_does_not() {
    for (line, expected) in [
        ("2026-11-25T12:00:00Z hello", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25t12:00:00z", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25 12:00:00 hello", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25 12:00:00,123 - bot - INFO - x", Some("2026-11-25T12:00:00.123Z")),
        ("2026-11-25 12:00:00,123 ERROR x", Some("2026-11-25T12:00:00.123Z")),
        ("2026-11-25T12:00:00.123456789123Z", Some("2026-11-25T12:00:00.123456789Z")),
        ("2026-11-25T12:00:00.5+01:00 x", Some("2026-11-25T11:00:00.5Z")),
        ("2026-11-25T12:00:00+0100: x", Some("2026-11-25T11:00:00Z")),
        ("2026-11-25 12:00:00-08 x", Some("2026-11-25T20:00:00Z")),
        ("2026-11-25 12:00:00 +0530 x", Some("2026-11-25T06:30:00Z")),
        ("2026-11-25 12:00:00 -5 degrees", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25 12:00:00. And so on", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25T12:00:00] x", Some("2026-11-25T12:00:00Z")),
        ("2026-11-25 12:00:00x", None),
        ("2026-11-25 12:00", None),
        ("2026-11-25", None),
        ("2026-13-25 12:00:00", None),
        ("2026-02-30 12:00:00", None),
        ("2026-11-25 24:00:00", None),
        (" 2026-11-25 12:00:00", None),
        ("12:00:00 x", None),
        ("hello", None),
        ("２０２６-11-25 12:00:00", None),
        ("", None),
    ] {
        assert_eq!(of_line(line.as_bytes()), expected.map(at), "{line:?}");
    }
    assert_eq!(of_line(b"2026-11-25 12:00:00 \xff"), Some(at("2026-11-25T12:00:00Z")));
}

#[test]
fn a_time_is_asked_for_as_a_duration_or_as_a_date() {
    let now = at("2026-11-26T12:00:00Z");
    for (text, expected) in [
        ("1h32m22s", Some("2026-11-26T10:27:38Z")),
        ("90s", Some("2026-11-26T11:58:30Z")),
        ("0s", Some("2026-11-26T12:00:00Z")),
        ("1w1d", Some("2026-11-18T12:00:00Z")),
        ("2026-03-02T21:29:55+01:00", Some("2026-03-02T20:29:55Z")),
        ("2026-03-02T21:29:55Z", Some("2026-03-02T21:29:55Z")),
        ("2026-03-02 21:29:55.5", Some("2026-03-02T21:29:55.5Z")),
        ("2026-03-02", Some("2026-03-02T00:00:00Z")),
        ("", None),
        ("1", None),
        ("h", None),
        ("1h1h", None),
        ("1m1h", None),
        ("-1h", None),
        ("1h ", None),
        ("1.5h", None),
        ("1ü", None),
        ("9223372036854775807w", None),
        ("99999999999w", None),
        ("yesterday", None),
        ("2026-03-02T21:29:55 01:00", None),
        ("12:00:00", None),
    ] {
        assert_eq!(asked(text, now), expected.map(at), "{text:?}");
    }
}

/// Whatever comes, nothing panics.
#[test]
fn any_bytes_have_a_time_or_none() {
    let good = b"2026-11-25 12:00:00,123 +01:00";
    for at in 0..good.len() {
        for byte in 0..=255 {
            let mut line = good.to_vec();
            line[at] = byte;
            let _ = of_line(&line);
            let _ = of_line(&line[..at]);
            let _ = std::str::from_utf8(&line).map(|text| asked(text, Timestamp::UNIX_EPOCH));
        }
    }
}
