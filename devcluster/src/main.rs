//! `tjf-devcluster`: a small Kubernetes on this machine, with the platform on it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tjf_devcluster::{demo, platform::PlatformError, pod, up};

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
    /// Supervises the processes of one pod. The kubelet starts it.
    #[command(hide = true)]
    Pod,
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo => play(demo::run()),
        Command::Up => play(up::run()),
        Command::Pod => pod::run(),
    }
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
