use proptest::prelude::*;
use tjf_runtime::fuzz::{bytes_near, fuzz};

use super::*;

/// The objects and the rest, of a list that comes in pieces of this size.
fn cut(list: &[u8], size: usize) -> Result<(Vec<Vec<u8>>, Vec<u8>), String> {
    let (mut cutter, mut found) = (cutter::Cutter::default(), Vec::new());
    for piece in list.chunks(size) {
        let outcome = cutter.feed(piece, |object| {
            found.push(object.to_vec());
            Ok(())
        });
        outcome.map_err(|error| error.to_string())?;
    }
    Ok((found, cutter.into_envelope()))
}

#[test]
fn fuzzed_lists_are_cut_alike_wherever_their_pieces_end() {
    let lists = [
        r#"{"metadata":{"resourceVersion":"7"},"items":[{"name":"a"},{"name":"b\\\"}"}]}"#,
        r#"{ "items" : [ {"items":[{"name":"}"}]},
            {"name":"ü"} ] , "metadata" : {"continue":"x"} }"#,
        r#"{"items":null,"other":[{"a":[1]}],"kind":"List"}"#,
        r#"{"items":[7,[{}]]}"#,
    ];
    fuzz("lists of objects", (bytes_near(&lists), 1..40_usize), |(list, size)| {
        let whole = cut(&list, usize::MAX);
        prop_assert_eq!(&cut(&list, size), &whole);
        let _ = listed(&list, size);
        let (Ok((found, envelope)), Ok(all)) = (whole, serde_json::from_slice::<Value>(&list))
        else {
            return Ok(false);
        };
        // What has this key twice can be a list in more than one way, and it can be hidden.
        let text = String::from_utf8_lossy(&list);
        if !all.is_object() || text.matches("\"items\"").count() != 1 || text.contains("\\u") {
            return Ok(false);
        }
        let items = all["items"].as_array().cloned().unwrap_or_default();
        let found: Vec<Value> =
            found.iter().map(|object| serde_json::from_slice(object).unwrap()).collect();
        prop_assert_eq!(found, items);
        prop_assert!(serde_json::from_slice::<Value>(&envelope).is_ok_and(|it| it.is_object()));
        Ok(true)
    });
}
