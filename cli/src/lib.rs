//! The command `toolforge-jobs`, and the HTTP client that it is made of.
//!
//! A verb on the command line becomes a function in `commands`, which asks the [`Client`] and tells
//! the `Printer`. The client alone is public: whoever else talks to the API, such as a load test,
//! does it with this one. The crate shares the wire types with the server and nothing else.

use std::{ffi::OsString, process::ExitCode};

use clap::{Parser, error::ContextKind};

mod args;
mod client;
mod commands;
mod credentials;
mod environment;
mod error;
mod exit;
mod nearest;
mod output;
mod random;
mod settings;
mod trust;
mod wait;

pub use client::{
    Answer, Client, ClientError, Event, Exchange, Observer, Refusal, Repetition, ServerError,
    SetupError, TlsError,
};
pub use credentials::{Credentials, FileError, Pem};

use args::Cli;
use environment::Environment;
use error::Error;
use exit::Exit;
use output::Printer;

/// Does what the words say, from the first to the exit code.
pub fn main(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let environment = Environment::read();
    match Cli::try_parse_from(args::attach_values(words)) {
        Ok(cli) => {
            let printer = Printer::new(&cli.globals, &environment);
            obey(cli, &environment, printer).unwrap_or_else(|error| printer.error(&error)).into()
        }
        Err(answer) => tell(answer, Printer::plain()).into(),
    }
}

/// No threads: a command has one thing to wait for, and a runtime without them starts faster.
fn obey(cli: Cli, environment: &Environment, printer: Printer) -> Result<Exit, Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?
        .block_on(commands::dispatch(cli, environment, printer))
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
