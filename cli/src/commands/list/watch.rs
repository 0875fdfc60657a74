//! `list --watch`: the table, drawn again when something has changed.

use tjf_api_types::JobView;
use tokio::time::{Duration, Instant, sleep};

use super::{Context, nothing, table, wanted};
use crate::{args::ListArgs, client::Answer, clock::Clock, error::Error, exit::Exit, wait};

/// Between two looks. Where nothing has changed the service has nothing to send.
const PAUSE: Duration = Duration::from_secs(2);

/// What was seen last, and when.
type Seen = (Answer<Vec<JobView>>, Instant);

/// Goes on until Ctrl-C, which is the way to end it. A pipe gets a table for each change.
pub(super) async fn watch(args: &ListArgs, context: &Context) -> Result<Exit, Error> {
    let drawn = wait::unless_interrupted(draw(args, context)).await;
    drawn.unwrap_or(Ok(Exit::Interrupted))
}

async fn draw(args: &ListArgs, context: &Context) -> Result<Exit, Error> {
    let mut seen: Option<Seen> = None;
    loop {
        let tag = seen.as_ref().and_then(|(answer, _)| answer.tag.as_deref());
        let trouble = match context.client.list_unless(tag).await {
            Ok(Some(answer)) => {
                show(args, context, &answer, answer.clock, None)?;
                seen = Some((answer, Instant::now()));
                None
            }
            Ok(None) => None,
            // Who has seen nothing yet has nothing to look at.
            Err(error) if seen.is_none() => return Err(error.into()),
            Err(error) => Some(error.to_string()),
        };
        sleep(PAUSE).await;
        // On a screen the times go on, and so does what is wrong.
        if let Some((answer, at)) = &seen
            && context.printer.has_screen()
        {
            show(args, context, answer, answer.clock.after(at.elapsed()), trouble.as_deref())?;
        }
    }
}

fn show(
    args: &ListArgs,
    context: &Context,
    answer: &Answer<Vec<JobView>>,
    clock: Clock,
    trouble: Option<&str>,
) -> Result<(), Error> {
    let jobs = wanted(args, &answer.value);
    let trouble = trouble.map(|trouble| format!("not up to date: {trouble}"));
    let empty = jobs.is_empty().then(|| nothing(args));
    context.printer.draw(&table(args, &jobs, clock, context.home()), empty.or(trouble.as_deref()))
}
