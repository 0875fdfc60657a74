//! The name that somebody asks for.

use std::{convert::Infallible, fmt, str::FromStr};

use tjf_api_types::{ObjectName, Shown};

/// Any text that a job is asked for by. What can't be a name is simply not the name of any job, so
/// there is nothing to refuse in it. `Display` says which job is meant: it keeps the name short, and
/// does not repeat what can't be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedName(String);

impl RequestedName {
    /// The name, if an object can have it.
    pub fn object_name(&self) -> Option<ObjectName> {
        self.0.parse().ok()
    }
}

impl FromStr for RequestedName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl From<ObjectName> for RequestedName {
    fn from(name: ObjectName) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for RequestedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object_name() {
            Some(name) => write!(f, "`{}`", Shown::new(name.as_str())),
            None => f.write_str("of such a name"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_repeated_in_short_and_what_cannot_be_one_not_at_all() {
        let long = "a".repeat(41);
        for (text, shown) in [
            ("a", "`a`".to_owned()),
            (&long[..40], format!("`{}`", &long[..40])),
            (&long, format!("`{}…`", &long[..40])),
            ("", "of such a name".to_owned()),
            ("a\nb", "of such a name".to_owned()),
            ("../../tool-x", "of such a name".to_owned()),
        ] {
            assert_eq!(text.parse::<RequestedName>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn only_what_an_object_can_have_is_looked_for() {
        let name = |text: &str| text.parse::<RequestedName>().unwrap().object_name();
        assert!(name(&"a".repeat(253)).is_some());
        for text in ["", "A", "a b", "../x", &"a".repeat(254)] {
            assert_eq!(name(text), None, "{text:?}");
        }
    }
}
