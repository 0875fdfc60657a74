//! Words of closed sets, on their way through versions.
//!
//! A server writes only words that it knows. A client may be older than its server, so it keeps a
//! word that it does not know and shows it as it came.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A closed set of words, as this version knows it.
pub trait Words: Copy + 'static {
    /// All of them.
    const ALL: &'static [Self];

    /// The word as it crosses the wire.
    fn as_str(self) -> &'static str;

    /// The word that crosses the wire so, if there is one.
    fn find(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|word| word.as_str() == text)
    }
}

/// One word of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word<T> {
    /// One that this version knows.
    Known(T),
    /// One of another version; empty when the answer has none.
    Other(String),
}

impl<T: Words> Word<T> {
    /// The word as it crosses the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(word) => word.as_str(),
            Self::Other(word) => word,
        }
    }

    /// The word, if this version knows it.
    pub fn known(&self) -> Option<T> {
        match self {
            Self::Known(word) => Some(*word),
            Self::Other(_) => None,
        }
    }
}

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self::Known(word)
    }
}

impl<T> Default for Word<T> {
    fn default() -> Self {
        Self::Other(String::new())
    }
}

impl<T: PartialEq> PartialEq<T> for Word<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Self::Known(word) if word == other)
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(T::find(&text).map_or(Self::Other(text), Self::Known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ClockEffect, ContainerState, Emails, HealthCheckType, JobType, Mount, Phase, PortProtocol,
    };

    fn assert_there_and_back<T: Words + PartialEq + std::fmt::Debug>() {
        for word in T::ALL {
            let text = serde_json::to_string(&Word::Known(*word)).unwrap();
            assert_eq!(text, format!("\"{}\"", word.as_str()));
            assert_eq!(serde_json::from_str::<Word<T>>(&text).unwrap(), *word);
        }
    }

    #[test]
    fn every_known_word_goes_there_and_back() {
        assert_there_and_back::<ClockEffect>();
        assert_there_and_back::<ContainerState>();
        assert_there_and_back::<Emails>();
        assert_there_and_back::<HealthCheckType>();
        assert_there_and_back::<JobType>();
        assert_there_and_back::<Mount>();
        assert_there_and_back::<Phase>();
        assert_there_and_back::<PortProtocol>();
    }

    #[test]
    fn a_word_of_another_version_is_kept_as_it_came() {
        for text in [r#""paused""#, r#""Running""#, r#""pau\u0073ed""#, r#""""#] {
            let word: Word<Phase> = serde_json::from_str(text).unwrap();
            assert_eq!(word, Word::Other(serde_json::from_str(text).unwrap()), "{text}");
        }
    }
}
