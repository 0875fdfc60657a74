//! Texts as YAML, on one line each.

use std::fmt::Write;

use super::{Kind, scalar};
use crate::output::is_visible;

/// A text so that whoever reads YAML, of 1.1 or 1.2, reads that very text: as it is where nobody
/// could take it for anything else, else in quotes.
pub(crate) fn text(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if is_visible(text) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        in_double_quotes(text)
    }
}

/// Whether a text needs no quotes: it has no letter that means something, it is not a number or the
/// like, and not a date, which other readers know.
fn is_plain(text: &str) -> bool {
    let is_harmless = |byte: u8| byte.is_ascii_alphanumeric() || b" ./_+=,@%^~-".contains(&byte);
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || b"./_".contains(byte);
    let is_date = || {
        text.starts_with(|first: char| first.is_ascii_digit())
            && !text
                .contains(|letter: char| letter.is_ascii_alphabetic() && !"eEtTzZ".contains(letter))
    };
    text.bytes().all(is_harmless)
        && text.as_bytes().first().is_some_and(begins)
        && !text.ends_with(' ')
        && !is_date()
        && matches!(scalar(text, true, None), Kind::Text(_))
}

/// Whatever can't be seen is spelt out.
fn in_double_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            seen if is_visible(seen.encode_utf8(&mut [0; 4])) => quoted.push(seen),
            unseen => {
                let _ = match u32::from(unseen) {
                    code @ 0..=0xff => write!(quoted, "\\x{code:02x}"),
                    code @ 0x100..=0xffff => write!(quoted, "\\u{code:04x}"),
                    code => write!(quoted, "\\U{code:08x}"),
                };
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::yaml::documents;

    #[test]
    fn quotes_are_where_they_are_needed() {
        for (plain, written) in [
            ("./bot.py --all -x=1", "./bot.py --all -x=1"),
            ("512Mi", "512Mi"),
            ("tf-python39", "tf-python39"),
            ("", "''"),
            ("0.5", "'0.5'"),
            ("1e3", "'1e3'"),
            ("2024-01-01", "'2024-01-01'"),
            ("no", "'no'"),
            ("Null", "'Null'"),
            ("- a", "'- a'"),
            ("---", "'---'"),
            ("<<", "'<<'"),
            ("@daily", "'@daily'"),
            ("*/5 * * * *", "'*/5 * * * *'"),
            ("a: b", "'a: b'"),
            ("a #b", "'a #b'"),
            (" a", "' a'"),
            ("a ", "'a '"),
            ("it's", "'it''s'"),
            ("é 漢", "'é 漢'"),
            ("a\nb\\\"", "\"a\\nb\\\\\\\"\""),
            ("\u{1b}\u{2028}\u{e0001}", "\"\\x1b\\u2028\\U000e0001\""),
        ] {
            assert_eq!(text(plain), written);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_as_that_very_text(
            value in "(?s)(.|[-:#'\"\\\\*&!|>%@`?{}\\[\\],~ 0-9.eE_+\t\n\r\u{85}\u{2028}]|no|on|null|<<){0,12}",
        ) {
            prop_assume!(!value.contains('\0'));
            let line = format!("- a:\n    b: {}\n", text(&value));
            prop_assert_eq!(line.lines().count(), 2, "{}", line);
            let read = documents(line.as_bytes(), 1).map_err(|error| format!("{error:?}"));
            let read = read.map_err(|error| TestCaseError::fail(format!("{error}: {line}")))?;
            let Kind::List(items) = &read[0].kind else { panic!("{line}") };
            let Kind::Map(entries) = &items[0].kind else { panic!("{line}") };
            let Kind::Map(entries) = &entries[0].1.kind else { panic!("{line}") };
            prop_assert!(matches!(&entries[0].1.kind, Kind::Text(text) if *text == value), "{}", line);
        }
    }
}
