//! Exit codes: what a script learns from the command.

use std::process::ExitCode;

use tjf_api_types::StatusView;

use crate::{client::ClientError, error::Error};

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Done,
    /// The request was refused, by the service or by the person who was asked.
    Refused,
    /// The words or the settings are wrong; nothing was sent.
    Usage,
    /// A dry run found something to do.
    Differs,
    /// The service could not be reached, or failed.
    Failed,
    /// The job that was waited for ended with this code.
    Job(u8),
    /// The wait's time ran out; the job goes on.
    TimeUp,
    /// How the job ended is not known.
    Unknown,
    /// Ctrl-C ended the wait; the job goes on.
    Interrupted,
}

impl Exit {
    /// The number. 124 is that of `timeout`, 130 that of a shell for Ctrl-C.
    fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Refused => 1,
            Self::Usage | Self::Differs => 2,
            Self::Failed => 3,
            Self::Job(code) => code,
            Self::TimeUp => 124,
            Self::Unknown => 125,
            Self::Interrupted => 130,
        }
    }

    /// Of two, the one with the higher code.
    pub(crate) fn or_higher(self, other: Self) -> Self {
        if other.code() > self.code() { other } else { self }
    }

    /// How a job's failure is passed on. A job that failed without a code, or with one that says
    /// that it did not, is 1: a failure must never look like success.
    pub(crate) fn of_failed_job(status: &StatusView) -> Self {
        let code = status.exit_code.or(status.signal.map(|signal| signal.saturating_add(128)));
        match code.and_then(|code| u8::try_from(code).ok()) {
            Some(0) | None => Self::Job(1),
            Some(code) => Self::Job(code),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Client { source, .. } => source.into(),
            Error::Setup(_) | Error::Settings(_) | Error::Form(_) | Error::NoJson { .. } => {
                Self::Usage
            }
            // A file that is no good is 1, so that the 2 of a dry run says one thing.
            Error::Declined
            | Error::NeverEnds { .. }
            | Error::File(_)
            | Error::JobsFile { .. }
            | Error::NotInFile { .. } => Self::Refused,
            Error::Unwritten { .. } | Error::Output { .. } | Error::Runtime(_) => Self::Failed,
        }
    }
}

impl From<&ClientError> for Exit {
    fn from(error: &ClientError) -> Self {
        match error {
            ClientError::Refused(refusal) if refusal.is_callers_fault() => Self::Refused,
            ClientError::Unwritable(_) => Self::Usage,
            ClientError::Refused(_)
            | ClientError::Unreachable { .. }
            | ClientError::Untrusted { .. }
            | ClientError::Lost { .. }
            | ClientError::TimedOut { .. }
            | ClientError::Unreadable { .. }
            | ClientError::NotALog { .. }
            | ClientError::Unconfirmed(_) => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use tjf_api_types::Phase;

    use super::*;
    use crate::{args::run::FormError, client::Refusal, settings::SettingsError};

    fn answered(status: u16) -> ClientError {
        ClientError::Refused(Box::new(Refusal {
            status,
            slug: None,
            detail: "no".to_owned(),
            field: None,
            request_id: None,
            retry_after_s: None,
        }))
    }

    #[test]
    fn every_error_has_its_code() {
        let timed_out = || ClientError::TimedOut { server: "x".to_owned(), after_s: 60 };
        let unreachable = || ClientError::Unreachable {
            server: "x".to_owned(),
            source: io::ErrorKind::ConnectionRefused.into(),
        };
        for (error, code) in [
            (answered(400).into(), 1),
            (answered(401).into(), 1),
            (answered(403).into(), 1),
            (answered(404).into(), 1),
            (answered(409).into(), 1),
            (answered(301).into(), 3),
            (answered(500).into(), 3),
            (answered(503).into(), 3),
            (answered(504).into(), 3),
            (timed_out().into(), 3),
            (unreachable().into(), 3),
            (ClientError::Unconfirmed(Box::new(timed_out())).into(), 3),
            (Error::Form(FormError::NoCommand), 2),
            (Error::Settings(SettingsError::NoServer), 2),
            (Error::Declined, 1),
            (Error::NeverEnds { name: "bot".to_owned(), job_type: "scheduled".to_owned() }, 1),
            (Error::Output { source: io::ErrorKind::StorageFull.into(), done: None }, 3),
        ] {
            assert_eq!(Exit::from(&error).code(), code, "{error}");
        }
    }

    #[test]
    fn waiting_has_codes_of_its_own() {
        for (exit, code) in [
            (Exit::Done, 0),
            (Exit::TimeUp, 124),
            (Exit::Unknown, 125),
            (Exit::Interrupted, 130),
            (Exit::Job(42), 42),
        ] {
            assert_eq!(exit.code(), code, "{exit:?}");
        }
    }

    #[test]
    fn of_several_outcomes_the_highest_is_that_of_all() {
        for (codes, highest) in [
            (&[Exit::Job(3), Exit::Done][..], 3),
            (&[Exit::Done, Exit::TimeUp, Exit::Job(1)], 124),
            (&[Exit::Unknown, Exit::Job(137)], 137),
            (&[], 0),
        ] {
            let all = codes.iter().fold(Exit::Done, |all, one| all.or_higher(*one));
            assert_eq!(all.code(), highest, "{codes:?}");
        }
    }

    #[test]
    fn a_jobs_failure_is_passed_on_and_is_never_zero() {
        for (exit_code, signal, code) in [
            (Some(3), None, 3),
            (Some(255), None, 255),
            (Some(137), Some(9), 137),
            (None, Some(15), 143),
            (None, None, 1),
            (Some(0), None, 1),
            (Some(256), None, 1),
            (Some(-1), None, 1),
            (None, Some(i32::MAX), 1),
        ] {
            let phase = Phase::Failed.into();
            let status = StatusView { phase, exit_code, signal, ..StatusView::default() };
            let exit = Exit::of_failed_job(&status);
            assert_eq!(exit.code(), code, "{exit_code:?} {signal:?}");
        }
    }
}
