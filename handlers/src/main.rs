//! `toolforge-jobs-api`: reads its settings, starts its log, serves.

use std::process::ExitCode;

use tjf_handlers::{config::Config, serve};
use tjf_runtime::{config::Environment, shutdown::Shutdown, telemetry};

/// A wrong configuration, as sysexits.h numbers it.
const EX_USAGE: u8 = 64;

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::from(&Environment) {
        Ok(config) => config,
        Err(faults) => return refuse(&faults.to_string()),
    };
    if let Err(fault) = telemetry::start(config.runtime.log_format, &config.runtime.log_filter) {
        return refuse(&fault);
    }
    let shutdown = Shutdown::new();
    let outcome = match shutdown.on_signals() {
        Ok(signals) => tokio::select! {
            outcome = serve(config, shutdown) => outcome,
            () = signals => Ok(()),
        },
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = %error, "the service can't start");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn refuse(faults: &str) -> ExitCode {
    eprintln!("toolforge-jobs-api: {}", faults.replace('\n', "\ntoolforge-jobs-api: "));
    ExitCode::from(EX_USAGE)
}
