//! What the deployed service's command shows to a person beside an answer.

use serde::Serialize;

/// Sentences for a person: that command prints each on a line of its own. Every answer has the key,
/// which it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Messages {
    /// What is good to know: standard output.
    pub info: Vec<String>,
    /// What may be wrong: standard error.
    pub warning: Vec<String>,
}

impl Messages {
    /// One sentence that is good to know.
    pub fn info(sentence: impl Into<String>) -> Self {
        Self { info: vec![sentence.into()], ..Self::default() }
    }
}

/// An answer that says nothing but that it was done.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Done {
    messages: Messages,
}
