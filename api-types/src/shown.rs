//! What is repeated of a text that somebody else wrote.

use std::fmt::{self, Write};

/// A text as a sentence repeats it: short, on one line, and with everything spelt out that a terminal
/// would obey or nobody could see.
///
/// ```
/// use tjf_api_types::Shown;
/// assert_eq!(Shown::new("a\nb\u{202e}c").to_string(), r"a\nb\u{202e}c");
/// assert_eq!(Shown::up_to("abcdef", 3).to_string(), "abc…");
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    characters_max: usize,
}

impl<'a> Shown<'a> {
    /// By so many characters a text is known again.
    pub const CHARACTERS_MAX: usize = 40;

    /// As much as a refusal repeats of a request.
    pub fn new(text: &'a str) -> Self {
        Self::up_to(text, Self::CHARACTERS_MAX)
    }

    /// At most so many characters. What is left out is shown by one more.
    pub fn up_to(text: &'a str, characters_max: usize) -> Self {
        Self { text, characters_max }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.characters_max;
        for character in self.text.chars() {
            let spelt = is_unseen(character).then(|| character.escape_default());
            let length = spelt.as_ref().map_or(1, ExactSizeIterator::len);
            let Some(rest) = left.checked_sub(length) else { return f.write_char('…') };
            left = rest;
            match spelt {
                Some(spelt) => spelt.fmt(f)?,
                None => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// Whether a character is a control, ends a line, turns the direction of writing, or has no width.
pub(crate) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_of_forty_characters_is_repeated_whole_and_a_longer_one_is_cut() {
        let forty = "ü".repeat(40);
        assert_eq!(Shown::new(&forty).to_string(), forty);
        assert_eq!(Shown::new(&format!("{forty}x")).to_string(), format!("{forty}…"));
        assert_eq!(Shown::new("").to_string(), "");
    }

    #[test]
    fn what_cannot_be_seen_is_spelt_out_and_what_can_be_is_not() {
        for (text, shown) in [
            ("a\tb\r\n\0", r"a\tb\r\n\u{0}"),
            ("\u{1b}[31m", r"\u{1b}[31m"),
            ("\u{85}\u{2028}\u{2029}", r"\u{85}\u{2028}\u{2029}"),
            ("\u{202a}\u{2066}\u{200e}\u{61c}", r"\u{202a}\u{2066}\u{200e}\u{61c}"),
            ("\u{200b}\u{feff}\u{ad}\u{e0041}", r"\u{200b}\u{feff}\u{ad}\u{e0041}"),
            ("a `b` \"c\" \\d é 漢 🦀", "a `b` \"c\" \\d é 漢 🦀"),
            ("\u{1d165}\u{301}", "\u{1d165}\u{301}"),
        ] {
            assert_eq!(Shown::new(text).to_string(), shown);
        }
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_short_and_on_one_line(text in "(?s).{0,60}", max in 0..50_usize) {
            let shown = Shown::up_to(&text, max).to_string();
            prop_assert!(shown.chars().count() <= max + 1, "{shown}");
            prop_assert!(!shown.contains(is_unseen), "{shown:?}");
        }
    }
}
