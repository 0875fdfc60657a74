mod scheduled;

use serde_json::{Value, json};
use tjf_api_types::JobView;
use tjf_runtime::{
    Failure, RequestId,
    testing::{Exchange, FakeCluster, get, patch},
};

use super::*;
use crate::testing::{
    CONTROLLERS, CRONJOBS, JOBS, PODS, context_without_limits, object, ours, owned,
};

/// The annotation of a restart.
const RESTART: &str = "jobs.toolforge.org/restart";

async fn restart_a(kube: kube::Client) -> Result<JobView> {
    let restarted = restart(context_without_limits(kube), Path("a".parse().unwrap())).await;
    restarted.map(|Json(Named(view))| view)
}

fn gone(path: &str, name: &str) -> Exchange {
    get(format!("{path}/{name}")).not_found()
}

/// What the object says of itself that matters here, at version 41 unless it says another.
fn bot(more: &Value) -> Value {
    object("a", "rc", more)
}

/// With so many copies, as its controller knows.
fn running(replicas: i64) -> Value {
    bot(&json!({"spec": {"replicas": replicas}, "status": {"observedGeneration": 1}}))
}

/// Scaled to 0 for a restart that began at this time; its controller has seen this generation.
fn scaled_down(since: &str, observed: i64) -> Value {
    let restart = json!({"since": since, "replicas": 2}).to_string();
    bot(&json!({
        "metadata": {"generation": 2, "resourceVersion": "42", "annotations": {RESTART: restart}},
        "spec": {"replicas": 0},
        "status": {"observedGeneration": observed},
    }))
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn the_bot() -> Exchange {
    get(format!("{CONTROLLERS}/a"))
}

/// The look at everything that has the name.
fn look(there: Exchange, kind: &str) -> Vec<Exchange> {
    let kinds = [JOBS, CRONJOBS, CONTROLLERS].into_iter().filter(|path| *path != kind);
    let absent = kinds.map(|path| gone(path, "a"));
    absent.chain([there, get(JOBS).items([]), get(PODS).items([])]).collect()
}

fn look_at_bot(bot: Value) -> Vec<Exchange> {
    look(the_bot().answer(bot), CONTROLLERS)
}

fn the_pods(pods: impl IntoIterator<Item = Value>) -> Exchange {
    get(PODS).items(pods)
}

fn pod() -> Value {
    owned("a-x", "pod", "rc")
}

/// Scales down the version that was seen, and keeps how many copies there were.
fn beginning() -> Exchange {
    patch(format!("{CONTROLLERS}/a"))
        .query("fieldValidation=Strict")
        .body(json!({
            "metadata": {"uid": "rc", "resourceVersion": "41"}, "spec": {"replicas": 0},
        }))
        .answer(scaled_down(&now(), 1))
}

/// Scales up the version that was seen, and keeps nothing any more.
fn end() -> Exchange {
    patch(format!("{CONTROLLERS}/a"))
        .body(json!({
            "metadata": {"uid": "rc", "resourceVersion": "42", "annotations": {RESTART: null}},
            "spec": {"replicas": 2},
        }))
        .answer(running(2))
}

fn lost(call: Exchange) -> Exchange {
    call.refused(500, "InternalError", "etcd is away")
}

fn conflict(call: Exchange) -> Exchange {
    let message = "Operation cannot be fulfilled on replicationcontrollers \"a\": the object has \
                   been modified; please apply your changes to the latest version and try again";
    call.refused(409, "Conflict", message)
}

/// Plays these groups between the first look and the last, and gives what came of it.
async fn played(first: Value, groups: Vec<Vec<Exchange>>, last: Option<Value>) -> Result<JobView> {
    let (cluster, kube) = FakeCluster::pair();
    let groups = [look_at_bot(first)].into_iter().chain(groups);
    let script = cluster.expect_groups(groups.chain(last.map(look_at_bot)));
    let outcome = restart_a(kube).await;
    script.finish().await;
    outcome
}

fn one(exchange: Exchange) -> Vec<Exchange> {
    vec![exchange]
}

/// What is told of something that is not known.
fn detail_of(error: Error) -> String {
    let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
    assert_eq!((problem.status, problem.slug()), (504, "deadline-exceeded"), "{problem:?}");
    problem.detail
}

/// It is scaled up only after its controller has seen that there are to be no copies, and a look
/// after that shows no pod.
#[tokio::test(start_paused = true)]
async fn a_bot_has_new_pods_after_the_old_ones_have_gone() {
    let down = |observed| the_bot().answer(scaled_down(&now(), observed));
    let groups = vec![
        one(the_bot().answer(running(2))),
        one(beginning()),
        one(down(1)),
        one(down(2)),
        one(the_pods([pod()])),
        one(down(2)),
        one(the_pods([owned("b-x", "pod2", "another")])),
        one(end()),
    ];
    let view = played(running(2), groups, Some(running(2))).await.unwrap();
    assert_eq!((view.name.as_str(), view.replicas), ("a", Some(2)));
}

/// A pod that was evicted is there, and nothing runs in it.
#[tokio::test(start_paused = true)]
async fn a_pod_that_has_ended_is_not_waited_for() {
    let mut ended = pod();
    ended["status"] = json!({"phase": "Failed", "reason": "Evicted"});
    let groups = vec![
        one(the_bot().answer(running(2))),
        one(beginning()),
        one(the_bot().answer(scaled_down(&now(), 2))),
        one(the_pods([ended])),
        one(end()),
    ];
    assert!(played(running(2), groups, Some(running(2))).await.is_ok());
}

/// Another request has begun it, through this server or another: this one helps, and begins none.
#[tokio::test(start_paused = true)]
async fn of_two_restarts_the_second_joins_the_first() {
    let down = || the_bot().answer(scaled_down(&now(), 2));
    // It ends it itself.
    let groups = vec![one(down()), one(the_pods([])), one(end())];
    assert!(played(scaled_down(&now(), 2), groups, Some(running(2))).await.is_ok());
    // The first was quicker with the end, and then it is over.
    let groups = vec![
        one(down()),
        one(the_pods([])),
        one(conflict(end())),
        one(the_bot().answer(running(2))),
    ];
    assert!(played(scaled_down(&now(), 2), groups, Some(running(2))).await.is_ok());
    // The first was quicker with the beginning.
    let groups = vec![
        one(the_bot().answer(running(2))),
        one(conflict(beginning())),
        one(down()),
        one(the_pods([])),
        one(end()),
    ];
    assert!(played(running(2), groups, Some(running(2))).await.is_ok());
}

/// Whatever answer gets lost, the object says how far it came.
#[tokio::test(start_paused = true)]
async fn an_answer_that_got_lost_is_found_in_the_object() {
    let down = || the_bot().answer(scaled_down(&now(), 2));
    let up = || the_bot().answer(running(2));
    for (lost_one, groups) in [
        (
            "of a beginning that was done",
            vec![one(up()), one(lost(beginning())), one(down()), one(the_pods([])), one(end())],
        ),
        (
            "of a beginning that was not",
            vec![
                one(up()),
                one(lost(beginning())),
                one(up()),
                one(beginning()),
                one(down()),
                one(the_pods([])),
                one(end()),
            ],
        ),
        (
            "of an end that was done",
            vec![
                one(up()),
                one(beginning()),
                one(down()),
                one(the_pods([])),
                one(lost(end())),
                one(up()),
            ],
        ),
        (
            "of an end that was not",
            vec![
                one(up()),
                one(beginning()),
                one(down()),
                one(the_pods([])),
                one(lost(end())),
                one(down()),
                one(the_pods([])),
                one(end()),
            ],
        ),
    ] {
        let outcome = played(running(2), groups, Some(running(2))).await;
        assert!(outcome.is_ok(), "{lost_one}: {outcome:?}");
    }
}

/// Kubernetes is away for a while in the middle. The bot must not be left without a pod for that.
#[tokio::test(start_paused = true)]
async fn once_it_has_begun_no_outage_ends_it_before_its_time() {
    let away = (0..40).map(|_| one(lost(the_bot())));
    let mut groups = vec![one(the_bot().answer(running(2))), one(beginning())];
    groups.extend(away);
    groups.extend([one(the_bot().answer(scaled_down(&now(), 2))), one(the_pods([])), one(end())]);
    assert!(played(running(2), groups, Some(running(2))).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_before_it_began_has_changed_nothing_and_says_so() {
    let refused = beginning().refused(403, "Forbidden", "not yours");
    let groups = vec![one(the_bot().answer(running(2))), one(refused)];
    let error = played(running(2), groups, None).await.unwrap_err();
    let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
    assert_eq!(problem.slug(), "forbidden");
    assert_eq!(
        problem.detail,
        "Kubernetes does not let tool tf-test patch replicationcontrollers: ask an administrator"
    );
}

#[tokio::test(start_paused = true)]
async fn what_failed_in_the_middle_is_not_told_as_not_done() {
    let refused = the_pods([]).refused(403, "Forbidden", "not yours");
    let groups = vec![
        one(the_bot().answer(running(2))),
        one(beginning()),
        one(the_bot().answer(scaled_down(&now(), 2))),
        one(refused),
    ];
    let detail = detail_of(played(running(2), groups, None).await.unwrap_err());
    assert!(detail.contains("were told to end"), "{detail}");
    let beginnings =
        (0..3).flat_map(|_| [one(the_bot().answer(running(2))), one(lost(beginning()))]);
    let detail = detail_of(played(running(2), beginnings.collect(), None).await.unwrap_err());
    assert!(detail.contains("whether the restart of `a` has begun"), "{detail}");
}

/// A pod on a node that has gone never ends, and no other may run beside it.
#[tokio::test(start_paused = true)]
async fn a_pod_that_does_not_end_is_not_replaced() {
    let (cluster, kube) = FakeCluster::pair();
    let mut groups =
        vec![look_at_bot(running(2)), one(the_bot().answer(running(2))), one(beginning())];
    for _ in 0..200 {
        groups.extend([one(the_bot().answer(scaled_down(&now(), 2))), one(the_pods([pod()]))]);
    }
    let _script = cluster.expect_groups(groups);
    let began = tokio::time::Instant::now();
    let detail = detail_of(restart_a(kube).await.unwrap_err());
    assert!(detail.contains("were told to end") && detail.contains("`show` tells"), "{detail}");
    let seconds = began.elapsed().as_secs();
    assert!((25..30).contains(&seconds), "{seconds}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_goes_meanwhile_is_not_found() {
    let replaced = object("a", "another", &json!({"spec": {"replicas": 1}}));
    for now_there in [the_bot().not_found(), the_bot().answer(replaced)] {
        let groups = vec![one(the_bot().answer(running(2))), one(beginning()), one(now_there)];
        let error = played(running(2), groups, None).await.unwrap_err();
        assert!(matches!(error, Error::JobNotFound(_)), "{error:?}");
    }
}

/// Somebody gave it copies by hand, which ends the restart.
#[tokio::test(start_paused = true)]
async fn what_somebody_scaled_up_from_outside_is_left_alone() {
    let mut outside = scaled_down(&now(), 2);
    outside["spec"]["replicas"] = json!(5);
    let groups = vec![
        one(the_bot().answer(running(2))),
        one(beginning()),
        one(the_bot().answer(outside.clone())),
    ];
    let view = played(running(2), groups, Some(outside)).await.unwrap();
    assert_eq!(view.replicas, Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_bot_without_copies_stays_without() {
    let groups = vec![one(the_bot().answer(running(0)))];
    let view = played(running(0), groups, Some(running(0))).await.unwrap();
    assert_eq!(view.status.reason.as_deref(), Some("NoReplicas"));
}

#[tokio::test]
async fn a_one_off_is_not_restarted_and_what_is_not_there_is_not_found() {
    let (cluster, kube) = FakeCluster::pair();
    let there = look(get(format!("{JOBS}/a")).answer(ours("a", "job")), JOBS);
    let script = cluster.expect_groups([there]);
    let error = restart_a(kube).await.unwrap_err();
    script.finish().await;
    let problem = Failure::from(error).problem(&RequestId::from_text("r1"));
    assert_eq!((problem.status, problem.field.as_deref()), (400, Some("name")), "{problem:?}");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([look(gone(CONTROLLERS, "a"), CONTROLLERS)]);
    assert!(matches!(restart_a(kube).await.unwrap_err(), Error::JobNotFound(_)));
    script.finish().await;
}

/// The server that began it has died. Whoever looks is told, and goes on with it.
#[tokio::test(start_paused = true)]
async fn an_interrupted_restart_is_gone_on_with_by_the_next_look() {
    let old = || scaled_down("2026-01-01T00:00:00Z", 2);
    let (cluster, kube) = FakeCluster::pair();
    let list = vec![
        get(JOBS).items([]),
        get(CRONJOBS).items([]),
        get(CONTROLLERS).items([old()]),
        get(PODS).items([]),
    ];
    let script =
        cluster.expect_groups([list, one(the_bot().answer(old())), one(the_pods([])), one(end())]);
    let context = context_without_limits(kube);
    let page = crate::list::list(context, tjf_runtime::Recall::Refused).await.unwrap();
    let views: Vec<JobView> = serde_json::from_slice(page.json()).unwrap();
    let status = &views[0].status;
    assert_eq!(status.reason.as_deref(), Some("RestartInterrupted"));
    assert_eq!(views[0].replicas, Some(2));
    script.finish().await;
}

/// One that began a moment ago is somebody's, who is at it.
#[tokio::test(start_paused = true)]
async fn a_restart_that_is_under_way_is_left_to_who_began_it() {
    let (cluster, kube) = FakeCluster::pair();
    let look = look_at_bot(scaled_down(&now(), 1));
    let script = cluster.expect_groups([look]);
    let context = context_without_limits(kube);
    let name = Path("a".parse().unwrap());
    let shown = crate::show::show(
        context,
        name,
        tjf_runtime::Query(crate::show::Wanted::default()),
        tjf_runtime::Recall::Refused,
    )
    .await
    .unwrap();
    let view: JobView = serde_json::from_slice(shown.json()).unwrap();
    assert_eq!((view.status.reason.as_deref(), view.replicas), (None, Some(2)));
    assert!(view.status_long.contains("being restarted"), "{}", view.status_long);
    script.finish().await;
}
