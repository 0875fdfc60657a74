//! A distinguished name as text, parsed strictly.
//!
//! nginx hands on the subject of a client certificate as text (`$ssl_client_s_dn`, written by
//! OpenSSL by the rules of RFC 2253; RFC 4514 took its place), and that text decides who is
//! calling. So nothing is guessed here: what can't be such a subject, or could be read in two ways,
//! is refused.
//!
//! Taken: names in either order, blanks around `,`, `+` and `=` (RFC 2253, section 4), types in any
//! case (RFC 4514, section 3), and escapes as a character or as two hexadecimal digits.
//!
//! Refused although one of the two RFCs has it: values in quotes and `;` between names (dropped by
//! RFC 4514, never written by OpenSSL), values in hexadecimal (OpenSSL writes these for what is no
//! text), types as numbers (`2.5.4.3` is a common name in disguise), and a common name that is
//! joined to another attribute by `+` (no tool has one). Organisations may be joined: that is how
//! Go, and so Kubernetes, writes several of them.

use thiserror::Error;

/// The types of attributes that subjects have in practice, by the names that OpenSSL and the table
/// of RFC 4514, section 3, give them, apart from the two that mean something to us.
const OTHER_TYPES: [&str; 13] = [
    "C",
    "DC",
    "emailAddress",
    "GN",
    "L",
    "OU",
    "postalCode",
    "serialNumber",
    "SN",
    "ST",
    "street",
    "title",
    "UID",
];

/// What a subject says about its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The only common name.
    pub common_name: String,
    /// The organisations, as Kubernetes' groups in the order in which they are written.
    pub organizations: Vec<String>,
}

/// Why a text is not taken as a subject. It never repeats the text, which is personal and not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum DnError {
    #[error("the parts of a subject are written `TYPE=value`, with `,` between them")]
    NotAnAttribute,
    #[error("the subject has an attribute of a type that is not known here")]
    UnknownType,
    #[error("an attribute of the subject has no value")]
    EmptyValue,
    #[error("a value of the subject is written in hexadecimal: only text is taken")]
    Hexadecimal,
    #[error("a `\\` must be followed by one of ` \"#+,;<=>\\` or by two hexadecimal digits")]
    BadEscape,
    #[error("`\"`, `;`, `<`, `>` and control characters are taken only after a `\\`")]
    NotEscaped,
    #[error("a value of the subject is not UTF-8")]
    NotUtf8,
    #[error("a common name must not be joined to another attribute by `+`")]
    Joined,
    #[error("the subject has no common name")]
    NoCommonName,
    #[error("the subject has more than one common name")]
    SeveralCommonNames,
}

/// Reads a subject that has exactly one common name.
///
/// ```text
/// CN=my-tool,O=toolforge        the tool `my-tool` of the organisation `toolforge`
/// O = toolforge, CN = my\2Dtool the same
/// ```
pub(crate) fn parse(text: &str) -> Result<Subject, DnError> {
    let mut common_name = None;
    let mut organizations = Vec::new();
    let mut rest = (!text.trim_matches(' ').is_empty()).then_some(text);
    let mut joined_to_last = false;
    while let Some(text) = rest {
        let (attribute, end) = take_attribute(text)?;
        let joined_to_next = matches!(end, End::Plus(_));
        if attribute.kind == Kind::CommonName && (joined_to_last || joined_to_next) {
            return Err(DnError::Joined);
        }
        match attribute.kind {
            Kind::CommonName if common_name.is_some() => return Err(DnError::SeveralCommonNames),
            Kind::CommonName => common_name = Some(attribute.value),
            Kind::Organization => organizations.push(attribute.value),
            Kind::Other => {}
        }
        joined_to_last = joined_to_next;
        rest = match end {
            End::Comma(text) | End::Plus(text) => Some(text),
            End::Text => None,
        };
    }
    let common_name = common_name.ok_or(DnError::NoCommonName)?;
    Ok(Subject { common_name, organizations })
}

struct Attribute {
    kind: Kind,
    value: String,
}

/// What an attribute means to us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    CommonName,
    Organization,
    Other,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("CN") {
            Some(Self::CommonName)
        } else if name.eq_ignore_ascii_case("O") {
            Some(Self::Organization)
        } else {
            let is_known = OTHER_TYPES.iter().any(|known| name.eq_ignore_ascii_case(known));
            is_known.then_some(Self::Other)
        }
    }
}

/// What ended an attribute, and the text behind it.
enum End<'a> {
    Comma(&'a str),
    Plus(&'a str),
    Text,
}

fn take_attribute(text: &str) -> Result<(Attribute, End<'_>), DnError> {
    let (name, text) = text.split_once('=').ok_or(DnError::NotAnAttribute)?;
    let name = name.trim_matches(' ');
    // An empty part, as a comma at the end or two in a row make it, runs into the next one's name.
    if name.is_empty() || name.contains([',', '+']) {
        return Err(DnError::NotAnAttribute);
    }
    let kind = Kind::of(name).ok_or(DnError::UnknownType)?;
    let (value, end) = take_value(text.trim_start_matches(' '))?;
    Ok((Attribute { kind, value }, end))
}

fn take_value(text: &str) -> Result<(String, End<'_>), DnError> {
    if text.starts_with('#') {
        return Err(DnError::Hexadecimal);
    }
    let mut value = Vec::new();
    // Blanks at the end belong to the separator, unless the last one is escaped.
    let mut length_without_blanks = 0;
    let mut rest = text.chars();
    let end = loop {
        match rest.next() {
            None => break End::Text,
            Some(',') => break End::Comma(rest.as_str()),
            Some('+') => break End::Plus(rest.as_str()),
            Some(' ') => {
                value.push(b' ');
                continue;
            }
            Some('\\') => {
                let (byte, behind) = unescape(rest.as_str())?;
                value.push(byte);
                rest = behind.chars();
            }
            Some('"' | ';' | '<' | '>') => return Err(DnError::NotEscaped),
            Some(character) if character.is_control() => return Err(DnError::NotEscaped),
            Some(character) => {
                value.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
        }
        length_without_blanks = value.len();
    };
    value.truncate(length_without_blanks);
    if value.is_empty() {
        return Err(DnError::EmptyValue);
    }
    let value = String::from_utf8(value).map_err(|_| DnError::NotUtf8)?;
    Ok((value, end))
}

/// The byte that stands behind a `\`, and the text behind it. A character above ASCII is one escape
/// for each byte of its UTF-8, so only a whole value can be checked for being text.
fn unescape(text: &str) -> Result<(u8, &str), DnError> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (byte, length) = match *text.as_bytes() {
        [byte @ (b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\'), ..] => {
            (byte, 1)
        }
        [high, low, ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => (high << 4 | low, 2),
            _ => return Err(DnError::BadEscape),
        },
        _ => return Err(DnError::BadEscape),
    };
    Ok((byte, text.get(length..).ok_or(DnError::BadEscape)?))
}

#[cfg(test)]
mod tests;
