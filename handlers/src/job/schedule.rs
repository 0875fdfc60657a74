//! When a scheduled job runs: cron expressions and macros.
//!
//! Kubernetes reads a `CronJob`'s schedule with the standard parser of robfig/cron v3. This module
//! takes what that parser takes, so that a user hears of a mistake from us, in a sentence that says
//! what would be right, and not from Kubernetes. It is stricter where the parser takes what can't
//! have been meant: `@every` (counted from the start of a controller that we don't own), dates that
//! never come, and steps wider than their range.
//!
//! The macros (`@daily` and the like) are spread: each job gets a time of its own from a hash of
//! its tool and name, or everything would start at midnight.

mod field;
mod next;
mod zone;

use jiff::{Timestamp, civil, tz::TimeZone};
use thiserror::Error;

pub use self::zone::{TimeZoneError, time_zone};
use self::{
    field::{DAY_OF_MONTH, DAY_OF_WEEK, Field, FieldError, HOUR, MINUTE, MONTH},
    next::Search,
};

/// The macros, in the order in which they are suggested.
const MACROS: [&str; 7] =
    ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

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
    #[error("this macro is not known: write one of `{}`, or five fields", MACROS.join("`, `"))]
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
    /// Reads five fields or a macro. A macro becomes the same five fields for the same tool and
    /// job, for ever: the annotation of an object keeps the macro, and its times must not move at
    /// an upgrade.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`] for everything that Kubernetes would refuse, and for what can't have been
    /// meant.
    pub fn parse(text: &str, tool: &str, job: &str) -> Result<Self, ScheduleError> {
        let typed = text.trim();
        if typed.starts_with("TZ=") || typed.starts_with("CRON_TZ=") {
            return Err(ScheduleError::TimeZoneInside);
        }
        let actual = if typed.starts_with('@') {
            spread(typed, stable_hash(tool, job)).ok_or_else(|| unknown_macro(typed))?
        } else {
            typed.to_owned()
        };
        // Any white space separates fields there (Go's `strings.Fields`), a line feed too.
        let fields: Vec<_> = actual.split_whitespace().collect();
        let &[minute, hour, day_of_month, month, day_of_week] = fields.as_slice() else {
            return Err(ScheduleError::FieldCount { found: fields.len() });
        };
        let schedule = Self {
            typed: typed.to_owned(),
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

/// The five fields of a macro. Days end at 28, or February would be left out.
fn spread(name: &str, hash: u64) -> Option<String> {
    let (minute, rest) = (hash % 60, hash / 60);
    let (hour, rest) = (rest % 24, rest / 24);
    let (weekday, day) = (rest % 7, rest % 28 + 1);
    Some(match name {
        "@hourly" => format!("{minute} * * * *"),
        "@daily" | "@midnight" => format!("{minute} {hour} * * *"),
        "@weekly" => format!("{minute} {hour} * * {weekday}"),
        "@monthly" => format!("{minute} {hour} {day} * *"),
        "@yearly" | "@annually" => format!("{minute} {hour} {day} 1 *"),
        _ => return None,
    })
}

fn unknown_macro(typed: &str) -> ScheduleError {
    match typed.split_whitespace().next() {
        Some("@every") => ScheduleError::Every,
        Some("@reboot") => ScheduleError::Reboot,
        _ => match MACROS.into_iter().find(|name| name.eq_ignore_ascii_case(typed)) {
            Some(meant) => ScheduleError::MacroCase { typed: typed.to_owned(), meant },
            None => ScheduleError::UnknownMacro,
        },
    }
}

/// FNV-1a with 64 bits over two texts. It is written down here, and its values in a test, because
/// the standard library's hasher may change with any release.
pub(crate) fn stable_hash(tool: &str, job: &str) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    // Neither has a byte 0: between the two it keeps `ab`, `c` apart from `a`, `bc`.
    let bytes = tool.bytes().chain([0]).chain(job.bytes());
    bytes.fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests;
