//! JSON Schema, for the document itself and for what it says of answers.

use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex},
};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};

use super::{document::DOCUMENT, *};

/// A schema that has been found valid itself.
pub(crate) struct Compiled {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Compiled {
    /// Of JSON Schema 2020-12, which the document is made of.
    pub(crate) fn of(schema: Value) -> Self {
        const URL: &str = "https://schema.invalid/";
        let mut compiler = Compiler::new();
        compiler.set_default_draft(boon::Draft::V2020_12);
        // One with an address of its own is known under it, too.
        compiler.add_resource(URL, schema).unwrap();
        let mut schemas = Schemas::new();
        let index = compiler.compile(URL, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    /// Fails when the value is not as the schema says.
    pub(crate) fn assert_valid(&self, value: &Value, whose: &str) {
        if let Err(error) = self.schemas.validate(value, self.index) {
            panic!("{whose}: {error:#} in {:.2000}", value.to_string());
        }
    }
}

/// Whether a value is as a schema of the document says.
pub(crate) fn assert_valid(schema: &Value, value: &Value, whose: &str) {
    static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Compiled>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap();
    let compiled = known.entry(schema.to_string()).or_insert_with(|| {
        let mut whole = schema.clone();
        whole["components"] = json!({"schemas": DOCUMENT["components"]["schemas"]});
        Arc::new(Compiled::of(whole))
    });
    let compiled = Arc::clone(compiled);
    drop(known);
    compiled.assert_valid(value, whose);
}
