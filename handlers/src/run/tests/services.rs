//! A job with a port: its Service is asked about first and created last, and a job that can't have
//! one is not left behind.

use tjf_api_types::PortProtocol;

use super::*;
use crate::testing::SERVICES;

fn with_port() -> RunRequest {
    RunRequest { continuous: Some(true), port: Some(8080), ..request("a") }
}

fn controller() -> Value {
    object("a", "u1", &json!({"spec": {"replicas": 1}}))
}

/// The Service `a`, of the job with this uid.
fn service_of(owner: &str) -> Value {
    let owners = json!([{"kind": "ReplicationController", "uid": owner, "controller": true}]);
    object("a", "svc", &json!({"metadata": {"ownerReferences": owners}}))
}

fn foreign() -> Value {
    object("a", "svc", &json!({"metadata": {"labels": {"toolforge": "tool"}}}))
}

fn named(service: Option<Value>) -> Vec<Exchange> {
    vec![looked_up(SERVICES, service)]
}

/// Whether it could be created. Nothing may own it yet.
fn asked() -> Exchange {
    post(SERVICES).query("dryRun=All&fieldValidation=Strict").body(json!({
        "metadata": {"name": "a"}, "spec": {"ports": [{"port": 8080}]},
    }))
}

fn created() -> Exchange {
    let owner = json!({
        "apiVersion": "v1", "kind": "ReplicationController", "name": "a", "uid": "u1",
        "controller": true,
    });
    post(SERVICES).without("dryRun").body(json!({
        "kind": "Service",
        "metadata": {
            "name": "a",
            "labels": {"app.kubernetes.io/version": "2"},
            "ownerReferences": [owner],
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {
                "toolforge": "tool",
                "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
                "app.kubernetes.io/created-by": "tf-test",
                "app.kubernetes.io/component": "replicationcontrollers",
                "app.kubernetes.io/name": "a",
            },
            "ports": [{"port": 8080, "targetPort": 8080, "protocol": "TCP"}],
        },
    }))
}

fn full(exchange: Exchange) -> Exchange {
    let sentence = "services \"a\" is forbidden: exceeded quota: q, requested: services=1, used: \
                    services=4, limited: services=4";
    exchange.refused(403, "Forbidden", sentence)
}

fn taken(exchange: Exchange) -> Exchange {
    exchange.refused(409, "AlreadyExists", "services \"a\" already exists")
}

fn lost(exchange: Exchange) -> Exchange {
    exchange.refused(500, "InternalError", "the answer is lost")
}

/// Up to where the job itself is there, and first.
fn up_to_the_job() -> Vec<Vec<Exchange>> {
    vec![
        survey(There::default()),
        named(None),
        vec![asked().created(json!({}))],
        vec![post(CONTROLLERS).created(controller())],
        vec![looked_up(JOBS, None), looked_up(CRONJOBS, None)],
    ]
}

/// The job goes again, by its uid, and its pods at once.
fn withdrawn() -> Vec<Vec<Exchange>> {
    vec![
        vec![delete(format!("{CONTROLLERS}/a")).body(json!({"preconditions": {"uid": "u1"}}))],
        vec![get(JOBS).items([])],
        vec![get(PODS).items([])],
    ]
}

/// Plays a script, and gives what came of the request.
async fn play(groups: impl IntoIterator<Item = Vec<Exchange>>) -> Result<Created<JobView>> {
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups(groups);
    let outcome = run(context_without_limits(kube), Json(with_port())).await;
    script.finish().await;
    outcome
}

fn quota_of(outcome: Result<Created<JobView>>) -> String {
    let error = outcome.unwrap_err();
    let Error::Cluster(ClusterError::QuotaExceeded(refusal)) = error else { panic!("{error:?}") };
    refusal.to_string()
}

fn is_taken_by_a_stranger(outcome: &Result<Created<JobView>>) -> bool {
    matches!(outcome, Err(Error::JobExists { by_foreign_object: true, .. }))
}

#[tokio::test]
async fn a_service_is_asked_about_first_and_created_last() {
    let service = vec![created().created(service_of("u1"))];
    let created = play(up_to_the_job().into_iter().chain([service])).await.unwrap();
    assert_eq!(created.value.uid, "u1");
}

#[tokio::test]
async fn datagrams_have_their_protocol() {
    let (cluster, kube) = FakeCluster::pair();
    let udp = json!({"spec": {"ports": [{"protocol": "UDP"}]}});
    let mut groups = up_to_the_job();
    groups.push(vec![post(SERVICES).body(udp).created(service_of("u1"))]);
    let script = cluster.expect_groups(groups);
    let request = RunRequest { port_protocol: Some(PortProtocol::Udp), ..with_port() };
    assert!(run(context_without_limits(kube), Json(request)).await.is_ok());
    script.finish().await;
}

#[tokio::test]
async fn a_strangers_service_has_the_name_and_nothing_is_touched() {
    let owned = |kind: &str| {
        let owners = json!([{"kind": kind, "uid": "x", "controller": true}]);
        object("a", "svc", &json!({"metadata": {"ownerReferences": owners}}))
    };
    let mut of_another_name = service_of("gone");
    of_another_name["metadata"]["labels"]["app.kubernetes.io/name"] = json!("b");
    for service in [foreign(), owned("Deployment"), of_another_name] {
        let outcome = play([survey(There::default()), named(Some(service))]).await;
        assert!(is_taken_by_a_stranger(&outcome));
    }
}

/// Kubernetes' count follows a delete late, so it is asked twice.
#[tokio::test(start_paused = true)]
async fn a_quota_of_services_refuses_before_anything_is_created() {
    let look = || [survey(There::default()), named(None), vec![full(asked())]];
    let outcome = play(look().into_iter().chain(look())).await;
    let numbers = "jobs with a port, and web services (services): 1 asked, 4 used, 4 allowed";
    assert_eq!(quota_of(outcome), numbers);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_comes_late_is_taken() {
    let groups = [survey(There::default()), named(None), vec![full(asked())]];
    let service = vec![created().created(service_of("u1"))];
    let outcome = play(groups.into_iter().chain(up_to_the_job()).chain([service])).await;
    assert!(outcome.is_ok());
}

/// The Service of a job that somebody has just deleted goes by its uid, once its owner is known to be
/// there no more.
#[tokio::test(start_paused = true)]
async fn a_service_whose_job_has_gone_makes_way() {
    for owner in [None, Some(object("a", "another", &json!({})))] {
        let groups = [
            survey(There::default()),
            named(Some(service_of("gone"))),
            vec![looked_up(CONTROLLERS, owner)],
            vec![delete(format!("{SERVICES}/a")).body(json!({"preconditions": {"uid": "svc"}}))],
            thorough(There::default()),
        ];
        let rest = up_to_the_job().into_iter().skip(1);
        let service = vec![created().created(service_of("u1"))];
        assert!(play(groups.into_iter().chain(rest).chain([service])).await.is_ok());
    }
}

/// A quick look need not show what another server has created a moment ago.
#[tokio::test(start_paused = true)]
async fn the_service_of_a_job_that_is_there_is_left_alone() {
    let others = || object("a", "others", &json!({}));
    let groups = [
        survey(There::default()),
        named(Some(service_of("others"))),
        vec![looked_up(CONTROLLERS, Some(others()))],
        thorough(There { controllers: vec![others()], ..There::default() }),
    ];
    let error = play(groups).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { by_foreign_object: false, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_going_is_waited_for() {
    let mut going = service_of("gone");
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:02:00Z");
    let groups = [survey(There::default()), named(Some(going)), thorough(There::default())];
    let rest = up_to_the_job().into_iter().skip(1);
    let service = vec![created().created(service_of("u1"))];
    assert!(play(groups.into_iter().chain(rest).chain([service])).await.is_ok());
}

/// Another server took the last place meanwhile.
#[tokio::test(start_paused = true)]
async fn a_job_whose_service_is_refused_after_all_is_withdrawn() {
    let refused = [vec![full(created())], named(None)];
    let groups = up_to_the_job().into_iter().chain(refused).chain(withdrawn());
    assert!(quota_of(play(groups).await).contains("4 allowed"));
    // Kubernetes asks its quotas before it looks at the name.
    for answer in [taken(created()), full(created())] {
        let stranger = [vec![answer], named(Some(foreign()))];
        let groups = up_to_the_job().into_iter().chain(stranger).chain(withdrawn());
        assert!(is_taken_by_a_stranger(&play(groups).await));
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_cannot_be_withdrawn_is_told() {
    let (cluster, kube) = FakeCluster::pair();
    let kept = delete(format!("{CONTROLLERS}/a")).refused(403, "Forbidden", "no");
    let groups =
        up_to_the_job().into_iter().chain([vec![full(created())], named(None), vec![kept]]);
    let script = cluster.expect_groups(groups);
    let error = run(context_without_limits(kube), Json(with_port())).await.unwrap_err();
    let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.contains("can't have its port"), "{detail}");
    script.finish().await;
}

/// Another server's twin of this request may have been quicker, too.
#[tokio::test(start_paused = true)]
async fn a_service_whose_answer_got_lost_is_found_by_its_owner() {
    for answer in [lost(created()), taken(created()), full(created())] {
        let rest = [vec![answer], named(Some(service_of("u1")))];
        assert!(play(up_to_the_job().into_iter().chain(rest)).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_came_to_nothing_is_created_again() {
    let again = vec![created().created(service_of("u1"))];
    let rest = [vec![lost(created())], named(None), again];
    assert!(play(up_to_the_job().into_iter().chain(rest)).await.is_ok());
}

/// What is not known is not taken for "not done": the job stays, and the same key sees to the rest.
#[tokio::test(start_paused = true)]
async fn a_service_of_which_nothing_is_known_leaves_the_job_as_it_is() {
    let (cluster, kube) = FakeCluster::pair();
    let tries = (0..3).flat_map(|_| [vec![lost(created())], named(None)]);
    let mut groups = up_to_the_job();
    groups[0] = survey(There::default());
    let script = cluster.expect_groups(groups.into_iter().chain(tries));
    let error = run(with_key(kube, "k1"), Json(with_port())).await.unwrap_err();
    let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.contains("`a` is there") && detail.contains("Idempotency-Key"), "{detail}");
    script.finish().await;
}

/// A refusal may be due to the first create, which came late and took the last place.
#[tokio::test(start_paused = true)]
async fn a_refusal_after_a_lost_answer_proves_nothing() {
    let (cluster, kube) = FakeCluster::pair();
    let rest = [vec![lost(created())], named(None), vec![full(created())], named(None)];
    let script = cluster.expect_groups(up_to_the_job().into_iter().chain(rest));
    let error = run(context_without_limits(kube), Json(with_port())).await.unwrap_err();
    assert!(matches!(error, Error::NotKnown { .. }), "{error:?}");
    script.finish().await;
}

/// The request with this key, as it is kept with its job.
fn made_with_port() -> Value {
    let log = |extension: &str| format!("/data/project/tf-test/a.{extension}");
    let mut made = object(
        "a",
        "u1",
        &spec_of(&json!({
            "cmd": "true", "imagename": "tf-busybox", "job_type": "continuous", "replicas": 1,
            "port": {"number": 8080, "protocol": "tcp"},
            "logs": {"stdout": log("out"), "stderr": log("err")},
            "idempotency_key": "k1",
        })),
    );
    made["spec"]["replicas"] = json!(1);
    made
}

fn shown_with_port() -> Vec<Exchange> {
    vec![
        looked_up(JOBS, None),
        looked_up(CRONJOBS, None),
        looked_up(CONTROLLERS, Some(made_with_port())),
        get(JOBS).items([]),
        get(PODS).items([]),
    ]
}

/// The first request came no further than to the job itself.
#[tokio::test(start_paused = true)]
async fn the_same_key_gives_a_job_the_service_that_it_lacks() {
    let there = There { controllers: vec![made_with_port()], ..There::default() };
    for service in [
        vec![named(None), vec![created().created(service_of("u1"))]],
        vec![named(None), vec![taken(created())], named(Some(service_of("u1")))],
        vec![named(Some(service_of("u1")))],
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let groups = looks(&there).into_iter().chain(service).chain([shown_with_port()]);
        let script = cluster.expect_groups(groups);
        let created = run(with_key(kube, "k1"), Json(with_port())).await.unwrap();
        assert_eq!((created.value.uid.as_str(), created.value.port), ("u1", Some(8080)));
        script.finish().await;
    }
}

/// It may have been at work for long.
#[tokio::test(start_paused = true)]
async fn a_job_of_the_same_key_is_not_withdrawn_for_its_service() {
    let there = There { controllers: vec![made_with_port()], ..There::default() };
    let (cluster, kube) = FakeCluster::pair();
    let refused = [named(None), vec![full(created())], named(None)];
    let script = cluster.expect_groups(looks(&there).into_iter().chain(refused));
    let error = run(with_key(kube, "k1"), Json(with_port())).await.unwrap_err();
    let Error::NotKnown { detail, .. } = error else { panic!("{error:?}") };
    assert!(detail.contains("`a` is there"), "{detail}");
    script.finish().await;
}

#[tokio::test]
async fn a_dry_run_asks_for_the_service_too() {
    let would_be = || {
        let unnamed = json!({"metadata": {"generateName": "job-"}});
        post(SERVICES).query("dryRun=All").body(unnamed)
    };
    let job = || vec![post(CONTROLLERS).query("dryRun=All").created(json!({}))];
    let one_too_many = "services \"job-x\" is forbidden: exceeded quota: q, requested: services=1, \
                        used: services=9, limited: services=4";
    let there = || There { controllers: vec![object("a", "old", &json!({}))], ..There::default() };
    for (there, service, answer, is_ok) in [
        (There::default(), None, would_be().created(json!({})), true),
        // That of the job which is to be replaced goes with it.
        (there(), Some(service_of("old")), full(would_be()), true),
        (
            there(),
            Some(service_of("old")),
            would_be().refused(403, "Forbidden", one_too_many),
            false,
        ),
    ] {
        let (cluster, kube) = FakeCluster::pair();
        let mut groups = vec![survey(there.clone()), job(), named(service.clone())];
        if service.is_some() {
            groups.push(vec![looked_up(CONTROLLERS, Some(object("a", "old", &json!({}))))]);
        }
        groups.push(vec![answer]);
        if !is_ok {
            let mut again = groups.clone();
            again[0] = thorough(there);
            groups.extend(again);
        }
        let script = cluster.expect_groups(groups);
        let outcome = super::dry::dry(kube, with_port()).await;
        assert_eq!(outcome.is_ok(), is_ok, "{outcome:?}");
        script.finish().await;
    }
    let (cluster, kube) = FakeCluster::pair();
    let script = cluster.expect_groups([survey(There::default()), job(), named(Some(foreign()))]);
    let error = super::dry::dry(kube, with_port()).await.unwrap_err();
    assert!(matches!(error, Error::JobExists { by_foreign_object: true, .. }), "{error:?}");
    script.finish().await;
}
