//! Statuses of objects as a real Kubernetes described them.
//!
//! A recording has no uids, owners and names: they were taken out. Here they are put back, from the
//! name of its file, so that all recordings can be in one namespace.

use std::{collections::BTreeMap, fs, path::PathBuf};

use expect_test::expect_file;
use serde::Deserialize;
use tjf_api_types::StatusView;

use super::*;

#[derive(Clone, Deserialize)]
struct Recording {
    kind: String,
    now: String,
    #[serde(flatten)]
    object: Recorded,
    #[serde(default)]
    children: Vec<Recorded>,
    events: Vec<Value>,
}

#[derive(Clone, Deserialize)]
struct Recorded {
    #[serde(default)]
    name: String,
    created: String,
    deleted: Option<String>,
    spec: Value,
    status: Value,
    pods: Vec<Value>,
}

impl Recorded {
    fn object<T: DeserializeOwned>(&self, name: &str, owner: Option<&str>) -> T {
        let owners: Vec<_> =
            owner.iter().map(|uid| json!({"uid": uid, "controller": true})).collect();
        let metadata = json!({
            "creationTimestamp": self.created,
            "deletionTimestamp": self.deleted,
            "ownerReferences": owners,
        });
        let more = json!({"metadata": metadata, "spec": self.spec, "status": self.status});
        read(object(name, &format!("u-{name}"), &more))
    }

    fn pods(&self, owner: &str) -> Vec<Pod> {
        let pod = |(index, recorded): (usize, &Value)| {
            let name = format!("{owner}-{index}");
            let created = recorded["status"]["startTime"].as_str().unwrap_or(&self.created);
            let metadata = json!({
                "creationTimestamp": created,
                "ownerReferences": [{"uid": format!("u-{owner}"), "controller": true}],
            });
            let mut pod = object(&name, &format!("u-{name}"), recorded);
            merge(&mut pod, &json!({"metadata": metadata}));
            read(pod)
        };
        self.pods.iter().enumerate().map(pod).collect()
    }
}

impl Recording {
    /// Puts the recorded objects into a namespace, under this name.
    fn put_into(&self, objects: &mut Objects, name: &str) {
        match self.kind.as_str() {
            "Job" => objects.jobs.push(self.object.object(name, None)),
            "CronJob" => objects.cronjobs.push(self.object.object(name, None)),
            "ReplicationController" => objects.controllers.push(self.object.object(name, None)),
            kind => panic!("{kind}"),
        }
        objects.pods.extend(self.object.pods(name));
        for child in &self.children {
            let child_name = format!("{name}-{}", child.name);
            objects.jobs.push(child.object(&child_name, Some(&format!("u-{name}"))));
            objects.pods.extend(child.pods(&child_name));
        }
    }

    /// The warnings: other events are never asked for.
    fn warnings(&self, name: &str) -> impl Iterator<Item = Event> {
        self.events.iter().filter(|event| event["type"] == "Warning").map(move |event| {
            let about = if event["object"] == "Pod" {
                format!("u-{name}-0")
            } else {
                assert_eq!(event["object"], self.kind.as_str());
                format!("u-{name}")
            };
            let [reason, message] = ["reason", "message"].map(|key| event[key].as_str().unwrap());
            warning(&about, reason, event["at"].as_str().unwrap_or(&self.now), message)
        })
    }
}

/// What is compared with a file.
#[derive(serde::Serialize)]
struct Told {
    status_short: String,
    status_long: String,
    status: StatusView,
}

fn directory() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/observed"))
}

fn recordings() -> BTreeMap<String, Recording> {
    let files = fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path());
    let names = files.filter_map(|path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".json")?.to_owned();
        (!name.ends_with(".view")).then_some((name, path))
    });
    let recordings: BTreeMap<_, _> = names
        .map(|(name, path)| (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap()))
        .collect();
    assert!(recordings.len() >= 57, "only {} recordings were found", recordings.len());
    recordings
}

/// What `show` tells: it looks at one job, and at events when only they can explain it.
fn shown(name: &str, recording: &Recording) -> Told {
    let mut objects = Objects::default();
    recording.put_into(&mut objects, name);
    if objects.snapshot().lacks(at(&recording.now)).events {
        objects.events = recording.warnings(name).collect();
    }
    let mut views = views_at(&objects, &recording.now);
    assert_eq!(views.len(), 1, "{name}");
    let JobView { status_short, status_long, status, .. } = views.remove(0);
    Told { status_short, status_long, status }
}

#[test]
fn what_kubernetes_said_is_told_as_the_golden_file_has_it() {
    for (name, recording) in recordings() {
        let text = serde_json::to_string_pretty(&shown(&name, &recording)).unwrap() + "\n";
        expect_file![directory().join(format!("{name}.view.json"))].assert_eq(&text);
    }
}

#[test]
fn whatever_the_golden_files_say_these_rules_hold() {
    for (name, recording) in recordings() {
        let Told { status_short, status_long, status } = shown(&name, &recording);
        let is_one_off = recording.kind == "Job";
        assert!(is_one_off || !status.phase.is_final(), "{name}: only one-offs end");
        let word = match status.phase.known().unwrap() {
            Phase::Succeeded => Some("Completed"),
            Phase::Failed => Some("Failed"),
            Phase::Pending | Phase::Running | Phase::Unknown => None,
        };
        match word {
            Some(word) => assert_eq!(status_short, word, "{name}"),
            None => assert!(!["Completed", "Failed"].contains(&&*status_short), "{name}"),
        }
        let ends = recording.object.status["conditions"].as_array();
        let has_ended = ends
            .into_iter()
            .flatten()
            .any(|condition| ["Complete", "Failed"].map(Value::from).contains(&condition["type"]));
        assert_eq!(is_one_off && has_ended, status.phase.is_final(), "{name}: who says it ended?");
        assert_eq!(status.attempts.is_some(), is_one_off, "{name}: attempts");
        let is_continuous = recording.kind == "ReplicationController";
        assert!(is_continuous || status.restarts.is_none(), "{name}: restarts");
        let text = serde_json::to_string(&status).unwrap() + &status_long;
        // The name of the image is told, and nothing else that the registry's errors say.
        let text = text.replace("registry.invalid/no/such:1", "");
        for never in ["1970", "/var/", "/no/such", "/bin/", "dial tcp", "10.0.0.", "u-", "tf-test"]
        {
            assert!(!text.contains(never), "{name}: {never} in {text}");
        }
        assert!(!status_short.contains('\n') && !status_long.contains('\n'), "{name}");
        assert!(status_long.ends_with('.') && !status_long.contains(".."), "{name}: {status_long}");
    }
}

#[test]
fn list_tells_the_same_as_show_whatever_else_there_is() {
    let recordings = recordings();
    let mut everything = Objects::default();
    for (name, recording) in &recordings {
        recording.put_into(&mut everything, name);
        everything.events.extend(recording.warnings(name));
    }
    for (name, recording) in &recordings {
        let views = views_at(&everything, &recording.now);
        let listed = views.into_iter().find(|view| view.name == *name).unwrap();
        assert_eq!(listed.status, shown(name, recording).status, "{name}");
    }
}

#[test]
fn every_golden_file_belongs_to_a_recording() {
    let recordings = recordings();
    for entry in fs::read_dir(directory()).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.trim_end_matches(".json").trim_end_matches(".view");
        assert!(recordings.contains_key(name), "{file} is left over");
    }
}
