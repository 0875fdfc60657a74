//! The verbs: one file each, and the way to them.

use std::{path::PathBuf, sync::Once};

use tjf_api_types::{Deleted, JobView, Phase};
use tokio::time::{Duration, timeout};

use crate::{
    args::{Cli, Command, Globals},
    client::{Answer, Client, ClientError, Event, Exchange, Repetition},
    environment::Environment,
    error::Error,
    exit::Exit,
    health::Health,
    output::{Printer, Style},
    random,
    settings::Settings,
};

mod completions;
mod containers;
mod delete;
mod dump;
mod flush;
mod list;
mod load;
mod logs;
mod outcome;
mod quota;
mod restart;
mod run;
mod show;
mod version;
mod wait;

/// What is told once, on a terminal.
const WAITS: &str = "the service has not answered for sure: asking again, for up to 30 s";

/// How good or bad a job looks.
fn style_of(job: &JobView, health: &Health) -> Style {
    match job.status.phase.known() {
        _ if health.is_broken() => Style::Bad,
        Some(Phase::Succeeded) => Style::Good,
        _ => Style::Plain,
    }
}

/// What is told of a question that takes long.
const ASKS: &str = "waiting for the service";

/// The same of a restart: the service answers when what runs has had its last words.
const RESTARTS: &str = "waiting for what runs to end";

/// What takes longer than this is told to whoever looks on.
const SOON: Duration = Duration::from_secs(1);

/// What a verb has at hand besides its own arguments.
struct Context {
    client: Client,
    printer: Printer,
    is_json: bool,
    /// `HOME`, which on a bastion and in a job is the tool's.
    home: Option<PathBuf>,
}

/// Calls the verb. Those that send nothing need no settings.
pub(crate) async fn dispatch(
    cli: Cli,
    environment: &Environment,
    printer: Printer,
) -> Result<Exit, Error> {
    let Cli { command, mut globals } = cli;
    globals.json |= command.wants_json();
    let connect = || Context::new(&globals, environment, printer);
    match command {
        Command::Run(args) => Box::pin(run::run(*args, connect)).await,
        Command::Show(args) => {
            let context = connect()?;
            context.patiently(ASKS, show::show(&args, &context)).await
        }
        Command::List(args) => list::list(&args, &connect()?).await,
        Command::Logs(args) => logs::logs(&args, connect).await,
        Command::Wait(args) => wait::wait(&args, connect).await,
        Command::Delete(args) => delete::delete(&args, &connect()?).await,
        Command::Flush(args) => flush::flush(&args, &connect()?).await,
        Command::Restart(args) => {
            let context = connect()?;
            context.patiently(RESTARTS, restart::restart(&args, &context)).await
        }
        Command::Quota => {
            let context = connect()?;
            context.patiently(ASKS, quota::quota(&context)).await
        }
        Command::Load(args) => Box::pin(load::load(&args, connect)).await,
        Command::Dump(args) => {
            let context = connect()?;
            context.patiently(ASKS, dump::dump(&args, &context)).await
        }
        Command::Containers => {
            let context = connect()?;
            context.patiently(ASKS, containers::containers(&context)).await
        }
        Command::Completions(args) => completions::completions(&args, printer),
        Command::Version => version::version(printer),
    }
}

impl Context {
    fn new(globals: &Globals, environment: &Environment, printer: Printer) -> Result<Self, Error> {
        let tell = |passed_over: &str| printer.trace(passed_over);
        let Settings { server, credentials } = Settings::find(globals.source(), environment, tell)?;
        printer.trace(&format!("server `{server}`"));
        printer.trace(&format!("certificate from {}", credentials.certificate.origin));
        let ca = credentials.ca.as_ref().map_or("the system", |ca| ca.origin.as_str());
        printer.trace(&format!("CA from {ca}"));
        let told = Once::new();
        let is_silent = !globals.verbose && printer.is_watched();
        let client = Client::new(&server, &credentials)?.observed_by(Box::new(move |event| {
            printer.trace(&sentence(event));
            if is_silent && takes_long(event) {
                told.call_once(|| printer.note(&format!("{WAITS}; `-v` says more")));
            }
        }));
        let home = environment.home.clone();
        Ok(Self { client, printer, is_json: globals.json, home })
    }

    fn home(&self) -> Option<&str> {
        self.home.as_ref().and_then(|home| home.to_str())
    }

    /// Does this, and says what is waited for when it takes long and somebody looks on.
    async fn patiently<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        if !self.printer.is_watched() {
            return work.await;
        }
        match timeout(SOON, &mut work).await {
            Ok(done) => done,
            Err(_) => {
                self.tell_progress(what);
                work.await
            }
        }
    }

    /// Says what is being done, when somebody looks on.
    fn tell_progress(&self, what: &str) {
        if self.printer.is_watched() {
            self.printer.note(&format!("{what} …"));
        }
    }

    /// The answer as it came, when that is asked for. Whoever reads it may know more than this
    /// version does, which need not understand it.
    fn wanted_json<'a, T>(&self, answer: &'a Result<Answer<T>, ClientError>) -> Option<&'a [u8]> {
        let json = match answer {
            Ok(answer) => Some(&answer.json),
            Err(error) => error.unread_json(),
        };
        json.filter(|_| self.is_json).map(AsRef::as_ref)
    }

    /// Prints what was deleted. Gives back the error of an answer that is not good, or that nobody
    /// could print as it came.
    fn tell_deleted(
        &self,
        answer: Result<Answer<Deleted>, ClientError>,
    ) -> Result<Option<ClientError>, Error> {
        let names = answer.as_ref().map(|answer| &*answer.value.deleted).unwrap_or_default();
        let json = self.wanted_json(&answer);
        let told = match json {
            Some(json) => self.printer.json(json),
            None => names.iter().try_for_each(|name| self.printer.line(name)),
        };
        let is_json = json.is_some();
        match told {
            Err(error) if !names.is_empty() => {
                Err(error.after(|| format!("deleted `{}`", names.join("`, `"))))
            }
            told => told.map(|()| answer.err().filter(|_| !is_json)),
        }
    }
}

/// A fresh `Idempotency-Key`.
fn new_key() -> String {
    format!("{:016x}{:016x}", random::number(), random::number())
}

/// Whether somebody at a terminal would wonder what goes on. Reads are repeated twice and quickly.
fn takes_long(event: &Event<'_>) -> bool {
    match event {
        Event::Repetition(Repetition { method, .. }) => *method != "GET",
        Event::Exchange(_) => false,
    }
}

fn sentence(event: &Event<'_>) -> String {
    match event {
        Event::Exchange(Exchange { method, path, status, request_id, duration }) => {
            let outcome = match status {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            let request_id = request_id.map(|id| format!(", request id {id}")).unwrap_or_default();
            format!("{method} {path}: {outcome} after {} ms{request_id}", duration.as_millis())
        }
        Event::Repetition(Repetition { method, path, reason, pause }) => {
            format!("{method} {path}: sent again in {} ms, because {reason}", pause.as_millis())
        }
    }
}
