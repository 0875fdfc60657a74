//! `delete NAME…`: ends jobs and forgets them.

use super::Context;
use crate::{args::DeleteArgs, error::Error, exit::Exit, nearest};

/// A name that is refused does not keep the others from being deleted; a service that fails does,
/// as it would fail for them too.
pub(super) async fn delete(args: &DeleteArgs, context: &Context) -> Result<Exit, Error> {
    let mut exit = Exit::Done;
    for name in &args.names {
        let what = format!("waiting until the programs of `{name}` have ended");
        let answer = context.patiently(&what, context.client.delete(name)).await;
        if let Some(source) = context.tell_deleted(answer)? {
            let is_fatal = Exit::from(&source) != Exit::Refused;
            let hint = nearest::hint_for_job(&context.client, name, &source).await;
            let error = Error::Client { source, hint };
            if is_fatal {
                return Err(error);
            }
            exit = context.printer.error(&error);
        }
    }
    Ok(exit)
}
