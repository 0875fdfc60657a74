//! What an administrator makes for a tool in Kubernetes: limits and a quota.

use serde_json::{Value, json};

/// The namespace of a tool.
pub fn name_of(tool: &str) -> String {
    format!("tool-{tool}")
}

/// The tool that has this namespace, if one has.
pub fn tool_of(namespace: &str) -> Option<&str> {
    namespace.strip_prefix("tool-")
}

/// The spec of its `LimitRange`.
pub fn limits() -> Value {
    json!({"limits": [{
        "type": "Container",
        "default": {"cpu": "500m", "memory": "512Mi"},
        "defaultRequest": {"cpu": "10m", "memory": "8Mi"},
        "max": {"cpu": "1", "memory": "4Gi"},
        "min": {"cpu": "5m", "memory": "4Mi"},
    }]})
}

/// The spec of its `ResourceQuota`.
pub fn quota() -> Value {
    json!({"hard": {
        "pods": "16",
        "limits.cpu": "16",
        "limits.memory": "16Gi",
        "requests.cpu": "4",
        "requests.memory": "8Gi",
        "count/jobs.batch": "200",
        "count/cronjobs.batch": "50",
        "replicationcontrollers": "16",
        "services": "16",
    }})
}
