//! `tjf-loadtest`: how a service answers when many tools ask.
//!
//! A `plan` says what is asked when; the `driver` sends it to a `target` and takes the times; the
//! `meter` counts; the `report` tells. Everything but the target is tried with a clock that stands.

use std::{io::Write, path::Path, process::ExitCode};

use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
};

mod address;
mod alarm;
mod args;
mod driver;
mod meter;
mod plan;
mod preparation;
mod process;
mod report;
mod run;
mod target;
mod tools;
mod warning;
mod wire;

use args::Args;
use report::{Report, text::Text};

/// As `sysexits.h` has it.
const USAGE: u8 = 64;

#[expect(clippy::print_stderr, reason = "this is where errors end")]
fn main() -> ExitCode {
    let args = Args::parse();
    if let Err(error) = args.check() {
        eprintln!("error: {error}");
        return ExitCode::from(USAGE);
    }
    allow_many_files();
    match play(&args) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(left_behind)) => {
            eprintln!(
                "error: jobs whose names begin with `{}` are left: {left_behind}",
                preparation::PREFIX
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Each connection is an open file, and systems allow a thousand where nobody asks for more.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused, what can't be connected is counted as a failure.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Gives why jobs are left behind, if some are.
fn play(args: &Args) -> Result<Option<String>, Box<dyn std::error::Error>> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    // Whoever is asked may be on this machine too.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(processors.div_ceil(2))
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        let (stopper, stop) = watch::channel(false);
        let mut listening = JoinSet::new();
        listening.spawn(listen(stopper));
        run::run(args, stop).await
    })?;
    tell(args, &done.report)?;
    Ok(done.left_behind)
}

fn tell(args: &Args, report: &Report) -> std::io::Result<()> {
    let write = |file: &Path, text: String| {
        std::fs::write(file, text).map_err(|error| {
            std::io::Error::new(
                error.kind(),
                format!("`{}` can't be written: {error}", file.display()),
            )
        })
    };
    if let Some(file) = &args.json {
        write(file, serde_json::to_string_pretty(report)?)?;
    }
    if let Some(file) = &args.html {
        write(file, report::html::page(report))?;
    }
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", Text(report))
}

/// Says so when a person, or whoever started us, wants an end.
async fn listen(stopper: watch::Sender<bool>) {
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    stopper.send_replace(true);
    // Whoever waits for it asks this sender.
    stopper.closed().await;
}
