//! A JSON body, read in two steps: first into a tree of what is there, then into the type that is
//! wanted. What goes wrong in the second step is worded here, and not by the parser.

use std::fmt;

use serde::{
    Deserializer,
    de::{
        DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::SeqDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    form,
    refusal::{Fields, Refusal},
};

/// Deeper than anything that is asked for here, and far from the end of the stack.
const DEPTH_MAX: usize = 32;

/// What is written, in its order, and twice when it is there twice.
pub(super) enum Tree {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    /// With a fraction or an exponent, or too large to be anything else.
    Float(f64),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Tree {
    /// Parses a whole body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|_| Refusal::new("is not UTF-8"))?;
        if text.trim_ascii().is_empty() {
            return Err(Refusal::new("is empty: send an object of JSON"));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        let tree = Seed { depth_left: DEPTH_MAX }.deserialize(&mut json);
        tree.and_then(|tree| json.end().map(|()| tree)).map_err(|error| {
            if form::is_meant(text) {
                return Refusal::new(
                    "looks like a form: send `content-type: application/x-www-form-urlencoded`",
                );
            }
            match error.classify() {
                serde_json::error::Category::Eof => Refusal::new("ends before its JSON does"),
                // The one mistake that is found by the tree.
                serde_json::error::Category::Data => Refusal::new("is nested too deeply"),
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    let (line, column) = (error.line(), error.column());
                    let place = format!("look at line {line}, column {column}");
                    Refusal::new(format!("can't be read as JSON: {place}"))
                }
            }
        })
    }

    /// What there is in the place of what was wanted.
    fn instead_of(&self, wanted: &str) -> Refusal {
        let got = match self {
            Self::Null => "`null`",
            Self::Bool(_) => "`true` or `false`",
            Self::Unsigned(_) | Self::Negative(_) => "a number",
            Self::Float(_) => "a number with a fraction or too many digits",
            Self::Text(_) => "a text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        };
        Refusal::wrong(wanted, got)
    }
}

/// Whether a text is probably meant to be JSON, which is an object or an array.
pub(super) fn is_meant(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_ascii_start().starts_with(['{', '['])
}

/// Reads a tree that may have so many levels.
struct Seed {
    depth_left: usize,
}

impl Seed {
    fn below<E: Error>(&self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1);
        depth_left.map(|depth_left| Self { depth_left }).ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Unsigned(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Negative(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = array.next_element_seed(self.below()?)? {
            members.push(member);
        }
        Ok(Tree::Array(members))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let mut fields = Vec::new();
        while let Some(name) = object.next_key()? {
            fields.push((name, object.next_value_seed(self.below()?)?));
        }
        Ok(Tree::Object(fields))
    }
}

impl IntoDeserializer<'_, Refusal> for Tree {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Methods for types that can be written in one way alone.
macro_rules! only {
    ($($wanted:literal, $pattern:pat => $($deserialize:ident)*;)*) => {$($(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            match self {
                $pattern => self.deserialize_any(visitor),
                _ => Err(self.instead_of($wanted)),
            }
        }
    )*)*};
}

impl<'de> Deserializer<'de> for Tree {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self {
            Self::Null => visitor.visit_unit(),
            Self::Bool(value) => visitor.visit_bool(value),
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Negative(number) => visitor.visit_i64(number),
            Self::Float(number) => visitor.visit_f64(number),
            Self::Text(text) => visitor.visit_string(text),
            Self::Array(members) => visitor.visit_seq(SeqDeserializer::new(members.into_iter())),
            Self::Object(fields) => visitor.visit_map(Fields::new(fields)),
        }
    }

    only! {
        "`true` or `false`", Self::Bool(_) => deserialize_bool;
        "a whole number", Self::Unsigned(_) | Self::Negative(_) => deserialize_i8 deserialize_i16
            deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32
            deserialize_u64;
        "a number", Self::Unsigned(_) | Self::Negative(_) | Self::Float(_) => deserialize_f32
            deserialize_f64;
        "a text", Self::Text(_) => deserialize_char deserialize_str deserialize_string;
        "an array", Self::Array(_) => deserialize_seq;
        "an object", Self::Object(_) => deserialize_map;
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if matches!(self, Self::Null) { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    /// A word of a list. Nothing that is asked for here has members in its variants.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let Self::Text(text) = self else { return Err(self.instead_of("a text")) };
        text.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
