mod dry;
mod keys;
mod outcomes;
mod precedence;
mod room;
mod services;

use serde_json::{Value, json};
use tjf_api_types::{JobType, JobView};
use tjf_runtime::testing::{Exchange, FakeCluster, delete, get, post};

use super::*;
use crate::{
    cluster::ClusterError,
    error::Error,
    job::{
        kind::Kind,
        objects::Version,
        request::{Invalid, Rule},
    },
    testing::{
        CONTROLLERS, CRONJOBS, JOBS, LIMIT_RANGES, PODS, QUOTAS, context, context_without_limits,
        ended, object, request,
    },
};

/// Who asks, and with which key.
#[derive(Clone)]
struct Asked {
    context: Context,
    key: Option<String>,
}

impl From<Context> for Asked {
    fn from(context: Context) -> Self {
        Self { context, key: None }
    }
}

async fn run(asked: impl Into<Asked>, request: Json<RunRequest>) -> Result<Created<JobView>> {
    let Asked { context, key } = asked.into();
    // On the heap, where the router has it too.
    let options = Query(Options::default());
    match Box::pin(super::run(context, IdempotencyKey(key), options, request)).await? {
        Either::First(Created { location, value: Named(value) }) => Ok(Created { location, value }),
        Either::Second(_) => panic!("this is what would be"),
    }
}

/// What the namespace has before a job is created.
#[derive(Clone, Default)]
struct There {
    jobs: Vec<Value>,
    cronjobs: Vec<Value>,
    controllers: Vec<Value>,
    pods: Vec<Value>,
}

/// The quick look before a job is created: who has the name or the key, what takes room, and whose
/// pods are still ending.
fn survey(there: There) -> Vec<Exchange> {
    look(there, "resourceVersion=0&resourceVersionMatch=NotOlderThan")
}

/// The look that must show everything: the quick one is not enough to refuse or to delete.
fn thorough(there: There) -> Vec<Exchange> {
    look(there, "limit=500")
}

fn look(there: There, query: &str) -> Vec<Exchange> {
    vec![
        get(JOBS).query(query).items(there.jobs),
        get(CRONJOBS).query(query).items(there.cronjobs),
        get(CONTROLLERS).query(query).items(there.controllers),
        get(PODS).query(query).query("app.kubernetes.io%2Fname%3Da").items(there.pods),
    ]
}

/// Both looks.
fn looks(there: &There) -> [Vec<Exchange>; 2] {
    [survey(there.clone()), thorough(there.clone())]
}

/// One object, asked for by its name.
fn looked_up(path: &str, object: Option<Value>) -> Exchange {
    let call = get(format!("{path}/a"));
    match object {
        Some(object) => call.answer(object),
        None => call.not_found(),
    }
}

/// The look at the other two kinds after a one-off was created.
fn second_look() -> Vec<Exchange> {
    vec![looked_up(CRONJOBS, None), looked_up(CONTROLLERS, None)]
}

/// The look at another kind, at the very version at which the new object was.
fn exactly(path: &str) -> Exchange {
    get(path)
        .query("fieldSelector=metadata.name%3Da")
        .query("resourceVersion=41&resourceVersionMatch=Exact")
}

/// An object of ours that was last changed at this version; ours is created at 41.
fn at_version(version: &str) -> Value {
    object("a", "other", &json!({"metadata": {"resourceVersion": version}}))
}

fn spec_of(object: &Value) -> Value {
    json!({"metadata": {"annotations": {"jobs.toolforge.org/spec": object.to_string()}}})
}

#[tokio::test]
async fn a_free_name_is_looked_up_created_and_looked_up_again() {
    let (cluster, kube) = FakeCluster::pair();
    let manifest = json!({
        "metadata": {"name": "a", "labels": {"app.kubernetes.io/created-by": "tf-test"}},
        "spec": {"backoffLimit": 0, "ttlSecondsAfterFinished": 86400},
    });
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).query("fieldValidation=Strict").body(manifest).created(object(
            "a",
            "u1",
            &json!({}),
        ))],
        second_look(),
    ]);
    let created = run(context_without_limits(kube), Json(request("a"))).await.unwrap();
    assert_eq!(created.location, "/api/v1/show/a/");
    assert_eq!(
        (created.value.uid.as_str(), created.value.job_type),
        ("u1", JobType::OneOff.into())
    );
    script.finish().await;
}

#[tokio::test]
async fn a_name_that_any_kind_has_is_taken_and_nothing_is_created() {
    let foreign = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "webservice"}}});
    let ours = || vec![object("a", "u", &json!({}))];
    for (there, is_foreign) in [
        (There { jobs: ours(), ..There::default() }, false),
        (There { cronjobs: ours(), ..There::default() }, false),
        (There { controllers: ours(), ..There::default() }, false),
        (There { jobs: vec![object("a", "u", &foreign)], ..There::default() }, true),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_groups(looks(&there));
        let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
        let Error::JobExists { name, by_foreign_object } = error else { panic!("{error:?}") };
        assert_eq!((name.as_str(), by_foreign_object), ("a", is_foreign));
        script.finish().await;
    }
}

/// Another kind had the name at the version at which ours was created: ours goes again, its pods at
/// once.
#[tokio::test(start_paused = true)]
async fn whoever_was_second_goes_again_and_is_told_that_the_name_is_taken() {
    let (cluster, kube) = FakeCluster::pair();
    let mine = delete(format!("{JOBS}/a"))
        .body(json!({"propagationPolicy": "Background", "preconditions": {"uid": "u1"}}));
    let pod = delete(format!("{PODS}/a-x"))
        .body(json!({"gracePeriodSeconds": 0, "preconditions": {"uid": "pod"}}));
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![looked_up(CRONJOBS, Some(at_version("40"))), looked_up(CONTROLLERS, None)],
        vec![mine],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([crate::testing::owned("a-x", "pod", "u1")])],
        vec![pod],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

/// Another kind has the name now, but it changed after ours was created; so the version decides.
#[tokio::test(start_paused = true)]
async fn who_was_first_is_asked_at_the_version_at_which_ours_was_created() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![looked_up(CRONJOBS, None), looked_up(CONTROLLERS, Some(at_version("42")))],
        vec![exactly(CONTROLLERS).items([])],
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok(), "ours was first");
    script.finish().await;

    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        vec![looked_up(CRONJOBS, None), looked_up(CONTROLLERS, Some(at_version("42")))],
        vec![exactly(CONTROLLERS).items([at_version("40")])],
        vec![delete(format!("{JOBS}/a"))],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { .. }), "{error:?}");
    script.finish().await;
}

/// Nobody knows who was first, and only proof takes an object away. The same key looks again.
#[tokio::test(start_paused = true)]
async fn when_nobody_knows_who_was_first_ours_stays_and_that_is_said() {
    let (cluster, kube) = FakeCluster::pair();
    let failing = || get(format!("{CRONJOBS}/a")).refused(500, "InternalError", "etcd is away");
    let mut looks: Vec<_> = (0..20).map(|_| failing()).collect();
    looks.push(looked_up(CONTROLLERS, None));
    cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        looks,
    ]);
    let error = run(context_without_limits(kube), Json(request("a"))).await.unwrap_err();
    let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.contains("`a` was created"), "{detail}");
}

#[tokio::test(start_paused = true)]
async fn a_one_off_that_has_ended_gives_up_its_name_for_any_kind() {
    let (cluster, kube) = FakeCluster::pair();
    let asked = post(CONTROLLERS).query("dryRun=All").created(json!({}));
    let mut going = object("a", "old", &ended());
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
    let there = There { jobs: vec![object("a", "old", &ended())], ..There::default() };
    let [quick, sure] = looks(&there);
    let script = cluster.expect_groups([
        quick,
        sure,
        vec![asked],
        vec![delete(format!("{JOBS}/a")).body(json!({"preconditions": {"uid": "old"}}))],
        // A finalizer may keep it, and then nothing must begin.
        thorough(There { jobs: vec![going], ..There::default() }),
        thorough(There::default()),
        vec![post(CONTROLLERS).created(object("a", "new", &json!({"spec": {"replicas": 1}})))],
        vec![looked_up(JOBS, None), looked_up(CRONJOBS, None)],
    ]);
    let request = RunRequest { continuous: Some(true), ..request("a") };
    let created = run(context_without_limits(kube), Json(request)).await.unwrap();
    assert_eq!(
        (created.value.uid.as_str(), created.value.job_type),
        ("new", JobType::Continuous.into())
    );
    script.finish().await;
}

fn with_key(kube: kube::Client, key: &str) -> Asked {
    let asked = with_unknown_key(kube, key);
    // So recently that no other server need have answered the tool's last request.
    asked.context.known().note(Kind::EVENTS, Version::parse("1"));
    asked
}

/// The same on a server that has created nothing for the tool yet.
fn with_unknown_key(kube: kube::Client, key: &str) -> Asked {
    Asked { context: context_without_limits(kube), key: Some(key.to_owned()) }
}

fn kept(cmd: &str, key: &str) -> Value {
    spec_of(&json!({
        "cmd": cmd, "imagename": "tf-busybox", "job_type": "one-off", "retry": 0,
        "logs": {"stdout": "/data/project/tf-test/a.out", "stderr": "/data/project/tf-test/a.err"},
        "idempotency_key": key,
    }))
}

/// What others did may be missing in a quick look for some milliseconds.
#[tokio::test]
async fn nothing_is_refused_for_what_only_a_quick_look_shows() {
    let taken = There { jobs: vec![object("a", "gone", &json!({}))], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        survey(taken),
        thorough(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        second_look(),
    ]);
    assert!(run(context_without_limits(kube), Json(request("a"))).await.is_ok());
    script.finish().await;
}

/// The version at which ours was created, of each kind by itself.
#[tokio::test]
async fn a_quick_look_shows_what_was_created_before() {
    let (cluster, kube) = FakeCluster::pair();
    let since = |path: &str, version: &str| {
        get(path).query(&format!("resourceVersion={version}&resourceVersionMatch=NotOlderThan"))
    };
    let second = vec![
        since(JOBS, "41").items([]),
        since(CRONJOBS, "0").items([]),
        since(CONTROLLERS, "0").items([]),
        since(PODS, "0").items([]),
    ];
    let script = cluster.expect_groups([
        survey(There::default()),
        vec![post(JOBS).created(object("a", "u1", &json!({})))],
        second_look(),
        second,
        vec![post(JOBS).created(object("a", "u2", &json!({})))],
        second_look(),
    ]);
    let context = context_without_limits(kube);
    assert!(run(context.clone(), Json(request("a"))).await.is_ok());
    assert!(run(context, Json(request("a"))).await.is_ok());
    script.finish().await;
}

#[tokio::test]
async fn what_is_wrong_in_itself_is_refused_without_asking_kubernetes() {
    for (request, field) in [
        (RunRequest { imagename: "nope".to_owned(), ..request("a") }, "imagename"),
        (RunRequest { schedule: Some("0 0 30 2 *".to_owned()), ..request("a") }, "schedule"),
        (RunRequest { memory: Some("Mi".to_owned()), ..request("a") }, "memory"),
        (request("A"), "name"),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.silence();
        let error = run(context(kube), Json(request)).await.unwrap_err();
        let Error::Invalid(invalid) = error else { panic!("{error:?}") };
        assert_eq!(invalid.field, field);
        script.finish().await;
    }
}

#[tokio::test]
async fn more_than_the_namespace_allows_is_refused_before_anything_is_created() {
    let range = json!({"spec": {"limits": [{"type": "Container", "max": {"memory": "4Gi"}}]}});
    let (cluster, kube) = FakeCluster::pair();
    let mut looks = survey(There::default());
    looks.push(get(LIMIT_RANGES).items([range]));
    looks.push(get(QUOTAS).items([]));
    let script = cluster.expect_groups([looks]);
    let request = RunRequest { memory: Some("5Gi".to_owned()), ..request("a") };
    let error = run(context(kube), Json(request)).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(Invalid { rule: Rule::Limits, field: "memory", .. })));
    script.finish().await;
}
