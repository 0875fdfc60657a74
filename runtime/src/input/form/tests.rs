use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::fuzz::{bytes_near, fuzz};

/// The text that a name or a value of a form stands for, if it is one.
fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        let digits = behind.get(..2).filter(|it| it.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.filter(|_| *byte == b'%').and_then(|it| str::from_utf8(it).ok());
        rest = if digits.is_some() { &behind[2..] } else { behind };
        bytes.push(match digits {
            Some(digits) => u8::from_str_radix(digits, 16).unwrap(),
            None if *byte == b'+' => b' ',
            None => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn pairs(form: &[u8]) -> Option<Vec<(String, String)>> {
    let pair = |text: &[u8]| {
        let mut halves = text.splitn(2, |byte| *byte == b'=');
        let mut half = || decoded(halves.next().unwrap_or_default());
        Some((half()?, half()?))
    };
    form.split(|byte| *byte == b'&').filter(|text| !text.is_empty()).map(pair).collect()
}

#[test]
fn fuzzed_forms_have_the_pairs_that_are_written_in_them() {
    let forms = [
        "cmd=echo+%22hi%22%0A&name=x&wait=1",
        "what=%C3%BC&extras=&=&a==b&&b",
        "cmd=%zz%4&cmd=%FF+%+&ü=%c3%",
        "%7B%22cmd%22:%22x%22}",
    ];
    fuzz("forms", bytes_near(&forms), |form| {
        let Ok(Form(found)) = Form::parse(&form) else {
            prop_assert_eq!(pairs(&form), None);
            prop_assert!(Form::parse_body(&form).is_err());
            return Ok(false);
        };
        let found = found.into_iter().map(|(name, Value(text))| (name.into(), text.into()));
        let found: Vec<(String, String)> = found.collect();
        prop_assert_eq!(pairs(&form), Some(found.clone()));
        let looks_like_json = found.first().is_some_and(|(name, _)| json::is_meant(name));
        prop_assert_eq!(Form::parse_body(&form).is_err(), looks_like_json);
        let map = Form::parse(&form).and_then(BTreeMap::<String, String>::deserialize);
        prop_assert_eq!(map.unwrap(), found.into_iter().collect());
        Ok(true)
    });
}
