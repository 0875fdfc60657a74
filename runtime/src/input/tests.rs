use std::collections::BTreeMap;

use http::Request;
use serde::Deserialize;

use super::*;
use crate::request_id::RequestId;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    what: String,
    #[serde(default)]
    count: Option<i64>,
    #[serde(default)]
    gift: Option<bool>,
    #[serde(default)]
    colour: Option<Colour>,
    #[serde(default)]
    extras: Option<BTreeMap<String, String>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
}

fn read(media_type: &str, body: &[u8]) -> Result<Order, Failure> {
    let request = Request::builder().header("content-type", media_type).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let body = Bytes::copy_from_slice(body);
    let received = Received { parts, body, variable: None, media: Media::Json };
    Json::from_request(&received).map(|Json(order)| order)
}

fn json(body: &str) -> Result<Order, Failure> {
    read("application/json", body.as_bytes())
}

fn form(body: &str) -> Result<Order, Failure> {
    read("application/x-www-form-urlencoded; charset=utf-8", body.as_bytes())
}

/// The field at fault and the detail.
fn refusal(result: Result<Order, Failure>) -> (Option<String>, String) {
    let problem = result.unwrap_err().problem(&RequestId::from_text("r1"));
    assert_eq!((problem.status, problem.slug()), (400, "invalid-request"));
    (problem.field, problem.detail)
}

#[test]
fn json_and_forms_become_the_same_value() {
    let expected = Order {
        what: "a b".into(),
        count: Some(3),
        gift: Some(true),
        colour: Some(Colour::Red),
        extras: None,
    };
    assert_eq!(json(r#"{"what":"a b","count":3,"gift":true,"colour":"red"}"#).unwrap(), expected);
    assert_eq!(form("what=a+b&count=3&gift=YES&colour=red").unwrap(), expected);
}

#[test]
fn an_empty_form_value_and_a_json_null_mean_not_given() {
    for order in [
        form("what=x&count=&gift=").unwrap(),
        json(r#"{"what":"x","count":null,"gift":null}"#).unwrap(),
    ] {
        assert_eq!((order.count, order.gift), (None, None));
    }
    assert_eq!(refusal(json(r#"{"what":"x","count":""}"#)).0.as_deref(), Some("count"));
}

#[test]
fn booleans_of_a_form_are_a_closed_list() {
    for (text, value) in
        [("true", true), ("1", true), ("Yes", true), ("FALSE", false), ("0", false), ("no", false)]
    {
        assert_eq!(form(&format!("what=x&gift={text}")).unwrap().gift, Some(value), "{text}");
    }
    for text in ["on", "t", "2", "truee"] {
        assert_eq!(
            refusal(form(&format!("what=x&gift={text}"))).0.as_deref(),
            Some("gift"),
            "{text}"
        );
    }
}

#[test]
fn a_refusal_names_the_field() {
    for (result, field) in [
        (json(r#"{"what":"x","wat":1}"#), "wat"),
        (form("what=x&wat=1"), "wat"),
        (form("what=x&wat="), "wat"),
        (form("what=a > b&2"), "2"),
        (json(r#"{"count":1}"#), "what"),
        (form("count=1"), "what"),
        (json(r#"{"what":"x","what":"y"}"#), "what"),
        (form("what=x&what=y"), "what"),
        (json(r#"{"what":"x","count":"3"}"#), "count"),
        (form("what=x&count=three"), "count"),
        (json(r#"{"what":1}"#), "what"),
        (json(r#"{"what":"x","colour":"green"}"#), "colour"),
        (form("what=x&colour=green"), "colour"),
        (json(r#"{"what":"x","extras":{"a":1}}"#), "extras"),
        (form("what=x&extras=a"), "extras"),
    ] {
        let (named, detail) = refusal(result);
        assert_eq!(named.as_deref(), Some(field), "{detail}");
        assert!(detail.contains(&format!("`{field}`")), "{detail}");
    }
}

#[test]
fn what_is_no_document_at_all_is_refused_without_a_field() {
    let deep = "[".repeat(10_000);
    for body in ["", "{", "[]", r#" ["x", 1]"#, "nonsense", r#"{"what":"x"} {}"#, &deep] {
        assert_eq!(refusal(json(body)).0, None, "{body:.20}");
    }
    refusal(read("application/json", b"{\"what\":\"\xff\"}"));
    for body in [b"what=%FF".as_slice(), b"what=\xff"] {
        refusal(read("application/x-www-form-urlencoded", body));
    }
}

#[test]
fn other_media_types_are_refused() {
    for media_type in ["text/plain", "application/xml", "application/jsonp", ""] {
        let failure = read(media_type, b"{}").unwrap_err();
        assert_eq!(failure.slug(), "unsupported-media-type", "{media_type}");
    }
}
