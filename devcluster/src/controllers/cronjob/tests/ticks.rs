//! When children start, and when not.

use super::*;

#[test]
fn the_latest_of_the_ticks_that_were_missed_is_made_up_for() {
    let mut cluster = cluster(json!({"suspend": true}));
    cluster.later(600);
    assert_eq!((cluster.names(Job).len(), status(&cluster)), (0, json!({})));
    cluster.assert_steady();
    cluster.later(30);
    cluster.set(CronJob, "c", "suspend", json!(false));
    assert_eq!(cluster.names(Job), [child(10)]);
    assert_eq!(status(&cluster)["lastScheduleTime"], "2026-01-01T00:10:00Z");
    cluster.assert_steady();
}

#[test]
fn a_tick_that_was_missed_by_more_than_the_deadline_is_lost() {
    for (late, started) in [(19, 1), (21, 0)] {
        let mut cluster = cluster(
            json!({"schedule": "0 * * * *", "startingDeadlineSeconds": 20, "suspend": true}),
        );
        cluster.later(3_600 + late);
        cluster.set(CronJob, "c", "suspend", json!(false));
        assert_eq!(cluster.names(Job).len(), started, "{late} s");
        cluster.assert_steady();
        cluster.later(3_600);
        assert_eq!(cluster.names(Job).last(), Some(&child(120)));
    }
}

#[test]
fn a_suspended_one_starts_nothing() {
    let mut cluster = cluster(json!({}));
    cluster.later(60);
    cluster.set(CronJob, "c", "suspend", json!(true));
    end(&mut cluster, &child(1), 0);
    cluster.later(600);
    assert_eq!(cluster.names(Job), [child(1)]);
    assert_eq!(status(&cluster)["lastSuccessfulTime"], "2026-01-01T00:01:00Z");
    cluster.assert_steady();
}

#[test]
fn nothing_starts_before_the_first_tick_after_the_creation() {
    let mut cluster = cluster(json!({"schedule": "30 0 * * *"}));
    cluster.later(1_799);
    assert_eq!((cluster.names(Job).len(), cluster.engine.next_due().is_some()), (0, true));
    cluster.assert_steady();
    cluster.later(1);
    assert_eq!(cluster.names(Job), [child(30)]);
}

#[test]
fn children_may_run_side_by_side() {
    let mut cluster = cluster(json!({}));
    cluster.later(180);
    let children = [child(1), child(2), child(3)];
    assert_eq!((cluster.names(Job), active(&cluster)), (children.to_vec(), children.to_vec()));
    cluster.assert_steady();
}

#[test]
fn with_forbid_the_missed_one_starts_late_when_the_other_ends() {
    let mut cluster = cluster(json!({"concurrencyPolicy": "Forbid"}));
    cluster.later(120);
    assert_eq!(cluster.names(Job), [child(1)]);
    assert_eq!(cluster.told("c"), [event("Normal", "JobAlreadyActive", IS_ACTIVE)]);
    assert_eq!(status(&cluster)["lastScheduleTime"], "2026-01-01T00:01:00Z");
    cluster.assert_steady();
    cluster.later(60);
    assert_eq!(cluster.told("c")[0].3, 2, "once a tick");
    cluster.assert_steady();
    cluster.later(18);
    end(&mut cluster, &child(1), 0);
    assert_eq!(cluster.names(Job), [child(1), child(3)]);
    assert_eq!(active(&cluster), [child(3)]);
    assert_eq!(status(&cluster)["lastScheduleTime"], "2026-01-01T00:03:00Z");
    cluster.assert_steady();
}

#[test]
fn with_forbid_and_a_deadline_the_missed_one_may_be_lost() {
    for (late, started) in [(29, 1), (31, 0)] {
        let mut cluster =
            cluster(json!({"concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 30}));
        cluster.later(120 + late);
        end(&mut cluster, &child(1), 0);
        assert_eq!(cluster.names(Job).len(), 1 + started, "{late} s");
        cluster.later(60 - late);
        assert_eq!(cluster.find(Job, &child(3)).is_some(), started == 0);
        cluster.assert_steady();
    }
}

#[test]
fn with_replace_the_other_goes() {
    let mut cluster = cluster(json!({"concurrencyPolicy": "Replace"}));
    cluster.later(120);
    assert_eq!((cluster.names(Job), active(&cluster)), (vec![child(2)], vec![child(2)]));
    assert_eq!(cluster.messages("SuccessfulDelete"), [format!("Deleted job {}", child(1))]);
    assert_eq!(cluster.told("c"), []);
    cluster.assert_steady();
}

#[test]
fn a_child_that_is_there_already_is_not_made_twice() {
    let mut own = cluster(json!({}));
    create_by_hand(&mut own, &child(1));
    own.later(60);
    assert_eq!((own.names(Job), active(&own)), (vec![child(1)], vec![child(1)]));
    assert_eq!(own.messages("SuccessfulCreate").len(), 1, "of the pod");
    own.assert_steady();

    let mut foreign = cluster(json!({}));
    let template = json!({"spec": {"containers": [{"name": "job", "image": "i"}]}});
    foreign.create(object(Job, &child(1), json!({"spec": {"template": template}})));
    foreign.later(60);
    assert_eq!((foreign.names(Job), active(&foreign).len()), (vec![child(1)], 0));
    foreign.assert_steady();
    foreign.later(60);
    assert_eq!(active(&foreign), [child(2)]);
}

#[test]
fn a_macro_is_midnight_for_everybody() {
    for (schedule, minutes) in [("@hourly", 60), ("@daily", 1_440), ("@midnight", 1_440)] {
        let mut cluster = cluster(json!({"schedule": schedule}));
        cluster.later(minutes * 60);
        assert_eq!(cluster.names(Job).last(), Some(&child(minutes)), "{schedule}");
    }
    for (schedule, due) in [
        ("@weekly", "2026-01-04T00:00:00Z"),
        ("@monthly", "2026-02-01T00:00:00Z"),
        ("@yearly", "2027-01-01T00:00:00Z"),
        ("@annually", "2027-01-01T00:00:00Z"),
    ] {
        let cluster = cluster(json!({"schedule": schedule}));
        assert_eq!(cluster.engine.next_due(), Some(due.parse().unwrap()), "{schedule}");
    }
}

#[test]
fn the_ticks_follow_the_clock_of_the_zone() {
    for (from, ticks) in [
        // The clock skips 2:30 that day.
        ("2026-03-28T00:00:00Z", ["2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"]),
        // And shows it twice that day.
        ("2026-10-25T00:00:00Z", ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]),
    ] {
        let mut cluster = Cluster::since(from);
        create(&mut cluster, json!({"schedule": "30 2 * * *", "timeZone": "Europe/Berlin"}));
        cluster.later(52 * 3_600);
        let scheduled_at = |name: &String| {
            let annotations = cluster.get(Job, name).metadata.annotations.clone().unwrap();
            annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"].clone()
        };
        let children = cluster.names(Job);
        let found: Vec<_> = children.iter().map(scheduled_at).take(2).collect();
        assert_eq!(found, ticks);
        for (name, tick) in children.iter().zip(ticks) {
            let tick: jiff::Timestamp = tick.parse().unwrap();
            assert_eq!(*name, format!("c-{}", tick.as_second() / 60));
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_once() {
    for (spec, reason, message) in [
        (
            json!({"timeZone": "Mars/Phobos"}),
            "UnknownTimeZone",
            "invalid timeZone: \"Mars/Phobos\": unknown time zone Mars/Phobos",
        ),
        (
            json!({"schedule": "0 0 30 2 *"}),
            "UnparseableSchedule",
            "unparseable schedule: \"0 0 30 2 *\" : the schedule never comes: no month that it \
             names has such a day",
        ),
    ] {
        let mut cluster = cluster(spec);
        cluster.later(600);
        assert_eq!(cluster.told("c"), [event("Warning", reason, message)]);
        cluster.assert_steady();
    }
}

#[test]
fn a_child_without_room_is_told_of_and_tried_again() {
    let mut cluster = Cluster::since(NOW);
    cluster.create(quota(json!({"count/jobs.batch": "0"})));
    create(&mut cluster, json!({"schedule": "0 * * * *"}));
    cluster.later(3_600);
    let message = format!(
        "Error creating job: jobs.batch \"{}\" is forbidden: exceeded quota: tool-tf-test, \
         requested: count/jobs.batch=1, used: count/jobs.batch=0, limited: count/jobs.batch=0",
        child(60)
    );
    assert_eq!(cluster.told("c"), [event("Warning", "FailedCreate", &message)]);
    assert_eq!(status(&cluster), json!({}));
    cluster.later(180);
    let tries = cluster.told("c")[0].3;
    assert!((14..=20).contains(&tries), "{tries}");
    cluster.set(ResourceQuota, "tool-tf-test", "hard", json!({"count/jobs.batch": "1"}));
    cluster.later(60);
    assert_eq!(active(&cluster), [child(60)]);
    cluster.assert_steady();
}
