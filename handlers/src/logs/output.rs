//! From a job to its log files, and to the end of what it writes.

use std::time::Duration;

use futures_util::FutureExt;
use serde::Deserialize;
use tjf_api_types::{LOG_LENGTH, LOG_MODIFIED, LOG_POSITION, LogQuery, LogStream, ObjectName};
use tjf_runtime::{
    Written,
    files::{FileError, FilesOf},
};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    source::{File, LogFile},
    stream::{BrokenOff, Ended, Files, LOOK_TIME, Prefixed},
    tail::{Start, Tail},
};
use crate::{
    Context,
    cluster::{
        ClusterError,
        wait::{self, Glance},
    },
    error::Result,
    job::{command::NOWHERE, request::Invalid, time},
};

/// A followed log breaks off after this. Whoever goes on has to show again who it is.
const FOLLOW_TIME_MAX: Duration = Duration::from_secs(60 * 60);
/// How long an answer waits for its file, whose position is in its head. Proxies wait for a minute.
const FILE_TIME_MAX: Duration = Duration::from_secs(20);

/// Where a job's output goes: paths below the tool's home, or nowhere.
pub(crate) struct Output {
    files: FilesOf,
    stdout: Option<String>,
    stderr: Option<String>,
}

/// What has to be known of a job to find its files.
#[derive(Debug, Deserialize)]
struct Paths {
    filelog_stdout: Option<String>,
    filelog_stderr: Option<String>,
}

/// Files that are open, and where in them the answer begins.
pub(super) struct Begun {
    /// The files.
    pub(super) files: Files<LogFile>,
}

impl Output {
    /// That of a job of the caller's.
    ///
    /// # Errors
    /// When it keeps none, or a file outside the home.
    pub(crate) fn of(context: &Context, job: &Written) -> Result<Self> {
        let paths: Paths = serde_json::from_slice(job.json()).map_err(ClusterError::Unreadable)?;
        let Paths { filelog_stdout: Some(stdout), filelog_stderr: Some(stderr) } = paths else {
            let detail = "the job keeps no output: it was started with `filelog=false`";
            return Err(Invalid::new("filelog", detail).into());
        };
        let home = context.state.pod_settings.home_of(context.caller.name.tool());
        let below = |path: String| match path.strip_prefix(&home) {
            _ if path == NOWHERE => Ok(None),
            Some(below) if below.starts_with('/') => {
                Ok(Some(below.trim_start_matches('/').to_owned()))
            }
            _ => Err(FileError::Refused("it is not in the home")),
        };
        let files = context.state.files.of(&context.caller.name);
        Ok(Self { files, stdout: below(stdout)?, stderr: below(stderr)? })
    }

    /// The files of both streams; one that they share is there once.
    pub(crate) fn sources(&self) -> Vec<(LogStream, LogFile)> {
        let file = |stream, path: &Option<String>| {
            (stream, LogFile::new(self.files.clone(), path.clone()))
        };
        if self.stdout == self.stderr {
            return vec![file(LogStream::Both, &self.stdout)];
        }
        vec![file(LogStream::Stdout, &self.stdout), file(LogStream::Stderr, &self.stderr)]
    }

    /// Opens the files as they are.
    ///
    /// # Errors
    /// When one is not the tool's, or does not answer.
    pub(super) async fn begin(self, query: &LogQuery) -> Result<Begun> {
        let start = match (query.from, query.lines) {
            (Some(from), _) => Start::At(from),
            (None, Some(lines)) => Start::Lines(lines),
            (None, None) => Start::Beginning,
        };
        let tail = |path| Tail::new(LogFile::new(self.files.clone(), path));
        let mut files = match query.stream {
            LogStream::Stdout => Files::One(tail(self.stdout)),
            LogStream::Stderr => Files::One(tail(self.stderr)),
            LogStream::Both if self.stdout == self.stderr => Files::Uncounted(tail(self.stdout)),
            LogStream::Both => Files::by_line(self.sources(), Prefixed::default()),
        };
        files.begin(start).await?;
        Ok(Begun { files })
    }

    /// The same of a log that will be followed: the one file whose position is told is waited for.
    ///
    /// # Errors
    /// As of [`Output::begin`].
    pub(super) async fn begin_soon(
        self,
        query: &LogQuery,
        context: &Context,
        ended: &mut Ended,
    ) -> Result<Begun> {
        let mut begun = self.begin(query).await?;
        let until = Instant::now() + FILE_TIME_MAX;
        while let Files::One(tail) = &mut begun.files
            && tail.file().is_none()
            && Instant::now() < until
        {
            tokio::select! {
                _ = ended.clone() => break,
                () = context.stopping() => break,
                () = sleep(LOOK_TIME) => {}
            }
            tail.begin(Start::Beginning).await?;
        }
        Ok(begun)
    }
}

impl Begun {
    /// What the answer's head says of a single file.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let Files::One(tail) = &self.files else { return Vec::new() };
        let mut headers = vec![(LOG_POSITION, tail.position().to_string())];
        if let Some(file) = tail.file() {
            headers.push((LOG_LENGTH, file.length().to_string()));
            headers.push((LOG_MODIFIED, time::written(File::modified(file))));
        }
        headers
    }
}

/// When nothing more can come: this very job has ended, or is there no more.
///
/// # Errors
/// When the job was not written by us.
pub(crate) fn ended(context: Context, name: ObjectName, job: &Written) -> Result<Ended> {
    let job = Glance::of(job)?;
    let until = Instant::now() + FOLLOW_TIME_MAX;
    let ended = async move {
        tokio::select! {
            outcome = wait::until_over(&context, &name, &job) => outcome.map_err(BrokenOff::from),
            () = sleep_until(until) => Err(BrokenOff::TooLong),
        }
    };
    Ok(ended.boxed().shared())
}
