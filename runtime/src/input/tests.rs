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
    #[serde(default)]
    wrapping: Option<Wrapping>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapping {
    paper: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
    Green,
}

fn read(media_type: &str, body: &[u8]) -> Result<Order, Failure> {
    let request = Request::builder().header("content-type", media_type).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let body = Bytes::copy_from_slice(body);
    let received = Received { parts, body, variables: Variables::default(), media: Media::Json };
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
        wrapping: None,
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
        (json(r#"{"what":"x","colour":"blue"}"#), "colour"),
        (form("what=x&colour=blue"), "colour"),
        (json(r#"{"what":"x","extras":{"a":1}}"#), "extras"),
        (form("what=x&extras=a"), "extras"),
    ] {
        let (named, detail) = refusal(result);
        assert_eq!(named.as_deref(), Some(field), "{detail}");
        assert!(detail.contains(&format!("`{field}`")), "{detail}");
    }
}

/// In words of JSON, and not of the type that it is read into.
#[test]
fn a_refusal_says_what_would_be_right() {
    for (result, sentence) in [
        (json(r#"{"what":1}"#), "`what` has to be a text, not a number"),
        (json(r#"{"what":null}"#), "`what` has to be a text, not `null`"),
        (json(r#"{"what":["x"]}"#), "`what` has to be a text, not an array"),
        (json(r#"{"what":"x","count":"3"}"#), "`count` has to be a whole number, not a text"),
        (json(r#"{"count":true}"#), "`count` has to be a whole number, not `true` or `false`"),
        (
            json(r#"{"what":"x","count":1e99}"#),
            "`count` has to be a whole number, not a number with a fraction or too many digits",
        ),
        (json(r#"{"count":18446744073709551615}"#), "`count` can't be 18446744073709551615"),
        (json(r#"{"gift":0}"#), "`gift` has to be `true` or `false`, not a number"),
        (json(r#"{"colour":1}"#), "`colour` has to be a text, not a number"),
        (json(r#"{"colour":"blue"}"#), "`colour` has to be one of `red`, `green`, not `blue`"),
        (json(r#"{"extras":[]}"#), "`extras` has to be an object, not an array"),
        (json(r#"{"extras":{"a":1}}"#), "`a` in `extras` has to be a text, not a number"),
        (json(r#"{"extras":{"a":{"b":1}}}"#), "`a` in `extras` has to be a text, not an object"),
        (
            json(r#"{"wat":1}"#),
            "`wat` is none of those that are known here: `what`, `count`, `gift`, `colour`, `extras`, `wrapping`",
        ),
        (json("{}"), "`what` is missing"),
        (json(r#"{"what":"x","what":"y"}"#), "`what` is there twice"),
        (form("what=x&count=three"), "`count` has to be a whole number, not `three`"),
        (
            form("what=x&count=99999999999999999999"),
            "`count` has to be a number of fewer digits, not `99999999999999999999`",
        ),
        (form("what=x&gift=maybe"), "`gift` has to be `true` or `false`, not `maybe`"),
        (form("what=x&colour=blue"), "`colour` has to be one of `red`, `green`, not `blue`"),
        (form("what=x&extras=a"), "`extras` can't be sent in a form: send JSON"),
        (form("what=x&wrapping=a"), "`wrapping` can't be sent in a form: send JSON"),
        (json(r#"{"what":"x","wrapping":{}}"#), "`paper` in `wrapping` is missing"),
        (form("count=1"), "`what` is missing"),
        (form("what=x&what=y"), "`what` is there twice"),
    ] {
        assert_eq!(refusal(result).1, sentence);
    }
}

#[test]
fn what_is_no_document_at_all_is_refused_without_a_field() {
    let deep = "[".repeat(10_000);
    for (body, sentence) in [
        ("", "the body is empty: send an object of JSON"),
        ("\r\n ", "the body is empty: send an object of JSON"),
        ("{", "the body ends before its JSON does"),
        (r#"{"what":"x"#, "the body ends before its JSON does"),
        ("nonsense", "the body can't be read as JSON: look at line 1, column 2"),
        ("{\n\"what\":\"x\",\n}", "the body can't be read as JSON: look at line 3, column 1"),
        (r#"{"what":"x"} {}"#, "the body can't be read as JSON: look at line 1, column 14"),
        ("[]", "the body has to be an object, not an array"),
        (r#" ["x", 1]"#, "the body has to be an object, not an array"),
        ("1", "the body has to be an object, not a number"),
        (&deep, "the body is nested too deeply"),
    ] {
        assert_eq!(refusal(json(body)), (None, sentence.to_owned()), "{body:.20}");
    }
    let not_utf8 = (None, "the body is not UTF-8".to_owned());
    assert_eq!(refusal(read("application/json", b"{\"what\":\"\xff\"}")), not_utf8);
    for body in [b"what=%FF".as_slice(), b"what=\xff"] {
        assert_eq!(refusal(read("application/x-www-form-urlencoded", body)), not_utf8);
    }
}

/// `curl -d` calls whatever it sends a form.
#[test]
fn a_body_that_looks_like_the_other_type_is_told_so_and_not_repeated() {
    let job = format!(r#"{{"what":"{}","count":1}}"#, "x".repeat(50_000));
    for body in [&job, " {\n\"what\": \"a=b&c\"}", "[]", "\u{feff}{}", "%7B%22what%22%3A%22x%22%7D"]
    {
        let sentence = "the body looks like JSON: send `content-type: application/json`";
        assert_eq!(refusal(form(body)), (None, sentence.to_owned()), "{body:.20}");
    }
    for body in ["what=x", "what=a+b&count=3", "  what=%7B%7D", "a.b-c%20=\n"] {
        let sentence =
            "the body looks like a form: send `content-type: application/x-www-form-urlencoded`";
        assert_eq!(refusal(json(body)), (None, sentence.to_owned()), "{body}");
    }
    for body in ["=x", "{what=x}", "\"what\"=x"] {
        assert!(refusal(json(body)).1.contains("can't be read as JSON"), "{body}");
    }
}

#[test]
fn a_byte_order_mark_in_front_is_passed_over() {
    for (media_type, body) in [
        ("application/json", &b"\xef\xbb\xbf {\"what\":\"x\"}"[..]),
        ("application/x-www-form-urlencoded", b"\xef\xbb\xbfwhat=x"),
    ] {
        assert_eq!(read(media_type, body).unwrap().what, "x");
    }
    let twice = b"\xef\xbb\xbf\xef\xbb\xbf{}";
    assert!(read("application/json", twice).is_err(), "only the first is one");
}

#[test]
fn other_media_types_are_refused() {
    for media_type in ["text/plain", "application/xml", "application/jsonp", ""] {
        let failure = read(media_type, b"{}").unwrap_err();
        assert_eq!(failure.slug(), "unsupported-media-type", "{media_type}");
    }
    let mut headers = HeaderMap::new();
    for media_type in ["application/json", "text/plain"] {
        headers.append(header::CONTENT_TYPE, media_type.parse().unwrap());
    }
    assert_eq!(media_type(&headers), None, "there are two");
}
