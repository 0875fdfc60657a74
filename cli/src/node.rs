//! What a file of settings holds, before anybody asks for something in it.
//!
//! Files have entries that are nobody's business here: of other programs, of other people, of the
//! future. A struct would refuse all of a file for one of them. So a file is read as it is, and only
//! what is asked for has to be what it should be.

use std::{collections::BTreeMap, fmt, rc::Rc};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

/// A part of a file, whatever its format. A part may be in several places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Nothing,
    Text(String),
    List(Vec<Rc<Self>>),
    /// Of a key that is there twice, the last. What has a key that is no text can't be asked for.
    Map(BTreeMap<String, Rc<Self>>),
    /// Numbers and the like: no setting is one.
    Other,
}

impl Node {
    /// What is below a key; nothing, when this is no map.
    pub(crate) fn get(&self, key: &str) -> &Self {
        match self {
            Self::Map(entries) => entries.get(key).map_or(&Self::Nothing, |node| node),
            Self::Nothing | Self::Text(_) | Self::List(_) | Self::Other => &Self::Nothing,
        }
    }

    /// The keys of a map, and what is below them; none, when this is no map.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Rc<Self>)> {
        let entries = match self {
            Self::Map(entries) => Some(entries),
            Self::Nothing | Self::Text(_) | Self::List(_) | Self::Other => None,
        };
        entries.into_iter().flatten()
    }

    /// The text that this is; none, when there is nothing or no letter.
    ///
    /// # Errors
    ///
    /// When it is something else.
    pub(crate) fn text(&self) -> Result<Option<&str>, NotText> {
        match self {
            Self::Nothing => Ok(None),
            Self::Text(text) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Self::List(_) | Self::Map(_) | Self::Other => Err(NotText),
        }
    }

    /// The parts of a list; none, when this is no list.
    pub(crate) fn items(&self) -> &[Rc<Self>] {
        match self {
            Self::List(items) => items,
            Self::Nothing | Self::Text(_) | Self::Map(_) | Self::Other => &[],
        }
    }
}

/// Something is there where text should be.
#[derive(Debug)]
pub(crate) struct NotText;

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_none<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Nothing)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(Rc::new(item));
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key()? {
            if let Node::Text(key) = key {
                entries.insert(key, Rc::new(map.next_value()?));
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Node::Map(entries))
    }
}
