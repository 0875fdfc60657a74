//! `completions SHELL`: what a shell needs to complete words.

use crate::{args::CompletionsArgs, error::Error, exit::Exit, live, output::Printer};

pub(super) fn completions(args: &CompletionsArgs, printer: Printer) -> Result<Exit, Error> {
    let script = live::script(&args.shell.to_string()).map_err(Error::Runtime)?;
    printer.verbatim(&script)?;
    Ok(Exit::Done)
}
