//! `wait NAME…`: until these jobs have ended, or one of them has.

use std::pin::pin;

use futures_util::{StreamExt, stream::FuturesUnordered};
use tjf_api_types::{JobType, JobView, ObjectName};

use super::{Context, outcome};
use crate::{
    args::WaitArgs,
    client::{Answer, Client},
    error::Error,
    exit::Exit,
    nearest,
    wait::{self, Waiting},
};

/// Nothing is waited for before all of the jobs have been seen, so that a slip is told at once.
pub(super) async fn wait(
    args: &WaitArgs,
    connect: impl Fn() -> Result<Context, Error>,
) -> Result<Exit, Error> {
    let context = connect()?;
    let mut jobs = Vec::with_capacity(args.names.len());
    for name in &args.names {
        jobs.push(first_look(&context, name).await?);
    }
    let renew = || connect().ok().map(|context| context.client);
    let (count, limit) = (jobs.len(), args.limit());
    let waiting = Waiting::new(&context.client, renew, context.printer, count, limit);
    let ends = tell_ends(&context, &waiting, jobs, args.any);
    let ended = wait::unless_interrupted(ends).await;
    match ended {
        Some(outcome) => Ok(outcome.unwrap_or_else(|error| {
            context.printer.error(&error);
            Exit::Unknown
        })),
        None => {
            let names: Vec<_> = args.names.iter().map(ObjectName::as_str).collect();
            let names = names.join(" ");
            let how = format!("`toolforge-jobs wait {names}` waits for it again");
            context.printer.talk(&format!("what has not ended goes on; {how}\n"));
            Ok(Exit::Interrupted)
        }
    }
}

/// The job, if it is of the kind that ends.
async fn first_look(context: &Context, name: &ObjectName) -> Result<Answer<JobView>, Error> {
    match context.client.show(name).await {
        Ok(job) if job.value.job_type.known().is_none_or(|kind| kind == JobType::OneOff) => Ok(job),
        Ok(job) => Err(Error::NeverEnds {
            name: name.to_string(),
            job_type: job.value.job_type.as_str().to_owned(),
        }),
        Err(source) => {
            let hint = nearest::hint_for_job(&context.client, name, &source).await;
            Err(Error::Client { source, hint })
        }
    }
}

/// Waits for these jobs, or one of them, and tells each end as it comes; the highest of their codes is
/// that of all.
pub(super) async fn tell_ends(
    context: &Context,
    waiting: &Waiting<'_, impl Fn() -> Option<Client>>,
    jobs: Vec<Answer<JobView>>,
    is_any_enough: bool,
) -> Result<Exit, Error> {
    let waits: FuturesUnordered<_> = jobs
        .into_iter()
        .map(|job| async {
            let name = job.value.name.clone();
            (name, waiting.until_ended(job).await)
        })
        .collect();
    let mut waits = pin!(waits);
    let mut exit = Exit::Done;
    while let Some((name, waited)) = waits.next().await {
        let one =
            outcome::tell(context, &name, waited, |words| Some(format!("{name} {words}"))).await?;
        exit = exit.or_higher(one);
        if is_any_enough {
            break;
        }
    }
    Ok(exit)
}
