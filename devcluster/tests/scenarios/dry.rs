//! `run` with `dry_run`: what would be, and nothing is.

use std::sync::Arc;

use hyper::Method;
use serde_json::{Value, json};
use tjf_devcluster::suite::{Call, Tool, World};

use super::{continuous, one_off, scenarios, with};

scenarios![
    a_dry_run_tells_the_job_that_a_run_then_makes,
    a_dry_run_refuses_what_a_run_refuses_but_for_the_name,
];

pub(super) fn dry(body: &Value) -> Call {
    Call::new(Method::POST, "/run/?dry_run=true")
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// Everything but what is this very object's own, or changes while somebody looks.
fn lasting(mut view: Value) -> Value {
    for own in ["uid", "created_at", "status", "status_short", "status_long"] {
        assert!(view[own].is_string() || view[own].is_object(), "{own} in {view}");
        view[own].take();
    }
    view
}

async fn is_empty(tool: &Tool) -> bool {
    tool.list().await.is_empty()
}

async fn a_dry_run_tells_the_job_that_a_run_then_makes(world: Arc<World>) {
    let tool = world.tool("dry").await;
    let more = json!({"memory": "64Mi", "cpu": "0.1", "env": {"A": "b"}, "emails": "onfailure"});
    for body in [
        with(
            one_off(&"o".repeat(52), "sleep 600 | cat 'a b'; sleep 600"),
            &json!({"retry": 2, "timeout": 60}),
        ),
        with(one_off("s", "true"), &json!({"schedule": "@daily", "timezone": "Europe/Berlin"})),
        with(continuous("c", "sleep 600"), &json!({"replicas": 2, "filelog_stdout": "x/y.out"})),
        with(one_off("m", "sleep 600"), &json!({"mount": "none"})),
        json!({"cmd": "sleep 600", "type": "busybox", "name": "alias"}),
    ] {
        let body = with(body, &more);
        let would_be: Value = tool.send(dry(&body)).await.expect(200);
        assert_eq!(would_be["uid"], "");
        assert!(is_empty(&tool).await, "{body}");
        let made: Value = tool.send(Call::run(&body)).await.expect(201);
        assert_eq!(lasting(would_be.clone()), lasting(made), "{body}");
        // The name is taken now, which is not asked.
        let again: Value = tool.send(dry(&body)).await.expect(200);
        assert_eq!(lasting(again), lasting(would_be), "{body}");
        let name = body["name"].as_str().unwrap();
        tool.send(Call::run(&body)).await.expect_problem(409, "job-exists");
        tool.delete(name).await;
    }
    // As a form, and with the parameter as forms have it.
    for query in ["dry_run=Yes", "dry_run=1", "dry_run=true&"] {
        let call = Call::new(Method::POST, &format!("/run?{query}"))
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "text/plain")
            .body("cmd=true&type=tf-busybox&name=formed");
        let answer = tool.send(call).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "formed\n"), "{query}");
    }
    assert!(is_empty(&tool).await);
}

async fn a_dry_run_refuses_what_a_run_refuses_but_for_the_name(world: Arc<World>) {
    let tool = world.tool("dryno").await;
    for (body, slug, field) in [
        (with(one_off("a", "true"), &json!({"retry": 9})), "invalid-request", "retry"),
        (
            with(one_off("a", "true"), &json!({"schedule": "61 * * * *"})),
            "invalid-schedule",
            "schedule",
        ),
        (
            with(one_off("a", "true"), &json!({"imagename": "nope"})),
            "invalid-container",
            "imagename",
        ),
        (with(one_off("a", "true"), &json!({"memory": "64Gi"})), "invalid-limits", "memory"),
    ] {
        for call in [dry(&body), Call::run(&body)] {
            let problem = tool.send(call).await.expect_problem(400, slug);
            assert_eq!(problem.field.as_deref(), Some(field), "{body}");
        }
    }
    for (query, field) in
        [("dry_run=perhaps", "dry_run"), ("dry_run=1&dry_run=1", "dry_run"), ("dryrun=1", "dryrun")]
    {
        let call = Call::new(Method::POST, &format!("/run/?{query}"))
            .header("content-type", "application/json")
            .body(one_off("a", "true").to_string());
        let problem = tool.send(call).await.expect_problem(400, "invalid-request");
        assert_eq!(problem.field.as_deref(), Some(field), "{query}");
    }
    // What is not said is not meant.
    let call = Call::new(Method::POST, "/run/?dry_run=false")
        .header("content-type", "application/json")
        .body(one_off("real", "true").to_string());
    assert_eq!(tool.send(call).await.status, 201);
    assert_eq!(tool.list().await.len(), 1);
}
