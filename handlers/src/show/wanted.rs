//! What the query of `show` may say.

use std::time::Duration;

use serde::Deserialize;

use crate::{error::Result, job::request::Invalid};

/// The longest wait in seconds. Who wants to wait longer asks again.
const WAIT_MAX: u64 = 300;

/// What the query may say.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Wanted {
    /// Seconds after which a one-off that has not ended is shown all the same.
    #[cfg_attr(test, schemars(range(min = 1, max = WAIT_MAX)))]
    pub wait: Option<u64>,
    /// The object's uid, for who means that very job and no other of its name.
    pub uid: Option<String>,
}

impl Wanted {
    /// How long to wait, if at all.
    ///
    /// # Errors
    /// When that is not a time to wait for.
    pub fn time(&self) -> Result<Option<Duration>> {
        match self.wait {
            Some(seconds) if !(1..=WAIT_MAX).contains(&seconds) => {
                let detail =
                    format!("a wait has 1 to {WAIT_MAX} seconds: ask again to wait longer");
                Err(Invalid::new("wait", detail).into())
            }
            seconds => Ok(seconds.map(Duration::from_secs)),
        }
    }
}
