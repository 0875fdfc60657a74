//! YAML, read as a tree.
//!
//! The library parses: it says which parts a text has, and in which notation. Here they are put
//! together, and words are told from numbers, as far as somebody needs it: settings as nodes, and a
//! file of jobs as trees, which know their lines. A library that does this too is larger than the
//! rest of the settings.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use crate::node::Node;

pub(crate) mod write;

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
    match documents(bytes, 1)?.first() {
        Some(tree) => Ok(Rc::unwrap_or_clone(Plain::default().node(tree)?)),
        None => Ok(Node::Nothing),
    }
}

/// Reads so many documents of a text, if it has as many.
pub(crate) fn documents(bytes: &[u8], count_max: usize) -> Result<Vec<Rc<Tree>>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = bytes.iter().take(error.valid_up_to());
        Unreadable { line: 1 + good.filter(|byte| **byte == b'\n').count() }
    })?;
    // Another crate in the build may have turned them on, and with them a limit of their number.
    let mut options = Options::default();
    options.set_emit_comments(false);
    let (mut reader, mut documents) = (Reader::default(), Vec::new());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| Unreadable { line: error.marker().line() })?;
        let line = span.start.line();
        if let Some(whole) = reader.take(event, line).map_err(|()| Unreadable { line })? {
            documents.push(whole.tree);
            if documents.len() == count_max {
                break;
            }
        }
    }
    Ok(documents)
}

/// A part of a document as it is written. A part that has a name may be in several places.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Where it begins, counted from one.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Nothing,
    Text(String),
    /// Numbers, words for yes and no, and whatever a tag makes of it, as they are written.
    Other(String),
    /// The key `<<`: what other maps give, unless there is an entry of that name.
    Merge,
    List(Vec<Rc<Tree>>),
    /// Keys and values, in their order. A key may be there twice.
    Map(Vec<(Rc<Tree>, Rc<Tree>)>),
}

impl Tree {
    /// The maps that a key `<<` is about, when this is its value.
    pub(crate) fn merged(self: &Rc<Self>) -> Option<Vec<Rc<Self>>> {
        let is_map = |tree: &Rc<Self>| matches!(tree.kind, Kind::Map(_));
        match &self.kind {
            Kind::Map(_) => Some(vec![Rc::clone(self)]),
            Kind::List(maps) if maps.iter().all(is_map) => Some(maps.clone()),
            Kind::Nothing | Kind::Text(_) | Kind::Other(_) | Kind::Merge | Kind::List(_) => None,
        }
    }
}

/// What is read so far.
#[derive(Default)]
struct Reader {
    /// Lists and maps that have not ended, from the outside in.
    open: Vec<Open>,
    /// By their numbers, the first of which is one. What has not ended has no value yet.
    anchors: BTreeMap<usize, Value>,
}

/// A part, and how deep it is below itself.
#[derive(Clone)]
struct Value {
    tree: Rc<Tree>,
    depth: usize,
}

/// A list or a map that has not ended.
struct Open {
    line: usize,
    anchor: usize,
    depth: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Rc<Tree>>),
    Map {
        entries: Vec<(Rc<Tree>, Rc<Tree>)>,
        /// Of the entry whose value is next.
        key: Option<Rc<Tree>>,
    },
}

impl Reader {
    /// Takes the next event, and gives the document when that was its end.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what else there can be is up to the library's features: comments, for instance"
    )]
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<Option<Value>, ()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let kind = if is_plain && tag.is_none() && text == "<<" && self.expects_key() {
                    Kind::Merge
                } else {
                    scalar(&text, is_plain, tag.as_deref())
                };
                self.add(anchor, Value { tree: Rc::new(Tree { line, kind }), depth: 0 })
            }
            Event::SequenceStart(_, anchor, _) => self.open(line, anchor, Parts::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(line, anchor, Parts::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or(())?;
                self.add(0, value)
            }
            Event::DocumentEnd => {
                // A name holds in its own document.
                self.anchors.clear();
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn open(&mut self, line: usize, anchor: usize, parts: Parts) -> Result<Option<Value>, ()> {
        self.open.push(Open { line, anchor, depth: 0, parts });
        Ok(None)
    }

    fn close(&mut self) -> Result<Option<Value>, ()> {
        let Open { line, anchor, depth, parts } = self.open.pop().ok_or(())?;
        let kind = match parts {
            Parts::List(items) => Kind::List(items),
            Parts::Map { entries, .. } => Kind::Map(entries),
        };
        self.add(anchor, Value { tree: Rc::new(Tree { line, kind }), depth: depth + 1 })
    }

    /// Puts what is whole into what it is a part of.
    fn add(&mut self, anchor: usize, value: Value) -> Result<Option<Value>, ()> {
        if value.depth > DEPTH_MAX {
            return Err(());
        }
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        let Some(outer) = self.open.last_mut() else { return Ok(Some(value)) };
        outer.depth = outer.depth.max(value.depth);
        match &mut outer.parts {
            Parts::List(items) => items.push(value.tree),
            Parts::Map { entries, key } => match key.take() {
                Some(key) => entries.push((key, value.tree)),
                None => *key = Some(value.tree),
            },
        }
        Ok(None)
    }

    fn expects_key(&self) -> bool {
        let innermost = self.open.last().map(|open| &open.parts);
        matches!(innermost, Some(Parts::Map { key: None, .. }))
    }
}

/// Makes nodes of trees, one of each.
#[derive(Default)]
struct Plain(HashMap<*const Tree, Rc<Node>>);

impl Plain {
    fn node(&mut self, tree: &Rc<Tree>) -> Result<Rc<Node>, Unreadable> {
        if let Some(known) = self.0.get(&Rc::as_ptr(tree)) {
            return Ok(Rc::clone(known));
        }
        let node = Rc::new(match &tree.kind {
            Kind::Nothing => Node::Nothing,
            Kind::Text(text) => Node::Text(text.clone()),
            Kind::Other(_) | Kind::Merge => Node::Other,
            Kind::List(items) => {
                Node::List(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            Kind::Map(entries) => Node::Map(self.map(entries)?),
        });
        self.0.insert(Rc::as_ptr(tree), Rc::clone(&node));
        Ok(node)
    }

    /// Of a key that is there twice, the last. What has a key that is no text, nobody asks for.
    fn map(
        &mut self,
        entries: &[(Rc<Tree>, Rc<Tree>)],
    ) -> Result<BTreeMap<String, Rc<Node>>, Unreadable> {
        let (mut map, mut merged) = (BTreeMap::new(), Vec::new());
        for (key, value) in entries {
            match &key.kind {
                Kind::Text(key) => drop(map.insert(key.clone(), self.node(value)?)),
                Kind::Merge => {
                    merged.extend(value.merged().ok_or(Unreadable { line: value.line })?);
                }
                Kind::Nothing | Kind::Other(_) | Kind::List(_) | Kind::Map(_) => {}
            }
        }
        for other in merged {
            for (key, value) in self.node(&other)?.entries() {
                map.entry(key.clone()).or_insert_with(|| Rc::clone(value));
            }
        }
        Ok(map)
    }
}

/// What a scalar is: text, unless it looks like something else and nobody says that it is text.
fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Kind {
    match tag.and_then(|tag| tag.suffix_in_namespace("tag:yaml.org,2002:")).as_deref() {
        Some("null") => return Kind::Nothing,
        Some("str") => return Kind::Text(text.to_owned()),
        Some(_) => return Kind::Other(text.to_owned()),
        None => {}
    }
    if !is_plain || tag.is_some_and(|tag| tag.parts() == ("", "!") || tag.parts() == ("!", "")) {
        return Kind::Text(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Nothing,
        _ if is_truth(text) || is_number(text) => Kind::Other(text.to_owned()),
        _ => Kind::Text(text.to_owned()),
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
