//! What children look like, and what becomes of them.

use super::*;

#[test]
fn a_child_is_the_template_with_the_cronjob_s_marks() {
    let mut cluster = cluster(json!({"timeZone": "Asia/Kolkata"}));
    cluster.later(60);
    // The API server adds to the rest.
    let child = cluster.get(Job, &child(1)).to_value();
    let mut metadata = child["metadata"].clone();
    for field in ["uid", "resourceVersion"] {
        metadata.as_object_mut().unwrap().remove(field);
    }
    let expected = json!({
        "name": "c-29453761", "namespace": NAMESPACE,
        "creationTimestamp": "2026-01-01T00:01:00Z", "generation": 1,
        "labels": {"app": "c"},
        "annotations": {
            "note": "n",
            "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T05:31:00+05:30",
        },
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "c",
            "uid": cluster.get(CronJob, "c").uid(),
            "controller": true, "blockOwnerDeletion": true,
        }],
    });
    assert_eq!(metadata, expected);
    assert_eq!(child["spec"]["backoffLimit"], 0);
    assert_eq!(child["spec"]["template"]["spec"]["containers"][0]["image"], "i");
}

#[test]
fn a_child_is_active_until_it_ends() {
    let mut cluster = cluster(json!({}));
    cluster.later(60);
    let mut told = status(&cluster);
    let version = told["active"][0].as_object_mut().unwrap().remove("resourceVersion");
    assert!(version.is_some());
    let active = json!({
        "apiVersion": "batch/v1", "kind": "Job", "name": child(1), "namespace": NAMESPACE,
        "uid": cluster.get(Job, &child(1)).uid(),
    });
    let expected = json!({"active": [active], "lastScheduleTime": "2026-01-01T00:01:00Z"});
    assert_eq!(told, expected);
    let created = format!("Created job {}", child(1));
    assert!(cluster.messages("SuccessfulCreate").contains(&created));
    let annotations = cluster.get(Job, &child(1)).metadata.annotations.clone().unwrap();
    let scheduled_at = &annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"];
    assert_eq!(scheduled_at, "2026-01-01T00:01:00Z", "UTC when no zone is named");

    cluster.later(20);
    end(&mut cluster, &child(1), 0);
    let expected = json!({
        "lastScheduleTime": "2026-01-01T00:01:00Z", "lastSuccessfulTime": "2026-01-01T00:01:20Z",
    });
    assert_eq!(status(&cluster), expected);
    let message = format!("Saw completed job: {}, condition: Complete", child(1));
    assert_eq!(cluster.told("c"), [event("Normal", "SawCompletedJob", &message)]);
    cluster.assert_steady();

    cluster.later(50);
    end(&mut cluster, &child(2), 1);
    let expected = json!({
        "lastScheduleTime": "2026-01-01T00:02:00Z", "lastSuccessfulTime": "2026-01-01T00:01:20Z",
    });
    assert_eq!(status(&cluster), expected);
    let message = format!("Saw completed job: {}, condition: Failed", child(2));
    assert!(cluster.messages("SawCompletedJob").contains(&message));
    cluster.assert_steady();
}

#[test]
fn a_child_that_somebody_deleted_is_missed() {
    let mut cluster = cluster(json!({"concurrencyPolicy": "Forbid"}));
    cluster.later(90);
    cluster.delete(Job, &child(1), Propagation::Background);
    assert_eq!(active(&cluster).len(), 0);
    let message = format!("Active job went missing: {}", child(1));
    assert_eq!(cluster.told("c"), [event("Normal", "MissingJob", &message)]);
    assert_eq!(cluster.names(Job).len(), 0, "its tick is not made up for");
    cluster.assert_steady();
}

#[test]
fn the_oldest_finished_children_go() {
    let mut cluster = cluster(json!({}));
    for minute in 1..=8 {
        cluster.later(60);
        end(&mut cluster, &child(minute), i32::from(minute % 2 == 0));
        cluster.assert_steady();
    }
    assert_eq!(cluster.names(Job), [3, 5, 7, 8].map(child));
    let mut deleted = cluster.messages("SuccessfulDelete");
    deleted.sort();
    assert_eq!(deleted, [1, 2, 4, 6].map(|minute| format!("Deleted job {}", child(minute))));
    cluster.set(CronJob, "c", "successfulJobsHistoryLimit", json!(1));
    cluster.set(CronJob, "c", "failedJobsHistoryLimit", json!(0));
    assert_eq!(cluster.names(Job), [child(7)]);
    cluster.set(CronJob, "c", "successfulJobsHistoryLimit", json!(0));
    assert_eq!(cluster.names(Job).len(), 0);
    assert_eq!(status(&cluster)["lastSuccessfulTime"], "2026-01-01T00:07:00Z");
    cluster.assert_steady();
}

#[test]
fn a_child_made_by_hand_is_only_kept_as_history() {
    let mut cluster =
        cluster(json!({"concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 1}));
    cluster.later(30);
    create_by_hand(&mut cluster, "c-x7k2p");
    let message = "Saw a job that the controller did not create or forgot: c-x7k2p";
    assert_eq!(cluster.told("c"), [event("Warning", "UnexpectedJob", message)]);
    assert_eq!(status(&cluster), json!({}));
    cluster.assert_steady();
    // Forbid does not see it.
    cluster.later(30);
    assert_eq!((cluster.names(Job).len(), active(&cluster)), (2, vec![child(1)]));
    end(&mut cluster, "c-x7k2p", 0);
    assert_eq!(status(&cluster)["lastSuccessfulTime"], "2026-01-01T00:01:00Z");
    assert_eq!((cluster.names(Job).len(), cluster.told("c").len()), (2, 1));
    cluster.later(10);
    end(&mut cluster, &child(1), 0);
    assert_eq!(cluster.names(Job), [child(1)]);
    cluster.assert_steady();
}

#[test]
fn a_child_made_by_hand_beside_a_late_start_is_told_of_too() {
    let mut cluster = cluster(json!({"suspend": true}));
    cluster.later(90);
    create_by_hand(&mut cluster, "by-hand");
    cluster.set(CronJob, "c", "suspend", json!(false));
    assert_eq!(active(&cluster), [child(1)]);
    assert_eq!(cluster.messages("UnexpectedJob").len(), 1);
}

#[test]
fn a_cronjob_that_is_going_starts_nothing() {
    let mut cluster = cluster(json!({}));
    cluster.delete(CronJob, "c", Propagation::Foreground);
    cluster.later(600);
    assert_eq!((cluster.names(Job).len(), cluster.engine.next_due()), (0, None));
}
