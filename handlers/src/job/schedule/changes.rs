//! What a change of the clocks does to a schedule: a run that a person expects is skipped, or comes
//! twice.
//!
//! Kubernetes' own search tells what really happens around a change (see the module `next`), and
//! that is compared with what the clock on the wall shows. A job that runs in every hour is not told
//! of the hour that is missing or repeated: it goes on as if nothing had happened.

use jiff::{
    SignedDuration, Span, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::Schedule;

/// How far ahead is looked: further than from any change to the one of the next year.
const AHEAD_MAX: SignedDuration = SignedDuration::from_hours(400 * 24);
/// The search begins at a run before a change, so that it arrives there as it does in Kubernetes. Runs
/// are looked for so many days before, and then twice as many each time.
const DAYS_BEFORE_MIN: i64 = 2;
const DAYS_BEFORE_MAX: i64 = 512;
/// More runs than there are in the days that are looked at.
const RUNS_MAX: usize = 20_000;

/// What a change of the clocks does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockChange {
    /// When the clocks change.
    pub at: Timestamp,
    /// What becomes of a run.
    pub effect: Effect,
    /// When that run is due, by the clock on the wall.
    pub local: DateTime,
}

/// What becomes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It does not come.
    Skipped,
    /// It comes once more than it should.
    Doubled,
}

/// One change of the clocks.
#[derive(Clone, Copy)]
struct Change {
    at: Timestamp,
    /// What the clock would show at that moment if it had not been changed.
    before: DateTime,
    /// What it shows.
    after: DateTime,
}

impl Schedule {
    /// The next change of the clocks, within a year and a month, that skips or doubles a run.
    pub fn next_clock_change(&self, now: Timestamp, zone: &TimeZone) -> Option<ClockChange> {
        if self.goes_by_minutes() {
            return None;
        }
        let end = now.checked_add(AHEAD_MAX).ok()?;
        changes(now, zone).take_while(|change| change.at <= end).find_map(|change| {
            let (effect, local) = self.effect_of(change, zone)?;
            Some(ClockChange { at: change.at, effect, local })
        })
    }

    /// Whether it runs in each hour of each day. Kubernetes goes from minute to minute then, and no
    /// change is in its way.
    fn goes_by_minutes(&self) -> bool {
        self.is_of_every_hour()
            && (1..=12).all(|month| self.month.has(month))
            && (1..=31).all(|day| self.day_of_month.has(day))
            && (0..=6).all(|day| self.day_of_week.has(day))
    }

    fn is_of_every_hour(&self) -> bool {
        (0..=23).all(|hour| self.hour.has(hour))
    }

    /// What a change does to the first run that it touches, if it touches any.
    fn effect_of(&self, change: Change, zone: &TimeZone) -> Option<(Effect, DateTime)> {
        let (low, high) = (change.before.min(change.after), change.before.max(change.after));
        // What a change disturbs is of its own day, or of the one before or after.
        let (first, last) = (low.date().yesterday().ok()?, high.date().tomorrow().ok()?);
        let by_clock = |time: DateTime| match low <= time && time < high {
            true if change.before < change.after => 0,
            true => 2,
            false => 1,
        };
        let mut came = self.runs_between(first, last, zone).into_iter().peekable();
        let mut wanted = self.times_between(first, last).peekable();
        loop {
            let next = wanted.peek().into_iter().chain(came.peek()).min().copied()?;
            let is_wanted = wanted.next_if_eq(&next).is_some();
            let mut count = 0;
            while came.next_if_eq(&next).is_some() {
                count += 1;
            }
            // Of a job that runs in every hour nobody misses what the clock did not show.
            let follows_clock = self.is_of_every_hour() && is_wanted && count == by_clock(next);
            match count.cmp(&usize::from(is_wanted)) {
                _ if follows_clock => {}
                std::cmp::Ordering::Less => return Some((Effect::Skipped, next)),
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => return Some((Effect::Doubled, next)),
            }
        }
    }

    /// The minutes of these days that match, sorted, whether a clock shows them or not.
    fn times_between(&self, first: Date, last: Date) -> impl Iterator<Item = DateTime> {
        let dates = first.series(Span::new().days(1)).take_while(move |date| *date <= last);
        dates.filter(|date| self.has_date(*date)).flat_map(move |date| {
            let hours = (0..24).filter(|hour| self.hour.has(*hour));
            hours.flat_map(move |hour| {
                let minutes = (0..60).filter(|minute| self.minute.has(*minute));
                minutes.map(move |minute| date.at(hour, minute, 0, 0))
            })
        })
    }

    /// What the clock shows when the runs of these days come, sorted.
    fn runs_between(&self, first: Date, last: Date, zone: &TimeZone) -> Vec<DateTime> {
        let mut shown = Vec::new();
        let begin = zone.to_ambiguous_timestamp(first.at(0, 0, 0, 0)).compatible();
        let Ok(begin) = begin else { return shown };
        let earlier = |days: i64| begin.checked_sub(SignedDuration::from_hours(24 * days)).ok();
        let run_before = |days| self.next_after(earlier(days)?, zone).filter(|at| *at < begin);
        let days = |days: &i64| Some(days * 2).filter(|days| *days <= DAYS_BEFORE_MAX);
        let mut days = std::iter::successors(Some(DAYS_BEFORE_MIN), days);
        let mut at = days.find_map(run_before).or_else(|| earlier(DAYS_BEFORE_MIN));
        for _ in 0..RUNS_MAX {
            // Where Kubernetes comes no further, nothing more comes.
            at = at.and_then(|at| self.next_after(at, zone));
            let Some(local) = at.map(|at| zone.to_datetime(at)) else { break };
            if local.date() > last {
                break;
            }
            if local.date() >= first {
                shown.push(local);
            }
        }
        shown.sort_unstable();
        shown
    }
}

/// The changes of a zone's clocks after a time. Of some transitions only the zone's name is new.
fn changes(after: Timestamp, zone: &TimeZone) -> impl Iterator<Item = Change> {
    zone.following(after).filter_map(|transition| {
        let at = transition.timestamp();
        let before = zone.to_offset(at.checked_sub(SignedDuration::from_secs(1)).ok()?);
        let (before, after) = (before.to_datetime(at), transition.offset().to_datetime(at));
        (before != after).then_some(Change { at, before, after })
    })
}
