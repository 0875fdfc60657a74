//! The next time of a schedule, searched for as Kubernetes does it.
//!
//! Kubernetes starts a job when `SpecSchedule.Next` of robfig/cron v3.0.1 (`spec.go`) says so. Far
//! from a change of the clocks that is the first minute that matches. Near one it often is not, and
//! users have to be told when their job really starts, so the search is the same here, step by
//! step: a clock is put forward by months, then days, hours and minutes, each until it matches.
//! The first time that it is put forward, all that is smaller begins anew, at midnight or at the
//! full hour; later steps take it for granted that it still does. Whenever a field runs over, all
//! fields are looked at again. Three things follow from this:
//!
//! - A new day is recognised by its hour 0. When midnight is skipped, the hours run on into that
//!   day, and it is not looked at: Saturday's job at 12:00 runs on such a Sunday at 12:00 too.
//! - The day after is the same time of day, one day later, which at midnight may be skipped. Go
//!   then gives a time on one side of the gap, and the search repairs this by whole hours. East of
//!   Greenwich it arrives at 23:00 of the day before, and from there at the day after: a job that
//!   is only for this day is lost.
//! - An hour later may be a half hour, where clocks change by half an hour. Until the minutes run
//!   over, those before the half are passed by: on both days of a change in Lord Howe, the jobs of
//!   later hours that have such a minute are lost.

use jiff::{
    SignedDuration, Timestamp, civil,
    tz::{Offset, TimeZone},
};

use super::Schedule;

/// After how many years without a match robfig/cron, and so Kubernetes, gives up.
const YEARS_AHEAD_MAX: i16 = 5;

/// A search under way: a clock in a zone, which is put forward until it shows what matches.
pub(super) struct Search<'a> {
    schedule: &'a Schedule,
    zone: &'a TimeZone,
    at: Timestamp,
    local: civil::DateTime,
    /// Whether what is smaller than the first field without a match has begun anew.
    is_aligned: bool,
}

impl<'a> Search<'a> {
    /// A search that begins at the next full second.
    pub(super) fn new(schedule: &'a Schedule, zone: &'a TimeZone, now: Timestamp) -> Option<Self> {
        let second = now.as_nanosecond().div_euclid(1_000_000_000).checked_add(1)?;
        let at = Timestamp::from_second(i64::try_from(second).ok()?).ok()?;
        Some(Self { schedule, zone, at, local: zone.to_datetime(at), is_aligned: false })
    }

    /// The time that is found, or `None` when there is none in the next years.
    pub(super) fn run(mut self) -> Option<Timestamp> {
        let year_max = self.local.year().saturating_add(YEARS_AHEAD_MAX);
        while self.local.year() <= year_max {
            let has_run_over = self.advance_month()?
                || self.advance_day()?
                || self.advance_hour()?
                || self.advance_minute()?
                || self.advance_second()?;
            if !has_run_over {
                return Some(self.at);
            }
        }
        None
    }

    /// Goes to the next month that matches. True, here and below, when a larger field changed, so
    /// that all have to be looked at again.
    fn advance_month(&mut self) -> Option<bool> {
        while !self.schedule.month.has(self.local.month()) {
            let first = self.local.date().first_of_month();
            self.align(first.to_datetime(civil::Time::MIN))?;
            self.set(a_month_later(self.local)?)?;
            if self.local.month() == 1 {
                return Some(true);
            }
        }
        Some(false)
    }

    fn advance_day(&mut self) -> Option<bool> {
        while !self.schedule.has_day(self.local.date()) {
            self.align(self.local.date().to_datetime(civil::Time::MIN))?;
            let before = self.at;
            self.set(self.local.date().tomorrow().ok()?.to_datetime(self.local.time()))?;
            // The clocks skip midnight here, or it is the day after they did.
            match i64::from(self.local.hour()) {
                0 => {}
                hour @ ..=12 => self.forward(SignedDuration::from_hours(-hour))?,
                hour => self.forward(SignedDuration::from_hours(24 - hour))?,
            }
            // A zone that skipped a whole day, as Samoa did in 2011, would hold the search for ever.
            if self.at <= before {
                return None;
            }
            if self.local.day() == 1 {
                return Some(true);
            }
        }
        Some(false)
    }

    fn advance_hour(&mut self) -> Option<bool> {
        while !self.schedule.hour.has(self.local.hour()) {
            self.align(self.local.date().at(self.local.hour(), 0, 0, 0))?;
            let left = self.schedule.hour.distance(self.local.hour(), 24);
            self.forward_evenly(left, SignedDuration::from_hours(1))?;
            if self.local.hour() == 0 {
                return Some(true);
            }
        }
        Some(false)
    }

    fn advance_minute(&mut self) -> Option<bool> {
        while !self.schedule.minute.has(self.local.minute()) {
            // Not on the clock as above, which may take one of two equal hours for the other.
            if !self.is_aligned {
                self.is_aligned = true;
                let second = self.at.as_second().rem_euclid(60);
                self.forward(SignedDuration::from_secs(-second))?;
            }
            let left = self.schedule.minute.distance(self.local.minute(), 60);
            self.forward_evenly(left, SignedDuration::from_mins(1))?;
            if self.local.minute() == 0 {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The second 0 is the only one that matches.
    fn advance_second(&mut self) -> Option<bool> {
        let second = i64::from(self.local.second());
        if second == 0 {
            return Some(false);
        }
        self.is_aligned = true;
        self.forward(SignedDuration::from_secs(60 - second))?;
        Some(true)
    }

    /// Sets the clock back to where a field began, the first time.
    fn align(&mut self, start: civil::DateTime) -> Option<()> {
        if self.is_aligned {
            return Some(());
        }
        self.is_aligned = true;
        self.set(start)
    }

    fn set(&mut self, local: civil::DateTime) -> Option<()> {
        self.at = instant(local, self.zone)?;
        self.local = self.zone.to_datetime(self.at);
        Some(())
    }

    fn forward(&mut self, by: SignedDuration) -> Option<()> {
        self.at = self.at.checked_add(by).ok()?;
        self.local = self.zone.to_datetime(self.at);
        Some(())
    }

    /// Puts the clock forward by several units at once, or by one when it changes in between. No
    /// zone's clocks change twice in a day.
    fn forward_evenly(&mut self, units: i32, unit: SignedDuration) -> Option<()> {
        let many = unit.checked_mul(units)?;
        let there = self.at.checked_add(many).ok()?;
        let is_even = self.zone.to_offset(self.at) == self.zone.to_offset(there);
        self.forward(if is_even { many } else { unit })
    }
}

/// When a clock shows a local time, as Go's `time.Date` sees it. It leaves open what becomes of a
/// time that is skipped or doubled; what it does is to look the offset up twice, the first time as
/// if the local time were UTC.
fn instant(local: civil::DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let guess = zone.to_offset(Offset::UTC.to_timestamp(local).ok()?);
    let offset = zone.to_offset(guess.to_timestamp(local).ok()?);
    offset.to_timestamp(local).ok()
}

/// The same day and time of the next month. A day that this month lacks runs over into the one
/// after, as in Go's `AddDate`.
fn a_month_later(local: civil::DateTime) -> Option<civil::DateTime> {
    let first = local.date().last_of_month().tomorrow().ok()?;
    let days = i64::from(local.day() - 1);
    let date = first.checked_add(SignedDuration::from_hours(24 * days)).ok()?;
    Some(date.to_datetime(local.time()))
}
