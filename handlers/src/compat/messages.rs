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
