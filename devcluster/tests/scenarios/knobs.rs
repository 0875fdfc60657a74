//! What the embedded cluster can be made to do wrong: the tests of tests' own tools.

use std::{sync::Arc, time::Duration};

use http::Method;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{ResourceExt, api::ListParams};
use serde_json::{Value, json};
use tjf_devcluster::{
    Effect, Fault,
    kind::Kind,
    suite::{Answer, Call, Client, Needs, Tool, World, eventually},
};

use super::{one_off, room::set_quota, scenarios, with};

const KNOB: Needs = Needs::Embedded("it is about the embedded cluster's own knobs");

scenarios![
    each_fault_strikes_the_call_that_it_names_and_no_other: KNOB,
    what_is_delayed_is_done_although_its_sender_has_left: KNOB,
    a_late_quota_counts_what_has_gone: KNOB,
    a_clock_that_is_ahead_goes_on: Needs::EmbeddedAlone("its clock can't be moved"),
];

/// Long enough to be noticed, and short enough to be waited for.
const DELAY: Duration = Duration::from_millis(300);
/// Within this a call is made and answered, also on a machine that does much else.
const LONG_DELAY: Duration = Duration::from_secs(4);

/// A tool that talks to the API server itself.
struct Caller {
    tool: Tool,
    client: Client,
}

impl Caller {
    async fn of(world: &World, purpose: &str) -> Self {
        let tool = world.tool(purpose).await;
        let client = world.cluster.raw_client(Some(&tool.identity)).await;
        Self { tool, client }
    }

    fn create(&self, name: &str) -> Call {
        let path = format!("/api/v1/namespaces/tool-{}/configmaps", self.tool.name);
        let map = json!({"metadata": {"name": name}});
        Call::to(Method::POST, &path)
            .header("content-type", "application/json")
            .body(map.to_string())
    }

    async fn try_create(&self, name: &str) -> Option<Answer> {
        self.client.try_send(self.create(name)).await.ok()
    }

    async fn names(&self) -> Vec<String> {
        let maps = self.tool.api::<ConfigMap>().list(&ListParams::default()).await.unwrap();
        maps.iter().map(ResourceExt::name_any).collect()
    }
}

async fn each_fault_strikes_the_call_that_it_names_and_no_other(world: Arc<World>) {
    let caller = Caller::of(&world, "effects").await;
    let cluster = world.cluster.embedded().unwrap();
    for (effect, status, is_done) in [
        (Effect::ResetBefore, None, false),
        (Effect::ResetAfter, None, true),
        (Effect::Refuse(409), Some(409), false),
        (Effect::Refuse(429), Some(429), false),
        (Effect::Refuse(500), Some(500), false),
        (Effect::Refuse(503), Some(503), false),
        (Effect::FailAfter(500), Some(500), true),
        (Effect::HalfAnswer, None, true),
        (Effect::DelayBefore(DELAY), Some(201), true),
        (Effect::DelayAfter(DELAY), Some(201), true),
        (Effect::FutureVersion, Some(201), true),
    ] {
        let user = &caller.tool.name;
        cluster.inject(user, Fault { skip: 1, ..Fault::on("create", Kind::ConfigMap, effect) });
        assert_eq!(caller.try_create("before").await.unwrap().status, 201, "{effect:?}");
        assert_eq!(caller.names().await, ["before"], "{effect:?}");
        let began = tokio::time::Instant::now();
        let answer = caller.try_create("hit").await;
        assert_eq!(answer.as_ref().map(|answer| answer.status), status, "{effect:?}");
        let is_delay = matches!(effect, Effect::DelayBefore(_) | Effect::DelayAfter(_));
        assert!(began.elapsed() >= DELAY || !is_delay, "{effect:?}");
        assert_eq!(caller.names().await.contains(&"hit".to_owned()), is_done, "{effect:?}");
        assert_eq!(caller.try_create("after").await.unwrap().status, 201, "{effect:?}");
        if let Some(answer) = answer {
            assert_words(effect, &answer);
        }
        let calls = cluster.take_calls(user);
        let told: Vec<_> = calls.iter().map(|call| (call.to_string(), call.effect)).collect();
        let create = || "create configmaps".to_owned();
        assert_eq!(told, [(create(), None), (create(), Some(effect)), (create(), None)]);
        let maps = caller.tool.api::<ConfigMap>();
        maps.delete_collection(&Default::default(), &ListParams::default()).await.unwrap();
    }
}

/// What the answer to a call says with which something went wrong.
fn assert_words(effect: Effect, answer: &Answer) {
    if effect == Effect::FutureVersion {
        let map: Value = answer.expect(201);
        assert_eq!(map["metadata"]["resourceVersion"], "999999999999");
    }
    let (Effect::Refuse(code) | Effect::FailAfter(code)) = effect else { return };
    if code == 429 {
        assert_eq!(answer.headers["retry-after"], "1");
        return assert_eq!(answer.text(), "Too many requests, please try again later.\n");
    }
    let status: Value = answer.expect(code);
    let words = match code {
        409 => {
            "Operation cannot be fulfilled on resourcequotas \"tool\": the object has been \
             modified; please apply your changes to the latest version and try again"
        }
        503 => "the server is currently unable to handle the request",
        _ => "etcdserver: request timed out",
    };
    assert_eq!((&status["kind"], &status["message"]), (&json!("Status"), &json!(words)));
}

async fn what_is_delayed_is_done_although_its_sender_has_left(world: Arc<World>) {
    let caller = Caller::of(&world, "left").await;
    let fault = Fault::next(Effect::DelayBefore(LONG_DELAY));
    world.cluster.embedded().unwrap().inject(&caller.tool.name, fault);
    let create = caller.try_create("late");
    assert!(tokio::time::timeout(LONG_DELAY / 2, create).await.is_err());
    assert!(caller.names().await.is_empty());
    eventually("what was asked is done", Duration::from_secs(10), async || {
        let names = caller.names().await;
        if names == ["late"] { Ok(()) } else { Err(names) }
    })
    .await;
}

async fn a_late_quota_counts_what_has_gone(world: Arc<World>) {
    let caller = Caller::of(&world, "lag").await;
    set_quota(&caller.tool, json!({"configmaps": "1"})).await;
    let lag = SignedDuration::try_from(LONG_DELAY).unwrap();
    world.cluster.embedded().unwrap().set_quota_lag(&caller.tool.name, lag);
    assert_eq!(caller.try_create("first").await.unwrap().status, 201);
    caller.tool.api::<ConfigMap>().delete("first", &Default::default()).await.unwrap();
    let deleted = tokio::time::Instant::now();
    let refused: Value = caller.try_create("second").await.unwrap().expect(403);
    let words = "exceeded quota: tool, requested: configmaps=1, used: configmaps=1, limited: \
        configmaps=1";
    assert!(refused["message"].as_str().unwrap().ends_with(words), "{refused}");
    eventually("there is room", Duration::from_secs(10), async || {
        let answer = caller.try_create("second").await.unwrap();
        if answer.status == 201 { Ok(()) } else { Err(answer.text()) }
    })
    .await;
    assert!(deleted.elapsed() >= LONG_DELAY);
}

/// What is due by the clock is done in time all the same.
async fn a_clock_that_is_ahead_goes_on(world: Arc<World>) {
    let tool = world.tool("ahead").await;
    let cluster = world.cluster.embedded().unwrap();
    let ahead = SignedDuration::from_mins(60);
    cluster.advance(ahead);
    let job = tool.run(with(one_off("late", "exec sleep 60"), &json!({"timeout": 1}))).await;
    let job = tool.ended(&job.name).await;
    cluster.advance(-ahead);
    assert_eq!(job.status.reason.as_deref(), Some("DeadlineExceeded"), "{job:#?}");
    let created_at: Timestamp = job.created_at.parse().unwrap();
    let difference = created_at.duration_since(Timestamp::now());
    assert!(difference > ahead / 2, "{difference:?}");
}
