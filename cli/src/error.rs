//! Why a command did not do what it was asked.

use std::{io, path::PathBuf};

use crate::{
    args::run::FormError,
    client::{ClientError, SetupError},
    credentials::FileError,
    jobs_file::Fault,
    settings::SettingsError,
    trust,
};

/// Every way for a command to fail. `Display` is the detail, on one line.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The API refused, failed, or was not reached.
    #[error("{source}")]
    Client {
        source: ClientError,
        /// What the command knows to do about it.
        hint: Option<String>,
    },
    /// Address or credentials can't be used.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// Address or credentials are not there.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The words of `run` do not fit together.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The person said no.
    #[error("nothing was deleted")]
    Declined,
    /// A job that is to be waited for is not of the kind that ends.
    #[error("`{name}` is a {job_type} job, which has no end to wait for")]
    NeverEnds {
        name: String,
        /// The API's word for its kind.
        job_type: String,
    },
    /// A file of jobs can't be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file of jobs is not one.
    #[error("`{file}`, {fault}")]
    JobsFile { file: String, fault: Fault },
    /// A job that is to be taken from a file is not in it.
    #[error("there is no job `{name}` in `{file}`")]
    NotInFile {
        file: String,
        name: String,
        /// The nearest that there is.
        hint: Option<String>,
    },
    /// A file can't be written.
    #[error("`{}` can't be written: {source}", file.display())]
    Unwritten { file: PathBuf, source: io::Error },
    /// What the API answers is not JSON.
    #[error("`--json` is not for {what}: what a job writes is a text")]
    NoJson {
        /// What was asked for.
        what: &'static str,
    },
    /// Standard output is full or gone bad.
    #[error("{}standard output can't be written: {source}", but(done.as_deref()))]
    Output {
        source: io::Error,
        /// What should have been told there, when it can't be had again by asking again.
        done: Option<String>,
    },
    /// The system does not let the command work at all.
    #[error("the command can't start: {0}")]
    Runtime(#[source] io::Error),
}

impl Error {
    /// The same, after this was done. Only what could not be written is told of.
    pub(crate) fn after(mut self, done: impl FnOnce() -> String) -> Self {
        if let Self::Output { done: unwritten, .. } = &mut self {
            *unwritten = Some(done());
        }
        self
    }

    /// What to do next, when there is something to do.
    pub(crate) fn hint(&self) -> Option<&str> {
        match self {
            Self::Client { hint: Some(hint), .. } => Some(hint),
            Self::Client { source: ClientError::Untrusted { source, .. }, .. } => {
                trust::distrust(source)?.hint
            }
            Self::Settings(error) => error.hint(),
            Self::Form(error) => error.hint(),
            Self::JobsFile { fault, .. } => fault.hint.as_deref(),
            Self::NotInFile { hint, .. } => hint.as_deref(),
            Self::Client { .. }
            | Self::Setup(_)
            | Self::Declined
            | Self::NeverEnds { .. }
            | Self::File(_)
            | Self::Unwritten { .. }
            | Self::NoJson { .. }
            | Self::Output { .. }
            | Self::Runtime(_) => None,
        }
    }

    /// The id under which the server's log has it.
    pub(crate) fn request_id(&self) -> Option<&str> {
        match self {
            Self::Client { source, .. } => source.request_id(),
            Self::Setup(_)
            | Self::Settings(_)
            | Self::Form(_)
            | Self::Declined
            | Self::NeverEnds { .. }
            | Self::File(_)
            | Self::JobsFile { .. }
            | Self::NotInFile { .. }
            | Self::Unwritten { .. }
            | Self::NoJson { .. }
            | Self::Output { .. }
            | Self::Runtime(_) => None,
        }
    }
}

impl From<ClientError> for Error {
    fn from(source: ClientError) -> Self {
        Self::Client { source, hint: None }
    }
}

fn but(done: Option<&str>) -> String {
    done.map(|done| format!("{done}, but ")).unwrap_or_default()
}
