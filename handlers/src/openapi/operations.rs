//! What the document says of each route, beyond what the table of routes and the types say.
//!
//! A new route needs an arm here: what it is called, what its query and body are read into, what it
//! answers with, and with which problems besides those that come of its policy.

mod deployed;
mod deployed_logs;

use http::Method;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};
use tjf_api_types::{ContainerView, Deleted, JobView, LogQuery, QuotaView, RunRequest, path};

use super::examples;
use crate::{run, show};

/// How a type looks as a schema.
pub(super) type Make = fn(&mut SchemaGenerator) -> Schema;

/// What the document says of a route.
pub(super) struct Operation {
    /// What functions of generated clients are called after; never changed.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// What the query is read into.
    pub(super) query: Option<Make>,
    /// What the body is read into, and examples of it.
    pub(super) body: Option<(Make, Value)>,
    pub(super) answers: Vec<Answer>,
    /// Whether its answer has a tag, by which a reader learns that it has it already.
    pub(super) is_tagged: bool,
    /// Problems that do not come of the route's policy.
    pub(super) problems: &'static [&'static str],
}

/// An answer when all went well.
pub(super) struct Answer {
    pub(super) status: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Make,
    pub(super) example: Value,
    /// Headers of its own.
    pub(super) headers: &'static [&'static str],
    /// The media type that it has however the caller wants it.
    pub(super) only: Option<&'static str>,
}

impl Operation {
    fn new(id: &'static str, summary: &'static str, description: &'static str) -> Self {
        Self {
            id,
            summary,
            description,
            query: None,
            body: None,
            answers: Vec::new(),
            is_tagged: false,
            problems: &[],
        }
    }

    fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(T::json_schema);
        self
    }

    fn body<T: JsonSchema>(mut self, examples: Value) -> Self {
        self.body = Some((SchemaGenerator::subschema_for::<T>, examples));
        self
    }

    fn answers<T: JsonSchema>(self, description: &'static str, example: Value) -> Self {
        self.answer::<T>("200", description, example, &[])
    }

    fn creates<T: JsonSchema>(self, description: &'static str, example: Value) -> Self {
        self.answer::<T>("201", description, example, &["Location"])
    }

    fn answer<T: JsonSchema>(
        mut self,
        status: &'static str,
        description: &'static str,
        example: Value,
        headers: &'static [&'static str],
    ) -> Self {
        let schema = SchemaGenerator::subschema_for::<T>;
        self.answers.push(Answer { status, description, schema, example, headers, only: None });
        self
    }

    /// A text of this type that comes bit by bit.
    fn streams(self, media: &'static str, description: &'static str, example: &str) -> Self {
        let mut operation = self.answers::<String>(description, json!(example));
        operation.answers.iter_mut().for_each(|answer| answer.only = Some(media));
        operation
    }

    fn headed(mut self, headers: &'static [&'static str]) -> Self {
        self.answers.iter_mut().for_each(|answer| answer.headers = headers);
        self
    }

    fn tagged(mut self) -> Self {
        self.is_tagged = true;
        self
    }

    fn refuses(mut self, problems: &'static [&'static str]) -> Self {
        self.problems = problems;
        self
    }
}

/// What is said of a route.
pub(super) fn of(method: &Method, pattern: &str) -> Option<Operation> {
    Some(match (method.as_str(), pattern) {
        ("POST", path::RUN) => run(),
        ("GET", path::SHOW) => show(),
        ("GET", path::LIST) => list(),
        ("GET", path::LOGS) => logs(),
        ("POST", path::RESTART) => restart(),
        ("GET", path::QUOTA) => quota(),
        ("DELETE", path::DELETE) => delete(),
        ("DELETE", path::FLUSH) => flush(),
        ("GET", path::CONTAINERS) => containers("containers"),
        ("GET", path::IMAGES) => containers("images"),
        ("GET", path::OPENAPI) => openapi("openapi"),
        ("GET", path::OPENAPI_OF_SERVER) => openapi("openapi_of_server"),
        _ => return deployed::of(method, pattern).or_else(|| deployed_logs::of(method, pattern)),
    })
}

fn run() -> Operation {
    let description = "A one-off job, with `schedule` a scheduled one, with `continuous` one that \
        is kept running. The name must be free among all three, but a one-off that has ended gives \
        its name up. With an `Idempotency-Key` the same request may be sent again: it creates one \
        job. In a form, an empty value means that the field is not given.";
    Operation::new("run", "Create a job", description)
        .query::<run::Options>()
        .body::<RunRequest>(examples::requests())
        .answers::<JobView>("With `dry_run`: the job as it would be.", examples::job())
        .creates::<JobView>("The job was created.", examples::job())
        .refuses(&[
            "invalid-schedule",
            "invalid-container",
            "invalid-limits",
            "quota-exceeded",
            "job-exists",
        ])
}

fn show() -> Operation {
    let description = "What was asked, what Kubernetes makes of it, and why it waits or failed. \
        With `wait` the answer comes once the job has ended, or when the time is up: ask again \
        until `status.phase` is `succeeded` or `failed`.";
    Operation::new("show", "Show a job", description)
        .query::<show::Wanted>()
        .answers::<JobView>("The job as it is now.", examples::job())
        .tagged()
}

fn list() -> Operation {
    let description = "All jobs of the caller, sorted by name. Runs of scheduled jobs, and whatever \
        else is in the namespace, are not among them.";
    Operation::new("list", "List all jobs", description)
        .answers::<Vec<JobView>>("The jobs.", json!([examples::job()]))
        .tagged()
}

fn logs() -> Operation {
    let description = "What is in the job's log files, and with `follow` what comes, until nothing \
        more can come. An answer that breaks off without its end can be gone on with: the answer for \
        a single stream says in `log-position` where it began, and `from` takes that place and as \
        many bytes more as were read.";
    Operation::new("logs", "Show what a job has written", description)
        .query::<LogQuery>()
        .streams("text/plain", "The text; empty when there is no file yet.", "hello\n")
        .headed(&["log-position", "log-length", "log-modified", "x-accel-buffering"])
}

fn restart() -> Operation {
    let description = "Gives a continuous job new pods, after the old ones have ended; runs a \
        scheduled one now, also while it is suspended, after a run that is at work has ended. A \
        one-off can't be restarted. Not harmless to repeat: the second one ends what the first has \
        started.";
    Operation::new("restart", "Start a job anew", description)
        .answers::<JobView>("The job as it is after that.", examples::job())
        .refuses(&["quota-exceeded", "job-exists"])
}

fn quota() -> Operation {
    let description = "The limits of the caller's namespace and how much of each is in use, as \
        Kubernetes counts it at this moment, and what each job may have.";
    Operation::new("quota", "Tell limits and use", description)
        .answers::<QuotaView>("The limits.", examples::quota())
}

fn delete() -> Operation {
    let description = "Deletes the job, its runs and its pods, and answers when they are gone: a \
        `run` of the same name afterwards never makes two of one bot.";
    Operation::new("delete", "Delete a job", description)
        .answers::<Deleted>("The job is gone.", examples::deleted())
}

fn flush() -> Operation {
    let description = "Deletes all jobs of the caller, and nothing else in its namespace. With none \
        it has nothing to do, which is not an error.";
    Operation::new("flush", "Delete all jobs", description)
        .answers::<Deleted>("The jobs are gone.", examples::deleted())
}

fn containers(id: &'static str) -> Operation {
    let description = "What jobs can run in, in the operator's order.";
    Operation::new(id, "List the containers on offer", description)
        .answers::<Vec<ContainerView>>("The containers.", examples::containers())
}

fn openapi(id: &'static str) -> Operation {
    let description = "This document. It can be read without a certificate.";
    let example = json!({"openapi": "3.1.0", "info": {"title": "…", "version": "…"}});
    Operation::new(id, "Describe the API", description)
        .answers::<serde_json::Map<String, Value>>("The document.", example)
        .tagged()
}
