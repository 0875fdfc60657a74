//! What the tests of several handlers share: a tool, its context, and objects as Kubernetes answers
//! them.

use std::{path::PathBuf, sync::Arc};

use crate::{
    AppState, Context,
    job::manifest::{HomeVolume, PodSettings},
};
use serde_json::{Value, json};
use tjf_api_types::{JobView, RunRequest};

/// The tool of all tests.
pub(crate) const TOOL: &str = "tf-test";
/// Paths of its objects.
pub(crate) const JOBS: &str = "/apis/batch/v1/namespaces/tool-tf-test/jobs";
pub(crate) const CRONJOBS: &str = "/apis/batch/v1/namespaces/tool-tf-test/cronjobs";
pub(crate) const CONTROLLERS: &str = "/api/v1/namespaces/tool-tf-test/replicationcontrollers";
pub(crate) const PODS: &str = "/api/v1/namespaces/tool-tf-test/pods";
pub(crate) const SERVICES: &str = "/api/v1/namespaces/tool-tf-test/services";
pub(crate) const EVENTS: &str = "/api/v1/namespaces/tool-tf-test/events";
pub(crate) const LIMIT_RANGES: &str = "/api/v1/namespaces/tool-tf-test/limitranges";
pub(crate) const QUOTAS: &str = "/api/v1/namespaces/tool-tf-test/resourcequotas";

/// The context of a call by [`TOOL`].
pub(crate) fn context(kube: kube::Client) -> Context {
    Context::for_test(TOOL, state(), kube)
}

/// What the service shares, with two containers on offer.
pub(crate) fn state() -> AppState {
    let catalogue =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/catalogue.json"));
    let pod_settings = PodSettings {
        homes: "/data/project".to_owned(),
        home_volume: HomeVolume::HostPath,
        job_ttl_seconds: 86_400,
    };
    AppState::new(catalogue, pod_settings).unwrap()
}

/// The same, knowing already that the namespace limits nothing: no test need answer that question
/// twice.
pub(crate) fn context_without_limits(kube: kube::Client) -> Context {
    let context = context(kube);
    context.known().set_limits(Arc::default(), tokio::time::Instant::now());
    context
}

/// A request that only says what it must.
pub(crate) fn request(name: &str) -> RunRequest {
    RunRequest {
        name: Some(name.to_owned()),
        cmd: "true".to_owned(),
        imagename: "tf-busybox".to_owned(),
        ..RunRequest::default()
    }
}

/// An object as our own `run` makes it, with the request kept in it.
pub(crate) fn ours(name: &str, uid: &str) -> Value {
    let spec = json!({
        "cmd": "true", "imagename": "tf-busybox", "job_type": "one-off", "retry": 0,
    });
    let annotations = json!({"jobs.toolforge.org/spec": spec.to_string()});
    object(name, uid, &json!({"metadata": {"annotations": annotations}}))
}

/// A continuous job of ours that has a port.
pub(crate) fn with_port(name: &str, uid: &str) -> Value {
    let spec = json!({
        "cmd": "true", "imagename": "tf-busybox", "job_type": "continuous", "replicas": 1,
        "port": {"number": 8080, "protocol": "tcp"},
    });
    let annotations = json!({"jobs.toolforge.org/spec": spec.to_string()});
    object(name, uid, &json!({"metadata": {"annotations": annotations}}))
}

/// An object of ours as Kubernetes answers it; `more` is put over it.
pub(crate) fn object(name: &str, uid: &str, more: &Value) -> Value {
    let labels = json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": TOOL,
        "app.kubernetes.io/name": name,
    });
    let template = json!({
        "metadata": {"labels": labels},
        "spec": {"containers": [{"name": "job", "image": "registry.example/busybox:1"}]},
    });
    let mut object = json!({
        "metadata": {
            "name": name,
            "uid": uid,
            "resourceVersion": "41",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": labels,
        },
        "spec": {
            "template": template,
            "jobTemplate": {"metadata": {"labels": labels}, "spec": {"template": template}},
        },
    });
    put_over(&mut object, more);
    object
}

/// A one-off as our own `show` tells it, which waits for room; `more` is put over it.
pub(crate) fn view(more: &Value) -> JobView {
    let mut view = json!({
        "name": "a", "uid": "u", "cmd": "true", "imagename": "tf-busybox",
        "image": "registry.example/busybox:1", "image_state": "stable", "job_type": "one-off",
        "continuous": false, "filelog": true, "filelog_stdout": "/data/project/tf-test/a.out",
        "filelog_stderr": "/data/project/tf-test/a.err", "retry": 0, "emails": "none",
        "mount": "all", "env": {}, "created_at": "2026-01-01T00:00:00Z",
        "status_short": "Waiting: QuotaExceeded",
        "status_long": "Waiting: QuotaExceeded: waits for room.", "status": {"phase": "pending"},
    });
    put_over(&mut view, more);
    serde_json::from_value(view).unwrap()
}

/// What belongs to an object, as its controller says.
pub(crate) fn owned(name: &str, uid: &str, owner: &str) -> Value {
    owned_by("Job", name, uid, owner)
}

/// What belongs to an object of any kind.
pub(crate) fn owned_by(kind: &str, name: &str, uid: &str, owner: &str) -> Value {
    let owners = json!([{"kind": kind, "name": "owner", "uid": owner, "controller": true}]);
    object(name, uid, &json!({"metadata": {"ownerReferences": owners}}))
}

/// What is said of a one-off that has ended, as long ago as the scripted cluster's lists.
pub(crate) fn ended() -> Value {
    json!({"metadata": {"resourceVersion": "1"}, "status": {
        "succeeded": 1,
        "completionTime": "2026-01-01T00:01:00Z",
        "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": "2026-01-01T00:01:00Z"}],
    }})
}

pub(crate) fn put_over(object: &mut Value, more: &Value) {
    match (object, more) {
        (Value::Object(object), Value::Object(more)) => {
            for (key, value) in more {
                put_over(object.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (object, more) => *object = more.clone(),
    }
}
