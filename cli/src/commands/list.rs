//! `list`: all jobs of the tool.

use tjf_api_types::JobView;

use super::{Context, style};
use crate::{
    args::{Layout, ListArgs},
    error::Error,
    exit::Exit,
    output::{Cell, Table},
};

pub(super) async fn list(args: &ListArgs, context: &Context) -> Result<Exit, Error> {
    let answer = context.client.list().await;
    if let Some(json) = context.wanted_json(&answer) {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    let jobs = answer?.value;
    match args.layout() {
        Layout::Name => names(&jobs, context),
        Layout::Long => table(&jobs, true, context),
        Layout::Normal | Layout::Json => table(&jobs, false, context),
    }
}

/// For scripts: no heading, and nothing at all when there is no job.
fn names(jobs: &[JobView], context: &Context) -> Result<Exit, Error> {
    for job in jobs {
        context.printer.line(&job.name)?;
    }
    Ok(Exit::Done)
}

fn table(jobs: &[JobView], is_long: bool, context: &Context) -> Result<Exit, Error> {
    if jobs.is_empty() {
        context.printer.note("there are no jobs");
        return Ok(Exit::Done);
    }
    let headings: &[&str] = if is_long {
        &["NAME", "TYPE", "STATUS", "COMMAND", "CONTAINER", "RESOURCES", "LOGS"]
    } else {
        &["NAME", "TYPE", "STATUS"]
    };
    let mut table = Table::new(headings);
    for job in jobs {
        let cells = short(job).into_iter();
        if is_long {
            table.row(cells.chain(long(job)));
        } else {
            table.row(cells);
        }
    }
    context.printer.table(&table)?;
    Ok(Exit::Done)
}

fn short(job: &JobView) -> [Cell; 3] {
    [
        job.name.as_str().into(),
        job.job_type.as_str().into(),
        Cell::styled(&status(job), style(&job.status.phase)),
    ]
}

/// The status in a few words. That of a job that has ended is one fixed word, so that it is being
/// deleted has to be added here.
fn status(job: &JobView) -> String {
    let is_being_deleted = job.deleting_since.is_some() && job.status.phase.is_final();
    let more = if is_being_deleted { ", being deleted" } else { "" };
    format!("{}{more}", job.status_words())
}

fn long(job: &JobView) -> [Cell; 4] {
    let resources = [("mem", &job.memory), ("cpu", &job.cpu)];
    let resources =
        resources.iter().filter_map(|(what, limit)| Some(format!("{what} {}", limit.as_ref()?)));
    [
        job.cmd.as_str().into(),
        job.imagename.as_str().into(),
        joined(resources).into(),
        joined(log_files(job)).into(),
    ]
}

/// Both streams may go to one file.
fn log_files(job: &JobView) -> impl Iterator<Item = String> {
    let stderr =
        job.filelog_stderr.clone().filter(|file| job.filelog_stdout.as_ref() != Some(file));
    job.filelog_stdout.clone().into_iter().chain(stderr)
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
