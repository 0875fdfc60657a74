//! The macros, and the time that each job gets of its own.
//!
//! To Kubernetes `@daily` is midnight for everybody. Here a hash of tool and job chooses the time,
//! and since we choose it, it has to be a good one: where clocks change, a time that is skipped, or
//! doubled, or lost in the search of robfig/cron (see [`next`](super::next)), is chosen again.

use std::iter;

use jiff::{
    Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use super::{Schedule, ScheduleError};

/// The macros, in the order in which they are suggested.
pub(super) const NAMES: [&str; 7] =
    ["@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"];

/// The years whose changes of the clocks are looked at, the last one not included. After 28 years
/// every date has been on every weekday. They are fixed, and do not begin at the present, so that a
/// job gets the same time whenever it is made.
const YEARS: [i16; 2] = [2026, 2054];

/// How often a time is chosen. Half of them are good in Lord Howe, which is the worst zone.
const CHOICES_MAX: u8 = 100;

/// A word that stands for five fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Macro {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl Macro {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "@hourly" => Self::Hourly,
            "@daily" | "@midnight" => Self::Daily,
            "@weekly" => Self::Weekly,
            "@monthly" => Self::Monthly,
            "@yearly" | "@annually" => Self::Yearly,
            _ => return None,
        })
    }

    /// What Kubernetes takes it for.
    pub(super) fn kubernetes_fields(self) -> &'static str {
        match self {
            Self::Hourly => "0 * * * *",
            Self::Daily => "0 0 * * *",
            Self::Weekly => "0 0 * * 0",
            Self::Monthly => "0 0 1 * *",
            Self::Yearly => "0 0 1 1 *",
        }
    }

    /// The time of a job: the same for the same tool, job and zone, as long as nobody changes the
    /// zone's clocks.
    ///
    /// Each date that the macro means comes exactly once, in all the [`YEARS`]. `@hourly` stays as
    /// it is. Where clocks change by a full hour it comes every 60 minutes on those days too. Where
    /// they change by a half, only in Lord Howe, no minute is better than another: one before the
    /// half comes once less in spring, and one after it once more in autumn.
    pub(super) fn spread(
        self,
        tool: &str,
        job: &str,
        zone: &TimeZone,
    ) -> Result<Schedule, ScheduleError> {
        let first = stable_hash(tool, job);
        let others = (1..CHOICES_MAX).map(|choice| hash_on(first, [0, choice]));
        for hash in iter::once(first).chain(others) {
            let schedule = Schedule::from_fields(&self.fields(hash))?;
            if self == Self::Hourly || comes_once_a_date(&schedule, zone) {
                return Ok(schedule);
            }
        }
        Schedule::from_fields(&self.fields(first))
    }

    /// Days end at 28, or February would be left out.
    fn fields(self, hash: u64) -> String {
        let (minute, rest) = (hash % 60, hash / 60);
        let (hour, rest) = (rest % 24, rest / 24);
        let (weekday, day) = (rest % 7, rest % 28 + 1);
        match self {
            Self::Hourly => format!("{minute} * * * *"),
            Self::Daily => format!("{minute} {hour} * * *"),
            Self::Weekly => format!("{minute} {hour} * * {weekday}"),
            Self::Monthly => format!("{minute} {hour} {day} * *"),
            Self::Yearly => format!("{minute} {hour} {day} 1 *"),
        }
    }
}

/// Whether each date comes exactly once, although the zone's clocks change.
fn comes_once_a_date(schedule: &Schedule, zone: &TimeZone) -> bool {
    let [start, end] =
        YEARS.map(|year| Offset::UTC.to_timestamp(Date::constant(year, 1, 1).at(0, 0, 0, 0)));
    let (Ok(start), Ok(end)) = (start, end) else { return true };
    let changes = zone.following(start).map(|change| change.timestamp());
    changes.take_while(|change| *change < end).all(|change| is_passed_well(schedule, zone, change))
}

/// Follows a schedule from its last date before a change of the clocks to the first one after it.
/// Near is what is at most a day away: a day before a change, a search can be led astray already.
fn is_passed_well(schedule: &Schedule, zone: &TimeZone, change: Timestamp) -> bool {
    let day = zone.to_datetime(change).date();
    let comes = |date: &Date| schedule.has_date(*date);
    let mut earlier = iter::successors(Some(day), |date| date.yesterday().ok()).skip(2);
    let Some(before) = earlier.find(comes) else { return false };
    let Some(mut at) = moment(schedule, before, zone) else { return false };
    let Ok(day_after) = day.tomorrow() else { return false };
    let later = iter::successors(before.tomorrow().ok(), |date| date.tomorrow().ok());
    for date in later.filter(comes) {
        let expected = moment(schedule, date, zone);
        match schedule.next_after(at, zone) {
            Some(next) if expected == Some(next) => at = next,
            _ => return false,
        }
        if date > day_after {
            return true;
        }
    }
    false
}

/// When the one time of a date is, if clocks neither skip nor repeat it.
fn moment(schedule: &Schedule, date: Date, zone: &TimeZone) -> Option<Timestamp> {
    let hour = i8::try_from(schedule.hour.min()).ok()?;
    let minute = i8::try_from(schedule.minute.min()).ok()?;
    zone.to_ambiguous_timestamp(date.at(hour, minute, 0, 0)).unambiguous().ok()
}

/// FNV-1a with 64 bits over two texts. It is written down here, and its values in a test, because
/// the standard library's hasher may change with any release.
pub(crate) fn stable_hash(tool: &str, job: &str) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    // Neither has a byte 0: between the two it keeps `ab`, `c` apart from `a`, `bc`.
    hash_on(OFFSET_BASIS, tool.bytes().chain([0]).chain(job.bytes()))
}

fn hash_on(hash: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.into_iter().fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}
