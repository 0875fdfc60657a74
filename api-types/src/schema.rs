//! How the types look as JSON Schema, where that can't be read from their definition.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{
    ClockEffect, ContainerState, Emails, HealthCheckType, JobType, KINDS, LogPosition, LogStream,
    Mount, PROBLEMS, Phase, PortProtocol, Word, Words,
};

macro_rules! words {
    ($($Type:ident: $description:literal,)+) => {
        $(impl JsonSchema for $Type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($Type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<_> = Self::ALL.iter().map(|word| word.as_str()).collect();
                json_schema!({ "type": "string", "enum": words, "description": $description })
            }
        })+
    };
}

words! {
    ClockEffect: "What a change of the clocks does to a run.",
    ContainerState: "Whether a container has a future: `deprecated` ones still work; move on.",
    Emails: "When the e-mailer writes to the tool's maintainers.",
    HealthCheckType: "How a job is checked: by a script beside its program, or at its port by HTTP.",
    JobType: "The three kinds of job: runs once, when its schedule says so, or is kept running.",
    LogStream: "Which output of a job: `both` has each line behind the name of its stream.",
    Mount: "Whether the tool's home is there inside the job.",
    PortProtocol: "What is spoken at a port: connections, or datagrams.",
    Phase: "Where a job is in its life. `succeeded` and `failed` are final, and of one-offs only.",
}

impl JsonSchema for LogPosition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "LogPosition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+-[0-9]+$" })
    }
}

/// A client may be older than its server, and has to live with a word that it does not know.
impl<T: Words + JsonSchema> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Any{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let known = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [known, { "type": "string" }] })
    }
}

/// The kinds of problems that this version knows, and those of a newer server.
pub(crate) fn problem_types(_: &mut SchemaGenerator) -> Schema {
    let known: Vec<_> = KINDS.iter().map(|kind| format!("{PROBLEMS}{}", kind.slug)).collect();
    json_schema!({
        "anyOf": [
            { "type": "string", "enum": known },
            { "type": "string", "format": "uri-reference" },
        ],
    })
}
