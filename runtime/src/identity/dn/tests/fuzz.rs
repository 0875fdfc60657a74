use proptest::prelude::*;

use super::*;
use crate::{
    fuzz::{fuzz, text_near},
    identity::CommonName,
};

/// Writes a value as OpenSSL does: a `\` before what is special, digits for what is not ASCII.
fn escaped(value: &str) -> String {
    let escape = |byte: u8| match byte {
        b' ' | b'"' | b'#' | b'+' | b',' | b';' | b'<' | b'=' | b'>' | b'\\' => {
            format!("\\{}", char::from(byte))
        }
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:02X}"),
    };
    value.bytes().map(escape).collect()
}

/// The common names of a text for whoever knows no more than what separates attributes, as they are
/// written.
fn common_names_in(text: &str) -> Vec<String> {
    let mut attributes = vec![String::new()];
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let attribute = attributes.last_mut().unwrap();
        match character {
            ',' | '+' => attributes.push(String::new()),
            '\\' => attribute.extend(['\\'].into_iter().chain(characters.next())),
            _ => attribute.push(character),
        }
    }
    let values = attributes.iter().filter_map(|attribute| attribute.split_once('='));
    let values = values.filter(|(kind, _)| kind.trim().eq_ignore_ascii_case("CN"));
    values.map(|(_, value)| value.to_owned()).collect()
}

/// What a value means: without blanks around it, and without escapes.
fn meant(value: &str) -> Vec<u8> {
    let mut rest = value.trim_start_matches(' ').as_bytes();
    let mut bytes = Vec::new();
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, behind) {
            (b'\\', [high, low, behind @ ..]) if high.is_ascii_hexdigit() => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = behind;
            }
            (b'\\', [escaped, behind @ ..]) => {
                bytes.push(*escaped);
                rest = behind;
            }
            (b' ', _) if behind.iter().all(|byte| *byte == b' ') => break,
            _ => bytes.push(*byte),
        }
    }
    bytes
}

#[test]
fn fuzzed_subjects_name_one_caller_or_none() {
    let subjects = [
        "CN=my-tool,O=toolforge",
        "O = toolforge , CN = my-tool  ,C=DE",
        "emailAddress=a@b.c,UID=7,CN=a,OU=x+O=y,C=DE",
        r"CN=\C3\BCn\c3\af\,CN\=b,O=\ a\20",
        r#"CN=<a>\;"b";\#,O=#0C0161"#,
        "O=one+O=two,cn=ü/../\0",
    ];
    fuzz("subject names", text_near(&subjects), |text| {
        let Ok(subject) = parse(&text) else { return Ok(false) };
        let names = common_names_in(&text);
        prop_assert_eq!(names.len(), 1);
        prop_assert_eq!(meant(&names[0]), subject.common_name.as_bytes());
        prop_assert!(!subject.common_name.is_empty());
        let organizations = subject.organizations.iter();
        let organizations: String = organizations.map(|it| format!(",O={}", escaped(it))).collect();
        let canonical = format!("CN={}{organizations}", escaped(&subject.common_name));
        if let Some(name) = CommonName::parse(&subject.common_name) {
            let is_harmless = |byte: u8| byte == b'-' || byte.is_ascii_alphanumeric();
            prop_assert!(name.as_str().bytes().all(is_harmless), "{name}");
        }
        prop_assert_eq!(parse(&canonical), Ok(subject));
        Ok(true)
    });
}

#[test]
fn fuzzed_values_come_back_as_they_were_before_they_were_escaped() {
    let values = (any::<String>(), r#"[ -~ü\n]{0,20}"#);
    fuzz("escaped values", values, |(common_name, organization)| {
        let text = format!("O={},CN={}", escaped(&organization), escaped(&common_name));
        if common_name.is_empty() || organization.is_empty() {
            prop_assert_eq!(parse(&text), Err(DnError::EmptyValue));
            return Ok(false);
        }
        prop_assert_eq!(parse(&text), Ok(subject(&common_name, &[&organization])));
        Ok(true)
    });
}
