//! YAML, read as a tree.
//!
//! The library parses: it says which parts a text has, and in which notation. Here they are put
//! together, and words are told from numbers, as far as settings need it. A library that does this
//! too is larger than the rest of the settings.

use std::{collections::BTreeMap, rc::Rc};

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use crate::node::Node;

/// How deep a file can be. With aliases a short one could be deeper than the stack.
const DEPTH_MAX: usize = 256;

/// A text that can't be understood. There is no more to say of it than where: what is there may be
/// a private key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Counted from one.
    pub(crate) line: usize,
}

/// Reads the first document of a text; nothing, when it has none. What comes after it does not
/// matter.
pub(crate) fn first_document(bytes: &[u8]) -> Result<Node, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.iter().take(error.valid_up_to());
        Unreadable { line: 1 + good.filter(|byte| **byte == b'\n').count() }
    })?;
    // Another crate in the build may have turned them on, and with them a limit of their number.
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Unreadable { line: error.marker().line() })?;
        let at = |()| Unreadable { line: span.start.line() };
        if let Some(whole) = reader.take(event).map_err(at)? {
            return Ok(Rc::unwrap_or_clone(whole.node));
        }
    }
    Ok(Node::Nothing)
}

/// What is read so far.
#[derive(Default)]
struct Reader {
    /// Lists and maps that have not ended, from the outside in.
    open: Vec<Open>,
    /// By their numbers, the first of which is one. What has not ended has no value yet.
    anchors: BTreeMap<usize, Value>,
}

/// A node, and how deep it is below itself.
#[derive(Clone)]
struct Value {
    node: Rc<Node>,
    depth: usize,
}

/// A list or a map that has not ended.
struct Open {
    anchor: usize,
    depth: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Rc<Node>>),
    Map {
        entries: BTreeMap<String, Rc<Node>>,
        /// From the key `<<`: what other maps give, unless there is an entry of that name.
        merged: Vec<Rc<Node>>,
        /// Of the entry whose value is next.
        key: Option<Key>,
    },
}

enum Key {
    Text(String),
    Merge,
    /// Nobody asks for it.
    Other,
}

impl Reader {
    /// Takes the next event, and gives the document when that was its end.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else there can be is up to the library's features: comments, for instance"
    )]
    fn take(&mut self, event: Event<'_>) -> Result<Option<Value>, ()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                if is_plain && tag.is_none() && text == "<<" && self.expects_key() {
                    self.set_key(Key::Merge);
                    return Ok(None);
                }
                let node = scalar(&text, is_plain, tag.as_deref());
                self.add(anchor, Value { node: Rc::new(node), depth: 0 })
            }
            Event::SequenceStart(_, anchor, _) => self.open(anchor, Parts::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => self.open(
                anchor,
                Parts::Map { entries: BTreeMap::new(), merged: Vec::new(), key: None },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or(())?;
                self.add(0, value)
            }
            _ => Ok(None),
        }
    }

    fn open(&mut self, anchor: usize, parts: Parts) -> Result<Option<Value>, ()> {
        self.open.push(Open { anchor, depth: 0, parts });
        Ok(None)
    }

    fn close(&mut self) -> Result<Option<Value>, ()> {
        let Open { anchor, depth, parts } = self.open.pop().ok_or(())?;
        let node = match parts {
            Parts::List(items) => Node::List(items),
            Parts::Map { mut entries, merged, .. } => {
                for (key, value) in merged.iter().flat_map(|map| map.entries()) {
                    entries.entry(key.clone()).or_insert_with(|| Rc::clone(value));
                }
                Node::Map(entries)
            }
        };
        self.add(anchor, Value { node: Rc::new(node), depth: depth + 1 })
    }

    /// Puts what is whole into what it is a part of.
    fn add(&mut self, anchor: usize, value: Value) -> Result<Option<Value>, ()> {
        if value.depth > DEPTH_MAX {
            return Err(());
        }
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        if self.expects_key() {
            self.set_key(match &*value.node {
                Node::Text(text) => Key::Text(text.clone()),
                Node::Nothing | Node::List(_) | Node::Map(_) | Node::Other => Key::Other,
            });
            return Ok(None);
        }
        let Some(outer) = self.open.last_mut() else { return Ok(Some(value)) };
        outer.depth = outer.depth.max(value.depth);
        match &mut outer.parts {
            Parts::List(items) => items.push(value.node),
            Parts::Map { entries, merged, key } => match key.take() {
                // Of a key that is there twice, the last.
                Some(Key::Text(key)) => drop(entries.insert(key, value.node)),
                Some(Key::Merge) => merged.extend(maps(&value.node).ok_or(())?),
                Some(Key::Other) | None => {}
            },
        }
        Ok(None)
    }

    fn expects_key(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.parts);
        matches!(innermost, Some(Parts::Map { key: None, .. }))
    }

    fn set_key(&mut self, new: Key) {
        if let Some(Open { parts: Parts::Map { key, .. }, .. }) = self.open.last_mut() {
            *key = Some(new);
        }
    }
}

/// The maps that a key `<<` is about.
fn maps(value: &Rc<Node>) -> Option<Vec<Rc<Node>>> {
    let is_map = |node: &Rc<Node>| matches!(**node, Node::Map(_));
    match &**value {
        Node::Map(_) => Some(vec![Rc::clone(value)]),
        Node::List(maps) if maps.iter().all(is_map) => Some(maps.clone()),
        Node::Nothing | Node::Text(_) | Node::List(_) | Node::Other => None,
    }
}

/// What a scalar is: text, unless it looks like something else and nobody says that it is text.
fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Node {
    match tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:")).as_deref() {
        Some("null") => return Node::Nothing,
        Some("str") => return Node::Text(text.to_owned()),
        Some(_) => return Node::Other,
        None => {}
    }
    if !is_plain || tag.is_some_and(|tag| tag.parts() == ("", "!") || tag.parts() == ("!", "")) {
        return Node::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Nothing,
        _ if is_truth(text) || is_number(text) => Node::Other,
        _ => Node::Text(text.to_owned()),
    }
}

/// As YAML 1.1 has it, which Kubernetes reads.
fn is_truth(text: &str) -> bool {
    let words = ["true", "false", "yes", "no", "on", "off", "y", "n"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_number(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_whole = |digits: &str, is_digit: fn(&u8) -> bool| {
        digits.split('_').all(|group| !group.is_empty() && group.as_bytes().iter().all(is_digit))
    };
    let has_prefix = |prefix: &str, is_digit| {
        number.strip_prefix(prefix).is_some_and(|digits| is_whole(digits, is_digit))
    };
    is_whole(number, u8::is_ascii_digit)
        || has_prefix("0x", u8::is_ascii_hexdigit)
        || has_prefix("0o", |digit| matches!(digit, b'0'..=b'7'))
        || has_prefix("0b", |digit| matches!(digit, b'0' | b'1'))
        || [".inf", ".nan"].iter().any(|word| number.eq_ignore_ascii_case(word))
        || is_fraction(number)
}

fn is_fraction(number: &str) -> bool {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = !whole.is_empty() || !part.is_empty();
    has_digit && !exponent.is_empty() && [whole, part, exponent].into_iter().all(are_digits)
}

#[cfg(test)]
mod tests;
