//! When the next pod comes.

use super::*;

#[test]
fn tries_come_after_pauses_that_double_up_to_ten_minutes() {
    let mut cluster = cluster(json!({"backoffLimit": 8}));
    for (failed, pause) in (1..).zip([10, 20, 40, 80, 160, 320, 600, 600]) {
        let pods = cluster.names(Pod);
        assert_eq!(pods.len(), failed);
        cluster.later(5);
        cluster.end(&pods[failed - 1], 1);
        assert_eq!(
            (field(&cluster, "failed"), field(&cluster, "active")),
            (json!(failed), Value::Null)
        );
        assert_eq!(kinds(&cluster).len(), 0);
        cluster.assert_steady();
        cluster.later(pause - 1);
        assert_eq!(cluster.names(Pod).len(), failed);
        cluster.later(1);
        assert_eq!(cluster.names(Pod).len(), failed + 1, "after {pause} s");
    }
    cluster.end(cluster.names(Pod).last().unwrap(), 1);
    assert_eq!((kinds(&cluster).len(), field(&cluster, "failed")), (2, json!(9)));
}

#[test]
fn six_tries_are_added_when_nobody_says_how_many() {
    let mut cluster = cluster(json!({}));
    for _ in 0..7 {
        assert_eq!(kinds(&cluster).len(), 0);
        cluster.end(cluster.names(Pod).last().unwrap(), 1);
        cluster.later(600);
    }
    assert_eq!((kinds(&cluster).len(), cluster.names(Pod).len()), (2, 7));
}

#[test]
fn a_success_ends_the_pauses() {
    let mut cluster = cluster(json!({"completions": 2}));
    cluster.end(&cluster.only(Pod), 1);
    cluster.later(11);
    cluster.end(cluster.names(Pod).last().unwrap(), 0);
    assert_eq!(cluster.names(Pod).len(), 3);
    cluster.later(1);
    cluster.end(cluster.names(Pod).last().unwrap(), 1);
    cluster.later(9);
    assert_eq!(cluster.names(Pod).len(), 3);
    cluster.later(1);
    assert_eq!(cluster.names(Pod).len(), 4);
}

#[test]
fn the_deadline_comes_in_a_pause_too() {
    let mut cluster = cluster(json!({"activeDeadlineSeconds": 5}));
    cluster.end(&cluster.only(Pod), 1);
    cluster.later(5);
    let at = "2026-01-01T00:00:05Z".to_owned();
    let expected = ["FailureTarget", "Failed"].map(|kind| (kind.to_owned(), at.clone()));
    assert_eq!(conditions(&cluster), expected);
    assert_eq!(field(&cluster, "failed"), json!(1));
}

#[test]
fn a_replacement_comes_beside_a_pod_that_is_going() {
    let mut cluster = cluster(json!({"backoffLimit": 1}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.delete(Pod, &pod, Propagation::Background);
    cluster.later(9);
    assert_eq!(cluster.names(Pod).len(), 1);
    cluster.later(1);
    assert_eq!(cluster.names(Pod).len(), 2);
    assert_eq!((field(&cluster, "active"), field(&cluster, "terminating")), (json!(1), json!(1)));
    cluster.assert_steady();
}

#[test]
fn a_replacement_that_waits_comes_only_after_the_real_end() {
    let mut cluster = cluster(json!({"backoffLimit": 1, "podReplacementPolicy": "Failed"}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.delete(Pod, &pod, Propagation::Background);
    cluster.later(29);
    assert_eq!(cluster.only(Pod), pod);
    cluster.assert_steady();
    cluster.end(&pod, 143);
    cluster.later(10);
    assert_ne!(cluster.only(Pod), pod);
    assert_eq!((field(&cluster, "active"), field(&cluster, "failed")), (json!(1), json!(1)));
    cluster.assert_steady();
}

#[test]
fn a_pod_without_room_is_told_of_and_tried_again() {
    let mut cluster = Cluster::since(NOW);
    cluster.create(quota(json!({"pods": "0"})));
    create(&mut cluster, json!({"backoffLimit": 0}));
    let told = cluster.told("a");
    let [(kind, reason, message, 1)] = &told[..] else { panic!("{told:?}") };
    assert_eq!((kind.as_str(), reason.as_str()), ("Warning", "FailedCreate"));
    let sentence = "\" is forbidden: exceeded quota: tool-tf-test, requested: pods=1, \
                    used: pods=0, limited: pods=0";
    let name = message.strip_prefix("Error creating: pods \"a-").unwrap();
    assert_eq!(name.strip_suffix(sentence).unwrap().len(), 5, "{message}");
    let expected = json!({
        "startTime": NOW, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
    });
    assert_eq!(status(&cluster), expected);

    cluster.later(300);
    let tries = cluster.told("a").len();
    assert!((15..=22).contains(&tries), "{tries}");
    cluster.later(60);
    assert_eq!(cluster.told("a").len(), tries + 1);
    cluster.set(ResourceQuota, "tool-tf-test", "hard", json!({"pods": "1"}));
    cluster.later(60);
    assert_eq!((cluster.names(Pod).len(), field(&cluster, "active")), (1, json!(1)));
    cluster.assert_steady();
}

#[test]
fn the_deadline_comes_without_room_too() {
    let mut cluster = Cluster::since(NOW);
    cluster.create(quota(json!({"pods": "0"})));
    create(&mut cluster, json!({"activeDeadlineSeconds": 100}));
    cluster.later(100);
    let at = "2026-01-01T00:01:40Z".to_owned();
    let expected = ["FailureTarget", "Failed"].map(|kind| (kind.to_owned(), at.clone()));
    assert_eq!(conditions(&cluster), expected);
    cluster.assert_steady();
}
