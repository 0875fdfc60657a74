//! Whose path it is.

use tjf_runtime::{Exchange, Failure, Received, Scope};

use crate::{AppState, Context, error::Error};

/// A call under the path of the caller's own tool. There is none under the path of another: the
/// certificate says who calls, and a path that says something else is refused before it is looked at.
pub struct OwnTool(pub Context);

impl Scope<AppState> for OwnTool {
    const NEEDS_CALLER: bool = true;

    fn of(exchange: Exchange<AppState>, received: &Received) -> Result<Self, Failure> {
        let context = Context::of(exchange, received)?;
        let named = received.variable("tool").unwrap_or_default();
        if named == context.caller.name.tool().as_str() {
            return Ok(Self(context));
        }
        let (named, own) = (named.to_owned(), context.caller.name.tool().to_string());
        Err(Error::OtherTool { named, own }.into())
    }
}
