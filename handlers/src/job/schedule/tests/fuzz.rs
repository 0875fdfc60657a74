use std::collections::BTreeSet;

use proptest::prelude::*;
use tjf_runtime::fuzz::{fuzz, text_near};

use super::*;

const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";
const DAYS: &str = "sun mon tue wed thu fri sat";

/// A field of a schedule, by the rules of robfig/cron v3, which are Kubernetes'. It refuses what only
/// we refuse too: nothing at all, a step that goes beyond its range, and a range from `*`.
struct Kubernetes {
    first: u8,
    last: u8,
    names: &'static str,
}

impl Kubernetes {
    /// The values of a field, and whether it says nothing about a day; `None` for a mistake.
    fn read(&self, text: &str) -> Option<(BTreeSet<u8>, bool)> {
        let (mut values, mut says_nothing) = (BTreeSet::new(), false);
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (range, step) = part.split_once('/').unzip();
            let range = range.unwrap_or(part);
            let (from, to) = range.split_once('-').unzip();
            let from = from.unwrap_or(range);
            let is_any = matches!(from, "*" | "?");
            let first = if is_any { self.first } else { self.value(from)? };
            let last = match to {
                None if is_any => self.last,
                Some(_) if is_any => return None,
                Some(to) => self.value(to)?,
                None if step.is_some() => self.last,
                None => first,
            };
            let step = step.map_or(Some(1), number)?;
            if first < self.first
                || last > self.last
                || first > last
                || step == 0
                || step > last - first + 1
            {
                return None;
            }
            says_nothing |= is_any && step == 1;
            values.extend((first..=last).step_by(step.into()));
        }
        (!values.is_empty()).then_some((values, says_nothing))
    }

    fn value(&self, text: &str) -> Option<u8> {
        let text = text.to_lowercase();
        match self.names.split(' ').position(|name| !name.is_empty() && name == text) {
            Some(at) => Some(self.first + u8::try_from(at).unwrap()),
            None => number(&text),
        }
    }
}

fn number(text: &str) -> Option<u8> {
    text.parse().ok()
}

#[test]
fn fuzzed_schedules_mean_to_kubernetes_what_they_mean_here() {
    let rules = [(0, 59, ""), (0, 23, ""), (1, 31, ""), (1, 12, MONTHS), (0, 6, DAYS)];
    let rules = rules.map(|(first, last, names)| Kubernetes { first, last, names });
    let texts = [
        "*/15 * * * *",
        "0,30 1-5/2 ?/3 jan-DEC/2 MON,wed",
        "  05\t+3 29 2 *\n",
        "1,,2, 7/5 31 4,5,6 0,5-6",
        "0 0 30 2 ?",
        "@daily",
        "@yearly",
        "CRON_TZ=UTC 0 0 * * sun",
    ];
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    fuzz("schedules", text_near(&texts), |text| {
        let stored = Schedule::parse_stored(&text);
        let schedule = match parse(&text) {
            Ok(schedule) => schedule,
            Err(error) => {
                let fields: Vec<_> = text.split_whitespace().collect();
                let are_good = fields.len() == rules.len()
                    && rules.iter().zip(fields).all(|(rule, text)| rule.read(text).is_some());
                prop_assert_eq!(are_good, error == ScheduleError::Never, "{}", error);
                prop_assert!(stored.is_err());
                return Ok(false);
            }
        };
        let Schedule { minute, hour, day_of_month, month, day_of_week, .. } = schedule;
        let fields = [minute, hour, day_of_month, month, day_of_week];
        let texts: Vec<_> = schedule.actual().split(' ').collect();
        prop_assert_eq!(texts.len(), fields.len());
        for ((rule, text), field) in rules.iter().zip(texts).zip(fields) {
            let Some((values, says_nothing)) = rule.read(text) else {
                return Err(TestCaseError::fail(format!("Kubernetes does not take `{text}`")));
            };
            let own = (0..64).filter(|value| field.has(*value)).map(i8::cast_unsigned);
            prop_assert_eq!(own.collect::<BTreeSet<_>>(), values);
            prop_assert_eq!(field.has_star(), says_nothing);
        }
        prop_assert!(stored.is_ok());
        let again = Schedule::parse_stored(schedule.actual()).unwrap();
        prop_assert_eq!(again.actual(), schedule.actual());
        let next = schedule.next_after(now, &TimeZone::UTC);
        let Some(next) = next else { return Err(TestCaseError::fail("it never comes")) };
        let time = next.to_zoned(TimeZone::UTC);
        prop_assert!(next > now && schedule.has_date(time.date()), "{time}");
        prop_assert!(hour.has(time.hour()) && minute.has(time.minute()), "{time}");
        Ok(true)
    });
}

#[test]
fn fuzzed_names_of_time_zones_are_exact_or_refused() {
    let names = ["Etc/UTC", "Europe/Zurich", "America/Argentina/Ushuaia", "GMT+0", "CET"];
    fuzz("time zones", text_near(&names), |name| match time_zone(&name) {
        Ok(zone) => {
            prop_assert_eq!(zone.iana_name(), Some(name.as_str()));
            Ok(true)
        }
        Err(TimeZoneError::Case { meant }) => {
            prop_assert!(meant != name && meant.eq_ignore_ascii_case(&name));
            Ok(false)
        }
        Err(TimeZoneError::Unknown) => Ok(false),
    });
}
