//! `load FILE`: makes the tool's jobs what a file says.
//!
//! Nothing changes before all of the file is known to be good: it is read whole, and the service is
//! asked about each job with a dry run. What that answers is compared with the job that is there, so
//! that defaults, aliases and the ways to write a size make no difference. A job that has ended and
//! is defined as in the file is not run again.

mod act;
mod plan;

use std::io::{self, Read};

use super::{Context, wait};
use crate::{
    args::LoadArgs,
    credentials::{self, FileError},
    definition::Side,
    error::Error,
    exit::Exit,
    jobs_file::{self, Entry},
    nearest::nearest,
    output::Style,
};

use plan::{Change, Plan};

/// What stands for standard input.
const STDIN: &str = "-";

/// The file is judged before the settings are looked for: what is in it is nearer.
pub(super) async fn load(
    args: &LoadArgs,
    connect: impl Fn() -> Result<Context, Error>,
) -> Result<Exit, Error> {
    let entries = chosen(args)?;
    let context = connect()?;
    let Some(plan) = plan::make(&context, &entries, args.prune).await? else {
        context.printer.note("nothing was changed");
        return Ok(Exit::Refused);
    };
    if args.dry_run {
        return tell_differences(&context, &plan);
    }
    act::carry_out(&context, connect, &plan, args.wait).await
}

/// The file's jobs, or the one of them that is asked for.
fn chosen(args: &LoadArgs) -> Result<Vec<Entry>, Error> {
    let file = args.file.display().to_string();
    let bytes = if file == STDIN {
        let mut bytes = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|source| FileError { path: "standard input".into(), source })?;
        bytes
    } else {
        credentials::read(&args.file)?
    };
    let in_file = |fault| Error::JobsFile { file: file.clone(), fault };
    let mut entries = jobs_file::read(&bytes).map_err(in_file)?;
    let Some(wanted) = &args.job else { return Ok(entries) };
    let names = entries.iter().map(Entry::name);
    let hint = nearest(wanted, names).map(|name| format!("did you mean `{name}`?"));
    entries.retain(|entry| entry.name() == wanted);
    if entries.is_empty() {
        return Err(Error::NotInFile { file, name: wanted.clone(), hint });
    }
    Ok(entries)
}

/// Tells what would change, as a difference for each job.
fn tell_differences(context: &Context, plan: &Plan<'_>) -> Result<Exit, Error> {
    for (name, change) in plan.changes() {
        if context.is_json {
            act::tell(context, name, change.word())?;
        } else if change != Change::Unchanged {
            tell_difference(context, plan, name, change)?;
        }
    }
    let is_nothing = plan.changes().all(|(_, change)| change == Change::Unchanged);
    if is_nothing && !context.is_json {
        context.printer.note("nothing to do");
    }
    Ok(if is_nothing { Exit::Done } else { Exit::Differs })
}

fn tell_difference(
    context: &Context,
    plan: &Plan<'_>,
    name: &str,
    change: Change,
) -> Result<(), Error> {
    let printer = context.printer;
    let file = |is_there: bool, side: &str| {
        if is_there { format!("{side}/{name}") } else { "/dev/null".to_owned() }
    };
    let before = file(change != Change::Created, "now");
    let after = file(change != Change::Deleted, "file");
    printer.styled(&format!("--- {before}"), Style::Heading)?;
    printer.styled(&format!("+++ {after}"), Style::Heading)?;
    for (number, (side, line)) in plan.difference(name, context.home()).iter().enumerate() {
        let (sign, style) = match side {
            Side::Both => (' ', Style::Plain),
            Side::Before => ('-', Style::Bad),
            Side::After => ('+', Style::Good),
        };
        let item = if number == 0 { "- " } else { "  " };
        printer.styled(&format!("{sign}{item}{line}"), style)?;
    }
    Ok(())
}
