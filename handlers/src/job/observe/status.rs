//! What is known of a job, before it is put into words.

use jiff::Timestamp;
use tjf_api_types::{ClockChangeView, ClockEffect, LastRunView, Phase, StatusView};

use crate::job::{
    schedule::{ClockChange, Effect},
    time,
};

/// Why a job waits, failed, or runs otherwise than it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// One word, where there is one.
    pub reason: Option<String>,
    /// For people: a clause without a full stop.
    pub message: String,
}

impl Cause {
    pub(super) fn new(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), message: message.into() }
    }
}

/// How one run ended. It refers to none of the objects that it was read from, so it can be kept when
/// they have gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Whether it ended well.
    pub is_success: bool,
    /// Why it did not.
    pub cause: Option<Cause>,
    /// When it began; absent when it never did.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The exit code of the job's own program.
    pub exit_code: Option<i32>,
    /// The signal that ended the program.
    pub signal: Option<i32>,
    /// Whether the program outgrew its memory.
    pub oom_killed: Option<bool>,
}

impl Outcome {
    fn phase(&self) -> Phase {
        if self.is_success { Phase::Succeeded } else { Phase::Failed }
    }
}

/// What a job does at present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Present {
    /// Waits: to start, for room, for an image, to be tried again.
    Waiting {
        /// For what, if that is known.
        cause: Option<Cause>,
        /// How its last try ended, when there will be another.
        last_try: Option<Outcome>,
    },
    /// Waits for its schedule, with nothing to tell but when that is.
    AwaitsSchedule,
    /// A program of it runs.
    Running {
        /// Since when.
        since: Option<Timestamp>,
        /// What is wrong all the same.
        cause: Option<Cause>,
    },
    /// Nobody can say: its node does not answer.
    Lost {
        /// Since when a program of it ran.
        since: Option<Timestamp>,
        /// What is known.
        cause: Cause,
    },
    /// Nothing more will happen.
    Ended(Outcome),
}

impl Present {
    /// It will start, as far as anybody knows.
    pub(super) const STARTING: Self = Self::Waiting { cause: None, last_try: None };

    pub(super) fn waiting(cause: Cause) -> Self {
        Self::Waiting { cause: Some(cause), last_try: None }
    }

    /// Where the job is in its life.
    pub fn phase(&self) -> Phase {
        match self {
            Self::Waiting { .. } | Self::AwaitsSchedule => Phase::Pending,
            Self::Running { .. } => Phase::Running,
            Self::Lost { .. } => Phase::Unknown,
            Self::Ended(outcome) => outcome.phase(),
        }
    }

    /// Why it waits, failed, or runs otherwise than it should.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Waiting { cause, .. } | Self::Running { cause, .. } => cause.as_ref(),
            Self::AwaitsSchedule => None,
            Self::Lost { cause, .. } => Some(cause),
            Self::Ended(outcome) => outcome.cause.as_ref(),
        }
    }

    /// The run that ended last, of those that this tells of.
    fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Waiting { last_try, .. } => last_try.as_ref(),
            Self::Ended(outcome) => Some(outcome),
            Self::AwaitsSchedule | Self::Running { .. } | Self::Lost { .. } => None,
        }
    }

    /// When what runs began, or what ended.
    pub(super) fn started_at(&self) -> Option<Timestamp> {
        match self {
            Self::Running { since, .. } | Self::Lost { since, .. } => *since,
            Self::Waiting { .. } | Self::AwaitsSchedule | Self::Ended(_) => {
                self.outcome().and_then(|outcome| outcome.started_at)
            }
        }
    }
}

/// What only a scheduled job has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ticks {
    /// When it last came due.
    pub last: Option<Timestamp>,
    /// When it comes due the next times, as many as are told.
    pub next: Vec<Timestamp>,
    /// The next change of the clocks that skips or doubles a run.
    pub clock_change: Option<ClockChange>,
    /// How its last run ended.
    pub last_run: Option<Outcome>,
}

/// What is known of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it does at present.
    pub present: Present,
    /// What else people should know, each a clause without a full stop.
    pub notes: Vec<String>,
    /// How often a continuous job's program was started anew.
    pub restarts: Option<i64>,
    /// How often a one-off was tried.
    pub attempts: Option<i64>,
    /// When a scheduled job comes due.
    pub ticks: Ticks,
    /// Since when it is being deleted.
    pub deleting_since: Option<Timestamp>,
}

impl Status {
    pub(super) fn of(present: Present) -> Self {
        Self {
            present,
            notes: Vec::new(),
            restarts: None,
            attempts: None,
            ticks: Ticks::default(),
            deleting_since: None,
        }
    }

    /// More than the phase and the reason say, for people.
    pub(super) fn message(&self) -> Option<String> {
        let cause =
            self.present.cause().map(|cause| cause.message.trim_end_matches('.').to_owned());
        let deletion = self
            .deleting_since
            .map(|since| format!("it is being deleted, since {}", time::written(since)));
        let clauses: Vec<_> =
            cause.into_iter().chain(self.notes.iter().cloned()).chain(deletion).collect();
        (!clauses.is_empty()).then(|| clauses.join("; "))
    }

    pub(super) fn view(&self) -> StatusView {
        let outcome = self.present.outcome();
        let time = |at: Option<Timestamp>| at.map(time::written);
        StatusView {
            phase: self.present.phase().into(),
            reason: self.present.cause().and_then(|cause| cause.reason.clone()),
            message: self.message(),
            started_at: time(self.present.started_at()),
            finished_at: time(outcome.and_then(|outcome| outcome.finished_at)),
            exit_code: outcome.and_then(|outcome| outcome.exit_code),
            signal: outcome.and_then(|outcome| outcome.signal),
            oom_killed: outcome.and_then(|outcome| outcome.oom_killed),
            restarts: self.restarts,
            attempts: self.attempts,
            last_scheduled_at: time(self.ticks.last),
            next_scheduled_at: time(self.ticks.next.first().copied()),
            next_times: self.ticks.next.iter().copied().map(time::written).collect(),
            clock_change: self.ticks.clock_change.map(clock_change),
            last_run: self.ticks.last_run.as_ref().map(|run| LastRunView {
                phase: run.phase().into(),
                started_at: time(run.started_at),
                finished_at: time(run.finished_at),
                exit_code: run.exit_code,
                reason: run.cause.as_ref().and_then(|cause| cause.reason.clone()),
            }),
        }
    }
}

fn clock_change(change: ClockChange) -> ClockChangeView {
    let effect = match change.effect {
        Effect::Skipped => ClockEffect::Skipped,
        Effect::Doubled => ClockEffect::Doubled,
    };
    ClockChangeView {
        at: time::written(change.at),
        effect: effect.into(),
        local_time: time::on_the_wall(change.local),
    }
}
