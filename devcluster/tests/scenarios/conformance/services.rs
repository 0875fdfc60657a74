//! Services: created, judged and deleted as the service does it.

use http::Method;
use serde_json::{Value, json};

use super::{super::room::set_quota, Transcript};

fn service(name: &str, port: i32) -> Value {
    json!({"metadata": {"name": name, "labels": {"app": "a"}}, "spec": {
        "type": "ClusterIP", "selector": {"app": "a"},
        "ports": [{"port": port, "targetPort": port, "protocol": "UDP"}],
    }})
}

pub(super) async fn play(transcript: &mut Transcript) {
    set_quota(&transcript.tool, json!({"services": "1"})).await;
    let path = transcript.path("services?fieldValidation=Strict");
    let dry = transcript.path("services?dryRun=All&fieldValidation=Strict");
    let absent = transcript.path("services/s");
    transcript.tell("get: what is not there", Method::GET, &absent, &json!(null)).await;
    let mut unnamed = service("", 80);
    unnamed["metadata"] = json!({"generateName": "job-"});
    // The names that Kubernetes makes up are different every time.
    let body = unnamed.to_string().into_bytes();
    let heard = transcript.ask(Method::POST, &dry, body.clone()).await;
    transcript.note("create, dry run: a made-up name", &heard.code.to_string());
    for (what, path, object) in [
        ("a name that begins with a digit", &path, service("0-s", 80)),
        ("port 0", &path, service("s", 0)),
        ("port 65536", &path, service("s", 65_536)),
        ("no port", &path, json!({"metadata": {"name": "s"}, "spec": {"selector": {"app": "a"}}})),
        ("only asked", &dry, service("s", 80)),
        ("a service", &path, service("s", 80)),
        ("its name is taken, and there is no room", &path, service("s", 81)),
        ("the same, only asked", &dry, service("s", 81)),
        ("there is no room", &path, service("t", 80)),
        ("the same, only asked", &dry, service("t", 80)),
    ] {
        transcript.tell(&format!("create: {what}"), Method::POST, path, &object).await;
    }
    let heard = transcript.ask(Method::POST, &dry, body).await;
    transcript.note("create, dry run: a made-up name, no room", &heard.code.to_string());
    let path = transcript.path("services/s");
    let heard = transcript.tell("get: a service", Method::GET, &path, &json!(null)).await;
    let ports = heard.body["spec"]["ports"].to_string();
    transcript.note("get: its ports", &ports);
    let of =
        |uid: &Value| json!({"propagationPolicy": "Background", "preconditions": {"uid": uid}});
    let other = json!("00000000-0000-4000-8000-000000000000");
    transcript.tell("delete: another uid", Method::DELETE, &path, &of(&other)).await;
    let own = of(&heard.body["metadata"]["uid"]);
    transcript.tell("delete: this very one", Method::DELETE, &path, &own).await;
    transcript.tell("delete: once more", Method::DELETE, &path, &own).await;
}
