use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::testing::{TOOL, object, owned};

/// A time at which nothing is young any more.
const NOW: i64 = 10_000;

static TOOL_NAME: LazyLock<ToolName> = LazyLock::new(|| TOOL.parse().unwrap());

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// The status of a Job that ended so many seconds after 1970.
fn ended(kind: &str, second: i64) -> Value {
    let time = Timestamp::from_second(second).unwrap().to_string();
    let condition = json!({"type": kind, "status": "True", "lastTransitionTime": time});
    json!({"status": {"conditions": [condition]}})
}

fn finished(name: &str, second: i64) -> BatchJob {
    read(object(name, &format!("u-{name}"), &ended("Complete", second)))
}

fn unfinished_job(name: &str) -> BatchJob {
    read(object(name, &format!("u-{name}"), &json!({"status": {"active": 1}})))
}

/// A finished run of a scheduled job.
fn child(name: &str) -> BatchJob {
    let mut child = owned(name, &format!("u-{name}"), "u-cron");
    child["status"] = ended("Complete", 0)["status"].clone();
    read(child)
}

fn cronjobs(count: usize) -> Vec<Meta> {
    (0..count)
        .map(|index| read(object(&format!("c{index}"), "u-cron", &json!({}))["metadata"].take()))
        .collect()
}

fn finished_jobs(count: i64) -> Vec<BatchJob> {
    // The youngest first, so that the order of the list is not the order of age.
    (0..count).rev().map(|index| finished(&format!("j{index:03}"), index)).collect()
}

fn names<'a>(metas: impl IntoIterator<Item = &'a Meta>) -> Vec<String> {
    metas.into_iter().map(|meta| meta.name.clone()).collect()
}

/// What makes room, long after everything has ended.
fn in_the_way<'a>(
    all: &'a [BatchJob],
    cronjobs: &'a [Meta],
    jobs_max: u64,
    new: JobType,
) -> Result<Vec<&'a Meta>, TooManyUnfinished> {
    in_the_way_at(NOW, (all, cronjobs), jobs_max, new)
}

fn in_the_way_at<'a>(
    second: i64,
    (all, cronjobs): (&'a [BatchJob], &'a [Meta]),
    jobs_max: u64,
    new: JobType,
) -> Result<Vec<&'a Meta>, TooManyUnfinished> {
    jobs_at(second, all, cronjobs).in_the_way(new, Some(jobs_max))
}

fn jobs_at<'a>(second: i64, all: &'a [BatchJob], cronjobs: &'a [Meta]) -> Jobs<'a> {
    Jobs {
        all,
        cronjobs,
        coming: Vec::new(),
        coming_cronjobs: Vec::new(),
        replaced: None,
        tool: &TOOL_NAME,
        now: Timestamp::from_second(second).unwrap(),
    }
}

#[test]
fn three_hundred_finished_ones_leave_room_for_the_runs_of_25_scheduled_jobs() {
    let jobs = finished_jobs(300);
    for (jobs_max, cronjobs_before, new, gone) in [
        // 200 - 3 × 25 = 125 one-offs, the new one among them.
        (200, 25, JobType::OneOff, 176),
        // One scheduled job more: 122 one-offs.
        (200, 25, JobType::Scheduled, 178),
        (200, 0, JobType::OneOff, 101),
        (200, 50, JobType::OneOff, 251),
        (60, 5, JobType::OneOff, 256),
        (301, 0, JobType::OneOff, 0),
        (300, 0, JobType::OneOff, 1),
        (1000, 25, JobType::OneOff, 0),
        // Nearly all would be reserved: a quarter is for one-offs all the same.
        (60, 25, JobType::OneOff, 286),
        (0, 0, JobType::OneOff, 300),
        (u64::MAX, 25, JobType::OneOff, 0),
        (200, 25, JobType::Continuous, 0),
        (0, 25, JobType::Continuous, 0),
    ] {
        let cronjobs = cronjobs(cronjobs_before);
        let deleted = in_the_way(&jobs, &cronjobs, jobs_max, new).unwrap();
        assert_eq!(deleted.len(), gone, "{jobs_max} {cronjobs_before} {new:?}");
        let oldest: Vec<_> = (0..gone).map(|index| format!("j{index:03}")).collect();
        assert_eq!(names(deleted), oldest, "{jobs_max} {cronjobs_before} {new:?}");
    }
}

#[test]
fn after_the_deletion_there_is_room_and_not_for_one_more() {
    for (finished, cronjobs_before) in [(0, 0), (10, 3), (199, 1), (300, 25)] {
        let jobs = finished_jobs(finished);
        let cronjobs = cronjobs(cronjobs_before);
        let deleted = in_the_way(&jobs, &cronjobs, 200, JobType::OneOff).unwrap().len();
        let taken = jobs.len() - deleted + 1 + 3 * cronjobs_before;
        assert!(taken <= 200, "{taken}");
        assert!(deleted == 0 || taken == 200, "no more goes than must: {taken}");
    }
}

#[test]
fn the_oldest_go_first_by_their_end_and_then_by_name() {
    let failed: BatchJob = read(object("failed", "u-failed", &ended("Failed", 50)));
    let jobs = [finished("late", 200), finished("b", 100), failed, finished("a", 100)];
    let gone = in_the_way(&jobs, &[], 1, JobType::OneOff).unwrap();
    assert_eq!(names(gone), ["failed", "a", "b", "late"]);
}

/// Somebody waits for it, or will look in a moment. Only Kubernetes' own refusal outweighs that.
#[test]
fn what_ended_less_than_a_minute_ago_makes_no_room_unless_it_must() {
    let jobs = [finished("old", 100), finished("young", 141)];
    let gone = in_the_way_at(200, (&jobs, &[]), 1, JobType::OneOff).unwrap();
    assert_eq!(names(gone), ["old"]);
    let must_go = jobs_at(200, &jobs[1..], &[]).that_must_go(1).unwrap();
    assert_eq!(names(must_go), ["young"]);
}

/// Runs of scheduled jobs have a place each too, and what would not be enough does not go.
#[test]
fn as_many_go_as_a_place_takes_or_none() {
    let jobs = [child("run"), unfinished_job("runs"), finished("b", 200), finished("a", 100)];
    let must_go = |max| jobs_at(NOW, &jobs, &[]).that_must_go(max).map(names);
    assert_eq!(must_go(5), Some(vec![]));
    assert_eq!(must_go(4), Some(vec!["a".to_owned()]));
    assert_eq!(must_go(3), Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(must_go(2), None);
    let replaced = Jobs { replaced: Some("u-b"), ..jobs_at(NOW, &jobs, &[]) };
    assert_eq!(replaced.that_must_go(4).map(names), Some(vec![]));
    assert_eq!(replaced.that_must_go(3).map(names), Some(vec!["a".to_owned()]));
}

/// Others of the tool are on their way, and no look need show them yet.
#[test]
fn what_this_server_is_creating_has_its_place_already() {
    let jobs = [finished("a", 100), finished("b", 200), unfinished_job("c")];
    let with = |coming: &[&'static str], coming_cronjobs: &[&'static str]| Jobs {
        coming: coming.to_vec(),
        coming_cronjobs: coming_cronjobs.to_vec(),
        ..jobs_at(NOW, &jobs, &[])
    };
    let goes = |jobs: Jobs<'_>| names(jobs.in_the_way(JobType::OneOff, Some(4)).unwrap());
    assert!(goes(with(&[], &[])).is_empty());
    assert_eq!(goes(with(&["new"], &[])), ["a"]);
    assert_eq!(with(&["new"], &[]).that_must_go(4).map(names), Some(vec!["a".to_owned()]));
    // It is there already.
    assert!(goes(with(&["c"], &[])).is_empty());
    // It comes in the place of the old one of that name.
    assert!(goes(with(&["a"], &[])).is_empty());
    assert_eq!(goes(with(&[], &["cron"])), ["a", "b"]);

    let fifty: Vec<_> = (0..50).map(|index| unfinished_job(&format!("j{index}"))).collect();
    let coming = |name| Jobs { coming: vec![name], ..jobs_at(NOW, &fifty[1..], &[]) };
    assert!(coming("j7").in_the_way(JobType::OneOff, None).is_ok());
    assert!(coming("new").in_the_way(JobType::OneOff, None).is_err());
}

#[test]
fn what_has_not_ended_is_never_deleted_but_counts() {
    let target = ended("FailureTarget", 0);
    let jobs = [
        unfinished_job("runs"),
        read(object("about-to-fail", "u2", &target)),
        finished("ended", 0),
    ];
    for (jobs_max, gone) in [(0, 1), (3, 1), (4, 0)] {
        let deleted = in_the_way(&jobs, &[], jobs_max, JobType::OneOff).unwrap();
        assert_eq!(deleted.len(), gone, "{jobs_max}");
        assert!(deleted.iter().all(|meta| meta.name == "ended"));
    }
}

#[test]
fn fifty_may_be_unfinished_and_none_more() {
    let many = |count| (0..count).map(|index| unfinished_job(&format!("j{index}"))).collect();
    let fifty: Vec<_> = many(50);
    let refused = in_the_way(&fifty, &[], 200, JobType::OneOff).unwrap_err();
    let words = "one-off jobs that have not ended: 1 asked, 50 used, 50 allowed";
    assert_eq!(refused.to_string(), words);
    assert!(in_the_way(&fifty[1..], &[], 200, JobType::OneOff).is_ok());
    assert!(in_the_way(&fifty, &[], 200, JobType::Scheduled).is_ok());
    let more: Vec<_> = many(51);
    assert!(in_the_way(&more, &[], 200, JobType::Scheduled).is_ok());
}

/// A run that is due must find a place, whatever else has not ended.
#[test]
fn unfinished_ones_leave_what_runs_of_scheduled_jobs_can_still_need() {
    let unfinished: Vec<_> = (0..15).map(|index| unfinished_job(&format!("j{index}"))).collect();
    for (cronjobs_before, allowed) in [(1, 12), (3, 6), (4, 4), (5, 4), (50, 4)] {
        let cronjobs = cronjobs(cronjobs_before);
        let may =
            |count: usize| in_the_way(&unfinished[..count], &cronjobs, 15, JobType::OneOff).is_ok();
        assert!(may(allowed - 1) && !may(allowed), "{cronjobs_before}");
    }
    let refused = in_the_way(&unfinished[..6], &cronjobs(3), 15, JobType::OneOff).unwrap_err();
    let words = "one-off jobs that have not ended: 1 asked, 6 used, 6 allowed; the rest of the \
                 quota is kept for the runs of scheduled jobs";
    assert_eq!(refused.to_string(), words);
    // Without a schedule Kubernetes itself refuses, and says how much there is.
    assert!(in_the_way(&unfinished, &[], 15, JobType::OneOff).is_ok());
}

#[test]
fn what_others_made_is_never_deleted_but_takes_room() {
    let foreign = |label: &str, value: &str| {
        let mut job = object("foreign", "u-foreign", &ended("Complete", 0));
        job["metadata"]["labels"][label] = json!(value);
        read::<BatchJob>(job)
    };
    let jobs = [
        foreign("app.kubernetes.io/managed-by", "webservice"),
        foreign("app.kubernetes.io/created-by", "another"),
        foreign("toolforge", "no"),
        finished("ours", 100),
    ];
    assert_eq!(names(in_the_way(&jobs, &[], 4, JobType::OneOff).unwrap()), ["ours"]);
    assert!(in_the_way(&jobs, &[], 5, JobType::OneOff).unwrap().is_empty());
}

/// Those that are there need no place any more.
#[test]
fn runs_of_scheduled_jobs_are_not_deleted_and_use_up_their_reserve() {
    let jobs = [child("c-1"), child("c-2"), finished("ours", 100)];
    let one = cronjobs(1);
    assert!(in_the_way(&jobs, &one, 5, JobType::OneOff).unwrap().is_empty());
    assert_eq!(names(in_the_way(&jobs, &one, 4, JobType::OneOff).unwrap()), ["ours"]);
}

#[test]
fn what_is_being_deleted_is_not_deleted_again() {
    let mut going = finished("going", 0);
    going.metadata.deletion_timestamp = Some(Timestamp::UNIX_EPOCH);
    let jobs = [going, finished("next", 100)];
    assert_eq!(names(in_the_way(&jobs, &[], 1, JobType::OneOff).unwrap()), ["next"]);
}

#[test]
fn what_is_replaced_takes_no_room() {
    let jobs = [finished("first", 0), finished("same", 100)];
    let all = Jobs { replaced: Some("u-same"), ..jobs_at(NOW, &jobs, &[]) };
    assert!(all.in_the_way(JobType::OneOff, Some(2)).unwrap().is_empty());
    assert_eq!(names(all.in_the_way(JobType::OneOff, Some(1)).unwrap()), ["first"]);
}
