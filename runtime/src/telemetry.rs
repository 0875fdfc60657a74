//! The log: text for people, JSON for machines.

use std::io;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a terminal.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("`{text}` is neither `text` nor `json`")),
        }
    }
}

/// Starts the log on standard error. kube's own tracing stays off: it would repeat what we answer,
/// and quote whole objects.
///
/// # Errors
/// When the filter can't be understood, or a log was started before.
pub fn start(format: LogFormat, filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(format!("kube=off,kube_client=off,tower=off,{filter}"))
        .map_err(|error| format!("{}: {error}", crate::config::LOG_FILTER))?;
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => {
            registry.with(fmt::layer().with_target(false).with_writer(io::stderr)).try_init()
        }
        LogFormat::Json => registry
            .with(
                fmt::layer().json().flatten_event(true).with_target(false).with_writer(io::stderr),
            )
            .try_init(),
    }
    .map_err(|error| error.to_string())
}
