//! A form body, read into the same types as JSON.
//!
//! A form has only text, so a value is a boolean or a number when the type that is being read wants
//! one. An empty value means "not given".

use std::borrow::Cow;

use serde::{
    Deserializer,
    de::{IntoDeserializer, Visitor},
    forward_to_deserialize_any,
};
use tjf_api_types::Shown;

use super::{
    json,
    refusal::{Fields, Refusal},
};

/// The fields of a form, in their order.
pub(super) struct Form<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Form<'a> {
    /// Decodes a body or a query.
    pub(super) fn parse(form: &'a [u8]) -> Result<Self, Refusal> {
        // The decoder would put U+FFFD in the place of what is not UTF-8: a command that nobody
        // wrote.
        let decoded: Vec<u8> = percent_encoding::percent_decode(form).collect();
        if std::str::from_utf8(&decoded).is_err() {
            return Err(Refusal::new("is not UTF-8"));
        }
        Ok(Self(form_urlencoded::parse(form).map(|(key, value)| (key, Value(value))).collect()))
    }

    /// Decodes a body, unless it is JSON under the name of a form, as `curl -d` sends it: all of that
    /// would be the name of one field.
    pub(super) fn parse_body(body: &'a [u8]) -> Result<Self, Refusal> {
        let form = Self::parse(body)?;
        if form.0.first().is_some_and(|(key, _)| json::is_meant(key)) {
            return Err(Refusal::new("looks like JSON: send `content-type: application/json`"));
        }
        Ok(form)
    }
}

/// Whether a text is probably meant to be a form: it begins with `NAME=`.
pub(super) fn is_meant(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_-.%+".contains(c);
    let name = text.trim_ascii_start().split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(is_of_name)
}

impl<'de> Deserializer<'de> for Form<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_map(Fields::new(self.0))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// One field's text.
struct Value<'a>(Cow<'a, str>);

/// What a text means that stands for a boolean: `true`, `1` and `yes`, or `false`, `0` and `no`, in any
/// case.
pub fn yes_or_no(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

impl Value<'_> {
    fn instead_of(&self, wanted: &str) -> Refusal {
        Refusal::wrong(wanted, &format!("`{}`", Shown::new(&self.0)))
    }

    fn is_number(&self) -> bool {
        let digits = self.0.trim_start_matches(['+', '-']);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

macro_rules! numbers {
    ($($deserialize:ident $visit:ident),*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) if self.is_number() => Err(self.instead_of("a number of fewer digits")),
                Err(_) => Err(self.instead_of("a whole number")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match yes_or_no(&self.0) {
            Some(value) => visitor.visit_bool(value),
            None => Err(self.instead_of("`true` or `false`")),
        }
    }

    numbers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Refusal> {
        Err(Refusal::new("can't be sent in a form: send JSON"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests;
