//! Following: what a watch tells, and how it ends.

use http::Method;
use serde_json::{Value, json};
use tjf_devcluster::suite::World;

use super::Transcript;

pub(super) async fn play(world: &World, transcript: &mut Transcript) {
    let jobs = transcript.path("jobs");
    let version = transcript.create_suspended("w1").await;
    let path = transcript.path("jobs/w1");
    let patch = json!({"metadata": {"labels": {"app": "other"}}}).to_string().into_bytes();
    transcript.ask(Method::PATCH, &path, patch).await;
    let background = json!({"propagationPolicy": "Background"}).to_string().into_bytes();
    transcript.ask(Method::DELETE, &path, background).await;
    transcript.create_suspended("w2").await;

    let selected = "labelSelector=app%20in%20(w1,w2)&";
    for (what, query) in [
        ("from a version", format!("resourceVersion={version}&")),
        ("from a version, of a selection", format!("{selected}resourceVersion={version}&")),
        ("from now", String::new()),
        (
            "what is there, and then a bookmark",
            "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&"
                .to_owned(),
        ),
        ("from the future", "resourceVersion=99999999&".to_owned()),
    ] {
        let lines = watch(transcript, &format!("{jobs}?watch=1&{query}timeoutSeconds=2")).await;
        // Of an object that only controllers touch, how often it changes is their own business.
        let mut told: Vec<String> = lines.iter().map(told).collect();
        told.dedup();
        transcript.note(&format!("watch: {what}"), &told.join(", "));
    }
    let other = world.tool("unwatched").await;
    let path = format!("/apis/batch/v1/namespaces/tool-{}/jobs?watch=1", other.name);
    let heard = transcript.ask(Method::GET, &path, Vec::new()).await;
    let told = super::answers::told(&heard).replace(&other.name, "OTHER");
    transcript.note("watch: another tool's jobs", &told);
}

/// The server itself ends it. Bookmarks that come and go with the time are left out: in so short a
/// watch Kubernetes sends one or none.
async fn watch(transcript: &Transcript, path: &str) -> Vec<Value> {
    let answer = transcript.send(Method::GET, path, Vec::new()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let is_of_the_time = |event: &Value| {
        event["type"] == "BOOKMARK" && event["object"]["metadata"]["annotations"].is_null()
    };
    events.filter(|event| !is_of_the_time(event)).collect()
}

fn told(event: &Value) -> String {
    let object = &event["object"];
    let (kind, name) = (event["type"].as_str().unwrap(), &object["metadata"]["name"]);
    match kind {
        "ERROR" => format!("ERROR {} {}", object["code"], object["reason"]),
        "BOOKMARK" => format!("BOOKMARK {}", object["metadata"]["annotations"]),
        _ => format!("{kind} {name} {}", object["metadata"]["labels"]["app"]),
    }
}
