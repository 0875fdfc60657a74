use jiff::{Timestamp, tz::TimeZone};

use super::*;

mod fuzz;
mod golden;
mod spread;

fn parse(text: &str) -> Result<Schedule, ScheduleError> {
    Schedule::parse(text, "my-tool", "my-job", &TimeZone::UTC)
}

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The next times after `from`, as a clock in the zone shows them.
fn next(schedule: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
    let schedule = parse(schedule).unwrap();
    let zone = time_zone(zone).unwrap();
    let mut at: Timestamp = from.parse().unwrap();
    let mut times = Vec::new();
    for _ in 0..count {
        let Some(next) = schedule.next_after(at, &zone) else { break };
        at = next;
        times.push(at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string());
    }
    times
}

/// What a real Kubernetes 1.34 took, less what we refuse on purpose.
#[test]
fn what_kubernetes_takes_is_taken_and_sent_trimmed() {
    for (text, actual) in [
        ("*/15 * * * *", "*/15 * * * *"),
        ("1-5/2 * * * *", "1-5/2 * * * *"),
        ("0 0 * * MON-FRI", "0 0 * * MON-FRI"),
        ("0 0 * jan *", "0 0 * jan *"),
        ("0 0 * * 0", "0 0 * * 0"),
        ("  0  0  * * *  ", "0 0 * * *"),
        ("? * * * *", "? * * * *"),
        ("0 0 ? * ?", "0 0 ? * ?"),
        ("0,30 * * * *", "0,30 * * * *"),
        ("0 0 * * mon,wed", "0 0 * * mon,wed"),
        ("1/5 * * * *", "1/5 * * * *"),
        ("* * * * * ", "* * * * *"),
        ("\t0 0 * * *", "0 0 * * *"),
        ("*/5,1 * * * *", "*/5,1 * * * *"),
        ("0 0 1-31/7 * *", "0 0 1-31/7 * *"),
        ("0 0 * * *\n", "0 0 * * *"),
        ("05 00 * Jan-DEC *", "05 00 * Jan-DEC *"),
        ("1,,2, +3 * * *", "1,,2, +3 * * *"),
        ("*/60 */24 */31 */12 */7", "*/60 */24 */31 */12 */7"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 30 2,3 *", "0 0 30 2,3 *"),
        ("0 0 30 2 mon", "0 0 30 2 mon"),
    ] {
        let schedule = parse(text).unwrap();
        assert_eq!((schedule.as_typed(), schedule.actual()), (text.trim(), actual), "{text:?}");
    }
}

/// The words in front of `write` are replaced by those behind it, and then mean what they said.
#[test]
fn what_a_refusal_says_to_write_is_taken() {
    for (text, wrong, right) in [
        ("0 0 * * Monday", "Monday", "mon"),
        ("0 0 * * mondays", "mondays", "mon"),
        ("0 0 * * tue-THURS", "THURS", "thu"),
        ("0 0 * Sept *", "Sept", "sep"),
        ("0 0 * december *", "december", "dec"),
        ("0 0 * * fri-mon", "fri-mon", "5-6,0-1"),
        ("0 0 * * fri-mon/2", "fri-mon/2", "5,0"),
        ("50-10/7 * * * *", "50-10/7", "50,57,4"),
        ("*/90 * * * *", "*/90", "0"),
        (", * * * *", ",", "*"),
        ("@Weekly", "@Weekly", "@weekly"),
        ("@every 1h", "@every 1h", "*/15 * * * *"),
        ("@every 1h", "@every 1h", "@hourly"),
    ] {
        let refusal = refusal(text);
        assert!(refusal.contains(&format!("`{right}`")), "{text}: {refusal}");
        let written = text.replacen(wrong, right, 1);
        assert!(parse(&written).is_ok(), "{written}");
    }
}

/// Quartz' words for the first Monday, the last Friday and the nearest weekday.
#[test]
fn a_word_that_means_something_else_is_not_shortened() {
    for text in [
        "0 0 * * MON#1",
        "0 0 * * monL",
        "0 0 * * FRIL",
        "0 0 * * fri5",
        "0 0 * * monfri",
        "0 0 * * mondayish",
        "0 0 * * sun/sat",
        "0 0 * jan15 *",
        "0 0 * marchapril *",
    ] {
        let refusal = refusal(text);
        for name in ["mon", "fri", "jan", "mar", "may"] {
            assert!(!refusal.contains(&format!("write `{name}`")), "{text}: {refusal}");
        }
    }
}

/// The rest of what a real Kubernetes was asked, and what we add to its refusals.
#[test]
fn a_refusal_says_what_would_be_right() {
    for (text, message) in [
        ("0 0 * * 7", "Sunday is `0` here and not `7`; Friday to Sunday are `0,5-6`"),
        ("0 0 * * 5-7", "Sunday is `0` here and not `7`; Friday to Sunday are `0,5-6`"),
        ("60 * * * *", "`60` is not a valid minute: it goes from 0 to 59"),
        ("0 24 * * *", "`24` is not a valid hour: it goes from 0 to 23"),
        ("0 0 0 * *", "`0` is not a valid day of the month: it goes from 1 to 31"),
        ("0 0 * 13 *", "`13` is not a valid month: it goes from 1 to 12"),
        ("0 0 * * 8", "`8` is not a valid day of the week: it goes from 0 to 6"),
        ("999999 * * * *", "`999999` is not a valid minute: it goes from 0 to 59"),
        ("5-1 * * * *", "the range `5-1` runs backwards: write `5-59,0-1`"),
        ("0 0 * * fri-mon", "the range `fri-mon` runs backwards: write `5-6,0-1`"),
        ("0 0 * * fri-mon/2", "the range `fri-mon/2` runs backwards: write `5,0`"),
        ("0 20-4/3 * * *", "the range `20-4/3` runs backwards: write `20,23,2`"),
        ("*/0 * * * *", "`*/0` is not a step: write a number from 1 to 60 after the `/`"),
        ("*/ * * * *", "`*/` is not a step: write a number from 1 to 60 after the `/`"),
        ("*/-5 * * * *", "`*/-5` is not a step: write a number from 1 to 60 after the `/`"),
        ("0-9/2/3 * * * *", "`0-9/2/3` is not a step: write a number from 1 to 10 after the `/`"),
        (
            "*/90 * * * *",
            "the step of `*/90` goes beyond its range, which leaves only `0`: write that",
        ),
        (
            "0 0 20/15 * *",
            "the step of `20/15` goes beyond its range, which leaves only `20`: write that",
        ),
        (", * * * *", "a list without a value never comes: write `*` for any minute"),
        ("-1 * * * *", "`-1` can't be read as the minute: write a number from 0 to 59"),
        ("1- * * * *", "`1-` can't be read as the minute: write a number from 0 to 59"),
        ("1-2-3 * * * *", "`2-3` can't be read as the minute: write a number from 0 to 59"),
        ("*-5 * * * *", "`*` can't be read as the minute: write a number from 0 to 59"),
        ("a * * * *", "`a` can't be read as the minute: write a number from 0 to 59"),
        ("H * * * *", "`H` can't be read as the minute: write a number from 0 to 59"),
        ("٣ * * * *", "`٣` can't be read as the minute: write a number from 0 to 59"),
        ("0 0 L * *", "`L` can't be read as the day of the month: write a number from 1 to 31"),
        ("0 0 * * sunday", "`sunday` can't be read as the day of the week: write `sun`"),
        ("0 0 * January *", "`January` can't be read as the month: write `jan`"),
        (
            "0 0 * * 1#2",
            "`1#2` can't be read as the day of the week: \
             write a number from 0 to 6, or a name such as `sun`",
        ),
        ("0 0 30 2 *", "the schedule never comes: no month that it names has such a day"),
        ("0 0 31 4 *", "the schedule never comes: no month that it names has such a day"),
        ("0 0 31 2,4,6,9,11 ?", "the schedule never comes: no month that it names has such a day"),
        (
            "@every 1h",
            "`@every` is not taken: write `*/15 * * * *` for every 15 minutes, or `@hourly`",
        ),
        (
            "@reboot",
            "`@reboot` is not taken, since there is nothing to boot: a continuous job always runs",
        ),
        ("@Daily", "`@Daily` is not known: write `@daily`"),
        ("@HOURLY", "`@HOURLY` is not known: write `@hourly`"),
        (
            "@fortnightly",
            "this macro is not known: write one of `@hourly`, `@daily`, `@midnight`, `@weekly`, \
             `@monthly`, `@yearly`, `@annually`, or five fields",
        ),
        (
            "CRON_TZ=UTC 0 0 * * *",
            "a schedule must not begin with `TZ=` or `CRON_TZ=`: use the field `timezone`",
        ),
        (
            "TZ=UTC 0 0 * * *",
            "a schedule must not begin with `TZ=` or `CRON_TZ=`: use the field `timezone`",
        ),
    ] {
        assert_eq!(refusal(text), message, "{text:?}");
    }
}

#[test]
fn a_schedule_has_five_fields() {
    for (text, found) in [("", 0), (" \n", 0), ("* * * *", 4), ("0 0 0 * * *", 6)] {
        assert_eq!(parse(text), Err(ScheduleError::FieldCount { found }), "{text:?}");
    }
    assert!(refusal("").ends_with("not 0: `0 4 * * *` is every day at 4:00"), "{}", refusal(""));
}

#[test]
fn the_next_time_is_the_first_full_minute_that_matches() {
    for (schedule, from, times) in [
        ("* * * * *", "2026-01-01T00:00:00Z", &["2026-01-01 00:01"][..]),
        ("* * * * *", "2026-01-01T00:00:59.999Z", &["2026-01-01 00:01"]),
        ("0 0 * * *", "2025-12-31T23:59:59.5Z", &["2026-01-01 00:00", "2026-01-02 00:00"]),
        ("*/15 * * * *", "2026-01-01T00:46:00Z", &["2026-01-01 01:00", "2026-01-01 01:15"]),
        ("1-5/2 4 * * *", "2026-01-01T04:03:00Z", &["2026-01-01 04:05", "2026-01-02 04:01"]),
        ("50/5 23 * * *", "2026-01-01T23:50:00Z", &["2026-01-01 23:55", "2026-01-02 23:50"]),
        ("0 0 31 * *", "2026-02-01T00:00:00Z", &["2026-03-31 00:00", "2026-05-31 00:00"]),
        ("0 0 29 2 *", "2026-01-01T00:00:00Z", &["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 * * sun", "2026-01-01T00:00:00Z", &["2026-01-04 00:00", "2026-01-11 00:00"]),
        ("0 0 * dec ?", "2026-01-01T00:00:00Z", &["2026-12-01 00:00", "2026-12-02 00:00"]),
    ] {
        let times: Vec<_> = times.iter().map(|time| format!("{time} +00:00")).collect();
        assert_eq!(next(schedule, "Etc/UTC", from, times.len()), times, "{schedule} {from}");
    }
}

#[test]
fn a_date_or_a_weekday_is_enough_unless_one_of_them_is_a_star() {
    let january = |schedule: &str| -> Vec<String> {
        let times = next(schedule, "UTC", "2025-12-31T23:59:00Z", 4);
        times.iter().map(|time| time["2026-01-".len().."2026-01-00".len()].to_owned()).collect()
    };
    // 2026-01-02 is a Friday.
    assert_eq!(january("0 0 13 1 fri"), ["02", "09", "13", "16"]);
    assert_eq!(january("0 0 * 1 fri"), ["02", "09", "16", "23"]);
    assert_eq!(january("0 0 ? 1 fri"), ["02", "09", "16", "23"]);
    assert_eq!(january("0 0 */1 1 fri"), ["02", "09", "16", "23"]);
    assert_eq!(january("0 0 1-3 1 *"), ["01", "02", "03", "01"]);
    // With a step it is not a star any more.
    assert_eq!(january("0 0 */15 1 fri"), ["01", "02", "09", "16"]);
    assert_eq!(january("0 0 5,* 1 fri"), ["02", "09", "16", "23"]);
}

#[test]
fn a_time_that_the_clock_skips_is_left_out_and_a_repeated_one_comes_twice() {
    for (schedule, zone, from, times) in [
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2025-03-29T00:00:00Z",
            &["2025-03-29 02:30 +01:00", "2025-03-31 02:30 +02:00"][..],
        ),
        (
            "30 * * * *",
            "Europe/Berlin",
            "2025-03-30T00:00:00Z",
            &["2025-03-30 01:30 +01:00", "2025-03-30 03:30 +02:00"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2025-10-25T12:00:00Z",
            &["2025-10-26 02:30 +02:00", "2025-10-26 02:30 +01:00", "2025-10-27 02:30 +01:00"],
        ),
        // Half an hour: at 02:00 it is 02:30.
        ("15 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00:00Z", &["2025-10-06 02:15 +11:00"]),
        ("45 2 * * *", "Australia/Lord_Howe", "2025-10-04T00:00:00Z", &["2025-10-05 02:45 +11:00"]),
        // No midnight on that day.
        ("0 0 * * *", "Asia/Beirut", "2025-03-29T12:00:00Z", &["2025-03-31 00:00 +03:00"]),
        // Two midnights.
        (
            "0 0 * * *",
            "America/Havana",
            "2024-11-02T12:00:00Z",
            &["2024-11-03 00:00 -04:00", "2024-11-03 00:00 -05:00", "2024-11-04 00:00 -05:00"],
        ),
    ] {
        assert_eq!(next(schedule, zone, from, times.len()), times, "{schedule} {zone}");
    }
}

/// What robfig/cron does there, and nobody wants: see `next.rs`.
#[test]
fn the_search_goes_astray_near_a_change_of_the_clocks_as_kubernetes_does() {
    for (schedule, zone, from, times) in [
        // In 2027, 28 March has no midnight.
        ("0 12 28 3 *", "Asia/Beirut", "2026-03-30T00:00:00Z", &["2028-03-28 12:00 +03:00"][..]),
        // 6 September has none. It is a Sunday.
        (
            "0 12 * * sat",
            "America/Santiago",
            "2026-09-01T00:00:00Z",
            &["2026-09-05 12:00 -04:00", "2026-09-06 12:00 -03:00", "2026-09-12 12:00 -03:00"],
        ),
        // Clocks change on 4 October by half an hour.
        (
            "15 9 * * *",
            "Australia/Lord_Howe",
            "2026-10-02T12:00:00Z",
            &["2026-10-03 09:15 +10:30", "2026-10-05 09:15 +11:00"],
        ),
        // Two hours are repeated, from 1 to 3 o'clock.
        (
            "30 1 * * *",
            "Antarctica/Troll",
            "2026-10-24T22:30:00Z",
            &["2026-10-25 01:30 +02:00", "2026-10-25 01:30 +00:00"],
        ),
    ] {
        assert_eq!(next(schedule, zone, from, times.len()), times, "{schedule} {zone}");
    }
}

#[test]
fn a_time_that_has_passed_is_never_the_next_one() {
    // At 03:45 it is 02:45 again, and robfig/cron goes back to the first 02:00.
    let second_hour = "2030-04-06T14:00:01Z";
    let times = next("0 1-23/2 * * *", "Pacific/Chatham", second_hour, 2);
    assert_eq!(times, ["2030-04-07 03:00 +12:45", "2030-04-07 05:00 +12:45"]);
    // It comes to 02:45, which is not asked for, and from there it goes back for ever.
    assert_eq!(next("*/15 3 * * *", "Pacific/Chatham", "2030-04-06T14:00:00Z", 1), [""; 0]);
    // At 00:01 it was 23:01 again, and that day was looked at already.
    let first_midnight = "2010-11-07T02:31:30Z";
    let times = next("0 0 7 11 *", "America/St_Johns", first_midnight, 1);
    assert_eq!(times, ["2012-11-07 00:00 -03:30"]);
    // A day that was not: it stays at its beginning.
    assert_eq!(next("0 0 31 * *", "Pacific/Apia", "2011-12-29T00:00:00Z", 1), [""; 0]);
}

#[test]
fn five_years_without_a_match_are_enough() {
    assert_eq!(next("0 0 29 2 *", "UTC", "2097-01-01T00:00:00Z", 1), [""; 0]);
    assert_eq!(next("0 0 29 2 *", "UTC", "2099-01-01T00:00:00Z", 1).len(), 1);
    let schedule = parse("* * * * *").unwrap();
    assert_eq!(schedule.next_after(Timestamp::MAX, &TimeZone::UTC), None);
    assert!(schedule.next_after(Timestamp::MIN, &TimeZone::UTC).is_some());
}

#[test]
fn only_the_exact_name_of_a_time_zone_is_taken() {
    for name in ["Etc/UTC", "UTC", "Europe/Zurich", "CET", "America/Argentina/Ushuaia"] {
        assert_eq!(time_zone(name).unwrap().iana_name(), Some(name));
    }
    for (name, meant) in
        [("europe/zurich", "Europe/Zurich"), ("utc", "UTC"), ("ETC/utc", "Etc/UTC")]
    {
        let error = time_zone(name).unwrap_err();
        assert_eq!(error, TimeZoneError::Case { meant: meant.to_owned() }, "{name:?}");
    }
    for name in
        ["", "Local", "local", "Mars/Phobos", "+02:00", "../etc/passwd", " UTC", "UTC\n", "Factory"]
    {
        assert_eq!(time_zone(name), Err(TimeZoneError::Unknown), "{name:?}");
    }
}
