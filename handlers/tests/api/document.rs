//! The document at `/openapi.json` says what the service does: every answer that any test here sees is
//! looked up in it.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::{Value, json};
use tjf_api_types::PROBLEMS;

use super::{schema::assert_valid, *};

/// What HTTP itself is about, and no document speaks of.
const UNSAID: [&str; 3] = ["connection", "content-length", "content-type"];

/// The document as it lies in the repository.
pub(crate) static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(include_bytes!("../../src/openapi.json")).unwrap());

/// What a reference within the document leads to.
pub(crate) fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let found = DOCUMENT.pointer(reference.strip_prefix('#').unwrap());
            found.unwrap_or_else(|| panic!("there is no {reference}"))
        }
        None => value,
    }
}

/// The keys of an object; of nothing there are none.
pub(crate) fn keys(value: &'static Value) -> impl Iterator<Item = &'static str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str())
}

/// What the document says of a path that was asked.
fn methods_of(path: &str) -> Option<&'static Value> {
    let segments = |path: &'_ str| -> Vec<String> {
        path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    // The document has each route once.
    let asked = match path.strip_prefix("/v1/tool/") {
        Some(_) => segments(&format!("/jobs{path}")),
        None => segments(path),
    };
    let is_it = |pattern: &&str| {
        let pattern = segments(pattern);
        let mut pairs = pattern.iter().zip(&asked);
        pattern.len() == asked.len() && pairs.all(|(it, got)| it.starts_with('{') || it == got)
    };
    keys(&DOCUMENT["paths"]).find(is_it).map(|pattern| &DOCUMENT["paths"][pattern])
}

/// What the document says of a method of a path that was asked.
pub(crate) fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    methods_of(path)?.get(method.as_str().to_ascii_lowercase())
}

/// Looks an answer up: its status, its media type, its headers, its body, and the kind of problem.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let status = answer.status.as_str();
    let asked = format!("{method} {path:.80} {status}");
    let said = match (methods_of(path), operation(method, path)) {
        (None, _) => {
            let is_deployed = ["/jobs/v1/tool/", "/v1/tool/"].iter().any(|it| path.starts_with(it));
            let name = if is_deployed { "route-not-found.wrapped" } else { "route-not-found" };
            &DOCUMENT["components"]["responses"][name]
        }
        (Some(_), Some(operation)) => resolved(&operation["responses"][status]),
        // What is answered to another method is said with those that there are.
        (Some(methods), None) => {
            assert_eq!(status, "405", "{asked}");
            let (_, any) = methods.as_object().unwrap().iter().next().unwrap();
            resolved(&any["responses"][status])
        }
    };
    assert!(said.is_object(), "the document does not know {asked}");
    let told: BTreeSet<_> = answer
        .headers
        .keys()
        .map(|name| name.as_str())
        .filter(|name| !UNSAID.contains(name))
        .collect();
    let headers = &said["headers"];
    let known: BTreeSet<_> = keys(headers).map(str::to_ascii_lowercase).collect();
    let unknown: Vec<_> = told.iter().filter(|name| !known.contains(**name)).collect();
    assert!(unknown.is_empty(), "the document has no {unknown:?} for {asked}");
    for name in keys(headers).filter(|name| resolved(&headers[name])["required"] == true) {
        assert!(told.contains(&*name.to_ascii_lowercase()), "{asked} has no {name}");
    }
    let Some(content_type) = answer.headers.get("content-type") else {
        assert!(said["content"].is_null(), "{asked} has a body in the document");
        return;
    };
    let content_type = content_type.to_str().unwrap().split(';').next().unwrap();
    let content = &said["content"][content_type];
    assert!(content.is_object(), "the document has no {content_type} for {asked}");
    let body = match content_type {
        "text/plain" => json!(std::str::from_utf8(&answer.body).unwrap()),
        _ => serde_json::from_slice(&answer.body).unwrap(),
    };
    assert_valid(&content["schema"], &body, &asked);
    if let Some(error) = body.get("error") {
        assert_eq!(*error, json!([body["detail"]]), "{asked}");
    }
    if let Some(slug) = body["type"].as_str().and_then(|kind| kind.strip_prefix(PROBLEMS)) {
        assert!(content["examples"][slug].is_object(), "{slug} is not among those of {asked}");
    }
}
