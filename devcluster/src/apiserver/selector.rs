//! Which objects a list is about: labels, and the few fields that can be asked for.

use super::{path::Query, status::Refused};
use crate::{kind::Kind, object::Object};

/// Everything that an object must be to be selected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    label: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Selector {
    /// Reads both selectors of a request.
    ///
    /// # Errors
    /// When one can't be understood, or asks for a field that the kind is not selected by.
    pub(crate) fn of(query: &Query, kind: Kind) -> Result<Self, Refused> {
        let labels = query.get("labelSelector").map(requirements).transpose()?;
        let fields = query.get("fieldSelector").map(|text| fields(text, kind)).transpose()?;
        Ok(Self { labels: labels.unwrap_or_default(), fields: fields.unwrap_or_default() })
    }

    /// Whether this object is selected.
    pub(crate) fn selects(&self, object: &Object) -> bool {
        self.labels.iter().all(|one| one.is_met(object.label(&one.label)))
            && self.fields.iter().all(|(name, is, value)| (field(object, name) == *value) == *is)
    }
}

impl Requirement {
    fn is_met(&self, value: Option<&str>) -> bool {
        let is_among =
            |values: &[String]| value.is_some_and(|value| values.iter().any(|it| it == value));
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
            Test::In(values) => is_among(values),
            Test::NotIn(values) => !is_among(values),
        }
    }
}

/// `a=b,c!=d,e,!f,g in (h,i),j notin (k)`.
fn requirements(text: &str) -> Result<Vec<Requirement>, Refused> {
    let mut parts = split_outside_parentheses(text).into_iter();
    let first = parts.next().map(requirement).into_iter();
    let rest = parts.map(|part| match part {
        "" => Err(Refused::bad_request("found '', expected: identifier after ','")),
        part => requirement(part),
    });
    first.chain(rest).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let is_end = |letter: char| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(is_end).map(str::trim).collect()
}

fn requirement(text: &str) -> Result<Requirement, Refused> {
    let one = |value: &str| vec![value.trim().to_owned()];
    let (label, test) = if let Some((label, values)) = set(text, " notin ") {
        (label, Test::NotIn(values))
    } else if let Some((label, values)) = set(text, " in ") {
        (label, Test::In(values))
    } else if let Some((label, is, value)) = comparison(text) {
        (label, if is { Test::In(one(value)) } else { Test::NotIn(one(value)) })
    } else if let Some(label) = text.strip_prefix('!') {
        (label, Test::Absent)
    } else {
        (text, Test::Exists)
    };
    let label = label.trim();
    let is_label_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    if label.is_empty() || !label.chars().all(is_label_letter) {
        return Err(Refused::bad_request(format!(
            "unable to parse requirement: found '{label}', expected: ',', ')' or identifier"
        )));
    }
    Ok(Requirement { label: label.to_owned(), test })
}

fn set<'a>(text: &'a str, operator: &str) -> Option<(&'a str, Vec<String>)> {
    let (label, values) = text.split_once(operator)?;
    let values = values.trim().strip_prefix('(')?.strip_suffix(')')?;
    Some((label, values.split(',').map(|value| value.trim().to_owned()).collect()))
}

fn fields(text: &str, kind: Kind) -> Result<Vec<(String, bool, String)>, Refused> {
    text.split(',')
        .map(|part| {
            let Some((name, is, value)) = comparison(part) else {
                let message = format!("invalid selector: '{part}'; can't understand '{part}'");
                return Err(Refused::bad_request(message));
            };
            if !is_known_field(kind, name) {
                let message = format!("field label \"{name}\" not supported for {}", kind.name());
                return Err(Refused::bad_request(message));
            }
            Ok((name.to_owned(), is, value.to_owned()))
        })
        .collect()
}

/// `a=b`, `a==b` or `a!=b`: what is compared, whether it has to be so, and with what.
fn comparison(text: &str) -> Option<(&str, bool, &str)> {
    if let Some((name, value)) = text.split_once("!=") {
        return Some((name, false, value));
    }
    let (name, value) = text.split_once("==").or_else(|| text.split_once('='))?;
    Some((name, true, value))
}

/// Whether objects of a kind can be selected by a field.
fn is_known_field(kind: Kind, name: &str) -> bool {
    match name {
        "metadata.name" | "metadata.namespace" => true,
        "spec.nodeName" | "spec.restartPolicy" => kind == Kind::Pod,
        "status.phase" => matches!(kind, Kind::Pod | Kind::Namespace),
        "involvedObject.kind"
        | "involvedObject.name"
        | "involvedObject.namespace"
        | "involvedObject.uid"
        | "reason"
        | "type" => kind == Kind::Event,
        _ => false,
    }
}

fn field<'a>(object: &'a Object, name: &str) -> &'a str {
    match name {
        "metadata.name" => object.name(),
        "metadata.namespace" => object.namespace(),
        _ => {
            let mut parts = name.split('.');
            let first = parts.next().and_then(|part| object.content.get(part));
            let found = parts.fold(first, |value, part| value?.get(part));
            found.and_then(|value| value.as_str()).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn select(query: &str, kind: Kind) -> Result<Selector, Refused> {
        let uri = format!("/x?{query}").parse().unwrap();
        Selector::of(&Query::of(&uri).unwrap(), kind)
    }

    #[test]
    fn labels_are_compared_as_kubernetes_does() {
        let metadata = json!({"name": "p", "labels": {"a": "1", "x.y/b": "2"}});
        let pod = Object::make(Kind::Pod, json!({"metadata": metadata}));
        for (selector, is_selected) in [
            ("a=1", true),
            ("a==1,x.y/b=2", true),
            ("a=2", false),
            ("a!=2,c!=3", true),
            ("a!=1", false),
            ("a", true),
            ("c", false),
            ("!c,!d", true),
            ("!a", false),
            ("a in (0, 1),x.y/b notin (1)", true),
            ("a in (2)", false),
            ("c notin (1)", true),
        ] {
            let query: String = form_urlencoded::byte_serialize(selector.as_bytes()).collect();
            let found = select(&format!("labelSelector={query}"), Kind::Pod).unwrap();
            assert_eq!(found.selects(&pod), is_selected, "{selector}");
        }
        assert_eq!(select("labelSelector=a%3D1%2C", Kind::Pod).unwrap_err().code, 400);
    }

    #[test]
    fn only_some_fields_can_be_asked_for() {
        let event = Object::make(
            Kind::Event,
            json!({
                "metadata": {"name": "e"}, "type": "Warning", "involvedObject": {"uid": "u"},
            }),
        );
        for (selector, is_selected) in [
            ("metadata.name=e", true),
            ("type=Warning,involvedObject.uid=u", true),
            ("type!=Warning", false),
            ("involvedObject.uid=v", false),
        ] {
            let found = select(&format!("fieldSelector={selector}"), Kind::Event).unwrap();
            assert_eq!(found.selects(&event), is_selected, "{selector}");
        }
        let refused = select("fieldSelector=spec.nope=1", Kind::Job).unwrap_err().to_value();
        assert_eq!(refused["message"], "field label \"spec.nope\" not supported for Job");
    }
}
