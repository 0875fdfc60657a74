//! What a text looks like on a terminal: what of it can be seen, and how wide it is.
//!
//! A terminal draws clusters, not characters: ❤️ is two characters on two columns, a family of three
//! is five on two, and é may be two on one. So clusters are what is measured, and what is never cut.
//! One library says how wide something is, and so also what belongs together.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for the end of a text that was cut.
const ELLIPSIS: char = '…';

/// Joins two emoji into one; on its own nobody sees it.
const JOINER: char = '\u{200d}';

/// The text with everything spelt out that can't be seen, that would move the cursor, or that would
/// turn the text around.
pub(super) fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 8);
    for cluster in clusters(text) {
        let mut base = None;
        let mut characters = cluster.chars().peekable();
        while let Some(character) = characters.next() {
            if is_seen(base, character, characters.peek().copied()) {
                visible.push(character);
                base = Some(character);
            } else {
                visible.extend(character.escape_default());
                base = None;
            }
        }
    }
    Cow::Owned(visible)
}

/// How many columns a visible text takes.
pub(super) fn width(text: &str) -> usize {
    clusters(text).map(UnicodeWidthStr::width).sum()
}

/// The parts of a text that are drawn as one.
fn clusters(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices().skip(1);
        let end = characters.find(|&(at, next)| !goes_on(&rest[..at], next, rest));
        let (cluster, left) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = left;
        Some(cluster).filter(|cluster| !cluster.is_empty())
    })
}

/// Whether the next character of a text is drawn with those before it: together they take less room
/// than side by side. Not so the two halves of a flag, and emoji that wait for more to become one.
fn goes_on(before: &str, next: char, text: &str) -> bool {
    let mut characters = before.chars();
    let (Some(first), second) = (characters.next(), characters.next()) else { return false };
    let Some(width) = next.width().filter(|_| !first.is_control()) else { return false };
    let is_flag = is_half_flag(first) && second.is_none() && is_half_flag(next);
    let is_joined =
        before.ends_with(JOINER) && !first.is_ascii() && is_emoji(first) && is_emoji(next);
    let together = || text[..before.len() + next.len_utf8()].width();
    width == 0 || is_flag || is_joined || together() < before.width() + width
}

/// Two of these letters are a flag.
fn is_half_flag(character: char) -> bool {
    matches!(character, '\u{1f1e6}'..='\u{1f1ff}')
}

/// Cuts a visible text that is too wide, and shows that it did.
pub(super) fn fit(text: &str, width_max: usize) -> Cow<'_, str> {
    if width(text) <= width_max {
        return Cow::Borrowed(text);
    }
    let Some(mut left) = width_max.checked_sub(1) else { return Cow::Borrowed("") };
    let fits = |cluster: &&str| {
        let rest = left.checked_sub(cluster.width());
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    let mut fitting: String = clusters(text).take_while(fits).collect();
    fitting.push(ELLIPSIS);
    Cow::Owned(fitting)
}

/// Whether a character shows, or changes how what it stands on shows.
fn is_seen(base: Option<char>, character: char, after: Option<char>) -> bool {
    match character {
        JOINER => base.is_some() && after.and_then(UnicodeWidthChar::width) > Some(0),
        '\u{fe0e}' | '\u{fe0f}' => base.is_some_and(is_emoji),
        _ if base.is_none() && character.width() == Some(0) => false,
        _ => is_printable(character) && !is_blank(character),
    }
}

/// Whether a character has an emoji's shape, and so perhaps a choice of two: it gets wider by it, or
/// is a symbol that is wide anyway.
fn is_emoji(character: char) -> bool {
    let is_wide_symbol = matches!(character, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
        && character.width() == Some(2);
    let is_made_wide = || String::from_iter([character, '\u{fe0f}']).width() == 2;
    is_wide_symbol || character.width() == Some(1) && is_made_wide()
}

/// What Rust would not escape in a text: no controls, no formats, nothing private or unassigned,
/// and no blank but the common one. Behind a letter, since in front of it a mark is escaped.
fn is_printable(character: char) -> bool {
    matches!(character, '\'' | '"' | '\\')
        || String::from_iter(['a', character]).escape_debug().count() == 2
}

/// Characters that count as letters, marks or symbols, and of which nothing shows.
fn is_blank(character: char) -> bool {
    matches!(
        character,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180d}'
            | '\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0d}'
            | '\u{ffa0}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

#[cfg(test)]
pub(super) mod tests;
