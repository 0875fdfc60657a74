//! What the server can do and how it is, for programs that ask first.

use serde_json::{Value, json};

use super::status::Refused;
use crate::kind::Kind;

/// The Kubernetes whose behaviour this is.
const MINOR: &str = "34";

/// An answer that is about no objects.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    Json(Value),
    Text(&'static str),
}

/// The answer to a path that is about no objects.
///
/// # Errors
/// When there is nothing.
pub(crate) fn answer(path: &str) -> Result<Answer, Refused> {
    let json = match path.trim_end_matches('/') {
        "/api" => json!({
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
        }),
        "/apis" => json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [batch()]}),
        "/apis/batch" => {
            let mut group = batch();
            group["kind"] = json!("APIGroup");
            group["apiVersion"] = json!("v1");
            group
        }
        "/api/v1" => resources("v1", ""),
        "/apis/batch/v1" => resources("batch/v1", "batch"),
        "/version" => json!({
            "major": "1", "minor": MINOR, "gitVersion": format!("v1.{MINOR}.0-tjf-devcluster"),
            "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "",
            "platform": format!("linux/{}", std::env::consts::ARCH),
        }),
        "/livez" | "/readyz" | "/healthz" => return Ok(Answer::Text("ok")),
        _ => return Err(Refused::no_such_path("the server could not find the requested resource")),
    };
    Ok(Answer::Json(json))
}

fn batch() -> Value {
    let version = json!({"groupVersion": "batch/v1", "version": "v1"});
    json!({"name": "batch", "versions": [version], "preferredVersion": version})
}

fn resources(group_version: &str, group: &str) -> Value {
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    let resource = |kind: Kind, part: &str| {
        let verbs = match part {
            "" => &verbs[..],
            "/log" => &["get"],
            _ => &["get", "patch", "update"],
        };
        json!({
            "name": format!("{}{part}", kind.plural()), "singularName": kind.name().to_lowercase(),
            "namespaced": kind.is_namespaced(), "kind": kind.name(), "verbs": verbs,
            "shortNames": if part.is_empty() { kind.short_names() } else { &[] },
        })
    };
    let mut all = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.group() == group) {
        all.push(resource(kind, ""));
        if kind.has_status() {
            all.push(resource(kind, "/status"));
        }
        if kind == Kind::Pod {
            all.push(resource(kind, "/log"));
        }
    }
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
        "resources": all,
    })
}
