//! When a scheduled job runs: cron expressions and macros.
//!
//! Kubernetes reads a `CronJob`'s schedule with the standard parser of robfig/cron v3. This module
//! takes what that parser takes, so that a user hears of a mistake from us, in a sentence that says
//! what would be right, and not from Kubernetes. It is stricter where the parser takes what can't
//! have been meant: `@every` (counted from the start of a controller that we don't own), dates that
//! never come, and steps wider than their range.
//!
//! The macros (`@daily` and the like) are spread: each job gets a time of its own from a hash of
//! its tool and name, or everything would start at midnight. No change of the clocks skips it or
//! doubles it.

mod changes;
mod field;
mod next;
mod spread;
mod zone;

use jiff::{Timestamp, civil, tz::TimeZone};
use thiserror::Error;

pub use self::changes::{ClockChange, Effect};
pub(crate) use self::spread::stable_hash;
pub use self::zone::{TimeZoneError, time_zone};
use self::{
    field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, FieldError, HOUR, MINUTE, MONTH},
    next::Search,
    spread::Macro,
};

/// The most days that each month has.
const MONTH_LENGTHS_MAX: [u8; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// Why a text is not a schedule. `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// Something else than five fields.
    #[error(
        "a schedule has 5 fields (minute, hour, day of the month, month, day of the week), \
         not {found}: `0 4 * * *` is every day at 4:00"
    )]
    FieldCount {
        /// How many there are.
        found: usize,
    },
    /// One of the fields is wrong.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The time zone is in the schedule.
    #[error("a schedule must not begin with `TZ=` or `CRON_TZ=`: use the field `timezone`")]
    TimeZoneInside,
    /// `@every`, which other programs know.
    #[error("`@every` is not taken: write `*/15 * * * *` for every 15 minutes, or `@hourly`")]
    Every,
    /// `@reboot`, which other programs know.
    #[error("`@reboot` is not taken, since there is nothing to boot: a continuous job always runs")]
    Reboot,
    /// A macro in upper case.
    #[error("`{typed}` is not known: write `{meant}`")]
    MacroCase {
        /// What was typed.
        typed: String,
        /// The macro of that name.
        meant: &'static str,
    },
    /// Another word that begins with `@`.
    #[error("this macro is not known: write one of `{}`, or five fields", spread::NAMES.join("`, `"))]
    UnknownMacro,
    /// No month that is asked for has such a day.
    #[error("the schedule never comes: no month that it names has such a day")]
    Never,
}

/// A schedule that Kubernetes takes and that comes some day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    typed: String,
    actual: String,
    minute: Field,
    hour: Field,
    day_of_month: Field,
    month: Field,
    day_of_week: Field,
}

impl Schedule {
    /// Reads what a user typed: five fields, or a macro, which becomes five fields.
    ///
    /// They are the same for the same tool, job and zone, as long as nobody changes when the zone's
    /// clocks change. A job that is there keeps those that it was made with.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] for everything that Kubernetes would refuse, and for what can't have been
    /// meant.
    pub fn parse(
        text: &str,
        tool: &str,
        job: &str,
        zone: &TimeZone,
    ) -> Result<Self, ScheduleError> {
        let typed = text.trim();
        match read_macro(typed)? {
            Some(name) => Ok(Self { typed: typed.to_owned(), ..name.spread(tool, job, zone)? }),
            None => Self::from_fields(typed),
        }
    }

    /// Reads what a `CronJob` has. A macro there was not ours, and means to everybody what
    /// Kubernetes takes it for: `@daily` is midnight.
    ///
    /// # Errors
    ///
    /// As of [`Schedule::parse`].
    pub fn parse_stored(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let fields = match read_macro(text)? {
            Some(name) => name.kubernetes_fields(),
            None => text,
        };
        Self::from_fields(fields)
    }

    fn from_fields(text: &str) -> Result<Self, ScheduleError> {
        // Any white space separates fields there (Go's `strings.Fields`), a line feed too.
        let fields: Vec<_> = text.split_whitespace().collect();
        let &[minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else {
            return Err(ScheduleError::FieldCount { found: fields.len() });
        };
        let schedule = Self {
            typed: text.to_owned(),
            actual: fields.join(" "),
            minute: Field::parse(minute, &MINUTE)?,
            hour: Field::parse(hour, &HOUR)?,
            day_of_month: Field::parse(day_of_month, &DAY_OF_MONTH)?,
            month: Field::parse(month, &MONTH)?,
            day_of_week: Field::parse(day_of_week, &DAY_OF_WEEK)?,
        };
        if schedule.comes() { Ok(schedule) } else { Err(ScheduleError::Never) }
    }

    /// What the user typed, without white space around it.
    pub fn as_typed(&self) -> &str {
        &self.typed
    }

    /// The five fields to send to Kubernetes, with one blank between them.
    pub fn actual(&self) -> &str {
        &self.actual
    }

    /// The next time after `now` at which Kubernetes starts the job, to the minute, or `None` when
    /// there is none in the next five years (29 February around the year 2100).
    ///
    /// It is robfig/cron's answer, also where that is not the first minute that matches: see the
    /// module `next`. In an hour that clocks repeat, robfig/cron may even give a time that has
    /// passed. Kubernetes' CronJob controller starts nothing then, and asks again from there. Where
    /// it is sent back time and again (`*/15 3 * * *` in Pacific/Chatham, on the first Sunday of
    /// April) it never comes further, so that there is no next time.
    pub fn next_after(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let search = |from| Search::new(self, zone, from)?.run();
        let mut at = search(now)?;
        while at <= now {
            at = search(at).filter(|next| *next > at)?;
        }
        Some(at)
    }

    fn has_date(&self, date: civil::Date) -> bool {
        self.month.has(date.month()) && self.has_day(date)
    }

    /// A day matches when its number *or* its weekday does, but when either field has a `*` or `?`
    /// then both have to: the rule of cron(8) since Version 7, and of robfig/cron's `dayMatches`.
    fn has_day(&self, date: civil::Date) -> bool {
        let by_number = self.day_of_month.has(date.day());
        let by_weekday = self.day_of_week.has(date.weekday().to_sunday_zero_offset());
        if self.either_day_is_enough() { by_number || by_weekday } else { by_number && by_weekday }
    }

    fn either_day_is_enough(&self) -> bool {
        !self.day_of_month.has_star() && !self.day_of_week.has_star()
    }

    /// Whether there is a date that matches. A weekday comes in every month, and every date falls
    /// on each weekday in some year, so only a month that is too short can be in the way.
    fn comes(&self) -> bool {
        let has_date =
            |(month, length): (i8, u8)| self.month.has(month) && self.day_of_month.min() <= length;
        self.either_day_is_enough() || (1..).zip(MONTH_LENGTHS_MAX).any(has_date)
    }
}

/// The macro that a text is, or `None` for five fields.
fn read_macro(text: &str) -> Result<Option<Macro>, ScheduleError> {
    if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
        return Err(ScheduleError::TimeZoneInside);
    }
    if !text.starts_with('@') {
        return Ok(None);
    }
    Macro::from_name(text).map(Some).ok_or_else(|| unknown_macro(text))
}

fn unknown_macro(typed: &str) -> ScheduleError {
    match typed.split_whitespace().next() {
        Some("@every") => ScheduleError::Every,
        Some("@reboot") => ScheduleError::Reboot,
        _ => match spread::NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(typed)) {
            Some(meant) => ScheduleError::MacroCase { typed: typed.to_owned(), meant },
            None => ScheduleError::UnknownMacro,
        },
    }
}

#[cfg(test)]
mod tests;
