use proptest::prelude::*;
use serde_json::{Number, Value};

use super::*;
use crate::fuzz::{bytes_near, fuzz};

/// As a reader of all JSON has it, to which the last of two fields is the only one.
fn value(tree: Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::Bool(is_so) => Value::Bool(is_so),
        Tree::Unsigned(number) => number.into(),
        Tree::Negative(number) => number.into(),
        Tree::Float(number) => Value::Number(Number::from_f64(number).unwrap()),
        Tree::Text(text) => Value::String(text),
        Tree::Array(members) => members.into_iter().map(value).collect(),
        Tree::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, tree)| (name, value(tree))).collect())
        }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(members) => 1 + members.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[test]
fn fuzzed_json_is_read_as_everybody_reads_it() {
    let bodies = [
        r#"{"cmd": "echo \"hi\"\n", "name": "x", "env": {"A": "\u00fc\ud83e\udd80"}}"#,
        r#"{"count": [0, -0, 1e3, -1.5E-2, 18446744073709551615], "wait": true, "mount": null}"#,
        r#"[[[[{"a": {"a": [[{}]]}}]]]]"#,
        "\u{feff}{\"ü\u{1f980}\": 1}\r\n\t ",
        "cmd=x",
    ];
    let deep = [DEPTH_MAX, DEPTH_MAX + 2].map(|depth| "[".repeat(depth) + &"]".repeat(depth));
    let bodies = [&bodies[..], &deep.each_ref().map(String::as_str)].concat();
    fuzz("JSON", bytes_near(&bodies), |body| {
        let everybody = serde_json::from_slice::<Value>(&body);
        let Ok(tree) = Tree::parse(&body) else {
            // Of a field that is there twice, everybody forgets the first, however deep it is.
            let is_good = everybody.is_ok_and(|value| {
                let brackets = body.iter().filter(|byte| b"[{".contains(byte)).count();
                depth(&value) <= DEPTH_MAX && brackets <= DEPTH_MAX
            });
            prop_assert!(!is_good);
            return Ok(false);
        };
        let found = value(tree);
        // An object without fields may be where nothing else may be any more.
        prop_assert!(depth(&found) <= DEPTH_MAX + 1);
        prop_assert_eq!(found, everybody.unwrap());
        Ok(true)
    });
}
