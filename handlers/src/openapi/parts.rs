//! Parts of the document that many routes share: headers, parameters and problems.

use std::collections::BTreeMap;

use schemars::Schema;
use serde_json::{Map, Value, json};
use tjf_api_types::{KINDS, Kind, PROBLEM_JSON, Problem, kind_of_problem};
use tjf_runtime::{Media, Route};

use super::operations::Operation;
use crate::AppState;

/// Whatever is asked may be answered with these.
const OF_ALL: [&str; 8] = [
    "invalid-request",
    "method-not-allowed",
    "not-acceptable",
    "body-too-large",
    "unsupported-media-type",
    "internal",
    "overloaded",
    "deadline-exceeded",
];
/// When it has to be known who asks.
const OF_CALLERS: [&str; 2] = ["unauthenticated", "forbidden"];
/// When Kubernetes is asked.
const OF_THE_CLUSTER: [&str; 4] =
    ["no-credentials", "credentials-rejected", "cluster-unavailable", "object-too-large"];

/// Parameters, by the name under which they are referred to.
pub(super) fn parameters() -> Value {
    let header = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "header", "description": description, "schema": schema});
    json!({
        "name": {
            "name": "name",
            "in": "path",
            "required": true,
            "description": "The job's name.",
            "schema": {"type": "string"},
            "example": "bot",
        },
        "tool": {
            "name": "tool",
            "in": "path",
            "required": true,
            "description": "The tool's name: that of the certificate, else the answer is `forbidden`.",
            "schema": {"type": "string"},
            "example": "example",
        },
        "x-request-id": header(
            "x-request-id",
            "The request's id, for the service's log: 1 to 64 letters, digits, `-`, `_` and `.`. \
             Without one, or with another, the service makes one.",
            json!({"type": "string"}),
        ),
        "if-none-match": header(
            "If-None-Match",
            "The `ETag` of the answer that the reader has: it is answered with 304 when nothing has \
             changed.",
            json!({"type": "string"}),
        ),
        "cache-control": header(
            "Cache-Control",
            "`no-cache`: Kubernetes is asked, and not the service's memory.",
            json!({"type": "string"}),
        ),
        "idempotency-key": header(
            "Idempotency-Key",
            "Makes the request safe to send again: a fresh key for each job, of 1 to 64 visible \
             characters.",
            json!({"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"}),
        ),
    })
}

/// Headers of answers, by name.
pub(super) fn headers() -> Value {
    let header = |description: &str, required: bool, schema: Value| json!({"description": description, "required": required, "schema": schema});
    let always = |description: &str| header(description, true, json!({"type": "string"}));
    let at_times = |description: &str| header(description, false, json!({"type": "string"}));
    json!({
        "x-request-id": always("The request's id: the one that it came with, or a new one."),
        "ETag": always("Another one when a byte of the answer is another."),
        "Location": always("The path under which the job is shown."),
        "Allow": always("The methods that this path takes."),
        "Retry-After": header(
            "Seconds after which to try again.",
            true,
            json!({"type": "integer", "minimum": 1}),
        ),
        "Vary": at_times("`accept`: who wants another media type is answered otherwise."),
        "log-position": at_times("Of a single stream: the place in the file of the first byte."),
        "log-length": at_times("Of a single stream: how many bytes its file had."),
        "log-modified": at_times("Of a single stream: when its file was written last, RFC 3339."),
        "x-accel-buffering": at_times("`no`: proxies pass on each bit when it comes."),
    })
}

/// References to headers of an answer; every answer has the request's id.
pub(super) fn headers_named(names: &[&str]) -> Value {
    let named = names.iter().copied().chain(["x-request-id"]);
    named.map(|name| (name, json!({"$ref": format!("#/components/headers/{name}")}))).collect()
}

/// The parameters of a query that is read into an object of this schema.
pub(super) fn query(schema: &Schema) -> Vec<Value> {
    let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let parameter = |(name, field): (String, Value)| {
        let mut field = never_null(field);
        let members = field.as_object_mut().expect("a field has a schema");
        let description = members.remove("description").expect("a field has a comment");
        json!({"name": name, "in": "query", "description": description, "schema": field})
    };
    fields.into_iter().map(parameter).collect()
}

/// The schema of an object, as a form has it: without what has fields of its own.
pub(super) fn form(schema: &Value, definitions: &Map<String, Value>) -> Value {
    let kind = |field: &Value| {
        let reference = field["$ref"].as_str().and_then(|reference| reference.rsplit('/').next());
        reference.map_or_else(|| field["type"].clone(), |name| definitions[name]["type"].clone())
    };
    let mut form = schema.clone();
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let plain = fields.into_iter().map(|(name, field)| (name, never_null(field)));
    form["properties"] = plain.filter(|(_, field)| kind(field) != "object").collect();
    form
}

/// The schema of what is there or not: queries and forms have no `null`.
fn never_null(mut field: Value) -> Value {
    let Some(members) = field.as_object_mut() else { return field };
    if members.get("default").is_some_and(Value::is_null) {
        members.remove("default");
    }
    let plain = |kinds: &Value| kinds.as_array()?.iter().find(|it| *it != "null").cloned();
    if let Some(kind) = members.get("type").and_then(plain) {
        members.insert("type".to_owned(), kind);
    }
    if let Some(Value::Array(mut kinds)) = members.remove("anyOf") {
        kinds.retain(|kind| kind["type"] != "null");
        match (kinds.pop(), kinds.is_empty()) {
            (Some(Value::Object(only)), true) => members.extend(only),
            (last, _) => {
                kinds.extend(last);
                members.insert("anyOf".to_owned(), kinds.into());
            }
        }
    }
    field
}

/// The problems that a route's requests may end with, by status.
pub(super) fn problems_of(
    route: &Route<AppState>,
    operation: &Operation,
) -> BTreeMap<u16, Vec<&'static str>> {
    let mut slugs = OF_ALL.to_vec();
    if route.needs_caller() {
        slugs.extend(OF_CALLERS);
        if route.takes_places() {
            slugs.extend(OF_THE_CLUSTER);
        }
    }
    if route.pattern().contains("{name}") {
        slugs.push("job-not-found");
    }
    for slug in operation.problems {
        assert!(kind_of_problem(slug).is_some(), "{slug} is not in the table of `KINDS`");
        slugs.push(slug);
    }
    let mut problems = BTreeMap::<_, Vec<_>>::new();
    for kind in KINDS.iter().filter(|kind| slugs.contains(&kind.slug)) {
        problems.entry(kind.status).or_default().push(kind.slug);
    }
    problems
}

/// How a problem is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As a document.
    Plain,
    /// As a document, or as a line for who reads text.
    OrText,
    /// As a document with the sentence under `error`, too.
    Wrapped,
}

impl Shape {
    /// How a route's problems of this status are written.
    pub(super) fn of(route: &Route<AppState>, status: u16) -> Self {
        let media = route.media();
        if media.contains(&Media::Wrapped) {
            Self::Wrapped
        } else if status == 405 || media.contains(&Media::Text) {
            // What the router refuses has no route that could say what it can be written as.
            Self::OrText
        } else {
            Self::Plain
        }
    }

    /// The end of a response's name.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::OrText => ".text",
            Self::Wrapped => ".wrapped",
        }
    }

    fn schema(self) -> &'static str {
        if self == Self::Wrapped { "WrappedProblem" } else { "Problem" }
    }
}

/// A problem as the deployed service's command reads it.
pub(super) fn wrapped_problem() -> Value {
    json!({
        "description": "One error, with its sentence where the deployed service's command reads it.",
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "type": "object",
        "properties": {
            "error": {
                "description": "The same text as `detail`.",
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": 1,
            },
        },
        "required": ["error"],
    })
}

/// The response that says one of these problems.
pub(super) fn refusal(slugs: &[&'static str], shape: Shape) -> Value {
    let kinds: Vec<&Kind> = slugs.iter().filter_map(|slug| kind_of_problem(slug)).collect();
    let lines = kinds.iter().map(|kind| format!("`{}`: {}", kind.slug, kind.meaning));
    let mut headers = match kinds.first().map(|kind| kind.status) {
        Some(405) => vec!["Allow"],
        Some(503) => vec!["Retry-After"],
        _ => Vec::new(),
    };
    let texts = shape == Shape::OrText;
    headers.extend(texts.then_some("Vary"));
    let of_shape = if shape == Shape::Wrapped { shape.suffix() } else { "" };
    let reference = |slug: &&'static str| {
        (*slug, json!({"$ref": format!("#/components/examples/{slug}{of_shape}")}))
    };
    let mut content = json!({
        PROBLEM_JSON: {
            "schema": {"$ref": format!("#/components/schemas/{}", shape.schema())},
            "examples": slugs.iter().map(reference).collect::<Value>(),
        },
    });
    if texts {
        let description = "The problem's `detail`, on one line.";
        content["text/plain"] = json!({"schema": {"type": "string", "description": description}});
    }
    json!({
        "description": lines.collect::<Vec<_>>().join("\n\n"),
        "headers": headers_named(&headers),
        "content": content,
    })
}

/// What is answered under a path that is not in the document.
pub(super) fn not_found() -> Map<String, Value> {
    const SLUG: &str = "route-not-found";
    let wrapped = format!("{SLUG}{}", Shape::Wrapped.suffix());
    [
        (SLUG.to_owned(), refusal(&[SLUG], Shape::OrText)),
        (wrapped, refusal(&[SLUG], Shape::Wrapped)),
    ]
    .into_iter()
    .collect()
}

/// An example of each problem, by slug, in either shape.
pub(super) fn problem_examples() -> Value {
    let examples = KINDS.iter().flat_map(|kind| {
        let problem = Problem::new(kind.slug, kind.status, kind.meaning, "r-1");
        let mut wrapped = json!(problem);
        wrapped["error"] = json!([problem.detail]);
        let wrapped = json!({"summary": problem.title, "value": wrapped});
        let name = format!("{}{}", kind.slug, Shape::Wrapped.suffix());
        let plain = json!({"summary": problem.title, "value": problem});
        [(kind.slug.to_owned(), plain), (name, wrapped)]
    });
    examples.collect()
}
