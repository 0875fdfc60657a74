use serde_json::{Value, json};
use tjf_api_types::PortProtocol;
use tjf_runtime::{
    Failure, RequestId,
    testing::{Exchange, FakeCluster, delete, get, post},
};

use super::*;
use crate::{
    cluster::ClusterError,
    job::manifest::{self, Owner},
    testing::{
        CONTROLLERS, CRONJOBS, JOBS, PODS, context_without_limits, ended, object, owned_by, request,
    },
};

fn keep_nothing(_: &mut RunRequest, _: &JobView) {}

async fn replace(context: Context, request: RunRequest) -> Result<(JobView, Change)> {
    // On the heap, where the router has it too.
    Box::pin(super::replace(context, request, keep_nothing)).await
}

fn bot(cmd: &str) -> RunRequest {
    RunRequest { cmd: cmd.to_owned(), continuous: Some(true), ..request("a") }
}

/// The object of this request, as our own manifest makes it.
fn made(request: RunRequest, uid: &str, more: &Value) -> Value {
    let (_, kube) = FakeCluster::pair();
    let context = context_without_limits(kube);
    let job = checked::job(&context, request, None).unwrap();
    let owner = Owner::of_home(1000, 1000);
    let mut object = manifest::of(&job, &context.state.pod_settings, owner).unwrap();
    object["metadata"]["uid"] = json!(uid);
    object["metadata"]["resourceVersion"] = json!("41");
    object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
    crate::testing::put_over(&mut object, more);
    object
}

fn running(request: RunRequest, uid: &str) -> Value {
    made(request, uid, &json!({}))
}

/// The look at one name: these objects of the three kinds have it.
fn look([job, cronjob, controller]: [Option<Value>; 3]) -> Vec<Exchange> {
    let one = |path: &str, object: Option<Value>| match object {
        Some(object) => get(format!("{path}/a")).answer(object),
        None => get(format!("{path}/a")).not_found(),
    };
    vec![
        one(JOBS, job),
        one(CRONJOBS, cronjob),
        one(CONTROLLERS, controller),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]
}

fn look_at(controller: Value) -> Vec<Exchange> {
    look([None, None, Some(controller)])
}

fn look_at_nothing() -> Vec<Exchange> {
    look([None, None, None])
}

/// The look around before something is created; it is quick or thorough.
fn survey(controllers: &[Value], jobs: &[Value]) -> Vec<Exchange> {
    vec![
        get(JOBS).items(jobs.to_vec()),
        get(CRONJOBS).items([]),
        get(CONTROLLERS).items(controllers.to_vec()),
        get(PODS).items([]),
    ]
}

/// Kubernetes is asked whether it would take the new job.
fn rehearsal() -> Vec<Exchange> {
    vec![post(CONTROLLERS).query("dryRun=All").created(json!({}))]
}

/// The very object goes, and its pods are waited for.
fn deletion(uid: &str) -> Vec<Vec<Exchange>> {
    let this = json!({"preconditions": {"uid": uid}});
    vec![
        vec![delete(format!("{CONTROLLERS}/a")).body(this)],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([owned_by("ReplicationController", "a-x", "pod", uid)])],
        vec![delete(format!("{PODS}/a-x"))],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]
}

fn creation(created: Value) -> Vec<Vec<Exchange>> {
    vec![
        survey(&[], &[]),
        vec![post(CONTROLLERS).without("dryRun").created(created)],
        vec![get(format!("{JOBS}/a")).not_found(), get(format!("{CRONJOBS}/a")).not_found()],
    ]
}

#[tokio::test]
async fn what_is_there_just_so_is_not_touched() {
    let typed_otherwise = RunRequest { memory: Some("1024Mi".to_owned()), ..bot("x") };
    let with_limit = RunRequest { memory: Some("1Gi".to_owned()), ..bot("x") };
    let defaults_said = RunRequest { replicas: Some(1), filelog: Some(true), ..bot("x") };
    let with_port = RunRequest { port: Some(80), ..bot("x") };
    let tcp_said = RunRequest { port_protocol: Some(PortProtocol::Tcp), ..with_port.clone() };
    for (there, asked) in [
        (bot("x"), bot("x")),
        (with_port, tcp_said),
        (with_limit, typed_otherwise),
        (defaults_said.clone(), bot("x")),
        (bot("x"), defaults_said),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups([look_at(running(there, "u1"))]);
        let (job, change) = replace(context_without_limits(kube), asked).await.unwrap();
        assert_eq!((job.uid.as_str(), change), ("u1", Change::None));
        script.finish().await;
    }
}

#[tokio::test]
async fn what_is_not_there_is_created() {
    let (cluster, kube) = FakeCluster::pair();
    let groups = [vec![look_at_nothing()], creation(running(bot("x"), "u1"))].concat();
    let script = cluster.expect_groups(groups);
    let (job, change) = replace(context_without_limits(kube), bot("x")).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("u1", Change::Created));
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_differs_goes_after_a_rehearsal_and_the_new_job_comes_after_its_pods() {
    let (cluster, kube) = FakeCluster::pair();
    let old = running(bot("old"), "u1");
    let groups = [
        vec![look_at(old.clone()), survey(std::slice::from_ref(&old), &[]), rehearsal()],
        vec![look_at(old)],
        deletion("u1"),
        creation(running(bot("new"), "u2")),
    ];
    let script = cluster.expect_groups(groups.concat());
    let (job, change) = replace(context_without_limits(kube), bot("new")).await.unwrap();
    assert_eq!((job.uid.as_str(), job.cmd.as_str()), ("u2", "new"));
    assert_eq!(change, Change::Replaced);
    script.finish().await;
}

/// An object that was changed from outside is not what was asked for any more.
#[tokio::test(start_paused = true)]
async fn what_was_changed_from_outside_is_made_anew() {
    let (cluster, kube) = FakeCluster::pair();
    let old = made(bot("x"), "u1", &json!({"spec": {"replicas": 5}}));
    let groups = [
        vec![look_at(old.clone()), survey(std::slice::from_ref(&old), &[]), rehearsal()],
        vec![look_at(old)],
        deletion("u1"),
        creation(running(bot("x"), "u2")),
    ];
    let script = cluster.expect_groups(groups.concat());
    let (_, change) = replace(context_without_limits(kube), bot("x")).await.unwrap();
    assert_eq!(change, Change::Replaced);
    script.finish().await;
}

#[tokio::test]
async fn what_kubernetes_would_not_take_costs_nothing() {
    let full = "exceeded quota: q, requested: limits.memory=1, used: limits.memory=1, limited: \
                limits.memory=1";
    let refused = || vec![post(CONTROLLERS).query("dryRun=All").refused(403, "Forbidden", full)];
    let (cluster, kube) = FakeCluster::pair();
    let old = running(bot("old"), "u1");
    let around = || survey(std::slice::from_ref(&old), &[]);
    let script = cluster.expect_groups([
        look_at(old.clone()),
        around(),
        refused(),
        // Of what others did, a quick look may miss something.
        around(),
        refused(),
    ]);
    let error = replace(context_without_limits(kube), bot("new")).await.unwrap_err();
    assert!(matches!(error, Error::Cluster(ClusterError::QuotaExceeded(_))), "{error:?}");
    script.finish().await;
}

#[tokio::test]
async fn what_is_wrong_in_itself_is_refused_without_asking() {
    for (request, field) in [
        (RunRequest { name: None, ..bot("x") }, "name"),
        (RunRequest { name: Some("A".to_owned()), ..bot("x") }, "name"),
        (RunRequest { imagename: "nope".to_owned(), ..bot("x") }, "imagename"),
        (RunRequest { replicas: Some(99), ..bot("x") }, "replicas"),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.silence();
        let error = replace(context_without_limits(kube), request).await.unwrap_err();
        let Error::Invalid(invalid) = error else { panic!("{error:?}") };
        assert_eq!(invalid.field, field);
        script.finish().await;
    }
}

/// Two of the same at once: the second finds the name taken, looks, and is content.
#[tokio::test(start_paused = true)]
async fn who_comes_second_finds_what_was_wanted() {
    let theirs = || running(bot("x"), "theirs");
    let exists = post(CONTROLLERS).refused(409, "AlreadyExists", "already exists");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        look_at_nothing(),
        survey(&[], &[]),
        vec![exists],
        survey(&[theirs()], &[]),
        look_at(theirs()),
    ]);
    let (job, change) = replace(context_without_limits(kube), bot("x")).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("theirs", Change::None));
    script.finish().await;
}

/// Somebody was quicker, between the look and the delete: that job is not the one that was compared.
#[tokio::test(start_paused = true)]
async fn a_job_that_was_not_looked_at_is_not_deleted() {
    let old = running(bot("old"), "u1");
    let theirs = || running(bot("new"), "theirs");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        look_at(old.clone()),
        survey(&[old], &[]),
        rehearsal(),
        look_at(theirs()),
        // The create is refused by a look of its own, and then all is looked at anew.
        survey(&[theirs()], &[]),
        survey(&[theirs()], &[]),
        look_at(theirs()),
    ]);
    let (job, change) = replace(context_without_limits(kube), bot("new")).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("theirs", Change::None));
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_that_others_take_again_and_again_is_given_up() {
    let theirs = |uid: &str| running(bot("theirs"), uid);
    let mut groups = Vec::new();
    for turn in 0..TURNS_MAX {
        let (seen, next) = (format!("u{turn}"), format!("u{}", turn + 1));
        groups.extend([
            look_at(theirs(&seen)),
            survey(&[theirs(&seen)], &[]),
            rehearsal(),
            look_at(theirs(&next)),
            survey(&[theirs(&next)], &[]),
            survey(&[theirs(&next)], &[]),
        ]);
    }
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(groups);
    let error = replace(context_without_limits(kube), bot("mine")).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_object_that_is_not_a_job_is_left_alone() {
    let foreign = json!({"metadata": {"labels": {"toolforge": "no"}}});
    let foreign = object("a", "foreign", &foreign);
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        look_at(foreign.clone()),
        survey(std::slice::from_ref(&foreign), &[]),
        survey(&[foreign], &[]),
    ]);
    let error = replace(context_without_limits(kube), bot("x")).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { by_foreign_object: true, .. }), "{error:?}");
    script.finish().await;
}

/// What was answered of the new job after the old one had gone.
async fn after_the_delete(refusal: Exchange) -> Failure {
    let (cluster, kube) = FakeCluster::pair();
    let old = running(bot("old"), "u1");
    let groups = [
        vec![look_at(old.clone()), survey(std::slice::from_ref(&old), &[]), rehearsal()],
        vec![look_at(old)],
        deletion("u1"),
        vec![survey(&[], &[]), vec![refusal]],
    ];
    let script = cluster.expect_groups(groups.concat());
    let error = replace(context_without_limits(kube), bot("new")).await.unwrap_err();
    assert!(matches!(error, Error::NotReplaced { .. }), "{error:?}");
    script.finish().await;
    error.into()
}

#[tokio::test(start_paused = true)]
async fn what_goes_wrong_after_the_old_job_has_gone_says_that_it_has() {
    let forbidden = post(CONTROLLERS).refused(403, "Forbidden", "no");
    let failure = after_the_delete(forbidden).await;
    let problem = failure.problem(&RequestId::from_text("r1"));
    assert_eq!((problem.status, problem.slug()), (403, "forbidden"));
    assert!(problem.detail.starts_with("the old job `a` was deleted, "), "{}", problem.detail);
}

#[tokio::test]
async fn a_one_off_that_has_ended_and_is_the_same_is_not_run_again() {
    let (cluster, kube) = FakeCluster::pair();
    let there = made(request("a"), "u1", &ended());
    let script = cluster.expect_groups([look([Some(there), None, None])]);
    let (job, change) = replace(context_without_limits(kube), request("a")).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("u1", Change::None));
    script.finish().await;
}

/// Kubernetes is asked first, as whenever a job has to go for another.
#[tokio::test(start_paused = true)]
async fn a_one_off_that_has_ended_gives_up_its_name_to_another() {
    let there = made(request("a"), "u1", &ended());
    let new = RunRequest { cmd: "other".to_owned(), ..request("a") };
    let (cluster, kube) = FakeCluster::pair();
    let there_around = || survey(&[], std::slice::from_ref(&there));
    let script = cluster.expect_groups([
        look([Some(there.clone()), None, None]),
        there_around(),
        there_around(),
        vec![post(JOBS).query("dryRun=All").created(json!({}))],
        vec![delete(format!("{JOBS}/a")).body(json!({"preconditions": {"uid": "u1"}}))],
        vec![post(JOBS).created(running(new.clone(), "u2"))],
        vec![get(format!("{CRONJOBS}/a")).not_found(), get(format!("{CONTROLLERS}/a")).not_found()],
    ]);
    let (job, change) = replace(context_without_limits(kube), new).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("u2", Change::Replaced));
    script.finish().await;
}

/// Somebody deletes it: to say that it is there would be wrong a moment later.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_being_deleted_is_made_anew_although_it_is_the_same() {
    let going = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:02:00Z"}});
    let old = made(bot("x"), "u1", &going);
    let (cluster, kube) = FakeCluster::pair();
    let groups = [
        vec![look_at(old.clone()), survey(std::slice::from_ref(&old), &[]), rehearsal()],
        vec![look_at(old)],
        deletion("u1"),
        creation(running(bot("x"), "u2")),
    ];
    let script = cluster.expect_groups(groups.concat());
    let (job, change) = replace(context_without_limits(kube), bot("x")).await.unwrap();
    assert_eq!((job.uid.as_str(), change), ("u2", Change::Replaced));
    script.finish().await;
}

#[tokio::test]
async fn what_is_kept_of_the_job_that_is_there_counts_as_asked_for() {
    let env = || Some([("A".to_owned(), "1".to_owned())].into());
    let there = RunRequest { env: env(), ..bot("x") };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([look_at(running(there, "u1"))]);
    let keep = |request: &mut RunRequest, there: &JobView| request.env = Some(there.env.clone());
    let context = context_without_limits(kube);
    let (_, change) = Box::pin(super::replace(context, bot("x"), keep)).await.unwrap();
    assert_eq!(change, Change::None);
    script.finish().await;
}
