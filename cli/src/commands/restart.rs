//! `restart NAME`: new pods for a continuous job, a run now of a scheduled one.

use super::Context;
use crate::{args::RestartArgs, client::ClientError, error::Error, exit::Exit, nearest};

pub(super) async fn restart(args: &RestartArgs, context: &Context) -> Result<Exit, Error> {
    let name = &args.name;
    let answer = context.client.restart(name).await;
    let told = match (context.wanted_json(&answer), &answer) {
        (Some(json), _) => context.printer.json(json),
        (None, Ok(answer)) => context.printer.line(&answer.value.name),
        (None, Err(_)) => {
            let Err(source) = answer else { return Ok(Exit::Done) };
            let is_lost = matches!(source, ClientError::Lost { .. } | ClientError::TimedOut { .. });
            // It is not sent again, since that might end what it has started.
            let hint = if is_lost {
                Some(format!("`toolforge-jobs show {name}` tells whether it was restarted"))
            } else {
                nearest::hint_for_job(&context.client, name, &source).await
            };
            return Err(Error::Client { source, hint });
        }
    };
    told.map(|()| Exit::Done).map_err(|error| error.after(|| format!("restarted `{name}`")))
}
