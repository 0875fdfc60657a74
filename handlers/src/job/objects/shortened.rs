//! The words of a container's command, and its variables, as far as anybody reads them.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};

use super::EnvVar;
use crate::job::command::{CHECK_WORDS, SCRIPT_AT, after_name, checked_script};

/// What is kept of them. Ours have 90 KiB at most, with every `$` doubled; another program's may
/// have as much as an object, and a list has many.
const BYTES_MAX: usize = 128 * 1024;
/// What stands for the rest.
const REST: &str = "…";

/// A word, or something like it.
pub(super) trait Piece {
    /// How much text it has.
    fn bytes(&self) -> usize;

    /// What stands for all that are too many.
    fn rest() -> Self;
}

impl Piece for String {
    fn bytes(&self) -> usize {
        self.len()
    }

    fn rest() -> Self {
        REST.to_owned()
    }
}

impl Piece for EnvVar {
    fn bytes(&self) -> usize {
        self.name.len() + self.value.len()
    }

    fn rest() -> Self {
        Self { name: REST.to_owned(), value: String::new() }
    }
}

/// Reads pieces, and one in the place of those that are too many.
pub(super) fn shortened<'de, D, T>(pieces: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Piece + Deserialize<'de>,
{
    pieces.deserialize_option(Pieces(PhantomData))
}

/// Reads the words of a program. The script of one of ours is left out: it may be another version's,
/// nobody reads it, and it would be most of what is remembered of a job.
pub(super) fn program<'de, D: Deserializer<'de>>(words: D) -> Result<Vec<String>, D::Error> {
    let mut words = shortened(words)?;
    if after_name(&words).is_some() {
        words[SCRIPT_AT] = REST.to_owned();
    }
    Ok(words)
}

/// Reads the words of a health check. Of one of ours all that comes before the user's text and what
/// runs it is left out: these are the job's variables, which are told elsewhere.
pub(super) fn check<'de, D: Deserializer<'de>>(words: D) -> Result<Vec<String>, D::Error> {
    let mut words: Vec<String> = shortened(words)?;
    if checked_script(&words).is_some() {
        words.drain(..words.len() - CHECK_WORDS);
        words.shrink_to_fit();
    }
    Ok(words)
}

struct Pieces<T>(PhantomData<T>);

impl<'de, T: Piece + Deserialize<'de>> Visitor<'de> for Pieces<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the words of a command, or variables")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_some<D: Deserializer<'de>>(self, pieces: D) -> Result<Self::Value, D::Error> {
        pieces.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut pieces: A) -> Result<Self::Value, A::Error> {
        let (mut kept, mut bytes) = (Vec::new(), 0);
        while let Some(piece) = pieces.next_element::<T>()? {
            bytes += piece.bytes() + size_of::<T>();
            if bytes > BYTES_MAX {
                kept.push(T::rest());
                while pieces.next_element::<IgnoredAny>()?.is_some() {}
                break;
            }
            kept.push(piece);
        }
        // It may be kept for long.
        kept.shrink_to_fit();
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::job::command::{NAME, argv, check_argv};

    #[test]
    fn words_beyond_what_is_kept_are_one() {
        let read = |words: &serde_json::Value| -> Vec<String> { shortened(words).unwrap() };
        assert_eq!(read(&json!(["echo", "a"])), ["echo", "a"]);
        assert!(read(&json!(null)).is_empty());
        let long = "x".repeat(BYTES_MAX);
        assert_eq!(read(&json!(["echo", long, "a"])), ["echo", REST]);
        let many = vec![String::new(); BYTES_MAX];
        assert!(read(&json!(many)).len() <= BYTES_MAX / size_of::<String>() + 1);
    }

    #[test]
    fn variables_beyond_what_is_kept_are_one() {
        let long = "x".repeat(BYTES_MAX);
        let variables = json!([{"name": "A", "value": "1"}, {"name": "B", "value": long}]);
        let kept: Vec<EnvVar> = shortened(&variables).unwrap();
        let names: Vec<_> = kept.iter().map(|it| (it.name.as_str(), it.value.as_str())).collect();
        assert_eq!(names, [("A", "1"), (REST, "")]);
    }

    #[test]
    fn of_our_words_all_but_the_script_is_kept() {
        let env = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let whole = argv("echo", &env, None);
        let kept = program(&json!(whole)).unwrap();
        assert_eq!(kept[SCRIPT_AT], REST);
        assert_eq!(after_name(&kept), after_name(&whole));
        assert_eq!(kept[..SCRIPT_AT], whole[..SCRIPT_AT]);
        // Another program's are kept as they are, however like ours they look.
        for words in [
            json!(["sh", "-c", "run", NAME, "a", "b"]),
            json!(["sh", "-c", "run", NAME, "A", "a", "b", "c"]),
            json!(["sh", "-c", "run", "other", "A=1", "a", "b", "c"]),
        ] {
            assert_eq!(json!(program(&words).unwrap()), words);
        }
    }

    #[test]
    fn of_our_health_check_the_variables_are_left_out() {
        let none = BTreeMap::new();
        let many =
            BTreeMap::from([("A".to_owned(), "1".to_owned()), ("-b".to_owned(), "$".into())]);
        for env in [&none, &many] {
            let kept = check(&json!(check_argv("test $$", env))).unwrap();
            assert_eq!(kept, ["/bin/sh", "-c", "--", "test $$$$"]);
            assert_eq!(checked_script(&kept).unwrap(), "test $$$$");
        }
        for words in [
            json!([]),
            json!(["/bin/sh", "-c", "--"]),
            json!(["/bin/sh", "-c", "true", "a"]),
            json!(["env", "/bin/sh", "-c", "--", "true"]),
            json!(["env", "--", "nice", "/bin/sh", "-c", "--", "true"]),
            json!(["chroot", "--", "A=1", "/bin/sh", "-c", "--", "true"]),
        ] {
            let kept = check(&words).unwrap();
            assert_eq!((json!(kept), checked_script(&kept)), (words, None));
        }
    }

    /// As ours are: a program, 256 variables of 32 KiB together, and a command.
    #[test]
    fn the_longest_words_of_ours_are_kept() {
        let words: Vec<_> = (0..300).map(|_| "$$".repeat(150)).collect();
        assert_eq!(shortened::<_, String>(&json!(words)).unwrap(), words);
    }
}
