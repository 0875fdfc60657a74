use serde_json::{Value, json};
use tjf_runtime::testing::{Exchange, FakeCluster, get};

use super::*;
use crate::{
    job::{
        kind::Kind,
        objects::{Pod, ReplicationController, Version},
        observe::Objects,
    },
    store::{Change, Feed, Filling},
    testing::{CONTROLLERS, CRONJOBS, EVENTS, JOBS, PODS, context, ended, object, owned},
};

const KINDS: [Kind; 4] = [Kind::JOBS, Kind::CRON_JOBS, Kind::REPLICATION_CONTROLLERS, Kind::PODS];

fn job(uid: &str, at: u64, more: &Value) -> BatchJob {
    let mut job = object("a", uid, more);
    job["metadata"]["resourceVersion"] = json!(at.to_string());
    serde_json::from_value(job).unwrap()
}

fn running() -> Value {
    json!({"status": {"active": 1, "startTime": "2026-01-01T00:00:00Z"}})
}

/// Has the tool's objects followed, of which there is one job.
fn followed(context: &Context, job: BatchJob) -> Feed {
    let pods = vec![serde_json::from_value(pod()).unwrap()];
    let objects = Objects { jobs: vec![job], pods, ..Objects::default() };
    let versions = KINDS.map(|kind| (kind, Version::parse("10"))).into();
    let store = &context.known().store;
    let filling = Filling { objects, versions, bytes: 100 };
    let feed = store.fill(&context.state.room, store.writes(), filling).unwrap();
    KINDS.iter().for_each(|kind| feed.begun(*kind).unwrap());
    feed
}

async fn wait(context: &Context, seconds: u64) -> Result<Option<Glance>, ClusterError> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let context = context.due_at(until + LAST_LOOK_TIME_MAX);
    let job = until_ended(&context, &"a".parse().unwrap(), "u1", until).await?;
    job.map(|job| Glance::of(&job)).transpose()
}

/// Whoever asks this cluster can't wait: a look fails, and the wait with it.
fn asked_for_nothing() -> kube::Client {
    let (cluster, kube) = FakeCluster::pair();
    cluster.answer_all(403, "nobody should ask");
    kube
}

#[tokio::test(start_paused = true)]
async fn what_is_followed_is_waited_for_without_a_call() {
    for (change, expected) in [
        (Change::Is(job("u1", 11, &ended())), Some(true)),
        (Change::Is(job("u2", 11, &ended())), None),
    ] {
        let context = context(asked_for_nothing());
        let feed = followed(&context, job("u1", 9, &running()));
        let change = async {
            sleep(Duration::from_secs(40)).await;
            // One that ends nothing comes before.
            feed.apply(Change::Is(job("u1", 10, &running())), 10).unwrap();
            sleep(Duration::from_secs(40)).await;
            feed.bookmark(Kind::PODS, Version::parse("12")).unwrap();
            feed.apply(change, 10).unwrap();
        };
        let began = Instant::now();
        let (seen, ()) = tokio::join!(wait(&context, 300), change);
        assert_eq!(seen.unwrap().map(|job| job.has_ended()), expected);
        assert_eq!(began.elapsed().as_secs(), 80);
    }
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_up_the_job_is_told_as_it_is() {
    let context = context(asked_for_nothing());
    let _feed = followed(&context, job("u1", 9, &running()));
    let began = Instant::now();
    let seen = wait(&context, 50).await.unwrap().unwrap();
    assert_eq!((seen.has_ended(), seen.uid.as_str()), (false, "u1"));
    assert_eq!(began.elapsed().as_secs(), 50);
}

/// What is not in the store may be there all the same, so Kubernetes is asked.
#[tokio::test(start_paused = true)]
async fn a_job_has_gone_when_kubernetes_says_so() {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_all(looks(None));
    let context = context(kube);
    let feed = followed(&context, job("u1", 9, &running()));
    let gone = async {
        let meta = job("u1", 11, &running()).metadata;
        feed.apply(Change::<BatchJob>::Gone(Box::new(meta)), 10).unwrap();
    };
    let (seen, ()) = tokio::join!(wait(&context, 50), gone);
    assert!(seen.unwrap().is_none());
    drop(context);
    script.finish().await;
}

/// One look at the job where nothing is followed.
fn looks(job: Option<Value>) -> Vec<Exchange> {
    let of_job = get(format!("{JOBS}/a"));
    vec![
        match job {
            Some(job) => of_job.answer(job),
            None => of_job.not_found(),
        },
        get(format!("{CRONJOBS}/a")).not_found(),
        get(format!("{CONTROLLERS}/a")).not_found(),
        get(JOBS).query("app.kubernetes.io%2Fname%3Da").items([]),
        get(PODS).items([pod()]),
    ]
}

/// A pod whose end is known before that of its job.
fn pod() -> Value {
    let mut pod = owned("a-x", "p", "u1");
    pod["status"] = json!({"phase": "Succeeded"});
    pod
}

#[tokio::test(start_paused = true)]
async fn where_nothing_is_followed_the_job_alone_is_watched() {
    let at_work = || object("a", "u1", &running());
    let done = object("a", "u1", &ended());
    let told = json!({"type": "MODIFIED", "object": done});
    let watch = get(JOBS).query("watch=true&fieldSelector=metadata.name%3Da&resourceVersion=41");
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        looks(Some(at_work())),
        vec![get(format!("{JOBS}/a")).answer(at_work())],
        vec![watch.answer(told)],
        looks(Some(done)),
    ]);
    let seen = wait(&context(kube), 50).await.unwrap().unwrap();
    assert!(seen.has_ended());
    script.finish().await;
}

/// It is not shown as it was half a minute ago either.
#[tokio::test(start_paused = true)]
async fn after_half_a_minute_without_a_view_the_wait_ends() {
    let (cluster, kube) = FakeCluster::pair();
    cluster.answer_all(503, "etcd is away");
    let began = Instant::now();
    let error = wait(&context(kube), 300).await.unwrap_err();
    assert_ne!(error.outcome(), Outcome::Refused, "{error}");
    assert!((25..=30).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_kubernetes_refuses_for_good_is_told_at_once() {
    let (cluster, kube) = FakeCluster::pair();
    cluster.answer_all(403, "you may not");
    let began = Instant::now();
    let error = wait(&context(kube), 300).await.unwrap_err();
    assert_eq!((error.outcome(), began.elapsed().as_secs()), (Outcome::Refused, 0), "{error}");
}

fn continuous(context: &Context) -> Feed {
    let feed = followed(context, job("u9", 9, &running()));
    let controller = object("bot", "u1", &json!({}));
    feed.apply(
        Change::<ReplicationController>::Is(serde_json::from_value(controller).unwrap()),
        10,
    )
    .unwrap();
    feed
}

fn pod_of_bot(phase: &str) -> Pod {
    let mut pod = owned("bot-x", "p9", "u1");
    pod["metadata"]["labels"]["app.kubernetes.io/name"] = json!("bot");
    pod["status"] = json!({"phase": phase});
    serde_json::from_value(pod).unwrap()
}

/// A job that does not end by itself is over when it is deleted, and so are its programs.
#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_over_when_it_is_deleted_and_has_said_its_last_words() {
    let of_bot = |path: &str| get(format!("{path}/bot")).not_found();
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([
        // Why its pods are not ready.
        vec![get(EVENTS).items([])],
        vec![
            of_bot(JOBS),
            of_bot(CRONJOBS),
            of_bot(CONTROLLERS),
            get(JOBS).items([]),
            get(PODS).items([]),
        ],
    ]);
    let context = context(kube);
    let feed = continuous(&context);
    feed.apply(Change::Is(pod_of_bot("Running")), 10).unwrap();
    let glance = Glance {
        uid: "u1".to_owned(),
        job_type: JobType::Continuous.into(),
        status: GlanceAtStatus { phase: Phase::Running.into() },
    };
    let delete = async {
        sleep(Duration::from_secs(3)).await;
        let meta = serde_json::from_value(object("bot", "u1", &json!({}))["metadata"].clone());
        feed.apply(Change::<ReplicationController>::Gone(Box::new(meta.unwrap())), 10).unwrap();
        sleep(Duration::from_secs(1)).await;
        feed.apply(Change::Is(pod_of_bot("Failed")), 10).unwrap();
    };
    let began = Instant::now();
    let name = "bot".parse().unwrap();
    let waited = timeout(Duration::from_secs(2000), until_over(&context, &name, &glance));
    let (over, ()) = tokio::join!(waited, delete);
    let took = began.elapsed().as_secs();
    drop(context);
    script.finish().await;
    over.expect("it is over").unwrap();
    assert_eq!(took, 4);
}

/// Who follows can go on without Kubernetes, but not without a right to it.
#[tokio::test(start_paused = true)]
async fn only_a_refusal_ends_what_waits_without_a_limit() {
    for (status, is_refused) in [(403, true), (503, false)] {
        let (cluster, kube) = FakeCluster::pair();
        cluster.answer_all(status, "no");
        let glance = Glance {
            uid: "u1".to_owned(),
            job_type: JobType::OneOff.into(),
            status: GlanceAtStatus { phase: Phase::Running.into() },
        };
        let (context, name) = (context(kube), "a".parse().unwrap());
        let waited = timeout(Duration::from_secs(600), until_over(&context, &name, &glance)).await;
        assert_eq!(waited.is_ok_and(|outcome| outcome.is_err()), is_refused, "{status}");
    }
}
