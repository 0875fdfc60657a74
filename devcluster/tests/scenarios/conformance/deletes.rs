//! Deleting, with each policy.

use http::Method;
use serde_json::{Value, json};

use super::{Transcript, job, pod, suspended};

pub(super) async fn play(transcript: &mut Transcript) {
    let absent = transcript.path("jobs/nope");
    transcript.tell("delete: what is not there", Method::DELETE, &absent, &json!(null)).await;
    create(transcript, "jobs", &suspended("j")).await;
    let path = transcript.path("jobs/j");
    let wrong = json!({"preconditions": {"uid": "00000000-0000-4000-8000-000000000000"}});
    transcript.tell("delete: another uid", Method::DELETE, &path, &wrong).await;
    let background = json!({"propagationPolicy": "Background"});
    transcript.tell("delete: a job, background", Method::DELETE, &path, &background).await;

    let cron = json!({"metadata": {"name": "c"}, "spec": {"schedule": "0 0 1 1 *",
        "jobTemplate": {"spec": suspended("x")["spec"]}}});
    create(transcript, "cronjobs", &cron).await;
    let path = transcript.path("cronjobs/c");
    transcript.tell("delete: a cron job, background", Method::DELETE, &path, &background).await;
    let mut spec = pod();
    spec["restartPolicy"] = json!("Always");
    let controller = json!({"metadata": {"name": "r"}, "spec": {"replicas": 0,
        "selector": {"app": "r"}, "template": {"metadata": {"labels": {"app": "r"}}, "spec": spec}}});
    create(transcript, "replicationcontrollers", &controller).await;
    let path = transcript.path("replicationcontrollers/r");
    transcript.tell("delete: a controller, background", Method::DELETE, &path, &background).await;

    propagation(transcript).await;
    collections(transcript).await;
}

async fn create(transcript: &Transcript, plural: &str, object: &Value) {
    let path = transcript.path(plural);
    let heard = transcript.ask(Method::POST, &path, object.to_string().into_bytes()).await;
    assert_eq!(heard.code, 201, "{}", heard.body);
}

/// Whether the pods of a job go with it depends on where the policy stands.
async fn propagation(transcript: &mut Transcript) {
    for (name, what, query, body) in [
        ("d1", "nothing said", "", json!(null)),
        ("d2", "background in the query", "?propagationPolicy=Background", json!(null)),
        ("d3", "background in the query, and a body", "?propagationPolicy=Background", json!({})),
        ("d4", "background in the body", "", json!({"propagationPolicy": "Background"})),
        ("d5", "orphan", "", json!({"propagationPolicy": "Orphan"})),
        ("d6", "foreground", "", json!({"propagationPolicy": "Foreground"})),
    ] {
        let mut sleeper = job(name, &json!({"backoffLimit": 0}));
        let container = &mut sleeper["spec"]["template"]["spec"]["containers"][0];
        container["command"] = json!(["sleep", "600"]);
        sleeper["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = json!(1);
        create(transcript, "jobs", &sleeper).await;
        let pods = transcript.path(&format!("pods?labelSelector=app%3D{name}"));
        let running = |heard: &Value| heard["items"][0]["status"]["phase"] == "Running";
        transcript.until(&pods, "a pod runs", running).await;

        let path = format!("{}{query}", transcript.path(&format!("jobs/{name}")));
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let heard = transcript.ask(Method::DELETE, &path, bytes).await;
        let finalizers = &heard.body["metadata"]["finalizers"];
        transcript.note(&format!("delete: {what}"), &format!("{} {finalizers}", heard.code));
        let path = transcript.path(&format!("jobs/{name}"));
        transcript.until(&path, "the job is gone", |heard| heard["code"] == 404).await;
        let lives_on = !matches!(name, "d2" | "d4" | "d6");
        let is_left = |heard: &Value| {
            let pods = heard["items"].as_array().unwrap();
            let has_no_owner = |pod: &Value| pod["metadata"].get("ownerReferences").is_none();
            let is_free = pods.iter().any(has_no_owner);
            if lives_on { is_free } else { pods.is_empty() }
        };
        transcript.until(&pods, "its pods are as expected", is_left).await;
        transcript.note("its pods", if lives_on { "live on, without owner" } else { "are gone" });
    }
}

async fn collections(transcript: &mut Transcript) {
    for name in ["e1", "e2"] {
        create(transcript, "jobs", &suspended(name)).await;
    }
    let background = json!({"propagationPolicy": "Background"});
    let none = transcript.path("jobs?labelSelector=app%3Dnope");
    transcript.tell("delete all: none", Method::DELETE, &none, &background).await;
    let one = transcript.path("jobs?labelSelector=app%3De1");
    transcript.tell("delete all: by label", Method::DELETE, &one, &background).await;
    let jobs = transcript.path("jobs?labelSelector=app%20in%20(e1,e2)");
    transcript.tell("delete all: what is left", Method::GET, &jobs, &json!(null)).await;
}
