//! `flush`: deletes all jobs of the tool.

use super::Context;
use crate::{args::FlushArgs, error::Error, exit::Exit};

pub(super) async fn flush(args: &FlushArgs, context: &Context) -> Result<Exit, Error> {
    let is_asked = !args.yes && context.printer.can_ask();
    if is_asked && !is_wanted(context).await? {
        return Err(Error::Declined);
    }
    let answer = context.client.flush().await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    let deleted = answer?.value.deleted;
    if deleted.is_empty() {
        context.printer.note("there are no jobs");
    }
    for name in &deleted {
        context.printer.line(name)?;
    }
    Ok(Exit::Done)
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
