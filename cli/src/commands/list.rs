//! `list`: all jobs of the tool.

mod watch;

use serde_json::value::RawValue;
use tjf_api_types::{JobType, JobView, Phase};

use super::{ASKS, Context, style_of};
use crate::{
    args::{Layout, ListArgs},
    client::Answer,
    clock::Clock,
    error::Error,
    exit::Exit,
    health::{Health, reason_of, status_words},
    home::below,
    output::{Cell, Style, Table},
};

pub(super) async fn list(args: &ListArgs, context: &Context) -> Result<Exit, Error> {
    if args.watch {
        return watch::watch(args, context).await;
    }
    let answer = context.patiently(ASKS, context.client.list()).await;
    // Which of them are broken can only be said of what is understood.
    if !args.failed
        && let Some(json) = context.wanted_json(&answer)
    {
        context.printer.json(json)?;
        return Ok(Exit::Done);
    }
    let answer = answer?;
    let jobs = wanted(args, &answer.value);
    if context.is_json {
        context.printer.json(&broken_json(&answer))?;
    } else if args.layout() == Layout::Name {
        // For scripts: no heading, and nothing at all when there is no job.
        jobs.iter().try_for_each(|job| context.printer.line(&job.name))?;
    } else if jobs.is_empty() {
        context.printer.note(nothing(args));
    } else {
        context.printer.table(&table(args, &jobs, answer.clock, context.home()))?;
    }
    Ok(Exit::Done)
}

/// What there is to tell when there is no job.
fn nothing(args: &ListArgs) -> &'static str {
    if args.failed { "no job has failed or is failing" } else { "there are no jobs" }
}

/// Of all jobs, those that were asked for.
fn wanted<'a>(args: &ListArgs, jobs: &'a [JobView]) -> Vec<&'a JobView> {
    jobs.iter().filter(|job| !args.failed || Health::of(job).is_broken()).collect()
}

/// The broken ones, each as the API wrote it.
fn broken_json(answer: &Answer<Vec<JobView>>) -> Vec<u8> {
    let written: Vec<&RawValue> = serde_json::from_slice(&answer.json).unwrap_or_default();
    let broken = answer.value.iter().zip(written);
    let broken = broken.filter(|(job, _)| Health::of(job).is_broken());
    let broken: Vec<_> = broken.map(|(_, written)| written.get()).collect();
    format!("[{}]", broken.join(",")).into_bytes()
}

/// Which are broken, what runs, and what comes next.
fn table(args: &ListArgs, jobs: &[&JobView], clock: Clock, home: Option<&str>) -> Table {
    let is_long = args.layout() == Layout::Long;
    let short = ["NAME", "TYPE", "SCHEDULE", "STATUS", "LAST RUN", "NEXT"];
    let long = ["COMMAND", "CONTAINER", "RESOURCES", "LOGS"];
    let long_headings = long.iter().filter(|_| is_long);
    let headings: Vec<_> = short.iter().chain(long_headings).copied().collect();
    let mut table = Table::new(&headings);
    for job in jobs {
        let cells = short_cells(job, clock).into_iter();
        if is_long {
            table.row(cells.chain(long_cells(job, home)));
        } else {
            table.row(cells);
        }
    }
    table
}

fn short_cells(job: &JobView, clock: Clock) -> [Cell; 6] {
    let health = Health::of(job);
    let next = job.status.next_scheduled_at.as_ref().and_then(|next| clock.distance(next));
    [
        job.name.as_str().into(),
        job.job_type.as_str().into(),
        job.schedule.as_deref().unwrap_or_default().into(),
        Cell::styled(&status(job, &health), style_of(job, &health)),
        last_run(job, clock),
        next.unwrap_or_default().into(),
    ]
}

/// The status in a few words. Those of a job that has ended do not say that it is being deleted.
fn status(job: &JobView, health: &Health) -> String {
    const GOING: &str = "being deleted";
    let words = status_words(job, health);
    let is_told = job.deleting_since.is_none() || words.contains(GOING);
    if is_told { words } else { format!("{words}, {GOING}") }
}

/// How and when the last run ended.
fn last_run(job: &JobView, clock: Clock) -> Cell {
    let ago = |time: &Option<String>| time.as_ref().and_then(|time| clock.distance(time));
    if job.job_type != JobType::Scheduled {
        return ago(&job.status.finished_at).unwrap_or_default().into();
    }
    let Some(run) = &job.status.last_run else { return "".into() };
    let reason = reason_of(run.reason.as_deref(), run.exit_code, None);
    let (outcome, style) = match run.phase.known() {
        Some(Phase::Succeeded) => ("ok".to_owned(), Style::Plain),
        _ => (reason.unwrap_or_else(|| run.phase.as_str().to_owned()), Style::Bad),
    };
    let ago = ago(&run.finished_at.clone().or_else(|| run.started_at.clone()));
    let parts: Vec<_> = [Some(outcome), ago].into_iter().flatten().collect();
    Cell::styled(&parts.join(", "), style)
}

fn long_cells(job: &JobView, home: Option<&str>) -> [Cell; 4] {
    let resources = [("mem", &job.memory), ("cpu", &job.cpu)];
    let resources =
        resources.iter().filter_map(|(what, limit)| Some(format!("{what} {}", limit.as_ref()?)));
    let logs = log_files(job).map(|file| below(home, file));
    [
        job.cmd.as_str().into(),
        job.imagename.as_str().into(),
        joined(resources).into(),
        joined(logs).into(),
    ]
}

/// Both streams may go to one file.
fn log_files(job: &JobView) -> impl Iterator<Item = &str> {
    let stdout = job.filelog_stdout.as_deref();
    let stderr = job.filelog_stderr.as_deref().filter(|file| stdout != Some(file));
    stdout.into_iter().chain(stderr)
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
