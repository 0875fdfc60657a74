//! `flush`: deletes all jobs of the tool.

use super::Context;
use crate::{args::FlushArgs, error::Error, exit::Exit};

pub(super) async fn flush(args: &FlushArgs, context: &Context) -> Result<Exit, Error> {
    let is_asked = !args.yes && context.printer.can_ask();
    if is_asked && !is_wanted(context).await? {
        return Err(Error::Declined);
    }
    let what = "waiting until all programs have ended";
    let answer = context.patiently(what, context.client.flush()).await;
    let is_nothing = answer.as_ref().is_ok_and(|answer| answer.value.deleted.is_empty());
    if is_nothing && !context.is_json {
        context.printer.note("there are no jobs");
    }
    context.tell_deleted(answer)?.map_or(Ok(Exit::Done), |error| Err(error.into()))
}

/// Nobody is asked about nothing; the flush then says itself that there was none.
async fn is_wanted(context: &Context) -> Result<bool, Error> {
    let question = match context.client.list().await?.value.as_slice() {
        [] => return Ok(true),
        [job] => format!("delete the job `{}`?", job.name),
        jobs => format!("delete all {} jobs?", jobs.len()),
    };
    Ok(context.printer.ask(&question))
}
