//! `tjf-devcluster`: a small Kubernetes on this machine, with the platform on it.

use std::{
    ffi::OsString,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{self, ExitCode},
};

use clap::{Parser, Subcommand};
use rustix::process::Signal;
use tjf_devcluster::{demo, load, platform::PlatformError, pod, up};

/// A small Kubernetes on this machine, with the platform on it.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs one job of each kind, shows what happens, and takes everything away again.
    Demo,
    /// Starts the platform and keeps it up until Ctrl-C.
    Up,
    /// Starts the platform and plays a load test on it. With `--server`, the load test alone.
    #[command(disable_help_flag = true)]
    Loadtest {
        /// How many tools the platform has
        #[arg(long, default_value = "10", value_parser = clap::value_parser!(u16).range(1..=2000))]
        tools: u16,
        /// What the load test is told; `--help` tells what it understands
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<OsString>,
    },
    /// Supervises the processes of one pod. The kubelet starts it.
    #[command(hide = true)]
    Pod,
    /// Becomes another program that ends when this one's parent does.
    #[command(hide = true)]
    Attached {
        /// The program.
        program: PathBuf,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo => play(demo::run()),
        Command::Up => play(up::run()),
        Command::Loadtest { tools, words } => play(load::run(tools, words)),
        Command::Pod => pod::run(),
        Command::Attached { program } => attach(&program),
    }
}

/// Never returns when it succeeds.
#[expect(clippy::print_stderr, reason = "this is where errors end")]
fn attach(program: &Path) -> ExitCode {
    let attached = pod::hear_of_parents_end(Signal::KILL);
    // It returns only when it fails.
    let error = attached.err().unwrap_or_else(|| process::Command::new(program).exec());
    eprintln!("error: {}: {error}", program.display());
    ExitCode::FAILURE
}

#[expect(clippy::print_stderr, reason = "this is where errors end")]
fn play(what: impl Future<Output = Result<(), PlatformError>>) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().map_err(PlatformError::from);
    match runtime.and_then(|runtime| runtime.block_on(what)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads had enough.
        Err(PlatformError::Io(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
