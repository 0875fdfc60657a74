//! What is told of an object that Kubernetes was asked to delete and that something holds.

use super::*;

const SINCE: &str = "2026-01-01T00:04:00Z";

fn going(object: Value) -> Value {
    let mut object = object;
    merge(&mut object, &json!({"metadata": {"deletionTimestamp": SINCE}}));
    object
}

#[test]
fn a_one_off_that_has_ended_keeps_its_word_and_the_sentence_says_that_it_is_going() {
    for (job, word) in
        [(crate::testing::ended(), "Completed"), (failed("BackoffLimitExceeded"), "Failed")]
    {
        let view = view(&Objects { jobs: vec![super::job(&going(job))], ..Objects::default() });
        assert_eq!(view.status_short, word);
        assert_eq!(view.deleting_since.as_deref(), Some(SINCE));
        let clause = format!("it is being deleted, since {SINCE}");
        assert!(view.status_long.contains(&clause), "{}", view.status_long);
        assert!(view.status.message.unwrap().ends_with(&clause));
        assert!(view.status.phase.is_final());
    }
}

#[test]
fn whatever_else_is_going_says_so_in_one_line_too() {
    let at_work = pod(container("Running", json!({"running": {"startedAt": CREATED}})));
    let waiting = going(json!({}));
    for (objects, line) in [
        (
            Objects { jobs: vec![job(&waiting)], pods: vec![at_work], ..Objects::default() },
            "Running for 5m, being deleted",
        ),
        (
            Objects { cronjobs: vec![cronjob(&waiting)], ..Objects::default() },
            "Waiting for scheduled time, being deleted",
        ),
        (
            Objects { controllers: vec![controller(&waiting)], ..Objects::default() },
            "Waiting to start, being deleted",
        ),
    ] {
        let view = view(&objects);
        assert_eq!(view.status_short, line);
        assert!(view.status_long.contains(SINCE), "{}", view.status_long);
    }
}

#[test]
fn what_is_not_going_says_nothing_of_it() {
    let view = view(&Objects { jobs: vec![job(&json!({}))], ..Objects::default() });
    assert_eq!((view.deleting_since, view.status.message), (None, None));
}
