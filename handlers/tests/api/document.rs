//! The document at `/openapi.json` says what the service does: every answer that any test here sees is
//! looked up in it.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use serde_json::{Value, json};
use tjf_api_types::{KINDS, PROBLEMS, path};
use tjf_runtime::Media;

use super::*;

const FORM: &str = "application/x-www-form-urlencoded";

/// What HTTP itself is about, and no document speaks of.
const UNSAID: [&str; 3] = ["connection", "content-length", "content-type"];

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(include_bytes!("../../src/openapi.json")).unwrap());

/// What a reference within the document leads to.
fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => {
            let found = DOCUMENT.pointer(reference.strip_prefix('#').unwrap());
            found.unwrap_or_else(|| panic!("there is no {reference}"))
        }
        None => value,
    }
}

fn keys(value: &'static Value) -> impl Iterator<Item = &'static str> {
    value.as_object().into_iter().flatten().map(|(key, _)| key.as_str())
}

/// What the document says of a path that was asked.
fn methods_of(path: &str) -> Option<&'static Value> {
    let segments = |path: &'_ str| -> Vec<String> {
        path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
    };
    let asked = segments(path);
    let is_it = |pattern: &&str| {
        let pattern = segments(pattern);
        let mut pairs = pattern.iter().zip(&asked);
        pattern.len() == asked.len() && pairs.all(|(it, got)| it.starts_with('{') || it == got)
    };
    keys(&DOCUMENT["paths"]).find(is_it).map(|pattern| &DOCUMENT["paths"][pattern])
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    methods_of(path)?.get(method.as_str().to_ascii_lowercase())
}

/// Whether a value is as a schema of the document says.
fn assert_valid(schema: &Value, value: &Value, whose: &str) {
    static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> =
        LazyLock::new(Mutex::default);
    let mut whole = schema.clone();
    whole["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
    let mut known = VALIDATORS.lock().unwrap();
    let validator = known.entry(schema.to_string());
    let validator = Arc::clone(
        validator.or_insert_with(|| Arc::new(jsonschema::draft202012::new(&whole).unwrap())),
    );
    drop(known);
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{whose}: {errors:?} in {value}");
}

/// Looks an answer up: its status, its media type, its headers, its body, and the kind of problem.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let status = answer.status.as_str();
    let asked = format!("{method} {path:.80} {status}");
    let said = match (methods_of(path), operation(method, path)) {
        (None, _) => &DOCUMENT["components"]["responses"]["route-not-found"],
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
    let headers: Vec<_> = keys(&said["headers"]).map(str::to_ascii_lowercase).collect();
    let headers = headers.iter().map(String::as_str).collect();
    assert_eq!(told, headers, "the headers of {asked}, and those that the document has");
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
    if let Some(slug) = body["type"].as_str().and_then(|kind| kind.strip_prefix(PROBLEMS)) {
        assert!(content["examples"][slug].is_object(), "{slug} is not among those of {asked}");
    }
}

#[tokio::test]
async fn everybody_reads_the_document_and_who_has_it_is_told_so() {
    for path in [path::OPENAPI, path::OPENAPI_OF_SERVER, "/openapi.json/", "/api/v1/openapi.json/"]
    {
        let answer = ask(None, request(&Method::GET, path).body(full("")).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(serde_json::from_slice::<Value>(&answer.body).unwrap(), *DOCUMENT);
        let again = request(&Method::GET, path).header("if-none-match", &answer.headers["etag"]);
        let again = ask(None, again.body(full("")).unwrap()).await;
        assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }
}

/// The schema is the OpenAPI Initiative's own (Apache-2.0), of OpenAPI 3.1; the schemas within are
/// JSON Schema 2020-12, whose own schema the validator has.
#[test]
fn the_document_is_valid() {
    let rules = include_bytes!("../golden/openapi-3.1.schema.json");
    let rules: Value = serde_json::from_slice(rules).unwrap();
    let validator = jsonschema::draft202012::new(&rules).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&DOCUMENT)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut count = 0;
    for_each_object(&DOCUMENT, &mut |object| {
        if let Some(schema) = object.get("schema") {
            jsonschema::draft202012::meta::validate(schema).unwrap();
        }
        if let Some(reference) = object.get("$ref") {
            resolved_in(reference.as_str().unwrap());
            count += 1;
        }
    });
    assert!(count > 100, "{count} references");
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        jsonschema::draft202012::meta::validate(schema)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

fn resolved_in(reference: &str) {
    let found = DOCUMENT.pointer(reference.strip_prefix('#').unwrap());
    assert!(found.is_some(), "there is no {reference}");
}

fn for_each_object(value: &Value, look: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            look(members);
            members.values().for_each(|member| for_each_object(member, look));
        }
        Value::Array(elements) => elements.iter().for_each(|it| for_each_object(it, look)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let table = routes();
    let mounted: BTreeSet<_> = table
        .routes()
        .map(|(method, pattern)| format!("{} {pattern}", method.as_str().to_ascii_lowercase()))
        .collect();
    let described = keys(&DOCUMENT["paths"]).flat_map(|pattern| {
        keys(&DOCUMENT["paths"][pattern]).map(move |method| format!("{method} {pattern}"))
    });
    assert_eq!(described.collect::<BTreeSet<_>>(), mounted);
    for route in table.table() {
        let operation = operation(route.method(), route.pattern()).unwrap();
        let is_open = operation["security"] == json!([]);
        assert_eq!(is_open, !route.needs_caller(), "{}", route.pattern());
    }
}

#[test]
fn the_document_has_every_kind_of_problem_with_its_example() {
    let known =
        &DOCUMENT["components"]["schemas"]["Problem"]["properties"]["type"]["anyOf"][0]["enum"];
    let known: Vec<_> = known.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    let expected: Vec<_> = KINDS.iter().map(|kind| format!("{PROBLEMS}{}", kind.slug)).collect();
    assert_eq!(known, expected);
    let mut mentioned = BTreeSet::new();
    for name in keys(&DOCUMENT["components"]["responses"]) {
        let content = &DOCUMENT["components"]["responses"][name]["content"];
        mentioned.extend(keys(&content["application/problem+json"]["examples"]));
    }
    assert_eq!(mentioned, KINDS.iter().map(|kind| kind.slug).collect());
}

#[test]
fn every_example_is_what_its_schema_says() {
    let mut looked_at = 0;
    for_each_object(&DOCUMENT["paths"], &mut |object| {
        let examples = object.get("examples").and_then(Value::as_object);
        let named = examples.into_iter().flatten().map(|(_, example)| &example["value"]);
        for example in named.chain(object.get("example")) {
            assert_valid(&object["schema"], example, "an example");
            looked_at += 1;
        }
    });
    assert!(looked_at >= 10, "{looked_at}");
    for name in keys(&DOCUMENT["components"]["examples"]) {
        let problem = &DOCUMENT["components"]["examples"][name]["value"];
        assert_valid(&json!({"$ref": "#/components/schemas/Problem"}), problem, name);
    }
}

/// What a refusal of something unknown says that is known: the words between back-quotes at its end.
fn known_words(problem: &Problem) -> BTreeSet<String> {
    let (_, known) = problem.detail.split_once("known here: ").unwrap_or_default();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_document_has_every_parameter_of_a_query() {
    let peer = certificate("toolforge");
    for (method, path) in every_route() {
        let asked = request(&method, &format!("{path}?wiat=1"));
        let asked = asked.header("content-type", "application/json");
        let body = r#"{"cmd":"true","imagename":"busybox"}"#;
        let answer = ask(Some(&peer), asked.body(full(body)).unwrap()).await;
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        let said = operation(&method, &path).unwrap()["parameters"].as_array().unwrap();
        let said = said.iter().map(resolved).filter(|it| it["in"] == "query");
        let said: BTreeSet<_> = said.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(said, known_words(&problem), "{method} {path}");
    }
}

#[test]
fn the_document_has_every_header_that_is_read() {
    let table = routes();
    for route in table.table() {
        let operation = operation(route.method(), route.pattern()).unwrap();
        let said = operation["parameters"].as_array().unwrap();
        let said = said.iter().map(resolved).filter(|it| it["in"] == "header");
        let said = said.map(|it| it["name"].as_str().unwrap().to_ascii_lowercase());
        let said: BTreeSet<_> = said.collect();
        let mut read: BTreeSet<_> = route.headers_read().map(str::to_owned).collect();
        read.insert("x-request-id".to_owned());
        let is_tagged = !operation["responses"]["304"].is_null();
        read.extend(is_tagged.then(|| "if-none-match".to_owned()));
        assert_eq!(said, read, "{}", route.pattern());
    }
}

#[tokio::test(start_paused = true)]
async fn the_document_has_every_field_and_type_of_a_body() {
    let peer = certificate("toolforge");
    for (method, path) in every_route() {
        let body = &operation(&method, &path).unwrap()["requestBody"];
        let said: Vec<_> = keys(&body["content"]).collect();
        let mut taken = Vec::new();
        for (media_type, text) in [
            ("application/json", r#"{"wiat":"1"}"#),
            (FORM, "wiat=1"),
            ("text/plain", "wiat"),
            ("application/xml", "<wiat/>"),
        ] {
            let asked = request(&method, &path).header("content-type", media_type);
            let answer = ask(Some(&peer), asked.body(full(text)).unwrap()).await;
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
            // Whoever reads no body does not miss a field of it.
            if problem.field.as_deref() != Some("wiat") {
                continue;
            }
            taken.push(media_type);
            let schema = resolved(&body["content"][media_type]["schema"]);
            let mut fields: BTreeSet<_> = keys(&schema["properties"]).map(str::to_owned).collect();
            for name in keys(&schema["properties"]) {
                let aliases = schema["properties"][name]["x-aliases"].as_array();
                fields.extend(
                    aliases.into_iter().flatten().map(|it| it.as_str().unwrap().to_owned()),
                );
            }
            // A form has no object within it, whatever its name.
            let mut known = known_words(&problem);
            if media_type == FORM {
                let of_json = resolved(&body["content"]["application/json"]["schema"]);
                known.retain(|name| {
                    let kinds = &of_json["properties"][name]["type"];
                    !kinds.as_array().is_some_and(|kinds| kinds.contains(&json!("object")))
                });
            }
            assert_eq!(fields, known, "{method} {path}");
        }
        assert_eq!(said, taken, "{method} {path}");
    }
}

/// What Kubernetes may say to everything, and what of it a caller is told at least once.
#[tokio::test(start_paused = true)]
async fn whatever_kubernetes_answers_the_document_has_what_becomes_of_it() {
    let quota = "exceeded quota: tool, requested: count/jobs.batch=1, used: count/jobs.batch=9, \
                 limited: count/jobs.batch=9";
    let limits =
        "pods \"a\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi";
    let peer = certificate("toolforge");
    let mut told = BTreeSet::new();
    for (code, message) in [
        (400, SECRET),
        (401, SECRET),
        (403, SECRET),
        (403, quota),
        (403, limits),
        (404, SECRET),
        (409, SECRET),
        (409, "object is being deleted: a"),
        (410, SECRET),
        (413, SECRET),
        (422, SECRET),
        (429, SECRET),
        (503, SECRET),
        (504, SECRET),
    ] {
        for (method, path) in every_route() {
            // It is what is created that has no room.
            if method != Method::POST && [quota, limits].contains(&message) {
                continue;
            }
            for accept in [Media::Json, Media::Text] {
                let service = service_over(|cluster| cluster.answer_all(code, message));
                let asked = request(&method, &path)
                    .header("content-type", "application/json")
                    .header("accept", accept.name());
                let body = r#"{"cmd":"true","imagename":"busybox"}"#;
                let answer = ask_of(&service, Some(&peer), asked.body(full(body)).unwrap()).await;
                let problem = serde_json::from_slice::<Problem>(&answer.body).unwrap_or_default();
                told.insert(problem.slug().to_owned());
            }
        }
    }
    for slug in
        ["cluster-unavailable", "credentials-rejected", "forbidden", "internal", "quota-exceeded"]
    {
        assert!(told.contains(slug), "{slug} is not among {told:?}");
    }
}

/// Of jobs that were seen on a real cluster.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test may block")]
fn every_status_that_was_seen_is_one_of_the_document() {
    let mut looked_at = 0;
    for entry in std::fs::read_dir(golden("observed")).unwrap() {
        let path = entry.unwrap().path();
        if path.to_str().unwrap().ends_with(".view.json") {
            let view: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let schema = json!({"$ref": "#/components/schemas/StatusView"});
            assert_valid(&schema, &view["status"], path.to_str().unwrap());
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at}");
}
