//! Looking: one object, lists, pages, versions.

use http::Method;
use serde_json::{Value, json};

use super::{Transcript, suspended};

pub(super) async fn play(transcript: &mut Transcript) {
    let jobs = transcript.path("jobs");
    let mut versions = Vec::new();
    for name in ["a", "b", "c"] {
        versions.push(transcript.create_suspended(name).await);
    }
    for (what, query) in [
        ("everything", ""),
        ("by label", "?labelSelector=app%20in%20(a,c),app!%3Da"),
        ("by absence of a label", "?labelSelector=!app"),
        ("by name", "?fieldSelector=metadata.name%3Db"),
        ("by a selector that is none", "?labelSelector=a%3D1%2C"),
        ("by a field that can't be asked for", "?fieldSelector=spec.nope%3D1"),
        ("not older than the beginning", "?resourceVersion=0&resourceVersionMatch=NotOlderThan"),
        (
            "not older than the future",
            "?resourceVersion=99999999&resourceVersionMatch=NotOlderThan",
        ),
        ("exactly the future", "?resourceVersion=99999999&resourceVersionMatch=Exact"),
        ("a match without a version", "?resourceVersionMatch=Exact"),
    ] {
        let path = format!("{jobs}{query}");
        transcript.tell(&format!("list: {what}"), Method::GET, &path, &json!(null)).await;
    }
    let path = format!("{jobs}?resourceVersion={}&resourceVersionMatch=Exact", versions[1]);
    transcript.tell("list: as it was before c", Method::GET, &path, &json!(null)).await;
    pages(transcript, &jobs).await;

    for (what, path) in [
        ("an object", transcript.path("jobs/a")),
        ("a job that is not there", transcript.path("jobs/nope")),
        ("a controller that is not there", transcript.path("replicationcontrollers/nope")),
        ("a pod that is not there", transcript.path("pods/nope")),
        ("the limits", transcript.path("limitranges")),
        ("the quotas", transcript.path("resourcequotas")),
        ("warnings", transcript.path("events?fieldSelector=type%3DWarning&limit=500")),
    ] {
        transcript.tell(&format!("get: {what}"), Method::GET, &path, &json!(null)).await;
    }
    changes(transcript).await;
}

/// Page after page is of one version, whatever happens between.
async fn pages(transcript: &mut Transcript, jobs: &str) {
    let first = format!("{jobs}?limit=2");
    let heard = transcript.tell("list: two at a time", Method::GET, &first, &json!(null)).await;
    let late = suspended("bb").to_string().into_bytes();
    assert_eq!(transcript.ask(Method::POST, jobs, late).await.code, 201);
    let token = heard.body["metadata"]["continue"].as_str().unwrap();
    let token: String = form_urlencoded::byte_serialize(token.as_bytes()).collect();
    let next = format!("{jobs}?limit=2&continue={token}");
    transcript.tell("list: the rest", Method::GET, &next, &json!(null)).await;
}

/// A change says which version it is of.
async fn changes(transcript: &mut Transcript) {
    let path = transcript.path("jobs/a");
    let mut object = transcript.ask(Method::GET, &path, Vec::new()).await.body;
    let patch = json!({"metadata": {"labels": {"app": null, "more": "yes"}}});
    transcript.tell("patch: labels", Method::PATCH, &path, &patch).await;
    transcript.tell("replace: what has changed since", Method::PUT, &path, &object).await;
    object["metadata"]["resourceVersion"] = Value::Null;
    object["metadata"]["labels"] = json!({"app": "z"});
    transcript.tell("replace: whatever it is", Method::PUT, &path, &object).await;
    let path = transcript.path("jobs/nope");
    transcript.tell("patch: what is not there", Method::PATCH, &path, &patch).await;
}
