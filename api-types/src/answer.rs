//! How answers are written and read: one definition, and two rules.
//!
//! What a server writes is complete, since it has to name every field. What a client reads may come
//! from a newer server, and the client is to tell a person what it can: a key that is new is passed
//! over, and one that is missing, `null` or of another kind is read as its default. Only the keys
//! without which an answer says nothing are required.

use serde::{Deserialize, Deserializer, de::IgnoredAny};

/// Defines an object of an answer. The fields after `required:` have to be there.
macro_rules! answer {
    (
        $(#[$attribute:meta])*
        pub struct $name:ident {
            $(required: $($(#[$required_doc:meta])* pub $required:ident: $required_type:ty,)+)?
            $(optional: $($(#[$doc:meta])* pub $field:ident: $type:ty,)+)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct $name {
            $($($(#[$required_doc])* pub $required: $required_type,)+)?
            $($(
                $(#[$doc])*
                #[serde(default, deserialize_with = "crate::answer::read_or_default")]
                pub $field: $type,
            )+)?
        }

        impl crate::text::Fields for $name {
            fn write_fields(&self, key: &str, text: &mut String) {
                use crate::text::{key_within, name};
                $($(self.$required.write_fields(&key_within(key, name(stringify!($required))), text);)+)?
                $($(self.$field.write_fields(&key_within(key, name(stringify!($field))), text);)+)?
            }
        }
    };
}

pub(crate) use answer;

/// Reads a value, or passes over one of another kind.
pub(crate) fn read_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Read<T> {
        Value(T),
        Other(IgnoredAny),
    }
    Ok(match Read::deserialize(deserializer)? {
        Read::Value(value) => value,
        Read::Other(IgnoredAny) => T::default(),
    })
}
