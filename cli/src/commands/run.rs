//! `run`: starts a job, and waits for it or shows its output when asked to.

mod followed;

use tjf_api_types::{JobView, RunRequest, Suffix};

use super::{
    ASKS, Context, new_key,
    outcome::{self, how_to_go_on, how_to_know, how_to_stop},
};
use crate::{
    args::{RunArgs, run::Wait},
    client::{Answer, Client, ClientError},
    error::Error,
    exit::Exit,
    nearest, random,
    wait::{self, Waiting},
};

/// The words are judged before the settings are looked for: what is on the line is nearer.
pub(super) async fn run(
    args: RunArgs,
    connect: impl Fn() -> Result<Context, Error>,
) -> Result<Exit, Error> {
    let (limit, follows) = (args.wait(), args.follow);
    let request = args.into_request(Suffix::from_number(random::number()))?;
    let context = connect()?;
    if follows && context.is_json {
        return Err(Error::NoJson { what: "`run --follow`" });
    }
    let ends = if follows { followed::ends(&context, &request).await } else { [None; 2] };
    let answer = context.patiently(ASKS, context.client.run(&request, &new_key())).await;
    if limit == Wait::No
        && let Some(json) = context.wanted_json(&answer)
    {
        let name = request.name.as_deref().unwrap_or_default();
        context.printer.json(json).map_err(|error| error.after(|| created(name)))?;
        return Ok(Exit::Done);
    }
    let job = match answer {
        Ok(job) => job,
        Err(source) => {
            let hint = hint(&context, &request, &source).await;
            return Err(Error::Client { source, hint });
        }
    };
    if limit != Wait::No {
        let renew = || connect().ok().map(|context| context.client);
        let name = job.value.name.clone();
        let ended = async {
            if follows {
                context.printer.note(&created(&name));
                followed::follow(&context, renew, job, limit, ends).await
            } else {
                wait(&context, renew, job, limit).await
            }
        };
        return Ok(match wait::unless_interrupted(ended).await {
            Some(outcome) => outcome.unwrap_or_else(|error| {
                context.printer.error(&error);
                Exit::Unknown
            }),
            None => {
                let (wait, stop) = (how_to_go_on(&name), how_to_stop(&name));
                context.printer.talk(&format!("`{name}` goes on; {wait}, and {stop}\n"));
                Exit::Interrupted
            }
        });
    }
    let told = context.printer.line(&job.value.name);
    told.map_err(|error| error.after(|| created(&job.value.name)))?;
    Ok(Exit::Done)
}

async fn hint(context: &Context, request: &RunRequest, error: &ClientError) -> Option<String> {
    let name = request.name.as_deref().unwrap_or_default();
    if matches!(error, ClientError::Unconfirmed(_)) {
        return Some(how_to_know(name, Some(error)));
    }
    if error.refusal()?.slug.as_deref() == Some("job-exists") {
        return Some(hint_about_taken(context, name).await);
    }
    nearest::hint_for_container(&context.client, &request.imagename, error).await
}

/// An object that is no job can't be deleted here, and to delete what is going is of no use.
async fn hint_about_taken(context: &Context, name: &str) -> String {
    let holder = match name.parse() {
        Ok(name) => context.client.show(&name).await.ok(),
        Err(_) => None,
    };
    let can_go = holder.is_some_and(|holder| holder.value.deleting_since.is_none());
    let first =
        if can_go { format!(", or `toolforge-jobs delete {name}` first") } else { String::new() };
    format!("take another name{first}")
}

/// Waits. The name goes out at once, since it is what stops the job; with `--json` there is one
/// document, that of the end.
async fn wait(
    context: &Context,
    renew: impl Fn() -> Option<Client>,
    job: Answer<JobView>,
    limit: Wait,
) -> Result<Exit, Error> {
    let name = job.value.name.clone();
    if !context.is_json {
        context.printer.line(&name).map_err(|error| error.after(|| created(&name)))?;
    }
    let waiting = Waiting::new(&context.client, renew, context.printer, 1, limit);
    let waited = waiting.until_ended(job).await;
    outcome::tell(context, &name, waited, |words| Some(words.to_owned())).await
}

fn created(name: &str) -> String {
    format!("created `{name}`")
}
