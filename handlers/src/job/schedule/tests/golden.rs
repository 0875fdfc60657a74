//! Times that robfig/cron gave, and what it does when clocks change: see `golden/next.go` and
//! `golden/changes.go`, whose heads say how the tables are written anew.
//!
//! Go's copy of the IANA database (2025c when the table was written) and jiff's are of different
//! age. Should a new one change the future of a zone in the table, the table is to be written anew
//! with a Go that knows of it, or without the zone.

use jiff::{SignedDuration, Timestamp};

use super::parse;
use crate::job::schedule::{Effect, time_zone};

#[test]
fn a_schedule_comes_when_kubernetes_own_library_says() {
    let (head, table) = include_str!("golden/next.txt").split_once('\n').unwrap();
    let mut text = "";
    let (mut schedules, mut starts, mut different) = (0, 0, Vec::new());
    for line in table.lines() {
        let Some(line) = line.strip_prefix(' ') else {
            text = line;
            schedules += 1;
            continue;
        };
        starts += 1;
        let mut words = line.split(' ');
        let (zone, start) = (words.next().unwrap(), words.next().unwrap());
        let expected: Vec<_> = words.collect();
        let found = minutes_between(text, zone, start.parse().unwrap(), expected.len());
        if found != expected {
            different.push(format!("{text} {zone} {start}: {found:?} and not {expected:?}"));
        }
    }
    println!("{head}: {schedules} schedules from {starts} starts");
    assert!(schedules >= 300 && starts == 19 * schedules);
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// The minutes from a start to the next times, each from the one before, as the table has them.
fn minutes_between(text: &str, zone: &str, start: Timestamp, count: usize) -> Vec<String> {
    let (schedule, zone) = (parse(text).unwrap(), time_zone(zone).unwrap());
    let second = start.as_second();
    let mut at = start;
    let mut before = start - SignedDuration::from_secs(second.rem_euclid(60));
    let mut minutes = Vec::new();
    while minutes.len() < count {
        let Some(next) = schedule.next_after(at, &zone) else {
            minutes.push("-".to_owned());
            break;
        };
        minutes.push((next.duration_since(before).as_mins()).to_string());
        (at, before) = (next, next);
    }
    minutes
}

#[test]
fn a_change_of_the_clocks_does_to_a_run_what_kubernetes_own_library_does() {
    let (head, table) = include_str!("golden/changes.txt").split_once('\n').unwrap();
    let mut text = "";
    let (mut found, mut different) = (0, Vec::new());
    for line in table.lines() {
        let Some(line) = line.strip_prefix(' ') else {
            text = line;
            continue;
        };
        let mut words = line.split(' ');
        let (zone, start) = (words.next().unwrap(), words.next().unwrap());
        let expected = words.collect::<Vec<_>>().join(" ");
        let changes = changes_after(text, zone, start.parse().unwrap());
        found += changes.len();
        if changes.join(" ") != expected {
            different.push(format!("{text} {zone} {start}: {changes:?} and not {expected}"));
        }
    }
    println!("{head}: {found} changes");
    assert!(found >= 1000, "{found}");
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}

/// The first four changes that touch a run, each within 400 days of the one before.
fn changes_after(text: &str, zone: &str, start: Timestamp) -> Vec<String> {
    let (schedule, zone) = (parse(text).unwrap(), time_zone(zone).unwrap());
    let next = |at| schedule.next_clock_change(at, &zone);
    let changes = std::iter::successors(next(start), |change| next(change.at)).take(4);
    let told = changes.map(|change| {
        let effect = match change.effect {
            Effect::Skipped => "skipped",
            Effect::Doubled => "doubled",
        };
        format!("{} {effect} {}", change.at, change.local.strftime("%Y-%m-%dT%H:%M"))
    });
    told.collect()
}
