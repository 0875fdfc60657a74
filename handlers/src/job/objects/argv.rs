//! The words of a container's command, as far as anybody reads them.

use std::fmt;

use serde::{
    Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

/// What is kept of them. Ours have 90 KiB at most, with every `$` doubled; another program's may
/// have as much as an object, and a list has many.
const BYTES_MAX: usize = 128 * 1024;
/// What stands for the rest.
const REST: &str = "…";

/// Reads words, and one in the place of those that are too many.
pub(super) fn shortened<'de, D: Deserializer<'de>>(words: D) -> Result<Vec<String>, D::Error> {
    words.deserialize_option(Words)
}

struct Words;

impl<'de> Visitor<'de> for Words {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the words of a command")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, words: D) -> Result<Self::Value, D::Error> {
        words.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut bytes) = (Vec::new(), 0);
        while let Some(word) = words.next_element::<String>()? {
            bytes += word.len() + size_of::<String>();
            if bytes > BYTES_MAX {
                kept.push(REST.to_owned());
                while words.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            kept.push(word);
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_beyond_what_is_kept_are_one() {
        let read = |words: &serde_json::Value| shortened(words).unwrap();
        assert_eq!(read(&json!(["echo", "a"])), ["echo", "a"]);
        assert!(read(&json!(null)).is_empty());
        let long = "x".repeat(BYTES_MAX);
        assert_eq!(read(&json!(["echo", long, "a"])), ["echo", REST]);
        let many = vec![String::new(); BYTES_MAX];
        assert!(read(&json!(many)).len() <= BYTES_MAX / size_of::<String>() + 1);
    }

    /// As ours are: a program, 256 variables of 32 KiB together, and a command.
    #[test]
    fn the_longest_words_of_ours_are_kept() {
        let words: Vec<_> = (0..300).map(|_| "$$".repeat(150)).collect();
        assert_eq!(shortened(&json!(words)).unwrap(), words);
    }
}
