//! `toolforge-jobs-api`: reads its settings, starts its log, serves.

use std::process::ExitCode;

use tjf_handlers::{config::Config, serve};
use tjf_runtime::{
    config::Environment, open_files, reload::LookNow, server::StartError, shutdown::Shutdown,
    telemetry,
};
use tokio::runtime::Builder;

/// A wrong configuration, as sysexits.h numbers it.
const EX_USAGE: u8 = 64;

fn main() -> ExitCode {
    // First of all: whatever is opened later needs it.
    let open_files = open_files::raise_limit();
    let config = match Config::from(&Environment, open_files) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults.to_string()),
    };
    if let Err(fault) = telemetry::start(config.runtime.log_format, &config.runtime.log_filter) {
        return refuse(&fault);
    }
    config.shares.tell(open_files);
    match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let code = runtime.block_on(run(config));
            // A file system that hangs must not keep the process.
            runtime.shutdown_background();
            code
        }
        Err(error) => fail(&error.into()),
    }
}

async fn run(config: Config) -> ExitCode {
    let (shutdown, look_now) = (Shutdown::new(), LookNow::default());
    let outcome = match shutdown.on_signals(look_now.clone()) {
        Ok(signals) => tokio::select! {
            outcome = serve(config, shutdown, look_now) => outcome,
            () = signals => Ok(()),
        },
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &StartError) -> ExitCode {
    if let StartError::Faults(faults) = error {
        return refuse(&faults.to_string());
    }
    for line in error.to_string().lines() {
        tracing::error!("the service can't start: {line}");
    }
    ExitCode::FAILURE
}

/// Says what is wrong, without a log: a line each, which begins with the setting.
#[expect(clippy::print_stderr, reason = "the log is one of the settings")]
fn refuse(faults: &str) -> ExitCode {
    eprintln!("{faults}");
    ExitCode::from(EX_USAGE)
}
