//! What a request is about, as its path and query say.

use std::collections::BTreeMap;

use http::{Method, Uri};

use super::status::Refused;
use crate::{kind::Kind, object::Key};

/// The object or the objects that a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: Kind,
    /// Empty for all namespaces, or for a kind without.
    pub(crate) namespace: String,
    /// `None` for all of them.
    pub(crate) name: Option<String>,
    /// `None` for the object itself.
    pub(crate) part: Option<Part>,
}

/// A part of an object that has a path of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Status,
    Log,
}

impl Target {
    /// The object's key; of all of them it has no name.
    pub(crate) fn key(&self) -> Key {
        Key::new(self.kind, &self.namespace, self.name.as_deref().unwrap_or_default())
    }

    /// The namespace that a list is of; `None` for all.
    pub(crate) fn within(&self) -> Option<&str> {
        Some(self.namespace.as_str()).filter(|namespace| !namespace.is_empty())
    }

    /// What is done, in the words of authorisation.
    pub(crate) fn verb(&self, method: &Method, is_watch: bool) -> Option<&'static str> {
        Some(match (method.as_str(), &self.name) {
            ("GET", Some(_)) => "get",
            ("GET", None) if is_watch => "watch",
            ("GET", None) => "list",
            ("POST", None) => "create",
            ("PUT", Some(_)) => "update",
            ("PATCH", Some(_)) => "patch",
            ("DELETE", Some(_)) => "delete",
            ("DELETE", None) => "deletecollection",
            _ => return None,
        })
    }
}

/// Understands a path.
///
/// # Errors
/// When it names what this cluster does not have.
pub(crate) fn parse(path: &str) -> Result<Target, Refused> {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (group, rest) = match segments.as_slice() {
        ["api", "v1", rest @ ..] if !rest.is_empty() => ("", rest),
        ["apis", group, "v1", rest @ ..] if !rest.is_empty() => (*group, rest),
        _ => return Err(unknown("any group", path)),
    };
    // The namespace itself is an object too, without one around it.
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if is_kind_within(rest) => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, part) = match rest {
        [plural] => (*plural, None, None),
        [plural, name] => (*plural, Some(*name), None),
        [plural, name, part] => (*plural, Some(*name), Some(*part)),
        _ => return Err(unknown(group, path)),
    };
    let kind = Kind::of(group, plural).ok_or_else(|| unknown(group, plural))?;
    let part = match part {
        None => None,
        Some("status") if kind.has_status() => Some(Part::Status),
        Some("log") if kind == Kind::Pod => Some(Part::Log),
        Some(part) => return Err(unknown(group, &format!("{plural}/{part}"))),
    };
    let name = name.map(str::to_owned);
    Ok(Target { kind, namespace: namespace.to_owned(), name, part })
}

fn is_kind_within(rest: &[&str]) -> bool {
    !matches!(rest, [] | ["status"])
}

fn unknown(group: &str, what: &str) -> Refused {
    let known = Kind::ALL.map(Kind::resource).join(", ");
    let group = if group.is_empty() { "the core group" } else { group };
    Refused::no_such_path(format!(
        "the server could not find the requested resource: this development cluster has no \
         {what} in {group}; it has {known}"
    ))
}

/// A request's query. Every parameter has to be one that is understood.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

/// What is understood, and what may be said for somebody else's sake.
const KNOWN: [&str; 19] = [
    "allowWatchBookmarks",
    "continue",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "fieldValidation",
    "gracePeriodSeconds",
    "includeObject",
    "labelSelector",
    "limit",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "tailLines",
    "timeout",
    "timeoutSeconds",
    "watch",
    "container",
];

impl Query {
    /// Reads the query of an address.
    ///
    /// # Errors
    /// When it has a parameter that would be ignored.
    pub(crate) fn of(uri: &Uri) -> Result<Self, Refused> {
        let pairs = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let query: BTreeMap<_, _> = pairs.into_owned().collect();
        match query.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            Some(key) => {
                let message = format!("this development cluster does not know the parameter {key}");
                Err(Refused::bad_request(message))
            }
            None => Ok(Self(query)),
        }
    }

    /// A parameter that says something.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that is yes or no.
    pub(crate) fn is(&self, key: &str) -> bool {
        matches!(self.get(key), Some("true" | "1"))
    }

    /// A parameter that is a number.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn number(&self, key: &str) -> Result<Option<u64>, Refused> {
        let number = |text: &str| {
            text.parse().map_err(|_| Refused::bad_request(format!("{key}: {text} is not a number")))
        };
        self.get(key).map(number).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_by_group_namespace_kind_name_and_part() {
        for (path, kind, namespace, name, part) in [
            ("/api/v1/namespaces", Kind::Namespace, "", None, None),
            ("/api/v1/namespaces/a", Kind::Namespace, "", Some("a"), None),
            ("/api/v1/namespaces/a/status", Kind::Namespace, "", Some("a"), Some(Part::Status)),
            ("/api/v1/pods", Kind::Pod, "", None, None),
            ("/api/v1/namespaces/a/pods/b/log", Kind::Pod, "a", Some("b"), Some(Part::Log)),
            ("/apis/batch/v1/namespaces/a/jobs", Kind::Job, "a", None, None),
            ("/apis/batch/v1/namespaces/a/jobs/b", Kind::Job, "a", Some("b"), None),
        ] {
            let name = name.map(str::to_owned);
            let expected = Target { kind, namespace: namespace.to_owned(), name, part };
            assert_eq!(parse(path).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_not_here_is_refused_by_name() {
        for (path, word) in [
            ("/apis/apps/v1/namespaces/a/deployments", "deployments"),
            ("/api/v1/namespaces/a/jobs", "jobs in the core group"),
            ("/api/v1/namespaces/a/pods/b/exec", "pods/exec"),
            ("/api/v1/namespaces/a/configmaps/b/status", "configmaps/status"),
        ] {
            let refused = parse(path).unwrap_err();
            assert_eq!(refused.code, 404, "{path}");
            let text = refused.to_value()["message"].to_string();
            assert!(text.contains(word) && text.contains("cronjobs.batch"), "{text}");
        }
    }

    #[test]
    fn a_parameter_that_would_be_ignored_is_refused() {
        let query = |text: &str| Query::of(&format!("/x?{text}").parse().unwrap());
        assert!(query("limit=500&watch=1&labelSelector=a%3Db").is_ok());
        assert_eq!(query("limit=many").unwrap().number("limit").unwrap_err().code, 400);
        let refused = query("pretty=true").unwrap_err().to_value();
        assert!(refused["message"].to_string().contains("pretty"), "{refused}");
    }
}
