//! Names: parsed once, valid ever after.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Why a text is not a name. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    what: &'static str,
    length_max: usize,
    dots: bool,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let characters = if self.dots {
            "lower-case letters, digits, '-' and '.'"
        } else {
            "lower-case letters, digits and '-'"
        };
        write!(
            f,
            "a {} is 1 to {} {characters}, and begins and ends with a letter or a digit",
            self.what, self.length_max
        )
    }
}

impl std::error::Error for NameError {}

/// The rule of RFC 1123 that Kubernetes applies to names; a dot separates labels where it is
/// allowed.
fn is_label(text: &str, length_max: usize, dots: bool) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (1..=length_max).contains(&text.len())
        && text.split(|c| dots && c == '.').all(|label| {
            let bytes = label.as_bytes();
            matches!((bytes.first(), bytes.last()), (Some(&a), Some(&z)) if inner(a) && inner(z))
                && bytes.iter().all(|&byte| inner(byte) || byte == b'-')
        })
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $length_max:literal, dots: $dots:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most bytes that such a name can have.
            pub const LENGTH_MAX: usize = $length_max;

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                if is_label(&text, Self::LENGTH_MAX, $dots) {
                    Ok(Self(text))
                } else {
                    Err(NameError { what: $what, length_max: Self::LENGTH_MAX, dots: $dots })
                }
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name that a new job may have: a DNS label of at most 52 characters.
    ///
    /// Kubernetes appends 11 characters to a `CronJob`'s name for its children, and 63 is the most
    /// that a label value holds, hence 52 for all kinds.
    JobName, "job name", 52, dots: false
}

name! {
    /// Any name that an object of ours can have in Kubernetes, and so the name to look one up by.
    ///
    /// Wider than [`JobName`]: objects that another program made with our labels are shown and
    /// deleted too. 253 is the most that Kubernetes takes, for the name of a ReplicationController.
    ObjectName, "job name", 253, dots: true
}

name! {
    /// The account that owns jobs: the CN of its certificate. `tool-` in front of it must still be
    /// a namespace's name of at most 63 characters; 53 leaves room for what else is derived from
    /// it.
    ToolName, "tool name", 53, dots: false
}

impl From<JobName> for ObjectName {
    fn from(name: JobName) -> Self {
        Self(name.0)
    }
}

/// How many characters tell apart jobs that were named after the same command.
pub const SUFFIX_LENGTH: usize = 5;

/// Letters and digits that can't be mistaken for each other and spell no words.
const SUFFIX_ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The five characters at the end of a made-up name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suffix([u8; SUFFIX_LENGTH]);

impl Suffix {
    /// Maps any number, random or a hash, to a suffix; numbers that are equal give equal suffixes.
    pub fn from_number(mut number: u64) -> Self {
        let base = SUFFIX_ALPHABET.len() as u64;
        Self(std::array::from_fn(|_| {
            let index = usize::try_from(number % base).unwrap_or(0);
            number /= base;
            SUFFIX_ALPHABET[index]
        }))
    }

    /// The suffix as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl JobName {
    /// The name of a job that was given none: the base name of the command's first word, made a
    /// label, and a suffix.
    ///
    /// ```
    /// use tjf_api_types::{JobName, Suffix};
    /// let name = JobName::from_command("./bin/My_Bot.py --all", Suffix::from_number(0));
    /// assert_eq!(name.as_str(), "my-bot-py-bbbbb");
    /// ```
    pub fn from_command(command: &str, suffix: Suffix) -> Self {
        let word = command.split_whitespace().next().unwrap_or("");
        let base = word.rsplit('/').next().unwrap_or("");
        let mut stem = String::new();
        for character in base.chars().map(|c| c.to_ascii_lowercase()) {
            if character.is_ascii_lowercase() || character.is_ascii_digit() {
                stem.push(character);
            } else if !stem.ends_with('-') {
                stem.push('-');
            }
        }
        let stem = stem.trim_matches('-');
        let stem = &stem[..stem.len().min(Self::LENGTH_MAX - SUFFIX_LENGTH - 1)];
        let stem = if stem.is_empty() { "job" } else { stem };
        Self(format!("{stem}-{}", suffix.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_rule_of_a_new_job_is_anchored_and_strict() {
        let long = "a".repeat(52);
        for good in ["a", "a-b", "0", "my--bot", long.as_str()] {
            assert!(good.parse::<JobName>().is_ok(), "{good:?}");
        }
        let longer = "a".repeat(53);
        for bad in ["", "A", "a_b", "a.b", "-a", "a-", "a\n", "ünï", "a b", "a/b", longer.as_str()]
        {
            assert!(bad.parse::<JobName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_object_may_have_dots_and_253_characters() {
        for good in ["a.b", "every-29923188", &"a".repeat(253)] {
            assert!(good.parse::<ObjectName>().is_ok(), "{good:?}");
        }
        for bad in ["a..b", ".a", "a.", "a.-b", "..", &"a".repeat(254)] {
            assert!(bad.parse::<ObjectName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_would_be_right() {
        let error = "No".parse::<JobName>().unwrap_err().to_string();
        assert_eq!(
            error,
            "a job name is 1 to 52 lower-case letters, digits and '-', and begins and ends with a letter or a digit"
        );
    }

    #[test]
    fn a_missing_name_is_made_from_the_commands_first_word() {
        let suffix = Suffix::from_number(1);
        for (command, name) in [
            ("echo hi", "echo-cbbbb"),
            ("  /data/project/x/My.Bot.PY  -v", "my-bot-py-cbbbb"),
            ("$(date) x", "date-cbbbb"),
            ("--", "job-cbbbb"),
            ("/", "job-cbbbb"),
            ("ünï", "n-cbbbb"),
        ] {
            assert_eq!(JobName::from_command(command, suffix).as_str(), name, "{command:?}");
        }
    }

    proptest! {
        #[test]
        fn any_command_gives_a_valid_name(command in ".{0,200}", number: u64) {
            let name = JobName::from_command(&command, Suffix::from_number(number));
            prop_assert!(name.as_str().parse::<JobName>().is_ok(), "{name}");
        }
    }
}
