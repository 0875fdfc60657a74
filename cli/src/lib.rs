//! The command `toolforge-jobs`, and the HTTP client that it is made of.
//!
//! A verb on the command line becomes a function in `commands`, which asks the [`Client`] and tells
//! the `Printer`. The client is public: whoever else talks to the API, such as a load test, does it
//! with this one. The [`definitions`] are public for the manual alone. The crate shares the wire
//! types with the server and nothing else.

use std::{ffi::OsString, io, process::ExitCode};

use clap::{CommandFactory, Parser, error::ContextKind};

mod args;
mod client;
mod clock;
mod commands;
mod credentials;
mod definition;
mod environment;
mod error;
mod exit;
mod health;
mod home;
mod jobs_file;
mod live;
mod logs;
mod nearest;
mod node;
mod output;
mod random;
mod settings;
mod trust;
mod wait;
mod yaml;

pub use client::{
    Answer, Client, ClientError, Event, Exchange, LogAnswer, Observer, Refusal, Repetition,
    ServerError, SetupError, TlsError,
};
pub use clock::Clock;
pub use credentials::{Credentials, FileError, Pem};

use args::Cli;
use environment::Environment;
use error::Error;
use exit::Exit;
use output::Printer;

/// All commands and options, as help has them.
pub fn definitions() -> clap::Command {
    Cli::command()
}

/// Does what the words say, from the first to the exit code.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let environment = Environment::read();
    let words: Vec<OsString> = words.into_iter().collect();
    if environment.is_completing {
        return live::complete(words);
    }
    match Cli::try_parse_from(args::attach_values(words)) {
        Ok(cli) => {
            let printer = Printer::new(&cli.globals, &environment);
            obey(cli, &environment, printer).unwrap_or_else(|error| printer.error(&error)).into()
        }
        Err(answer) => tell(answer, Printer::plain()).into(),
    }
}

fn obey(cli: Cli, environment: &Environment, printer: Printer) -> Result<Exit, Error> {
    complete(commands::dispatch(cli, environment, printer)).map_err(Error::Runtime)?
}

/// Does work that waits, without threads: a command has one thing to wait for, and a runtime without
/// them starts faster. Only the system's look-up of a host has one. With a silent name server it
/// ends long after everybody has given up, so nothing waits for it.
fn complete<T>(work: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    Ok(result)
}

/// Clap answers requests for help in the same way as it refuses words that it does not know.
fn tell(mut answer: clap::Error, printer: Printer) -> Exit {
    // Clap would have the word after `--`, as a value; in most places that is refused too.
    answer.remove(ContextKind::Suggested);
    let text = answer.render().to_string();
    if let Some(sentence) = args::refused::sentence(&answer) {
        printer.complain(&sentence, None, None);
        return Exit::Usage;
    }
    if answer.use_stderr() {
        text.lines().for_each(|line| printer.note(line));
        return Exit::Usage;
    }
    match printer.verbatim(text.as_bytes()) {
        Ok(()) => Exit::Done,
        Err(error) => printer.error(&error),
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    #[test]
    fn nothing_waits_for_a_thread_that_nobody_needs() {
        let (release, released) = mpsc::channel();
        let hangs = move || released.recv_timeout(Duration::from_secs(20)).is_ok();
        complete(async { drop(tokio::task::spawn_blocking(hangs)) }).unwrap();
        release.send(()).expect("it hangs still");
    }
}
