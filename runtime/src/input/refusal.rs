//! Why a request can't be read, in words of JSON.
//!
//! serde lets an error type word each kind of mistake, so nothing has to be read out of serde's own
//! sentences, which speak of Rust's types and repeat whatever was sent.

use std::{error, fmt};

use serde::de::{
    DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, Unexpected,
};
use tjf_api_types::Shown;

use crate::failure::Failure;

/// Why a request can't be read.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Where the mistake is: names of fields, the innermost first. Empty for the whole.
    path: Vec<String>,
    /// What is wrong with it: the rest of a sentence.
    predicate: String,
}

impl Refusal {
    /// Of the whole, until it turns out in which field it is.
    pub(super) fn new(predicate: impl Into<String>) -> Self {
        Self { path: Vec::new(), predicate: predicate.into() }
    }

    /// One thing in the place of another. Both are in words of JSON.
    pub(super) fn wrong(wanted: &str, got: &str) -> Self {
        Self::new(format!("has to be {wanted}, not {got}"))
    }

    /// Of the field with this name.
    pub(super) fn within(mut self, name: &str) -> Self {
        self.path.push(Shown::new(name).to_string());
        self
    }

    /// The answer. `whole` is what the fields are in.
    pub(super) fn into_failure(self, whole: &str) -> Failure {
        let detail =
            format!("{} {}", self.subject().unwrap_or_else(|| whole.into()), self.predicate);
        let failure = Failure::bad_request(detail);
        match self.path.into_iter().next_back() {
            Some(field) => failure.field(field),
            None => failure,
        }
    }

    fn subject(&self) -> Option<String> {
        match &*self.path {
            [] => None,
            [field] => Some(format!("`{field}`")),
            [inner, .., field] => Some(format!("`{inner}` in `{field}`")),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.predicate)
    }
}

impl error::Error for Refusal {}

impl Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(format!("can't be taken: {message}"))
    }

    fn invalid_type(unexpected: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::new(format!("can't be {}", kind_of(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, _: &dyn Expected) -> Self {
        if let Unexpected::Unsigned(number) = unexpected {
            Self::new(format!("can't be {number}"))
        } else if let Unexpected::Signed(number) = unexpected {
            Self::new(format!("can't be {number}"))
        } else {
            Self::new(format!("can't be such {}", kind_of(unexpected)))
        }
    }

    fn invalid_length(length: usize, _: &dyn Expected) -> Self {
        Self::new(format!("can't have {length} members"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let wanted = format!("one of `{}`", expected.join("`, `"));
        Self::wrong(&wanted, &format!("`{}`", Shown::new(variant)))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = format!("is none of those that are known here: `{}`", expected.join("`, `"));
        Self::new(known).within(field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("is missing").within(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("is there twice").within(field)
    }
}

/// What JSON calls a value.
fn kind_of(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "`true` or `false`",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "`null`",
        Unexpected::Seq | Unexpected::Bytes(_) => "an array",
        Unexpected::Map => "an object",
        Unexpected::Enum
        | Unexpected::NewtypeStruct
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => "a value",
    }
}

/// The fields of an object or a form, one after the other. What is wrong with a value is told with the
/// name of its field.
pub(super) struct Fields<I, K, V> {
    rest: I,
    begun: Option<(K, V)>,
}

impl<I: Iterator<Item = (K, V)>, K, V> Fields<I, K, V> {
    pub(super) fn new(fields: impl IntoIterator<IntoIter = I>) -> Self {
        Self { rest: fields.into_iter(), begun: None }
    }
}

impl<'de, I, K, V> MapAccess<'de> for Fields<I, K, V>
where
    I: Iterator<Item = (K, V)>,
    K: AsRef<str>,
    V: Deserializer<'de, Error = Refusal>,
{
    type Error = Refusal;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Refusal> {
        self.begun = self.rest.next();
        let Some((name, _)) = &self.begun else { return Ok(None) };
        seed.deserialize(name.as_ref().into_deserializer()).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Refusal> {
        let (name, value) =
            self.begun.take().ok_or_else(|| Refusal::new("has a value without a name"))?;
        seed.deserialize(value).map_err(|refusal| refusal.within(name.as_ref()))
    }
}
