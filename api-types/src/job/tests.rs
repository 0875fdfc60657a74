use serde_json::{Value, json};

use super::*;
use crate::ContainerView;

#[test]
fn job_types_cross_the_wire_with_a_hyphen() {
    for kind in JobType::ALL {
        assert_eq!(serde_json::to_value(Word::Known(*kind)).unwrap(), kind.as_str());
    }
}

/// A job that has nothing but its name.
fn bare() -> JobView {
    serde_json::from_value(json!({ "name": "bot" })).unwrap()
}

#[test]
fn of_a_job_only_the_name_is_required() {
    let job = bare();
    assert_eq!(job.status, StatusView::default());
    assert_eq!(job.job_type.as_str(), "");
    assert!(!job.status.phase.is_final());
    for nameless in
        [json!({}), json!({ "name": null }), json!({ "name": 1 }), json!([]), json!("bot")]
    {
        assert!(serde_json::from_value::<JobView>(nameless.clone()).is_err(), "{nameless}");
    }
    assert!(serde_json::from_value::<ContainerView>(json!({ "image": "x" })).is_err());
    assert!(serde_json::from_value::<Deleted>(json!({})).is_err());
}

/// Whatever a newer server puts under a key, the other keys are read.
#[test]
fn a_value_of_another_kind_spoils_no_other() {
    let written = serde_json::to_value(bare()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let oddities =
        [json!(null), json!(1.5), json!("x"), json!([1]), json!({ "a": [] }), json!(u64::MAX)];
    for odd in oddities {
        for key in keys(&written).iter().filter(|key| *key != "name") {
            let mut job = written.clone();
            job["uid"] = json!("u");
            job[key] = odd.clone();
            let read: JobView = serde_json::from_value(job.clone()).unwrap();
            assert_eq!(read.name, "bot", "{job}");
            assert!(key == "uid" || read.uid == "u", "{job}");
        }
        for key in keys(&written["status"]).iter().filter(|key| *key != "message") {
            let mut job = written.clone();
            job["status"]["message"] = json!("m");
            job["status"][key] = odd.clone();
            let read: JobView = serde_json::from_value(job.clone()).unwrap();
            assert_eq!(read.status.message.as_deref(), Some("m"), "{job}");
        }
    }
}

#[test]
fn every_key_is_written_whether_it_applies_or_not() {
    let written = serde_json::to_value(bare()).unwrap();
    assert_eq!(written.as_object().unwrap().len(), 30, "{written}");
    assert_eq!(written["status"].as_object().unwrap().len(), 15, "{written}");
    assert_eq!(written["schedule"], Value::Null);
}
