//! `dump [FILE]`: the tool's jobs as `load` reads them.

use std::{collections::BTreeSet, fs};

use super::Context;
use crate::{args::DumpArgs, definition::Definition, error::Error, exit::Exit};

/// What stands for standard output.
const STDOUT: &str = "-";

pub(super) async fn dump(args: &DumpArgs, context: &Context) -> Result<Exit, Error> {
    let answer = context.client.list().await;
    let text = match context.wanted_json(&answer) {
        Some(json) => json.to_vec(),
        None => {
            let jobs = answer?.value;
            // Of one name in two kinds, which only a crash can leave, the older comes first.
            let mut names = BTreeSet::new();
            let jobs = jobs.iter().filter(|job| names.insert(&job.name));
            let home = context.home();
            yaml(jobs.map(|job| Definition::of(job, home))).into_bytes()
        }
    };
    match args.file().filter(|file| file.as_os_str() != STDOUT) {
        None if context.is_json => context.printer.json(&text)?,
        None => context.printer.verbatim(&text)?,
        Some(file) => fs::write(file, text)
            .map_err(|source| Error::Unwritten { file: file.to_owned(), source })?,
    }
    Ok(Exit::Done)
}

fn yaml(definitions: impl Iterator<Item = Definition>) -> String {
    let mut text = String::new();
    for definition in definitions {
        for (number, line) in definition.lines().enumerate() {
            text.push_str(if number == 0 { "- " } else { "  " });
            text.push_str(line);
            text.push('\n');
        }
    }
    if text.is_empty() { "[]\n".to_owned() } else { text }
}
