//! Doing it: one job after the other, in the file's order.

use std::pin::pin;

use futures_util::FutureExt;
use serde_json::json;
use tjf_api_types::{JobType, JobView, ObjectName, RunRequest};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    super::{Context, new_key},
    plan::{Change, Plan, Step},
    wait,
};
use crate::{
    args::Wait,
    client::{Answer, Client, ClientError},
    definition::{Definition, request_of},
    error::Error,
    exit::Exit,
    wait::Waiting,
};

/// What has been done, and what is still to be seen.
#[derive(Default)]
struct Progress {
    exit: Option<Exit>,
    /// What was begun here and has not ended.
    begun: Vec<Answer<JobView>>,
}

/// Does all that there is to do. Ctrl-C is obeyed between two jobs, so that none is gone whose
/// successor has not come.
pub(super) async fn carry_out(
    context: &Context,
    connect: impl Fn() -> Result<Context, Error>,
    plan: &Plan<'_>,
    waits_for_all: bool,
) -> Result<Exit, Error> {
    let mut interrupts = Interrupts::new();
    let mut progress = Progress::default();
    for step in &plan.steps {
        if interrupts.has_come() {
            return Ok(interrupted(context, step.entry.name()));
        }
        // On the heap: with all that it may wait for it is large.
        let making = Box::pin(make(context, step));
        let made = interrupts.outlast(context, step.entry.name(), making).await?;
        let made = match made {
            Ok(made) => made,
            Err(exit) => {
                progress.note(exit);
                continue;
            }
        };
        let Some(made) = made.filter(|job| job.value.job_type == JobType::OneOff) else { continue };
        if step.entry.wait != Wait::No {
            let waited = wait_for(context, &connect, vec![made], step.entry.wait);
            let Some(exit) = interrupts.obey(waited).await else { return Ok(goes_on(context)) };
            progress.note(exit?);
        } else {
            progress.begun.push(made);
        }
    }
    for job in &plan.surplus {
        if interrupts.has_come() {
            return Ok(interrupted(context, &job.name));
        }
        let gone = interrupts.outlast(context, &job.name, delete(context, job)).await?;
        gone.unwrap_or_else(|exit| progress.note(exit));
    }
    if waits_for_all {
        let begun = std::mem::take(&mut progress.begun);
        let waited = wait_for(context, &connect, begun, Wait::Forever);
        let Some(exit) = interrupts.obey(waited).await else { return Ok(goes_on(context)) };
        progress.note(exit?);
    }
    Ok(progress.exit.unwrap_or(Exit::Done))
}

impl Progress {
    fn note(&mut self, exit: Exit) {
        self.exit = Some(self.exit.map_or(exit, |before| before.or_higher(exit)));
    }
}

/// Tells what became of a job.
pub(super) fn tell(context: &Context, name: &str, change: &str) -> Result<(), Error> {
    let told = if context.is_json {
        context.printer.json(json!({"name": name, "change": change}).to_string().as_bytes())
    } else {
        context.printer.line(&format!("{name} {change}"))
    };
    told.map_err(|error| error.after(|| format!("`{name}` {change}")))
}

/// A refusal that was told, and the code that it ends with.
type Refused = Exit;
type Made = Option<Answer<JobView>>;

/// Makes one job what the file says. Gives what was begun.
async fn make(context: &Context, step: &Step<'_>) -> Result<Result<Made, Refused>, Error> {
    let (name, change) = (step.entry.name(), step.change());
    if change == Change::Unchanged {
        tell(context, name, change.word())?;
        return Ok(Ok(None));
    }
    let old = step.in_the_way();
    if let Some((_, name)) = &old
        && let Err(error) = end(context, name).await
    {
        return refused(context, name.as_str(), error).map(Err);
    }
    let what = format!("starting `{name}`");
    match context.patiently(&what, run(&context.client, &step.entry.request)).await {
        Ok(job) => {
            tell(context, name, change.word())?;
            Ok(Ok(Some(job)))
        }
        Err(error) => match old {
            // Where nobody knows whether the new one is there, the old one must not come back.
            Some((old, _)) if !matches!(error, ClientError::Unconfirmed(_)) => {
                put_back(context, old, error).await.map(Err)
            }
            Some(_) | None => refused(context, name, error).map(Err),
        },
    }
}

async fn run(client: &Client, request: &RunRequest) -> Result<Answer<JobView>, ClientError> {
    client.run(request, &new_key()).await
}

/// Deletes a job. That it is gone already is as good.
async fn end(context: &Context, name: &ObjectName) -> Result<(), ClientError> {
    let what = format!("waiting until `{name}` has ended");
    match context.patiently(&what, context.client.delete(name)).await {
        Err(error) if !error.is_job_not_found() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

async fn delete(context: &Context, job: &JobView) -> Result<Result<(), Refused>, Error> {
    // The API named it, so that it is a name.
    let Ok(name) = job.name.parse() else { return Ok(Ok(())) };
    match end(context, &name).await {
        Ok(()) => tell(context, &job.name, Change::Deleted.word()).map(Ok),
        Err(error) => refused(context, &job.name, error).map(Err),
    }
}

/// The new job was refused although it would have been taken a moment ago, and the old one is gone.
async fn put_back(context: &Context, old: &JobView, error: ClientError) -> Result<Refused, Error> {
    let name = &old.name;
    let exit = Exit::from(&error);
    let again = run(&context.client, &request_of(old)).await;
    let detail = match &again {
        Ok(_) => format!("`{name}` was not replaced, and the old one was put back: {error}"),
        Err(_) => format!("`{name}` is gone: {error}"),
    };
    context.printer.complain(&detail, None, error.request_id());
    match again {
        Ok(_) => tell(context, name, "put back")?,
        Err(error) => {
            let detail = format!("the old `{name}` could not be put back either: {error}");
            context.printer.complain(
                &detail,
                Some("this is how it was defined:"),
                error.request_id(),
            );
            for (number, line) in Definition::of(old, context.home()).lines().enumerate() {
                let item = if number == 0 { "- " } else { "  " };
                context.printer.talk(&format!("{item}{line}\n"));
            }
            tell(context, name, "lost")?;
        }
    }
    Ok(exit)
}

/// One job that is refused does not keep the others from coming; a service that fails does.
fn refused(context: &Context, name: &str, error: ClientError) -> Result<Refused, Error> {
    let exit = Exit::from(&error);
    if exit != Exit::Refused {
        let hint = "the same `load` again does what is left to do".to_owned();
        return Err(Error::Client { source: error, hint: Some(hint) });
    }
    context.printer.complain(&format!("`{name}`: {error}"), None, error.request_id());
    Ok(exit)
}

/// Waits until all of these have ended.
async fn wait_for(
    context: &Context,
    connect: impl Fn() -> Result<Context, Error>,
    jobs: Vec<Answer<JobView>>,
    limit: Wait,
) -> Result<Exit, Error> {
    let renew = || connect().ok().map(|context| context.client);
    let waiting = Waiting::new(&context.client, renew, context.printer, jobs.len(), limit);
    wait::tell_ends(context, &waiting, jobs, false).await
}

fn goes_on(context: &Context) -> Exit {
    context.printer.talk("what has not ended goes on\n");
    Exit::Interrupted
}

fn interrupted(context: &Context, next: &str) -> Exit {
    let hint = "the same `load` again does what is left to do";
    context.printer.talk(&format!("ended before `{next}`; {hint}\n"));
    Exit::Interrupted
}

/// Ctrl-C, from the first change on. Should the system refuse the handler, it ends the process as it
/// does anyway.
struct Interrupts {
    signal: Option<Signal>,
    has_come: bool,
}

impl Interrupts {
    fn new() -> Self {
        Self { signal: signal(SignalKind::interrupt()).ok(), has_come: false }
    }

    async fn come(&mut self) {
        match &mut self.signal {
            _ if self.has_come => {}
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
        self.has_come = true;
    }

    fn has_come(&mut self) -> bool {
        self.come().now_or_never().is_some()
    }

    /// Does this to its end. Ctrl-C is remembered, and a person is told so.
    async fn outlast<T>(
        &mut self,
        context: &Context,
        name: &str,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.come() => {}
        }
        context.printer.talk(&format!("ending once `{name}` is done\n"));
        work.await
    }

    /// Does this until Ctrl-C.
    async fn obey<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.come() => None,
            done = work => Some(done),
        }
    }
}
