//! What becomes of merge patches, with and without a word about which object they are for.

use http::Method;
use serde_json::{Value, json};

use super::{Transcript, pod};

/// Everything that a PATCH can come to which the service sends.
pub(super) async fn play(transcript: &mut Transcript) {
    let path = transcript.path("replicationcontrollers/p");
    create(transcript, &path).await;
    let seen = transcript.ask(Method::GET, &path, Vec::new()).await.body;
    let (version, uid) = (&seen["metadata"]["resourceVersion"], &seen["metadata"]["uid"]);
    let note = |text: Value| json!({"metadata": {"annotations": {"example.org/note": text}}});
    let about = |uid: &Value, version: &Value| {
        let mut patch = note(json!("seen"));
        patch["metadata"]["uid"] = uid.clone();
        if !version.is_null() {
            patch["metadata"]["resourceVersion"] = version.clone();
        }
        patch
    };
    let (other, none) = (json!("00000000-0000-4000-8000-000000000000"), Value::Null);
    let strict = format!("{path}?fieldValidation=Strict");
    let absent = transcript.path("replicationcontrollers/nope");
    for (what, path, patch) in [
        ("what is not there", &absent, note(json!("a"))),
        ("an annotation", &strict, note(json!("a"))),
        ("the version before", &strict, about(uid, version)),
        ("another uid and the version before", &strict, about(&other, version)),
        ("another uid", &strict, about(&other, &none)),
        ("this uid", &strict, about(uid, &none)),
        ("the annotation goes", &strict, note(none.clone())),
    ] {
        transcript.tell(&format!("patch: {what}"), Method::PATCH, path, &patch).await;
    }
    let now = transcript.ask(Method::GET, &path, Vec::new()).await.body;
    let patch = about(uid, &now["metadata"]["resourceVersion"]);
    transcript.tell("patch: this uid and version", Method::PATCH, &strict, &patch).await;
    let heard = transcript.ask(Method::GET, &path, Vec::new()).await.body;
    let annotations = heard["metadata"]["annotations"]["example.org/note"].to_string();
    transcript.note("patch: what it made", &annotations);
}

/// Without copies, so that nothing changes it once its controller has seen it.
async fn create(transcript: &Transcript, path: &str) {
    let mut spec = pod();
    spec["restartPolicy"] = json!("Always");
    let controller = json!({"metadata": {"name": "p"}, "spec": {"replicas": 0,
        "selector": {"app": "p"}, "template": {"metadata": {"labels": {"app": "p"}}, "spec": spec}}});
    let all = transcript.path("replicationcontrollers");
    transcript.ask(Method::POST, &all, controller.to_string().into_bytes()).await;
    let is_seen = |heard: &Value| heard["status"]["observedGeneration"] == 1;
    transcript.until(path, "its controller has seen it", is_seen).await;
}
