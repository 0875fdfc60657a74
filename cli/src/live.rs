//! Completions that only the service knows: the tool's jobs, and the containers on offer.
//!
//! A shell that completes a word runs this command with a variable set, and waits for it at every
//! press of the key. So there is one try, with an end, and whatever goes wrong offers nothing.

use std::{ffi::OsString, io, process::ExitCode, time::Duration};

use clap::{CommandFactory, builder::StyledStr};
use clap_complete::{
    CompletionCandidate,
    engine::ArgValueCandidates,
    env::{CompleteEnv, Shells},
};

use crate::{
    args::Cli,
    client::{Client, ClientError},
    environment::Environment,
    settings::{Settings, Source},
};

/// Set by the scripts that `completions` writes, to the name of the shell.
pub(crate) const VARIABLE: &str = "TOOLFORGE_JOBS_COMPLETE";
const NAME: &str = "toolforge-jobs";
/// What a person who has pressed the key waits for without a thought.
const TIME_MAX: Duration = Duration::from_secs(2);

/// The tool's jobs, each with its status beside its name.
pub(crate) fn jobs() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let jobs = ask(async |client| client.list().await).map(|jobs| jobs.value);
        let jobs = jobs.unwrap_or_default().into_iter();
        jobs.map(|job| candidate(&job.name, job.status_words())).collect()
    })
}

/// The containers on offer.
pub(crate) fn containers() -> ArgValueCandidates {
    ArgValueCandidates::new(|| {
        let containers = ask(async |client| client.containers().await);
        let containers = containers.map(|containers| containers.value).unwrap_or_default();
        containers.iter().map(|container| candidate(&container.shortname, "")).collect()
    })
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(name)
        .help((!help.is_empty()).then(|| StyledStr::from(help.to_owned())))
}

/// Asks the service that the environment and the files name; flags on the line are not known here.
fn ask<T>(question: impl AsyncFnOnce(&Client) -> Result<T, ClientError>) -> Option<T> {
    let environment = Environment::read();
    let Settings { server, credentials } =
        Settings::find(Source::default(), &environment, |_| ()).ok()?;
    let client = Client::new(&server, &credentials).ok()?.without_retries();
    let answered = crate::complete(async {
        tokio::time::timeout(TIME_MAX, question(&client)).await.ok()?.ok()
    });
    answered.ok()?
}

/// Completes a word, since that is why a shell has run this command.
pub(crate) fn complete(words: Vec<OsString>) -> ExitCode {
    let completed = CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .completer(NAME)
        .try_complete(words, std::env::current_dir().ok().as_deref());
    if completed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a shell has to run once, so that it asks this command from then on.
pub(crate) fn script(shell: &str) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(shell).ok_or(io::ErrorKind::Unsupported)?;
    completer.write_registration(VARIABLE, NAME, NAME, NAME, &mut script)?;
    Ok(script)
}
