//! GET `/openapi.json`: the description of the API, for programs that make clients of it.

#[cfg(test)]
mod document;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod parts;

use bytes::Bytes;
use tjf_runtime::{Anonymous, Written};

use crate::{AppState, error::Result};

/// The document, as a test makes it from the routes and the types. It lies in the repository so that
/// a change of the API can be read there, and so that the service ships no code that makes it.
const DOCUMENT: &[u8] = include_bytes!("openapi.json");

/// The document, ready to be sent.
pub(crate) fn written() -> Written {
    Written::as_it_is(Bytes::from_static(DOCUMENT))
}

/// Tells everybody what there is to ask. Nobody has to say who they are: whoever writes a client may
/// have no tool yet.
///
/// # Errors
/// Never.
pub async fn openapi(call: Anonymous<AppState>) -> Result<Written> {
    Ok(call.state.openapi.clone())
}

#[cfg(test)]
mod tests;
