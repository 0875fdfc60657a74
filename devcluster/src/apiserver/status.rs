//! Answers that are not an object: Kubernetes' `Status`.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{kind::Kind, object::Key, store::Refusal};

/// Why a request is not done, as it is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refused {
    /// HTTP status.
    pub(crate) code: StatusCode,
    reason: &'static str,
    message: String,
    details: Map<String, Value>,
}

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Cause {
    /// The path of the field.
    pub(crate) field: String,
    /// Kubernetes' word for the kind of fault.
    pub(crate) reason: &'static str,
    /// What is wrong.
    pub(crate) message: String,
}

/// A cause of a refusal: field, reason and message.
pub(super) fn cause(
    field: impl Into<String>,
    reason: &'static str,
    message: impl Into<String>,
) -> Cause {
    Cause { field: field.into(), reason, message: message.into() }
}

impl Refused {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Map::new() }
    }

    fn with(mut self, details: Value) -> Self {
        if let Value::Object(details) = details {
            self.details.extend(details);
        }
        // The core group has no name, and is not named.
        self.details.retain(|_, value| value != "");
        self
    }

    fn about(self, key: &Key) -> Self {
        let Key { kind, name, .. } = key;
        self.with(json!({"name": name, "group": kind.group(), "kind": kind.plural()}))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// A path that leads nowhere here.
    pub(crate) fn no_such_path(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(crate) fn not_found(key: &Key) -> Self {
        let message = format!("{} \"{}\" not found", key.kind.resource(), key.name);
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).about(key)
    }

    /// What a caller may not do, or what limits and quotas forbid; `what` is the rest of the
    /// sentence, `name` may be empty.
    pub(crate) fn forbidden(kind: Kind, name: &str, what: &str) -> Self {
        let quoted = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!("{}{quoted} is forbidden: {what}", kind.resource());
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).about(&Key::new(kind, "", name))
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    pub(crate) fn too_large(bytes_max: usize) -> Self {
        let message = format!("Request entity too large: limit is {bytes_max}");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message)
    }

    /// An object that is not what its kind must be.
    pub(crate) fn invalid(kind: &str, group: &str, name: &str, causes: &[Cause]) -> Self {
        let dotted = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let told = |cause: &Cause| format!("{}: {}", cause.field, cause.message);
        let mut list: Vec<_> = causes.iter().map(told).collect();
        list.dedup();
        let is_one = list.len() == 1;
        let list = list.join(", ");
        let list = if is_one { list } else { format!("[{list}]") };
        let message = format!("{dotted} \"{name}\" is invalid: {list}");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message)
            .with(json!({"name": name, "group": group, "kind": kind, "causes": causes}))
    }

    /// A version that has not come yet.
    pub(crate) fn version_too_large(wanted: u64, current: u64) -> Self {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let cause = json!({
            "reason": "ResourceVersionTooLarge", "message": "Too large resource version",
        });
        Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
            .with(json!({"causes": [cause], "retryAfterSeconds": 1}))
    }

    /// What a server says that fails, or that lost a race for the quota's own bookkeeping.
    pub(crate) fn by_fault(code: StatusCode) -> Self {
        match code {
            StatusCode::CONFLICT => {
                Self::by_store(&Key::new(Kind::ResourceQuota, "", "tool"), &Refusal::Changed)
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                let message = "the server is currently unable to handle the request";
                Self::new(code, "ServiceUnavailable", message)
            }
            _ => Self::new(code, "", "etcdserver: request timed out"),
        }
    }

    /// What the store refused.
    pub(crate) fn by_store(key: &Key, refusal: &Refusal) -> Self {
        let Key { kind, name, .. } = key;
        let conflict = |why: &str, named: &str, in_path: &str| {
            let message = format!("Operation cannot be fulfilled on {named} \"{name}\": {why}");
            Self::new(StatusCode::CONFLICT, "Conflict", message)
                .with(json!({"name": name, "group": kind.group(), "kind": in_path}))
        };
        match refusal {
            Refusal::AlreadyExists { is_going } => {
                let going = if *is_going { "object is being deleted: " } else { "" };
                let message = format!("{going}{} \"{name}\" already exists", kind.resource());
                Self::new(StatusCode::CONFLICT, "AlreadyExists", message).about(key)
            }
            Refusal::NotFound => Self::not_found(key),
            Refusal::Changed => conflict(
                "the object has been modified; please apply your changes to the latest version and \
                 try again",
                &kind.resource(),
                kind.plural(),
            ),
            Refusal::OtherUid { wanted, found } => conflict(
                &format!(
                    "the UID in the precondition ({wanted}) does not match the UID in record \
                     ({found}). The object might have been deleted and then recreated"
                ),
                &kind.dotted_name(),
                kind.name(),
            ),
            Refusal::Expired { .. } => Self::new(StatusCode::GONE, "Expired", refusal.to_string()),
        }
    }

    /// Seconds after which it is worth trying again.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.details.get("retryAfterSeconds").and_then(Value::as_u64)
    }

    /// As it is sent.
    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code.as_u16(),
        });
        if !self.details.is_empty() {
            status["details"] = Value::Object(self.details.clone());
        }
        status
    }
}

/// What is said of an object that was deleted and is gone.
pub(crate) fn deleted(key: &Key, uid: &str) -> Value {
    let Key { kind, name, .. } = key;
    let mut details = json!({"name": name, "kind": kind.plural(), "uid": uid});
    if !kind.group().is_empty() {
        details["group"] = json!(kind.group());
    }
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": details,
    })
}
