//! The document, made from the table of routes, the types, and a few words on each route.

use schemars::{
    Schema, SchemaGenerator,
    generate::{Contract, SchemaSettings},
    transform::RecursiveTransform,
};
use serde_json::{Map, Value, json};
use tjf_api_types::Problem;
use tjf_runtime::{Media, Route, Router};

use super::{
    operations::{self, Answer, Operation},
    parts::{self, Shape},
};
use crate::AppState;

const DESCRIPTION: &str = "Jobs of Toolforge's tools on Kubernetes: one-off, scheduled and \
    continuous ones. The caller is the tool of the client certificate. The trailing slash of every \
    path is optional, and HEAD works wherever GET does. Every error is a problem document of \
    RFC 9457, whose `type` is a stable name; a path that is not here is answered with \
    `route-not-found`, and another method with `method-not-allowed`. Words of closed sets, such as \
    phases, may become more: a client has to live with one that it does not know. Paths below \
    `/jobs/v1/tool/{tool}/` are those of the deployed service's command; an administrator may have \
    switched them off.";

/// The document of these routes.
///
/// # Panics
/// When a route has no words in `operations`.
pub(super) fn of(table: &Router<AppState>) -> Value {
    let mut writer = Writer::new();
    let mut paths = Map::new();
    for route in table.table() {
        let (method, pattern) = (route.method(), route.pattern());
        let operation = operations::of(method, pattern)
            .unwrap_or_else(|| panic!("say in `openapi/operations` what {method} {pattern} is"));
        let methods = paths.entry(pattern).or_insert_with(|| json!({}));
        methods[method.as_str().to_ascii_lowercase()] = writer.operation(route, &operation);
    }
    let (schemas, responses) = writer.finish();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Toolforge Jobs",
            "summary": "Runs the jobs of Toolforge's tools on Kubernetes.",
            "description": DESCRIPTION,
            "version": env!("CARGO_PKG_VERSION"),
            "license": {"name": "Apache 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"mutualTLS": []}],
        "tags": [
            {"name": "jobs", "description": "The caller's jobs."},
            {"name": "service", "description": "What the service offers."},
            {
                "name": "deployed",
                "description": "The same jobs, as the deployed service's own command asks for them \
                    and reads them. Each answer is an object with `messages` for a person.",
            },
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "parameters": parts::parameters(),
            "headers": parts::headers(),
            "examples": parts::problem_examples(),
            "securitySchemes": {
                "mutualTLS": {
                    "type": "mutualTLS",
                    "description": "The tool's certificate, as the platform puts it into its home: \
                        `.toolskube/client.crt` and `client.key`.",
                },
            },
        },
    })
}

/// What a reader of ours makes of a key that is missing is not what a server makes of it.
fn without_default(schema: &mut Schema) {
    schema.remove("default");
}

/// What a route is listed under.
fn tag(route: &Route<AppState>) -> &'static str {
    if route.media().contains(&Media::Wrapped) {
        "deployed"
    } else if route.takes_places() {
        "jobs"
    } else {
        "service"
    }
}

fn description(route: &Route<AppState>, operation: &Operation) -> String {
    let also =
        route.other_pattern().map(|pattern| format!(" Behind a gateway also at `{pattern}`."));
    format!("{}{}", operation.description, also.unwrap_or_default())
}

/// What has been written down so far.
struct Writer {
    /// How types are read, and how they are written: a server reads less than it writes.
    read: SchemaGenerator,
    written: SchemaGenerator,
    forms: Map<String, Value>,
    responses: Map<String, Value>,
}

impl Writer {
    fn new() -> Self {
        let generator = |contract: Contract| {
            let mut settings = SchemaSettings::draft2020_12();
            settings.definitions_path = "/components/schemas".into();
            settings.contract = contract;
            settings.transforms.push(Box::new(RecursiveTransform(without_default)));
            settings.into_generator()
        };
        Self {
            read: generator(Contract::Deserialize),
            written: generator(Contract::Serialize),
            forms: Map::new(),
            responses: parts::not_found(),
        }
    }

    fn operation(&mut self, route: &Route<AppState>, operation: &Operation) -> Value {
        let mut said = json!({
            "operationId": operation.id,
            "tags": [tag(route)],
            "summary": operation.summary,
            "description": description(route, operation),
            "parameters": self.parameters(route, operation),
            "responses": self.responses(route, operation),
        });
        if let Some((schema, examples)) = &operation.body {
            let schema = schema(&mut self.read);
            let form = self.form(&schema);
            said["requestBody"] = json!({
                "required": true,
                "content": {
                    "application/json": {"schema": schema, "examples": examples},
                    "application/x-www-form-urlencoded": {"schema": form},
                },
            });
        }
        if !route.needs_caller() {
            said["security"] = json!([]);
        }
        said
    }

    /// The same fields as a form has them, under a name of its own: clients tell by it how to write
    /// a value.
    fn form(&mut self, schema: &Schema) -> Value {
        let reference = schema.get("$ref").and_then(Value::as_str).unwrap_or_default();
        let name = reference.rsplit('/').next().unwrap_or_default();
        let form = parts::form(&self.read.definitions()[name], self.read.definitions());
        self.forms.insert(format!("{name}Form"), form);
        json!({"$ref": format!("{reference}Form")})
    }

    fn parameters(&mut self, route: &Route<AppState>, operation: &Operation) -> Vec<Value> {
        let named = |name: &str| json!({"$ref": format!("#/components/parameters/{name}")});
        let mut parameters = Vec::new();
        for variable in ["tool", "name"] {
            if route.pattern().contains(&format!("{{{variable}}}")) {
                parameters.push(named(variable));
            }
        }
        if let Some(schema) = operation.query {
            parameters.extend(parts::query(&schema(&mut self.read)));
        }
        parameters.extend(route.headers_read().map(named));
        if operation.is_tagged {
            parameters.push(named("if-none-match"));
        }
        parameters.push(named("x-request-id"));
        parameters
    }

    fn responses(&mut self, route: &Route<AppState>, operation: &Operation) -> Value {
        let mut responses = Map::new();
        for answer in &operation.answers {
            let answer_value = self.answer(route, operation, answer);
            responses.insert(answer.status.to_owned(), answer_value);
        }
        if operation.is_tagged {
            let varies = route.media().len() > 1;
            let headers: &[_] = if varies { &["ETag", "Vary"] } else { &["ETag"] };
            let headers = parts::headers_named(headers);
            let description = "The reader has this answer already.";
            responses
                .insert("304".to_owned(), json!({"description": description, "headers": headers}));
        }
        for (status, slugs) in parts::problems_of(route, operation) {
            let shape = Shape::of(route, status);
            let name = format!("{}{}", slugs.join("."), shape.suffix());
            let reference = json!({"$ref": format!("#/components/responses/{name}")});
            responses.insert(status.to_string(), reference);
            if !self.responses.contains_key(&name) {
                self.responses.insert(name, parts::refusal(&slugs, shape));
            }
        }
        responses.into()
    }

    fn answer(&mut self, route: &Route<AppState>, said: &Operation, answer: &Answer) -> Value {
        let schema = (answer.schema)(&mut self.written);
        let mut content = Map::new();
        let whole = json!({"schema": schema, "example": answer.example});
        for media in route.media().iter().filter(|_| answer.only.is_none()) {
            let media_type = match media {
                Media::Json | Media::Wrapped => whole.clone(),
                Media::Text => json!({"schema": {"type": "string"}}),
            };
            content.insert(media.name().to_owned(), media_type);
        }
        content.extend(answer.only.map(|name| (name.to_owned(), whole)));
        let mut headers = answer.headers.to_vec();
        headers.extend(said.is_tagged.then_some("ETag"));
        headers.extend((route.media().len() > 1).then_some("Vary"));
        json!({
            "description": answer.description,
            "headers": parts::headers_named(&headers),
            "content": content,
        })
    }

    /// The schemas that were mentioned, and the responses.
    fn finish(mut self) -> (Map<String, Value>, Map<String, Value>) {
        self.written.subschema_for::<Problem>();
        let mut schemas = self.read.take_definitions(true);
        schemas.extend(self.written.take_definitions(true));
        schemas.extend(self.forms);
        schemas.insert("WrappedProblem".to_owned(), parts::wrapped_problem());
        (schemas, self.responses)
    }
}
