//! `completions SHELL`: what a shell needs to complete words.

use clap::CommandFactory;

use crate::{
    args::{Cli, CompletionsArgs},
    error::Error,
    exit::Exit,
    output::Printer,
};

pub(super) fn completions(args: &CompletionsArgs, printer: Printer) -> Result<Exit, Error> {
    // Into memory first: clap's generator panics when it can't write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "toolforge-jobs", &mut script);
    printer.verbatim(&script)?;
    Ok(Exit::Done)
}
