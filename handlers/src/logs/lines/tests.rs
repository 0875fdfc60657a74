use super::*;

fn lines(pieces: &[&[u8]]) -> Vec<String> {
    let (mut lines, mut all) = (Lines::default(), Vec::new());
    for piece in pieces {
        lines.push(Bytes::copy_from_slice(piece));
        all.extend(std::iter::from_fn(|| lines.next()));
    }
    lines.finish();
    all.extend(std::iter::from_fn(|| lines.next()));
    assert_eq!(lines.next(), None);
    all.into_iter().map(|line| String::from_utf8(line).unwrap()).collect()
}

#[test]
fn lines_are_the_same_however_their_bytes_come() {
    for (text, expected) in [
        ("", &[][..]),
        ("a", &["a"]),
        ("a\nb\n", &["a", "b"]),
        ("\n\na", &["", "", "a"]),
        ("a\r\n\r\nb\r", &["a", "", "b\r"]),
        ("10%\r20%\r\n", &["10%\r20%"]),
    ] {
        assert_eq!(lines(&[text.as_bytes()]), expected, "{text:?}");
        let bytes: Vec<_> = text.as_bytes().chunks(1).collect();
        assert_eq!(lines(&bytes), expected, "{text:?}");
    }
}

#[test]
fn a_long_line_is_told_in_parts_that_begin_with_a_character() {
    for length in [LINE_BYTES_MAX, LINE_BYTES_MAX + 1, 3 * LINE_BYTES_MAX + 7] {
        let long: String = "xü€𝄞".chars().cycle().take(length).collect();
        let text = format!("{long}\nnext\n");
        let pieces: Vec<_> = text.as_bytes().chunks(1000).collect();
        for pieces in [&[text.as_bytes()][..], &pieces] {
            let mut told = lines(pieces);
            assert_eq!(told.pop().as_deref(), Some("next"));
            assert!(told.iter().all(|part| part.len() <= LINE_BYTES_MAX), "{length}");
            assert_eq!(told.concat(), long);
        }
    }
    let just = "x".repeat(LINE_BYTES_MAX);
    assert_eq!(lines(&[format!("{just}\n\n").as_bytes()]), [&just, ""]);
}

#[test]
fn what_is_not_utf_8_is_cut_too() {
    let mut lines = Lines::default();
    lines.push(vec![0x80; 2 * LINE_BYTES_MAX + 1].into());
    let parts: Vec<_> = std::iter::from_fn(|| lines.next()).map(|part| part.len()).collect();
    assert_eq!(parts, [LINE_BYTES_MAX; 2]);
}
