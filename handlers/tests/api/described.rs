//! The document lacks nothing of what is mounted, read and answered, and is valid.

use std::{collections::BTreeSet, slice};

use serde_json::{Value, json};
use tjf_api_types::{KINDS, PROBLEMS, path};
use tjf_runtime::Media;

use super::{
    document::{DOCUMENT, keys, operation, resolved},
    schema::{Compiled, assert_valid},
    *,
};

const FORM: &str = "application/x-www-form-urlencoded";

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

/// The schema is that of the initiative itself (Apache-2.0), for version 3.1; the schemas within are
/// JSON Schema 2020-12, whose own schema the validator has.
#[test]
fn the_document_is_valid() {
    let rules = include_bytes!("../golden/openapi-3.1.schema.json");
    let rules: Value = serde_json::from_slice(rules).unwrap();
    Compiled::of(rules).assert_valid(&DOCUMENT, "the document");
    let mut references = 0;
    for_each_object(&DOCUMENT, &mut |object| {
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let found = DOCUMENT.pointer(reference.strip_prefix('#').unwrap());
            assert!(found.is_some(), "there is no {reference}");
            references += 1;
        }
        // Whatever is compiled is looked at by the schema of schemas.
        if let Some(schema) = object.get("schema") {
            let mut whole = schema.clone();
            whole["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
            let compiled = Compiled::of(whole);
            if let Some(default) = schema.get("default") {
                compiled.assert_valid(default, "a default");
            }
        }
    });
    assert!(references > 100, "{references}");
    for (name, schema) in DOCUMENT["components"]["schemas"].as_object().unwrap() {
        let mut whole = schema.clone();
        whole["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
        Compiled::of(whole);
        assert!(schema["description"].is_string(), "{name} has no description");
    }
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
    let table = routes::all();
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
        let schema = if name.ends_with(".wrapped") { "WrappedProblem" } else { "Problem" };
        let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
        assert_valid(&schema, problem, name);
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
        let answer = ask(Some(&peer), asked.body(full(BODY)).unwrap()).await;
        let problem: Problem = serde_json::from_slice(&answer.body).unwrap();
        let said = operation(&method, &path).unwrap()["parameters"].as_array().unwrap();
        let said = said.iter().map(resolved).filter(|it| it["in"] == "query");
        let said: BTreeSet<_> = said.map(|it| it["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(said, known_words(&problem), "{method} {path}");
    }
}

#[test]
fn the_document_has_every_header_that_is_read() {
    let table = routes::all();
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
                    let field = &of_json["properties"][name];
                    let kinds = &resolved(field["anyOf"].get(0).unwrap_or(field))["type"];
                    let kinds = kinds.as_array().map_or(slice::from_ref(kinds), Vec::as_slice);
                    !kinds.contains(&json!("object"))
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
            if ![Method::POST, Method::PATCH].contains(&method)
                && [quota, limits].contains(&message)
            {
                continue;
            }
            for accept in [Media::Json, Media::Text] {
                let service = service_over(|cluster| cluster.answer_all(code, message));
                let asked = request(&method, &path)
                    .header("content-type", "application/json")
                    .header("accept", accept.name());
                let answer = ask_of(&service, Some(&peer), asked.body(full(BODY)).unwrap()).await;
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
