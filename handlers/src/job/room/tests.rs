use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::testing::{TOOL, object, owned};

fn tool() -> ToolName {
    TOOL.parse().unwrap()
}

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

fn cronjobs(count: usize) -> Vec<CronJob> {
    (0..count).map(|index| read(object(&format!("c{index}"), "u", &json!({})))).collect()
}

fn finished_jobs(count: i64) -> Vec<BatchJob> {
    // The youngest first, so that the order of the list is not the order of age.
    (0..count).rev().map(|index| finished(&format!("j{index:03}"), index)).collect()
}

fn names(metas: &[&Meta]) -> Vec<String> {
    metas.iter().map(|meta| meta.name.clone()).collect()
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
        // Less is allowed than is reserved: all finished ones go.
        (60, 25, JobType::OneOff, 300),
        (0, 0, JobType::OneOff, 300),
        (u64::MAX, 25, JobType::OneOff, 0),
        (200, 25, JobType::Continuous, 0),
        (0, 25, JobType::Continuous, 0),
    ] {
        let cronjobs = cronjobs(cronjobs_before);
        let deleted = to_delete(&jobs, &cronjobs, jobs_max, new, &tool());
        assert_eq!(deleted.len(), gone, "{jobs_max} {cronjobs_before} {new:?}");
        let oldest: Vec<_> = (0..gone).map(|index| format!("j{index:03}")).collect();
        assert_eq!(names(&deleted), oldest, "{jobs_max} {cronjobs_before} {new:?}");
    }
}

#[test]
fn after_the_deletion_there_is_room_and_not_for_one_more() {
    for (finished, cronjobs_before) in [(0, 0), (10, 3), (199, 1), (300, 25)] {
        let jobs = finished_jobs(finished);
        let cronjobs = cronjobs(cronjobs_before);
        let deleted = to_delete(&jobs, &cronjobs, 200, JobType::OneOff, &tool()).len();
        let taken = jobs.len() - deleted + 1 + 3 * cronjobs_before;
        assert!(taken <= 200, "{taken}");
        assert!(deleted == 0 || taken == 200, "no more goes than must: {taken}");
    }
}

#[test]
fn the_oldest_go_first_by_their_end_and_then_by_name() {
    let failed: BatchJob = read(object("failed", "u-failed", &ended("Failed", 50)));
    let jobs = [finished("late", 200), finished("b", 100), failed, finished("a", 100)];
    assert_eq!(names(&oldest_finished(&jobs, &tool())), ["failed", "a", "b", "late"]);
}

#[test]
fn what_has_not_ended_is_never_deleted_but_counts() {
    let target = ended("FailureTarget", 0);
    let jobs = [
        unfinished_job("runs"),
        read(object("about-to-fail", "u2", &target)),
        finished("ended", 0),
    ];
    assert_eq!(unfinished(&jobs, &tool()), 2);
    assert_eq!(names(&to_delete(&jobs, &[], 0, JobType::OneOff, &tool())), ["ended"]);
    assert_eq!(names(&to_delete(&jobs, &[], 3, JobType::OneOff, &tool())), ["ended"]);
    assert!(to_delete(&jobs, &[], 4, JobType::OneOff, &tool()).is_empty());
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
    assert_eq!(unfinished(&jobs, &tool()), 0);
    assert_eq!(names(&to_delete(&jobs, &[], 4, JobType::OneOff, &tool())), ["ours"]);
    assert!(to_delete(&jobs, &[], 5, JobType::OneOff, &tool()).is_empty());
}

/// The runs of scheduled jobs have their reserve already.
#[test]
fn runs_of_scheduled_jobs_are_neither_deleted_nor_counted() {
    let jobs = [child("c-1"), child("c-2"), finished("ours", 100)];
    let one = cronjobs(1);
    assert_eq!(unfinished(&jobs, &tool()), 0);
    assert!(to_delete(&jobs, &one, 5, JobType::OneOff, &tool()).is_empty());
    assert_eq!(names(&to_delete(&jobs, &one, 4, JobType::OneOff, &tool())), ["ours"]);
    assert_eq!(names(&to_delete(&jobs, &one, 0, JobType::OneOff, &tool())), ["ours"]);
}

#[test]
fn what_is_being_deleted_is_not_deleted_again() {
    let mut going = finished("going", 0);
    going.metadata.deletion_timestamp = Some(Timestamp::UNIX_EPOCH);
    let jobs = [going, finished("next", 100)];
    assert_eq!(names(&oldest_finished(&jobs, &tool())), ["next"]);
}
