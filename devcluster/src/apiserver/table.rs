//! Lists as people read them: the columns of `kubectl get`.

use http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::PodStatus;
use serde_json::{Value, json};

use crate::{kind::Kind, object::Object};

/// Whether the caller would rather have a table. `kubectl` is the only one that does.
pub(crate) fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("as=Table"))
}

/// The rows of these objects, which are of one kind.
pub(crate) fn of<'a>(
    kind: Kind,
    objects: impl IntoIterator<Item = &'a Object>,
    version: u64,
    now: Timestamp,
) -> Value {
    let columns: &[&str] = match kind {
        Kind::Pod => &["Ready", "Status", "Restarts"],
        Kind::Job => &["Status", "Completions"],
        Kind::CronJob => &["Schedule", "Timezone", "Suspend", "Active", "Last Schedule"],
        Kind::ReplicationController => &["Desired", "Current", "Ready"],
        Kind::Event => &["Type", "Reason", "Message"],
        Kind::Namespace => &["Status"],
        Kind::ConfigMap | Kind::LimitRange | Kind::ResourceQuota => &[],
    };
    let all = [&["Name"], columns, &["Age"]].concat();
    let definitions: Vec<_> = all
        .iter()
        .map(|name| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": "", "priority": 0})
        })
        .collect();
    let row = |object: &Object| {
        let mut cells = vec![object.name().to_owned()];
        cells.extend(cells_of(object, now));
        cells.push(age(now, object.created_at()));
        let metadata = json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object.metadata,
        });
        json!({"cells": cells, "object": metadata})
    };
    let rows: Vec<_> = objects.into_iter().map(row).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version.to_string()},
        "columnDefinitions": definitions, "rows": rows,
    })
}

/// What stands between an object's name and its age.
fn cells_of(object: &Object, now: Timestamp) -> Vec<String> {
    let find = |path: &str| {
        let (part, rest) = path.split_once('/')?;
        object.content.get(part)?.pointer(&format!("/{rest}")).cloned()
    };
    let text = |path: &str| match find(path) {
        Some(Value::String(text)) => text,
        Some(value) => value.to_string(),
        None => "<none>".to_owned(),
    };
    let number = |path: &str| find(path).and_then(|value| value.as_i64()).unwrap_or(0).to_string();
    let field = |name: &str| {
        let value = object.content.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    match object.kind {
        Kind::Pod => pod(object),
        Kind::Job => {
            let conditions = find("status/conditions").unwrap_or_default();
            let is_true = |name: &str| {
                let conditions = conditions.as_array().into_iter().flatten();
                conditions.into_iter().any(|it| it["type"] == name && it["status"] == "True")
            };
            let known = ["Complete", "Failed", "Suspended"].into_iter().find(|name| is_true(name));
            let completions =
                format!("{}/{}", number("status/succeeded"), text("spec/completions"));
            vec![known.unwrap_or("Running").to_owned(), completions]
        }
        Kind::CronJob => {
            let active = find("status/active").and_then(|it| Some(it.as_array()?.len()));
            let last = find("status/lastScheduleTime").and_then(|it| it.as_str()?.parse().ok());
            let last = last.map_or_else(|| "<none>".to_owned(), |last| age(now, last));
            let (zone, suspend) = (text("spec/timeZone"), text("spec/suspend"));
            vec![text("spec/schedule"), zone, suspend, active.unwrap_or(0).to_string(), last]
        }
        Kind::ReplicationController => {
            ["spec/replicas", "status/replicas", "status/readyReplicas"].map(number).to_vec()
        }
        Kind::Event => ["type", "reason", "message"].map(field).to_vec(),
        Kind::Namespace => vec![text("status/phase")],
        Kind::ConfigMap | Kind::LimitRange | Kind::ResourceQuota => Vec::new(),
    }
}

/// Why it waits says more than that it does.
fn pod(object: &Object) -> Vec<String> {
    let status: PodStatus = object.status();
    let containers = status.container_statuses.unwrap_or_default();
    let ready = containers.iter().filter(|container| container.ready).count();
    let reason = containers.iter().find_map(|container| {
        let state = container.state.as_ref()?;
        let waiting = state.waiting.as_ref().and_then(|waiting| waiting.reason.clone());
        waiting.or_else(|| state.terminated.as_ref()?.reason.clone())
    });
    let going = object.is_going().then(|| "Terminating".to_owned());
    let told = going.or(reason).or(status.phase).unwrap_or_default();
    let restarts: i32 = containers.iter().map(|container| container.restart_count).sum();
    vec![format!("{ready}/{}", containers.len().max(1)), told, restarts.to_string()]
}

/// As `kubectl` writes it: one unit, the largest that is not zero.
fn age(now: Timestamp, since: Timestamp) -> String {
    let age = now.duration_since(since).max(SignedDuration::ZERO);
    match (age.as_secs(), age.as_mins(), age.as_hours()) {
        (seconds @ ..120, ..) => format!("{seconds}s"),
        (_, minutes @ ..120, _) => format!("{minutes}m"),
        (.., hours @ ..48) => format!("{hours}h"),
        (.., hours) => format!("{}d", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(kind: Kind, fields: Value) -> Vec<String> {
        let mut object = Object::make(kind, fields);
        let created_at: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        object.metadata.name = Some("it".to_owned());
        object.metadata.creation_timestamp =
            Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(created_at));
        let now = created_at + SignedDuration::from_secs(150);
        let table = of(kind, [&object], 7, now);
        let columns = table["columnDefinitions"].as_array().unwrap().len();
        let cells: Vec<String> = serde_json::from_value(table["rows"][0]["cells"].clone()).unwrap();
        assert_eq!(cells.len(), columns);
        cells
    }

    #[test]
    fn a_row_says_what_kubectl_would() {
        let complete = json!([{"type": "Complete", "status": "True"}]);
        let spec = json!({"completions": 1, "template": {}});
        let job = json!({"spec": spec, "status": {"succeeded": 1, "conditions": complete}});
        assert_eq!(rows(Kind::Job, job), ["it", "Complete", "1/1", "2m"]);

        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let container = json!({"name": "c", "image": "i", "imageID": "", "ready": false,
            "restartCount": 3, "state": waiting});
        let pod = json!({"status": {"phase": "Running", "containerStatuses": [container]}});
        assert_eq!(rows(Kind::Pod, pod), ["it", "0/1", "CrashLoopBackOff", "3", "2m"]);
        assert_eq!(rows(Kind::Pod, json!({})), ["it", "0/1", "", "0", "2m"]);

        let cron = json!({"spec": {"schedule": "* * * * *", "suspend": false, "jobTemplate": {}},
            "status": {"lastScheduleTime": "2026-11-23T12:02:00Z"}});
        let expected = ["it", "* * * * *", "<none>", "false", "0", "30s", "2m"];
        assert_eq!(rows(Kind::CronJob, cron), expected);
        let controller = json!({"spec": {"replicas": 2}, "status": {"replicas": 1}});
        assert_eq!(rows(Kind::ReplicationController, controller), ["it", "2", "1", "0", "2m"]);
        assert_eq!(rows(Kind::ConfigMap, json!({})), ["it", "2m"]);
    }
}
