//! The times of the macros.

use std::{collections::BTreeSet, iter};

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
    tz::{TimeZone, TimeZoneDatabase},
};

use super::parse;
use crate::job::schedule::{Schedule, stable_hash, time_zone};

#[test]
fn a_macro_is_spread_and_its_times_never_move() {
    for (text, actual) in [
        ("@hourly", "32 * * * *"),
        ("@daily", "32 20 * * *"),
        ("@midnight", "32 20 * * *"),
        ("@weekly", "32 20 * * 5"),
        ("@monthly", "32 20 6 * *"),
        ("@yearly", "32 20 6 1 *"),
        ("@annually", "32 20 6 1 *"),
    ] {
        let schedule = parse(&format!(" {text}\n")).unwrap();
        assert_eq!((schedule.as_typed(), schedule.actual()), (text, actual));
    }
}

#[test]
fn the_hash_is_fnv_1a() {
    // Of one byte 0, which is what stands between the names; from the authors' test vectors.
    assert_eq!(stable_hash("", ""), 0xaf63_bd4c_8601_b7df);
    assert_ne!(stable_hash("ab", "c"), stable_hash("a", "bc"));
}

#[test]
fn the_jobs_of_a_tool_are_spread_evenly() {
    let mut minutes = [0_usize; 60];
    let mut hours = [0_usize; 24];
    for number in 0..2_400 {
        let schedule =
            Schedule::parse("@daily", "my-tool", &format!("job-{number}"), &TimeZone::UTC).unwrap();
        let mut fields = schedule.actual().split(' ').map(|field| field.parse::<usize>());
        minutes[fields.next().unwrap().unwrap()] += 1;
        hours[fields.next().unwrap().unwrap()] += 1;
    }
    assert!(minutes.iter().all(|count| (15..=70).contains(count)), "40 expected: {minutes:?}");
    assert!(hours.iter().all(|count| (50..=150).contains(count)), "100 expected: {hours:?}");
}

#[test]
fn a_stored_macro_means_what_kubernetes_takes_it_for() {
    for (text, actual) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        (" @annually ", "0 0 1 1 *"),
        (" 5 4  * * *", "5 4 * * *"),
    ] {
        assert_eq!(Schedule::parse_stored(text).unwrap().actual(), actual);
    }
    assert!(Schedule::parse_stored("@every 1h").is_err());
}

/// One zone of each kind: many names have the same clocks.
fn zones_with_changes() -> Vec<(TimeZone, Vec<Timestamp>)> {
    let database = TimeZoneDatabase::bundled();
    let [start, end] = ["2026-01-01T00:00:00Z", "2054-01-01T00:00:00Z"].map(|t| t.parse().unwrap());
    let mut known = BTreeSet::new();
    let mut zones = Vec::new();
    for name in database.available() {
        let zone = database.get(name.as_str()).unwrap();
        let changes: Vec<_> =
            zone.following(start).map(|it| it.timestamp()).take_while(|it| *it < end).collect();
        let clocks: Vec<_> = changes.iter().map(|it| (*it, zone.to_offset(*it))).collect();
        if !changes.is_empty() && known.insert(clocks) {
            zones.push((zone, changes));
        }
    }
    zones
}

/// The dates near a change of the clocks on which a schedule does not come exactly once, or comes
/// without being meant.
fn wrong_dates(schedule: &Schedule, zone: &TimeZone, change: Timestamp) -> Vec<Date> {
    let day = zone.to_datetime(change).date();
    let dates = (-1..=2).map(|days| day + days.days());
    let start = (day - 1.day()).to_zoned(zone.clone()).unwrap().timestamp() - 1.second();
    let mut comes = Vec::new();
    let mut at = start;
    while let Some(next) = schedule.next_after(at, zone) {
        let date = zone.to_datetime(next).date();
        if date > day + 2.days() {
            break;
        }
        comes.push(date);
        at = next;
    }
    let count = |date: &Date| comes.iter().filter(|it| *it == date).count();
    dates.filter(|date| count(date) != usize::from(schedule.has_date(*date))).collect()
}

#[test]
fn no_change_of_any_zones_clocks_skips_a_spread_time_or_doubles_it() {
    let zones = zones_with_changes();
    let (mut moved, mut wrong_unmoved, mut times) = (0, 0, 0);
    for (zone, changes) in &zones {
        for name in ["@daily", "@weekly", "@monthly", "@yearly"] {
            for _ in 0..2 {
                let job = format!("job-{times}");
                let schedule = Schedule::parse(name, "my-tool", &job, zone).unwrap();
                let unmoved = Schedule::parse(name, "my-tool", &job, &TimeZone::UTC).unwrap();
                let is_moved = schedule.actual() != unmoved.actual();
                moved += usize::from(is_moved);
                times += 1;
                for change in changes {
                    let wrong = wrong_dates(&schedule, zone, *change);
                    assert!(wrong.is_empty(), "{schedule:?} {zone:?} {wrong:?}");
                    if is_moved {
                        wrong_unmoved += wrong_dates(&unmoved, zone, *change).len();
                    }
                }
            }
        }
    }
    println!(
        "{} kinds of zones, {times} times, {moved} moved from {wrong_unmoved} wrong dates",
        zones.len()
    );
    assert!(zones.len() > 20 && moved >= 5 && wrong_unmoved >= 100);
}

/// Clocks change by half an hour there, in 2026 on 5 April and on 4 October.
#[test]
fn an_hourly_job_in_lord_howe_comes_once_more_or_once_less_a_year() {
    let zone = time_zone("Australia/Lord_Howe").unwrap();
    let runs = |minute: u8, date: Date| {
        let schedule = parse(&format!("{minute} * * * *")).unwrap();
        let start = date.to_zoned(zone.clone()).unwrap().timestamp() - 1.second();
        let next = |at: &Timestamp| schedule.next_after(*at, &zone);
        let runs = iter::successors(Some(start), next).skip(1);
        runs.take_while(|at| zone.to_datetime(*at).date() == date).count()
    };
    let (autumn, spring) = (date(2026, 4, 5), date(2026, 10, 4));
    assert_eq!((runs(10, autumn), runs(10, spring)), (24, 23));
    assert_eq!((runs(40, autumn), runs(40, spring)), (25, 24));
}
