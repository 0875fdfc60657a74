//! Whether an answer is one that the document of the API knows: every answer of the suite is looked up.

use std::sync::LazyLock;

use http::{Method, header};
use serde_json::Value;

use super::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../../handlers/src/openapi.json");
    serde_json::from_str(text).unwrap_or_default()
});

/// Looks up an answer's status, media type, headers and kind of problem. What the service has not
/// written itself, as a proxy in front of it, has no request's id, and is not looked up.
///
/// # Panics
/// When the document lacks it.
pub(super) fn check(method: &Method, path: &str, answer: &Answer) {
    if !answer.headers.contains_key("x-request-id") {
        return;
    }
    let asked = format!("{method} {path:.80}: {}", answer.status);
    let said = response(method, path, answer.status);
    assert!(said.is_object(), "the document lacks {asked}");
    let headers = said["headers"].as_object().into_iter().flatten();
    let headers: Vec<_> = headers.map(|(name, _)| name.to_ascii_lowercase()).collect();
    // The last is that of a proxy in front of the service.
    let is_of_http = |name: &str| {
        ["connection", "content-length", "content-type", "date", "transfer-encoding", "server"]
            .contains(&name)
    };
    for name in answer.headers.keys().map(|name| name.as_str()) {
        assert!(
            is_of_http(name) || headers.iter().any(|it| it == name),
            "the document lacks the header {name} of {asked}"
        );
    }
    let media_type = answer.headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let Some(media_type) = media_type.and_then(|it| it.split(';').next()) else { return };
    let content = &said["content"][media_type];
    assert!(content.is_object(), "the document lacks {media_type} of {asked}");
    if media_type == tjf_api_types::PROBLEM_JSON && !answer.body.is_empty() {
        let problem: tjf_api_types::Problem =
            serde_json::from_slice(&answer.body).unwrap_or_default();
        let slug = problem.slug();
        assert!(content["examples"][slug].is_object(), "the document lacks `{slug}` of {asked}");
    }
}

/// What the document says of such an answer.
fn response(method: &Method, path: &str, status: u16) -> &'static Value {
    let path = path.split('?').next().unwrap_or_default();
    let segments = |path: &'static str| path.split('/').filter(|it| !it.is_empty());
    let asked: Vec<_> = path.split('/').filter(|it| !it.is_empty()).collect();
    let is_it = |pattern: &'static str| {
        segments(pattern).count() == asked.len()
            && segments(pattern).zip(&asked).all(|(it, got)| it.starts_with('{') || it == *got)
    };
    let mut paths = DOCUMENT["paths"].as_object().into_iter().flatten();
    let Some((_, methods)) = paths.find(|(pattern, _)| is_it(pattern)) else {
        // Nobody learns what there is who may not.
        let name = if status == 404 { "route-not-found" } else { "unauthenticated" };
        return &DOCUMENT["components"]["responses"][name];
    };
    let method = if method == Method::HEAD { Method::GET } else { method.clone() };
    // What another method is told is said with those that there are.
    let operation = methods
        .get(method.as_str().to_ascii_lowercase())
        .or_else(|| methods.as_object().and_then(|them| them.values().next()));
    let said = operation.map_or(&Value::Null, |it| &it["responses"][status.to_string()]);
    match said["$ref"].as_str().and_then(|it| it.strip_prefix('#')) {
        Some(reference) => DOCUMENT.pointer(reference).unwrap_or(&Value::Null),
        None => said,
    }
}
