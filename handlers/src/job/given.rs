//! Which fields of a request somebody wrote down, of those that have a value without it, too.
//!
//! A job is the same whether `retry=0` was written or left out. Whoever asks for a file of jobs wants
//! to find there what they wrote, so that is kept beside the request, and counts for nothing else.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, SeqAccess, Visitor},
};
use tjf_api_types::RunRequest;

/// The fields with a default that is a value; each is a bit of [`Given`], in this order.
const FIELDS: [Field; 8] = [
    Field::Filelog,
    Field::FilelogStdout,
    Field::FilelogStderr,
    Field::Retry,
    Field::Replicas,
    Field::PortProtocol,
    Field::Emails,
    Field::Mount,
];

/// A field of a request that has a value also when nobody gave it one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Whether output is kept.
    Filelog,
    /// The file of standard output.
    FilelogStdout,
    /// The file of standard error.
    FilelogStderr,
    /// How often a failed run is tried again.
    Retry,
    /// How many copies.
    Replicas,
    /// What is spoken at the port.
    PortProtocol,
    /// When e-mail is sent.
    Emails,
    /// Whether the home is mounted.
    Mount,
}

impl Field {
    /// Its name in a request.
    fn name(self) -> &'static str {
        match self {
            Self::Filelog => "filelog",
            Self::FilelogStdout => "filelog_stdout",
            Self::FilelogStderr => "filelog_stderr",
            Self::Retry => "retry",
            Self::Replicas => "replicas",
            Self::PortProtocol => "port_protocol",
            Self::Emails => "emails",
            Self::Mount => "mount",
        }
    }

    fn is_in(self, request: &RunRequest) -> bool {
        match self {
            Self::Filelog => request.filelog.is_some(),
            Self::FilelogStdout => request.filelog_stdout.is_some(),
            Self::FilelogStderr => request.filelog_stderr.is_some(),
            Self::Retry => request.retry.is_some(),
            Self::Replicas => request.replicas.is_some(),
            Self::PortProtocol => request.port_protocol.is_some(),
            Self::Emails => request.emails.is_some(),
            Self::Mount => request.mount.is_some(),
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// The fields that were given. It is written as an array of their names, and a name of another
/// version is passed over. Reading it takes no memory: it is read with every object.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Given(u16);

impl Given {
    /// Those of this request.
    pub fn of(request: &RunRequest) -> Self {
        let given = FIELDS.iter().filter(|field| field.is_in(request));
        Self(given.fold(0, |bits, field| bits | field.bit()))
    }

    /// Whether this one is among them.
    pub fn has(self, field: Field) -> bool {
        self.0 & field.bit() != 0
    }

    /// Whether there are none; then it is not written down.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(super) fn is_nothing(&self) -> bool {
        self.0 == 0
    }

    fn fields(self) -> impl Iterator<Item = Field> {
        FIELDS.into_iter().filter(move |field| self.has(*field))
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.fields()).finish()
    }
}

impl Serialize for Given {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.fields().map(Field::name))
    }
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of fields")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<Given, A::Error> {
        let mut bits = 0;
        while let Some(Bit(bit)) = names.next_element()? {
            bits |= bit;
        }
        Ok(Given(bits))
    }
}

/// One field's bit; of a name that is not known there is none.
struct Bit(u16);

impl<'de> Deserialize<'de> for Bit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;

        impl Visitor<'_> for Name {
            type Value = Bit;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Bit, E> {
                let field = FIELDS.iter().find(|field| field.name() == name);
                Ok(Bit(field.map_or(0, |field| field.bit())))
            }
        }

        deserializer.deserialize_str(Name)
    }
}

#[cfg(test)]
mod tests {
    use tjf_api_types::{Emails, Mount, PortProtocol};

    use super::*;

    #[test]
    fn what_was_given_is_kept_by_name_and_read_back() {
        let nothing = RunRequest { cmd: "true".to_owned(), ..RunRequest::default() };
        assert!(Given::of(&nothing).is_nothing());
        let retry = RunRequest { retry: Some(0), ..nothing.clone() };
        assert_eq!(serde_json::to_string(&Given::of(&retry)).unwrap(), r#"["retry"]"#);
        let all = RunRequest {
            filelog: Some(true),
            filelog_stdout: Some("a".to_owned()),
            filelog_stderr: Some("a".to_owned()),
            retry: Some(0),
            replicas: Some(1),
            port_protocol: Some(PortProtocol::Tcp),
            emails: Some(Emails::None),
            mount: Some(Mount::All),
            ..nothing
        };
        let all = Given::of(&all);
        assert_eq!(all.fields().count(), FIELDS.len());
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Given>(&text).unwrap(), all);
    }

    #[test]
    fn the_name_of_another_version_is_passed_over() {
        let given: Given = serde_json::from_str(r#"["publish","mount"]"#).unwrap();
        assert_eq!(given.fields().collect::<Vec<_>>(), [Field::Mount]);
    }
}
