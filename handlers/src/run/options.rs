//! The query of `run`.

use serde::Deserialize;

/// How a job is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Whether nothing is to be created: the answer is the job as it would be.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

impl Options {
    /// The same, once it is said or not.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.unwrap_or(false)
    }
}
