//! How Jobs end, and that they stay so.

use super::*;
use crate::object::Object;

const LIMIT: (&str, &str) = ("BackoffLimitExceeded", "Job has reached the specified backoff limit");
const LATE: (&str, &str) = ("DeadlineExceeded", "Job was active longer than specified deadline");

#[test]
fn a_success_is_counted_and_completes_the_job() {
    let mut cluster = cluster(json!({"backoffLimit": 0}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.later(3);
    cluster.end(&pod, 0);
    let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
    let at = "2026-01-01T00:00:03Z";
    let expected = json!({
        "startTime": NOW, "completionTime": at, "succeeded": 1, "ready": 0, "terminating": 0,
        "uncountedTerminatedPods": {},
        "conditions": [
            condition("SuccessCriteriaMet", reason, message, at),
            condition("Complete", reason, message, at),
        ],
    });
    assert_eq!(status(&cluster), expected);
    assert_eq!(cluster.told("a"), [event("Normal", "Completed", "Job completed")]);
    assert!(cluster.get(Pod, &pod).finalizers().is_empty());
    cluster.assert_steady();
}

#[test]
fn a_failure_too_many_fails_the_job() {
    let mut cluster = cluster(json!({"backoffLimit": 0}));
    cluster.end(&cluster.only(Pod), 3);
    let expected = json!({
        "startTime": NOW, "failed": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
        "conditions": [
            condition("FailureTarget", LIMIT.0, LIMIT.1, NOW),
            condition("Failed", LIMIT.0, LIMIT.1, NOW),
        ],
    });
    assert_eq!(status(&cluster), expected);
    assert_eq!(cluster.told("a"), [event("Warning", LIMIT.0, LIMIT.1)]);
    cluster.assert_steady();
}

#[test]
fn an_end_is_announced_before_it_comes() {
    let mut cluster = cluster(json!({}));
    let mut pod = cluster.get(Pod, &cluster.only(Pod)).clone();
    pod.content.insert("status".to_owned(), json!({"phase": "Succeeded"}));
    cluster.engine.store.update(pod).unwrap();
    let mut seen = Vec::new();
    while cluster.engine.step(cluster.now) {
        seen.push((field(&cluster, "succeeded"), kinds(&cluster).len()));
    }
    seen.dedup();
    let one = json!(1);
    assert_eq!(seen, [(Value::Null, 0), (one.clone(), 1), (one, 2)]);
}

#[test]
fn a_job_out_of_time_fails_when_its_pod_has_gone() {
    let mut cluster =
        cluster(json!({"activeDeadlineSeconds": 3, "podReplacementPolicy": "Failed"}));
    let pod = cluster.only(Pod);
    cluster.later(1);
    cluster.start(&pod);
    cluster.assert_steady();
    cluster.later(1);
    assert!(!cluster.get(Pod, &pod).is_going());
    cluster.later(1);
    assert!(cluster.get(Pod, &pod).is_going());
    assert_eq!(conditions(&cluster), [("FailureTarget".into(), "2026-01-01T00:00:03Z".into())]);
    assert_eq!(
        (field(&cluster, "active"), field(&cluster, "terminating")),
        (Value::Null, json!(1))
    );
    assert_eq!(cluster.messages("SuccessfulDelete"), [format!("Deleted pod: {pod}")]);
    cluster.assert_steady();
    cluster.later(2);
    cluster.end(&pod, 143);
    let expected = json!({
        "startTime": NOW, "failed": 1, "ready": 0, "terminating": 0, "uncountedTerminatedPods": {},
        "conditions": [
            condition("FailureTarget", LATE.0, LATE.1, "2026-01-01T00:00:03Z"),
            condition("Failed", LATE.0, LATE.1, "2026-01-01T00:00:05Z"),
        ],
    });
    assert_eq!((status(&cluster), cluster.names(Pod).len()), (expected, 0));
    assert_eq!(cluster.told("a"), [event("Warning", LATE.0, LATE.1)]);
    cluster.assert_steady();
}

#[test]
fn a_pod_deleted_by_hand_has_failed_at_once() {
    let mut cluster = cluster(json!({"backoffLimit": 0}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.delete(Pod, &pod, Propagation::Background);
    assert_eq!(
        (kinds(&cluster), field(&cluster, "failed")),
        (vec!["FailureTarget".into()], json!(1))
    );
    cluster.assert_steady();
    cluster.later(3);
    cluster.end(&pod, 143);
    let target = ("FailureTarget".into(), NOW.into());
    assert_eq!(conditions(&cluster), [target, ("Failed".into(), "2026-01-01T00:00:03Z".into())]);
    assert_eq!((field(&cluster, "failed"), cluster.names(Pod).len()), (json!(1), 0));
    cluster.assert_steady();
}

#[test]
fn a_pod_deleted_by_hand_fails_only_at_its_end_when_replacements_wait() {
    let mut cluster = cluster(json!({"backoffLimit": 0, "podReplacementPolicy": "Failed"}));
    let pod = cluster.only(Pod);
    cluster.start(&pod);
    cluster.delete(Pod, &pod, Propagation::Background);
    assert_eq!((kinds(&cluster).len(), field(&cluster, "failed")), (0, Value::Null));
    assert_eq!(field(&cluster, "terminating"), json!(1));
    cluster.assert_steady();
    cluster.end(&pod, 143);
    assert_eq!((kinds(&cluster).len(), field(&cluster, "failed")), (2, json!(1)));
    cluster.assert_steady();
}

#[test]
fn a_pod_deleted_before_a_node_had_it_has_failed() {
    let mut cluster = cluster(json!({"backoffLimit": 0, "podReplacementPolicy": "Failed"}));
    cluster.delete(Pod, &cluster.only(Pod), Propagation::Background);
    assert_eq!((kinds(&cluster).len(), field(&cluster, "failed")), (2, json!(1)));
    assert_eq!(cluster.names(Pod).len(), 0);
    cluster.assert_steady();
}

#[test]
fn whatever_comes_between_two_steps_a_pod_is_counted_once() {
    let mut cluster = Cluster::since(NOW);
    super::create(&mut cluster, json!({"parallelism": 3, "completions": 3, "backoffLimit": 9}));
    for (pod, phase) in cluster.names(Pod).iter().zip(["Succeeded", "Failed", "Failed"]) {
        let mut pod = cluster.get(Pod, pod).clone();
        pod.content.insert("status".to_owned(), json!({"phase": phase}));
        cluster.engine.store.update(pod).unwrap();
    }
    let mark = |object: &Object, step: usize| {
        let mut object = object.clone();
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert("step".to_owned(), step.to_string());
        object
    };
    for step in 0..50 {
        cluster.engine.step(cluster.now);
        let store = &cluster.engine.store;
        // Pods are looked at first: marked with every step they would keep the Job from it.
        let kinds = [Job, Pod].into_iter().take(1 + usize::from(step % 7 == 0));
        let all = kinds.flat_map(|kind| store.list(kind, None));
        let marked: Vec<_> = all.map(|object| mark(object, step)).collect();
        for object in marked {
            cluster.engine.store.update(object).unwrap();
        }
    }
    assert_eq!((field(&cluster, "succeeded"), field(&cluster, "failed")), (json!(1), json!(2)));
}

#[test]
fn a_finished_job_stays_finished() {
    for exit_code in [0, 1] {
        let mut cluster = cluster(json!({"backoffLimit": 0, "activeDeadlineSeconds": 60}));
        let pod = cluster.only(Pod);
        cluster.end(&pod, exit_code);
        let end = status(&cluster);
        cluster.delete(Pod, &pod, Propagation::Background);
        cluster.set(Job, "a", "backoffLimit", json!(5));
        cluster.set(Job, "a", "suspend", json!(true));
        cluster.set(Job, "a", "suspend", json!(false));
        cluster.later(1_000_000);
        assert_eq!((status(&cluster), cluster.names(Pod).len()), (end, 0));
        cluster.assert_steady();
    }
}

#[test]
fn a_suspended_job_that_is_said_to_be_complete_is_finished() {
    let mut cluster = cluster(json!({"suspend": true, "ttlSecondsAfterFinished": 5}));
    cluster.change(Job, "a", |job| {
        let complete = condition("Complete", "Done", "By hand", NOW);
        job.content["status"]["conditions"].as_array_mut().unwrap().push(complete);
    });
    let end = status(&cluster);
    cluster.set(Job, "a", "suspend", json!(false));
    cluster.later(4);
    assert_eq!((status(&cluster), cluster.names(Pod).len()), (end, 0));
    cluster.later(1);
    assert!(cluster.find(Job, "a").is_none());
}

#[test]
fn a_finished_job_goes_when_its_time_is_over() {
    let mut cluster = cluster(json!({"ttlSecondsAfterFinished": 30}));
    cluster.later(7);
    cluster.end(&cluster.only(Pod), 0);
    cluster.assert_steady();
    cluster.later(29);
    assert!(cluster.find(Job, "a").is_some());
    cluster.later(1);
    assert!(cluster.find(Job, "a").is_none());
    // Not orphaned: the garbage collector has them now.
    let pods = cluster.names(Pod);
    assert!(pods.iter().all(|pod| cluster.get(Pod, pod).owners().len() == 1));
}
