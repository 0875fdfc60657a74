//! When a CronJob comes due.

use std::iter;

use jiff::{Timestamp, tz::TimeZone};
use k8s_openapi::api::batch::v1::CronJobSpec;
use tjf_handlers::job::schedule::{Schedule, time_zone};

/// The zone of an object that names none.
const ZONE: &str = "Etc/UTC";

/// A schedule in a zone.
pub(super) struct Calendar {
    schedule: Schedule,
    zone: TimeZone,
}

impl Calendar {
    /// Reads it, or says in an event's words why it can't be read.
    pub(super) fn read(spec: &CronJobSpec) -> Result<Self, (&'static str, String)> {
        let name = spec.time_zone.as_deref().unwrap_or(ZONE);
        let zone = time_zone(name).map_err(|_| {
            ("UnknownTimeZone", format!("invalid timeZone: {name:?}: unknown time zone {name}"))
        })?;
        let text = spec.schedule.trim();
        let schedule = Schedule::parse_stored(text).map_err(|error| {
            ("UnparseableSchedule", format!("unparseable schedule: {text:?} : {error}"))
        })?;
        Ok(Self { schedule, zone })
    }

    /// The first tick after a time.
    pub(super) fn next_after(&self, time: Timestamp) -> Option<Timestamp> {
        self.schedule.next_after(time, &self.zone)
    }

    /// The last tick after one time, up to another.
    pub(super) fn last_between(&self, after: Timestamp, until: Timestamp) -> Option<Timestamp> {
        let next = |time: Timestamp| self.next_after(time).filter(|tick| *tick <= until);
        iter::successors(next(after), |tick| next(*tick)).last()
    }

    /// A tick as a clock in the zone shows it (RFC 3339).
    pub(super) fn shown(&self, tick: Timestamp) -> String {
        let local = tick.to_zoned(self.zone.clone());
        let format = if local.offset().is_zero() { "%FT%TZ" } else { "%FT%T%:z" };
        local.strftime(format).to_string()
    }
}
