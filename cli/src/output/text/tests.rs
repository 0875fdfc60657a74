use proptest::{collection::vec, prelude::*, sample::select};

use super::*;

/// What widths, cuts and eyes get wrong.
const PIECES: [&str; 36] = [
    "a",
    "Z9",
    " ",
    "-",
    "'",
    "\\",
    "ü",
    "e\u{301}",
    "\u{301}",
    "o\u{302}\u{323}\u{328}",
    "日本",
    "ｱ",
    "❤\u{fe0f}",
    "❤",
    "⌚\u{fe0e}",
    "1\u{fe0f}\u{20e3}",
    "👍🏽",
    "🏽",
    "🇩🇪",
    "🇩",
    "👩\u{200d}👩\u{200d}👧",
    "🏳\u{fe0f}\u{200d}🌈",
    "क्षि",
    "किं",
    "\u{1112}\u{1161}\u{11ab}",
    "\u{1161}",
    "لا",
    "\t",
    "\n",
    "\u{1b}[2J",
    "\u{200b}",
    "\u{200d}",
    "\u{ad}",
    "\u{202e}",
    "\u{e0041}",
    "\u{fe0f}",
];

/// Texts of such pieces and of any other characters.
pub(in crate::output) fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => select(&PIECES[..]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

#[test]
fn what_can_not_be_seen_is_spelt_out() {
    for (text, expected) in [
        ("plain 'text' \"ü\" \\", "plain 'text' \"ü\" \\"),
        ("a\u{1b}[2Jb", r"a\u{1b}[2Jb"),
        ("one\ntwo\t\r", r"one\ntwo\t\r"),
        ("\u{9b}31m", r"\u{9b}31m"),
        ("\u{202e}gpj", r"\u{202e}gpj"),
        ("py\u{ad}thon", r"py\u{ad}thon"),
        ("\u{feff}#!/bin/sh", r"\u{feff}#!/bin/sh"),
        ("a\u{200b}b\u{2060}c\u{180e}d", r"a\u{200b}b\u{2060}c\u{180e}d"),
        ("a\u{a0}b\u{3000}c", r"a\u{a0}b\u{3000}c"),
        ("a\u{2028}b\u{2029}", r"a\u{2028}b\u{2029}"),
        ("a\u{e0041}", r"a\u{e0041}"),
        ("\u{e000}\u{378}\u{10ffff}", r"\u{e000}\u{378}\u{10ffff}"),
        ("\u{3164}\u{115f}\u{2800}", r"\u{3164}\u{115f}\u{2800}"),
        ("\u{301}a\u{301}", "\\u{301}a\u{301}"),
        ("a\u{200d}b\u{200c}c\u{200d}", r"a\u{200d}b\u{200c}c\u{200d}"),
        ("a\u{fe0f}日\u{fe0f}日\u{e0100}", r"a\u{fe0f}日\u{fe0f}日\u{e0100}"),
    ] {
        assert_eq!(visible(text), expected);
    }
}

#[test]
fn what_makes_an_emoji_stays_in_it() {
    for (text, columns) in [
        ("❤\u{fe0f}", 2),
        ("👩\u{200d}👩\u{200d}👧", 2),
        ("🏳\u{fe0f}\u{200d}🌈", 2),
        ("🤷🏽\u{200d}♀\u{fe0f}", 2),
        ("1\u{fe0f}\u{20e3}", 2),
        ("🇩🇪", 2),
        ("e\u{301}", 1),
        ("日本", 4),
        ("किं", 2),
    ] {
        assert_eq!((&*visible(text), width(text)), (text, columns));
    }
}

#[test]
fn a_cut_is_between_clusters() {
    for (text, width_max, expected) in [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("a❤\u{fe0f}b❤\u{fe0f}", 4, "a❤\u{fe0f}…"),
        ("a❤\u{fe0f}b", 3, "a…"),
        ("🇩🇪🇩🇪", 3, "🇩🇪…"),
        ("👩\u{200d}👩\u{200d}👧👧", 3, "👩\u{200d}👩\u{200d}👧…"),
        ("日本語", 4, "日…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ("日本", 1, "…"),
        ("ab", 0, ""),
    ] {
        assert_eq!(fit(text, width_max), expected, "{text} in {width_max}");
    }
}

proptest! {
    #[test]
    fn nothing_is_spelt_out_twice(text in odd_text()) {
        let once = visible(&text);
        prop_assert_eq!(&visible(&once), &once);
    }

    #[test]
    fn every_cluster_of_a_visible_text_is_seen(text in odd_text()) {
        for cluster in clusters(&visible(&text)) {
            prop_assert!(cluster.width() > 0, "{cluster:?} of {text:?}");
            prop_assert!(!cluster.contains(char::is_control), "{cluster:?} of {text:?}");
        }
    }

    #[test]
    fn a_text_that_was_cut_is_no_wider_than_its_room(text in odd_text(), width_max in 0_usize..50) {
        let text = visible(&text);
        let fitting = fit(&text, width_max);
        prop_assert!(width(&fitting) <= width_max, "{fitting:?}");
        // A terminal that looks at the whole line, and not at clusters, has room too.
        prop_assert!(UnicodeWidthStr::width(&*fitting) <= width_max, "{fitting:?}");
        let kept = fitting.strip_suffix(ELLIPSIS).unwrap_or(&fitting);
        let is_boundary = clusters(&text).any(|cluster| {
            cluster.as_ptr() as usize - text.as_ptr() as usize == kept.len()
        });
        prop_assert!(is_boundary || kept.len() == text.len(), "{fitting:?} of {text:?}");
    }
}
