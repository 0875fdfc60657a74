//! From a request's body to an object, and back to an answer.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::{
    path::{Query, Target},
    status::Refused,
};
use crate::object::Object;

/// As large as Kubernetes takes it.
pub(crate) const BYTES_MAX: usize = 3 * 1024 * 1024;

/// An object that was sent, and what its sender should be warned of.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) object: Object,
    pub(crate) warnings: Vec<String>,
    /// Whether it is only to be judged.
    pub(crate) is_dry: bool,
}

/// Whether a body is what we can read. Programs of Go write protobuf unless they are told not to.
///
/// # Errors
/// When it is not.
pub(crate) fn check_type(headers: &HeaderMap, wanted: &str) -> Result<(), Refused> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let given = given.unwrap_or(wanted).split(';').next().unwrap_or_default().trim();
    if given == wanted {
        return Ok(());
    }
    let message = format!("this development cluster takes {wanted} here, not {given}");
    Err(Refused::unsupported_media_type(message))
}

/// Reads an object for a path.
///
/// # Errors
/// When it is not JSON, of another kind or place, has a field of a wrong type, or one that is not
/// known while the sender wants to hear of that.
pub(crate) fn read(body: &Bytes, target: &Target, query: &Query) -> Result<Sent, Refused> {
    let kind = target.kind.name();
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        Refused::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get \
             version/kind; json parse error: {error}"
        ))
    })?;
    typed(&value, target, query)
}

/// The same of what has been read already.
///
/// # Errors
/// As above.
pub(crate) fn typed(value: &Value, target: &Target, query: &Query) -> Result<Sent, Refused> {
    let kind = target.kind;
    let not_handled = |why: String| {
        let name = kind.name();
        Refused::bad_request(format!(
            "{name} in version \"v1\" cannot be handled as a {name}: {why}"
        ))
    };
    for (field, wanted) in [("kind", kind.name()), ("apiVersion", kind.api_version())] {
        let given = value.get(field).and_then(Value::as_str).unwrap_or(wanted);
        if given != wanted {
            return Err(not_handled(format!("its {field} is {given}, not {wanted}")));
        }
    }
    let not_read = |error: serde_json::Error| not_handled(format!("json: {error}"));
    let canonical = kind.canonical(value.clone()).map_err(not_read)?;
    let mut unknown = Vec::new();
    find_unknown(value, &canonical, "", &mut unknown);
    let warnings: Vec<_> =
        unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
    let warnings = match query.get("fieldValidation").unwrap_or("Warn") {
        "Strict" if !warnings.is_empty() => {
            return Err(not_handled(format!("strict decoding error: {}", warnings.join(", "))));
        }
        "Ignore" => Vec::new(),
        _ => warnings,
    };
    let object = Object::read(kind, canonical).map_err(not_read)?;
    let is_dry = query.get("dryRun").is_some();
    Ok(Sent { object: placed(object, target)?, warnings, is_dry })
}

/// The path says where an object is; what it says itself must agree.
fn placed(mut object: Object, target: &Target) -> Result<Object, Refused> {
    if !object.namespace().is_empty() && object.namespace() != target.namespace {
        return Err(Refused::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    if let Some(name) = &target.name
        && object.name() != name
    {
        return Err(Refused::bad_request(format!(
            "the name of the object ({}) does not match the name on the URL ({name})",
            object.name()
        )));
    }
    object.metadata.namespace = target.within().map(str::to_owned);
    Ok(object)
}

/// What was sent, and is not in what was understood.
fn find_unknown(sent: &Value, understood: &Value, path: &str, unknown: &mut Vec<String>) {
    match (sent, understood) {
        (Value::Object(sent), Value::Object(understood)) => {
            for (name, value) in sent.iter().filter(|(_, value)| !value.is_null()) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match understood.get(name) {
                    Some(known) => find_unknown(value, known, &path, unknown),
                    // An empty list and none are the same to Kubernetes, and are not kept apart.
                    None if *value == Value::Array(Vec::new()) => {}
                    None => unknown.push(path),
                }
            }
        }
        (Value::Array(sent), Value::Array(understood)) => {
            for (index, (value, known)) in sent.iter().zip(understood).enumerate() {
                find_unknown(value, known, &format!("{path}[{index}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Changes a document as RFC 7386 says: what is `null` goes, objects are merged, all else is
/// replaced.
pub(crate) fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(&name);
            } else {
                merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::apiserver::path::parse;

    fn sent(value: &Value, query: &str) -> Result<Sent, Refused> {
        let target = parse("/apis/batch/v1/namespaces/a/jobs").unwrap();
        let query = Query::of(&format!("/x?{query}").parse().unwrap()).unwrap();
        read(&value.to_string().into(), &target, &query)
    }

    fn job(spec: &Value) -> Value {
        json!({"metadata": {"name": "j"}, "spec": spec})
    }

    #[test]
    fn a_typing_error_is_a_warning_or_a_refusal_as_the_sender_likes() {
        let wrong = job(&json!({"nope": 1, "template": {"spec": {"containers": [
            {"name": "c", "imagee": "x"},
        ]}}}));
        let warnings = sent(&wrong, "").unwrap().warnings;
        let told = ["spec.nope", "spec.template.spec.containers[0].imagee"];
        assert_eq!(warnings, told.map(|field| format!("unknown field \"{field}\"")));
        assert!(sent(&wrong, "fieldValidation=Ignore").unwrap().warnings.is_empty());
        let refused = sent(&wrong, "fieldValidation=Strict").unwrap_err().to_value();
        let message = refused["message"].as_str().unwrap();
        assert!(
            message.starts_with(
                "Job in version \"v1\" cannot be handled as a Job: strict decoding error: unknown \
                 field \"spec.nope\""
            ),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_object_of_the_kind_and_place_is_refused() {
        for (value, words) in [
            (job(&json!({"backoffLimit": "1"})), "cannot be handled as a Job"),
            (json!({"kind": "Pod", "metadata": {"name": "j"}}), "Pod, not Job"),
            (json!({"metadata": {"name": "j", "namespace": "b"}}), "namespace sent on the request"),
        ] {
            let refused = sent(&value, "").unwrap_err();
            assert_eq!(refused.code, 400, "{value}");
            let message = refused.to_value()["message"].to_string();
            assert!(message.contains(words), "{message}");
        }
        let refused = sent(&job(&json!({})), "").map(|sent| sent.object.key().to_string());
        assert_eq!(refused.unwrap(), "Job a/j");
    }

    #[test]
    fn a_merge_patch_removes_replaces_and_adds() {
        let mut value = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut value, json!({"a": {"b": null, "c": [3]}, "d": {"e": {"f": null, "g": 1}}}));
        assert_eq!(value, json!({"a": {"c": [3]}, "d": {"e": {"g": 1}}}));
    }
}
