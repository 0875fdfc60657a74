use serde_json::json;
use tjf_runtime::testing::{Exchange, FakeCluster, get, patch};

use super::*;
use crate::testing::{
    CONTROLLERS, CRONJOBS, EVENTS, JOBS, PODS, QUOTAS, context, context_without_limits, object,
};

const REFUSED: &str = "pods \"x\" is forbidden: exceeded quota: q, requested: pods=1, used: \
                       pods=16, limited: pods=16";

fn refusal_of(uid: &str) -> Value {
    json!({
        "metadata": {"name": format!("event-of-{uid}"), "uid": uid},
        "involvedObject": {"uid": uid},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": format!("Error creating: {REFUSED}"),
        "lastTimestamp": "2026-01-01T00:01:00Z",
    })
}

/// A one-off of this second that has no pod.
fn job(name: &str, second: u32) -> Value {
    let created = json!({"creationTimestamp": format!("2026-01-01T00:00:{second:02}Z")});
    object(name, &format!("uid-of-{name}"), &json!({"metadata": created}))
}

/// A bot that lacks a copy, and is younger than all one-offs.
fn bot() -> Value {
    let condition = json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
        "message": REFUSED});
    object(
        "bot",
        "uid-of-bot",
        &json!({
            "metadata": {"creationTimestamp": "2026-01-01T00:00:59Z"},
            "spec": {"replicas": 1},
            "status": {"conditions": [condition]},
        }),
    )
}

/// A look at what waits.
fn look(jobs: &[Value], used: u32) -> Vec<Vec<Exchange>> {
    let uids = jobs.iter().map(|job| job["metadata"]["uid"].as_str().unwrap());
    let events: Vec<_> = uids.map(refusal_of).chain([refusal_of("uid-of-bot")]).collect();
    let quota = json!({
        "metadata": {"name": "q", "uid": "q"},
        "spec": {"hard": {"pods": "16"}},
        "status": {"used": {"pods": used.to_string()}},
    });
    vec![
        vec![get(EVENTS).items(events)],
        vec![
            get(JOBS).items(jobs.to_vec()),
            get(CRONJOBS).items([]),
            get(CONTROLLERS).items([bot()]),
            get(PODS).items([]),
        ],
        vec![get(QUOTAS).items([quota])],
    ]
}

/// The annotation of this very object, and nothing else of it.
fn nudge(path: &str, name: &str) -> Vec<Exchange> {
    let body = json!({"metadata": {"uid": format!("uid-of-{name}")}});
    vec![patch(format!("{path}/{name}")).body(body).answer(object(name, "any", &json!({})))]
}

/// Plays these groups until nobody is at it any more.
async fn played(groups: Vec<Vec<Exchange>>) -> Duration {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(groups);
    let began = Instant::now();
    Cluster::of(&context(kube)).await.unwrap().nudge();
    script.finish().await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn where_nothing_was_refused_one_question_is_enough() {
    played(vec![vec![get(EVENTS).items([])]]).await;
}

#[tokio::test]
async fn without_a_quota_nothing_is_asked() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.silence();
    Cluster::of(&context_without_limits(kube)).await.unwrap().nudge();
    script.finish().await;
}

/// The oldest first, one a second, and each of them once: whatever Kubernetes then says is its
/// answer.
#[tokio::test(start_paused = true)]
async fn what_waits_is_told_one_after_the_other() {
    let jobs = [job("young", 30), job("old", 10)];
    let mut groups = look(&jobs, 14);
    groups.push(nudge(JOBS, "old"));
    groups.extend(look(&jobs, 14));
    groups.push(nudge(JOBS, "young"));
    groups.extend(look(&jobs, 14));
    groups.push(nudge(CONTROLLERS, "bot"));
    groups.extend(look(&jobs, 14).into_iter().take(2));
    let time = played(groups).await;
    assert!((Duration::from_secs(2)..Duration::from_secs(4)).contains(&time), "{time:?}");
}

/// Another job has its name by now, which Kubernetes tells in these words.
#[tokio::test(start_paused = true)]
async fn what_has_gone_meanwhile_is_passed_over() {
    let message =
        "Job.batch \"a\" is invalid: metadata.uid: Invalid value: \"u\": field is immutable";
    let mut groups = look(&[job("a", 1)], 14);
    groups.push(vec![patch(format!("{JOBS}/a")).refused(422, "Invalid", message)]);
    groups.extend(look(&[], 14));
    groups.push(nudge(CONTROLLERS, "bot"));
    groups.extend(look(&[], 14).into_iter().take(2));
    played(groups).await;
}

/// A bot that was restarted a moment ago, whose pod is not there yet, takes its place again.
#[tokio::test(start_paused = true)]
async fn what_is_coming_is_not_room() {
    let mut restarted = bot();
    restarted["metadata"]["name"] = json!("restarted");
    restarted["metadata"]["uid"] = json!("another");
    restarted["status"] = json!({});
    let with_it = |jobs: &[Value]| {
        let mut groups = look(jobs, 15);
        groups[1][2] = get(CONTROLLERS).items([restarted.clone()]);
        groups
    };
    let mut groups = with_it(&[job("a", 1)]);
    groups.extend(with_it(&[job("a", 1)]));
    groups.extend(look(&[job("a", 1)], 15));
    groups.push(nudge(JOBS, "a"));
    groups.extend(look(&[job("a", 1)], 15));
    groups.push(nudge(CONTROLLERS, "bot"));
    groups.extend(look(&[job("a", 1)], 15).into_iter().take(2));
    played(groups).await;
}

/// Kubernetes counts what was deleted until it has gone, and a little longer.
#[tokio::test(start_paused = true)]
async fn room_that_comes_a_little_late_is_waited_for() {
    let mut groups = [look(&[job("a", 1)], 16), look(&[job("a", 1)], 16)].concat();
    groups.extend(look(&[job("a", 1)], 15));
    groups.push(nudge(JOBS, "a"));
    let mut started = job("a", 1);
    started["status"] = json!({"active": 1});
    groups.extend(look(&[started], 16));
    // From now on only the bot waits, and for longer than anybody watches.
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_at_least(groups.into_iter().flatten());
    Cluster::of(&context(kube)).await.unwrap().nudge();
    script.finish().await;
}

/// Ten asked before the first look, and one look answers all of them.
#[tokio::test(start_paused = true)]
async fn who_asks_while_somebody_is_at_it_begins_nothing() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([vec![get(EVENTS).items([])]]);
    let asked = Cluster::of(&context(kube)).await.unwrap();
    (0..10).for_each(|_| asked.nudge());
    drop(asked);
    script.finish().await;
}

/// Who asked after the last look is not forgotten.
#[tokio::test(start_paused = true)]
async fn one_is_at_it_until_nobody_has_asked_since() {
    let nudging = Nudging::default();
    assert!(nudging.ask() && !nudging.ask());
    let mut working = nudging.working();
    let seen = nudging.asked_at();
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!nudging.ask() && !working.ends(seen) && !nudging.ask());
    assert!(working.ends(nudging.asked_at()));
    // And then another may be, whom the end of the first does not touch.
    assert!(nudging.ask());
    drop(working);
    assert!(!nudging.ask());
}
