//! `toolforge-jobs-api`: reads its settings, starts its log, serves.

use std::process::ExitCode;

use tjf_handlers::{config::Config, serve};
use tjf_runtime::{
    config::Environment, reload::LookNow, server::StartError, shutdown::Shutdown, telemetry,
};

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
        Err(StartError::Faults(faults)) => refuse(&faults.to_string()),
        Err(error) => {
            for error in error.to_string().lines() {
                tracing::error!("the service can't start: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Says what is wrong, without a log: a line each, which begins with the setting.
#[expect(clippy::print_stderr, reason = "the log is one of the settings")]
fn refuse(faults: &str) -> ExitCode {
    eprintln!("{faults}");
    ExitCode::from(EX_USAGE)
}
