//! What a real Kubernetes let in, and what it said of the rest.
//!
//! Each case was put into a namespace of its own, and a pod was created there with the limits and
//! requests that a job has. The ranges and quotas are as Kubernetes stored them: of containers it
//! derives defaults from a maximum and a minimum.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::job::quota::{LimitRefusal, UnsaidRefusal};

#[derive(Deserialize)]
struct Recording {
    /// Everything that was asked in each case, as `memory=1Gi,cpu=1`.
    asked: Vec<String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ranges: Vec<Value>,
    quotas: Vec<Value>,
    /// What was not let in, and Kubernetes' sentence.
    refused: BTreeMap<String, String>,
}

impl Case {
    fn limits(&self) -> Limits {
        let read = |items: &Value| serde_json::from_value(json!({"spec": {"limits": items}}));
        let ranges = self.ranges.iter().map(|items| read(items).unwrap()).collect();
        let read = |spec: &Value| serde_json::from_value(json!({"spec": spec})).unwrap();
        Limits::new(ranges, &self.quotas.iter().map(read).collect::<Vec<_>>())
    }
}

fn asking(text: &str) -> Spec {
    let of = |field: &str| text.split(',').find_map(|part| part.strip_prefix(field));
    spec(of("memory="), of("cpu="))
}

#[test]
fn what_kubernetes_refuses_at_the_pod_is_refused_before_and_nothing_else() {
    let Recording { asked, cases } = serde_json::from_str(include_str!("recorded.json")).unwrap();
    assert!(asked.len() * cases.len() > 400);
    for case in cases {
        let limits = case.limits();
        for asked in &asked {
            let about = format!("{asked}: {:?} {:?}", case.ranges, case.quotas);
            let (ours, theirs) = (limits.check(&asking(asked)), case.refused.get(asked));
            assert_eq!(ours.is_err(), theirs.is_some(), "{about}: {ours:?}");
            if let (Err(ours), Some(theirs)) = (ours, theirs) {
                // Of several quotas Kubernetes takes any.
                let is_same_field = theirs.contains(ours.field) || case.quotas.len() > 1;
                assert!(is_same_field, "{about}: {ours:?} {theirs}");
                // Of several sentences ours may be about another one.
                let is_missing = ["specified", "specify"].iter().any(|it| theirs.contains(it));
                let says_so = ours.detail.starts_with("say how much");
                assert!(theirs.starts_with('[') || says_so == is_missing, "{about}: {ours:?}");
            }
        }
    }
}

#[test]
fn each_sentence_of_kubernetes_is_told_in_words() {
    let Recording { cases, .. } = serde_json::from_str(include_str!("recorded.json")).unwrap();
    for sentence in cases.iter().flat_map(|case| case.refused.values()) {
        let message = format!("Error creating: pods \"a-x\" is forbidden: {sentence}");
        let is_limit = LimitRefusal::parse(&message).is_some();
        assert_ne!(is_limit, UnsaidRefusal::parse(&message).is_some(), "{sentence}");
    }
}
