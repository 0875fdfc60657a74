//! A form body, read into the same types as JSON.
//!
//! A form has only text, so a value is a boolean or a number when the type that is being read wants
//! one. An empty value means "not given".

use std::{borrow::Cow, vec};

use serde::{
    Deserializer,
    de::{IntoDeserializer, Visitor, value::Error, value::MapDeserializer},
    forward_to_deserialize_any,
};

/// The fields of a form, in their order.
pub(super) struct Form<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Form<'a> {
    /// Decodes a body.
    pub(super) fn parse(body: &'a [u8]) -> Result<Self, String> {
        // The decoder would put U+FFFD in the place of what is not UTF-8: a command that nobody
        // wrote.
        let decoded: Vec<u8> = percent_encoding::percent_decode(body).collect();
        if std::str::from_utf8(&decoded).is_err() {
            return Err("the form is not UTF-8".to_owned());
        }
        Ok(Self(form_urlencoded::parse(body).map(|(key, value)| (key, Value(value))).collect()))
    }
}

impl<'de> Deserializer<'de> for Form<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::<vec::IntoIter<_>, Error>::new(self.0.into_iter()))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

/// One field's text.
struct Value<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, Error> for Value<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl Value<'_> {
    fn refused(&self, wanted: &str) -> Error {
        serde::de::Error::custom(format_args!("`{}` is not {wanted}", self.0))
    }
}

macro_rules! numbers {
    ($($deserialize:ident $visit:ident),*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.0.parse() {
                Ok(number) => visitor.$visit(number),
                Err(_) => Err(self.refused("a whole number")),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => visitor.visit_bool(true),
            "false" | "0" | "no" => visitor.visit_bool(false),
            _ => Err(self.refused("`true` or `false`")),
        }
    }

    numbers! {
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32,
        deserialize_i64 visit_i64, deserialize_u8 visit_u8, deserialize_u16 visit_u16,
        deserialize_u32 visit_u32, deserialize_u64 visit_u64
    }

    fn deserialize_map<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("this field can't be sent in a form: use JSON"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.into_deserializer().deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct struct identifier ignored_any
    }
}
