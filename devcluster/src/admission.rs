//! What a namespace's limits and quotas say of a new object.

use std::fmt;

use crate::{object::Object, store::Store};

/// Stub.
#[derive(Debug)]
pub struct Forbidden {
    message: String,
}

impl fmt::Display for Forbidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Stub.
pub fn admit(_: &Store, object: Object) -> Result<Object, Forbidden> {
    Ok(object)
}
