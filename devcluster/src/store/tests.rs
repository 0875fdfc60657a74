mod history;

use serde_json::json;

use super::*;
use crate::testing::{at, names, object};

fn store() -> Store {
    Store::new(1, 1000)
}

fn map(name: &str) -> Object {
    object(Kind::ConfigMap, name, json!({"data": {"a": "1"}}))
}

fn job(name: &str) -> Object {
    object(Kind::Job, name, json!({"spec": {"template": {"spec": {"containers": []}}}}))
}

fn create(store: &mut Store, object: Object) -> Arc<Object> {
    store.create(object, at(0)).unwrap()
}

fn version(object: &Object) -> u64 {
    object.metadata.resource_version.as_ref().unwrap().parse().unwrap()
}

/// A pod on a node.
fn running(name: &str) -> Object {
    let spec = json!({"containers": [], "nodeName": "node", "terminationGracePeriodSeconds": 15});
    object(Kind::Pod, name, json!({"spec": spec, "status": {"phase": "Running"}}))
}

fn delete(store: &mut Store, object: &Object, deletion: &Deletion) -> Deleted {
    store.delete(&object.key(), deletion, at(0)).unwrap()
}

fn graceful(seconds: i64) -> Deletion {
    Deletion { grace_seconds: Some(seconds), ..Deletion::default() }
}

fn propagating(propagation: Propagation) -> Deletion {
    Deletion { propagation: Some(propagation), ..Deletion::default() }
}

#[test]
fn versions_are_one_sequence_for_all_kinds_and_all_changes() {
    let mut store = store();
    let first = create(&mut store, map("a"));
    let second = create(&mut store, job("a"));
    let mut changed = Object::clone(&first);
    changed.content.insert("data".to_owned(), json!({"a": "2"}));
    let third = store.update(changed).unwrap();
    let Deleted::Gone(fourth) = delete(&mut store, &third, &Deletion::default()) else { panic!() };
    let versions = [&first, &second, &third, &fourth].map(|object| version(object));
    assert_eq!(versions, [2, 3, 4, 5]);
    assert_eq!(store.version(), 5);
    let changes: Vec<_> = store.changes_since(1).unwrap().map(|change| change.version).collect();
    assert_eq!(changes, versions);
}

#[test]
fn an_old_version_does_not_overwrite_a_new_one() {
    let mut store = store();
    let first = create(&mut store, map("a"));
    let with = |version: Option<&str>, value: &str| {
        let mut object = Object::clone(&first);
        object.metadata.resource_version = version.map(str::to_owned);
        object.content.insert("data".to_owned(), json!({"a": value}));
        object
    };
    let second = store.update(with(Some("2"), "2")).unwrap();
    assert_eq!(store.update(with(Some("2"), "3")), Err(Refusal::Changed));
    assert_eq!(store.get(&first.key()), Some(&second));
    // Who names no version does not care.
    assert!(store.update(with(None, "4")).is_ok());
    assert!(store.update(with(Some(""), "5")).is_ok());
}

#[test]
fn an_update_that_changes_nothing_has_no_version() {
    let mut store = store();
    let created = create(&mut store, map("a"));
    let mut same = Object::clone(&created);
    same.metadata.resource_version = None;
    same.metadata.creation_timestamp = None;
    assert_eq!(store.update(same), Ok(created));
    assert_eq!(store.version(), 2);
    assert_eq!(store.changes_since(2).unwrap().count(), 0);
}

#[test]
fn only_another_spec_is_another_generation() {
    let mut store = store();
    let created = create(&mut store, job("a"));
    let with_status = Object::clone(&created).with_status(&json!({"active": 1}));
    let updated = store.update(with_status).unwrap();
    let with_spec = Object::clone(&updated).with_spec(&json!({"suspend": true}));
    let respecified = store.update(with_spec).unwrap();
    let generations =
        [&created, &updated, &respecified].map(|object| object.metadata.generation.unwrap());
    assert_eq!(generations, [1, 1, 2]);
}

#[test]
fn a_list_is_sorted_by_namespace_and_name() {
    let mut store = store();
    for (namespace, name) in [("b", "a"), ("a", "b"), ("a-b", "c"), ("a", "a-b"), ("a", "a")] {
        let mut object = map(name);
        object.metadata.namespace = Some(namespace.to_owned());
        create(&mut store, object);
    }
    create(&mut store, job("z"));
    let list = |namespace| {
        let list = store.list(Kind::ConfigMap, namespace);
        list.map(|it| format!("{}/{}", it.namespace(), it.name())).collect::<Vec<_>>()
    };
    assert_eq!(list(None), ["a/a", "a/a-b", "a/b", "a-b/c", "b/a"]);
    assert_eq!(list(Some("a")), ["a/a", "a/a-b", "a/b"]);
    assert_eq!(list(Some("c")), [""; 0]);
}

#[test]
fn what_the_log_has_forgotten_is_expired() {
    let mut store = Store::new(1, 3);
    for name in ["a", "b", "c", "d", "e"] {
        create(&mut store, map(name));
    }
    let expired = Refusal::Expired { wanted: 2, oldest: 3 };
    assert_eq!(expired.to_string(), "too old resource version: 2 (3)");
    assert_eq!(store.changes_since(2).err(), Some(expired.clone()));
    assert_eq!(store.list_at(Kind::ConfigMap, None, 2), Err(expired));
    assert_eq!(store.changes_since(3).unwrap().count(), 3);
    assert_eq!(store.list_at(Kind::ConfigMap, None, 3).unwrap().len(), 2);
}

#[test]
fn a_generated_name_begins_as_it_was_asked() {
    let mut store = store();
    let made: BTreeSet<String> = (0..100)
        .map(|_| {
            let mut object = map("");
            object.metadata.generate_name = Some("job-".to_owned());
            create(&mut store, object).name().to_owned()
        })
        .collect();
    assert_eq!(made.len(), 100);
    assert!(made.iter().all(|name| name.len() == 9 && name.starts_with("job-")), "{made:?}");
    // A name that is given is taken as it is.
    let mut object = map("mine");
    object.metadata.generate_name = Some("job-".to_owned());
    assert_eq!(create(&mut store, object).name(), "mine");
}

#[test]
fn a_taken_name_is_refused_and_says_whether_it_is_going() {
    let mut store = store();
    let found = create(&mut store, job("dup"));
    let taken = |is_going| Err(Refusal::AlreadyExists { is_going });
    assert_eq!(store.create(job("dup"), at(0)), taken(false));
    delete(&mut store, &found, &propagating(Propagation::Foreground));
    assert_eq!(store.create(job("dup"), at(0)), taken(true));
}

#[test]
fn a_new_object_is_not_going_whatever_it_says() {
    let mut store = store();
    let mut going = map("a");
    going.metadata.deletion_timestamp = Some(Time(at(0)));
    going.metadata.deletion_grace_period_seconds = Some(0);
    let created = create(&mut store, going);
    assert!(!created.is_going());
    assert_eq!(created.metadata.deletion_grace_period_seconds, None);
}

#[test]
fn a_finalizer_keeps_an_object_until_it_is_taken_away() {
    let mut store = store();
    let mut object = map("a");
    object.add_finalizer("x");
    object.add_finalizer("y");
    let found = create(&mut store, object);
    let Deleted::Going(going) = delete(&mut store, &found, &Deletion::default()) else { panic!() };
    assert_eq!(going.metadata.deletion_timestamp, Some(Time(at(0))));
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(0));
    // Deleted again, nothing changes.
    let again = store.delete(&going.key(), &Deletion::default(), at(5000));
    assert_eq!(again, Ok(Deleted::Going(Arc::clone(&going))));
    // Nobody can bring it back.
    let mut object = Object::clone(&going);
    object.metadata.deletion_timestamp = None;
    object.remove_finalizer("x");
    let going = store.update(object).unwrap();
    assert!(going.is_going());
    let mut object = Object::clone(&going);
    object.remove_finalizer("y");
    let last = store.update(object).unwrap();
    assert_eq!(names(&store, Kind::ConfigMap), [""; 0]);
    assert_eq!(version(&last), store.version());
    assert_eq!(store.update(Object::clone(&last)), Err(Refusal::NotFound));
}

#[test]
fn the_last_word_on_dependents_counts() {
    use Propagation::{Background, Foreground, Orphan};
    let finalizers = |asked: &[Option<Propagation>], kind: Kind| -> Option<Vec<String>> {
        let mut store = store();
        let mut object = Object { kind, ..job("a") };
        object.add_finalizer("x");
        let found = create(&mut store, object);
        for propagation in asked {
            let deletion = Deletion { propagation: *propagation, ..Deletion::default() };
            delete(&mut store, &found, &deletion);
        }
        store.get(&found.key()).unwrap().metadata.finalizers.clone()
    };
    let cases: [(&[_], Kind, &[&str]); 9] = [
        (&[None], Kind::Job, &["x", ORPHAN]),
        (&[None], Kind::ReplicationController, &["x", ORPHAN]),
        (&[None], Kind::CronJob, &["x"]),
        (&[Some(Background)], Kind::Job, &["x"]),
        (&[Some(Foreground)], Kind::Job, &["x", FOREGROUND]),
        (&[Some(Foreground), None], Kind::Job, &["x", FOREGROUND]),
        (&[Some(Orphan), None], Kind::CronJob, &["x", ORPHAN]),
        (&[Some(Foreground), Some(Orphan)], Kind::Job, &["x", ORPHAN]),
        (&[Some(Orphan), Some(Background)], Kind::Job, &["x"]),
    ];
    for (asked, kind, expected) in cases {
        let expected = expected.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(finalizers(asked, kind), Some(expected), "{asked:?} of a {}", kind.name());
    }
}

#[test]
fn only_a_pod_that_runs_has_a_grace() {
    let with = |node: Option<&str>, phase: &str| {
        let spec = json!({"containers": [], "nodeName": node});
        object(Kind::Pod, "p", json!({"spec": spec, "status": {"phase": phase}}))
    };
    let cases = [
        (with(Some("node"), "Running"), Some(30)),
        (with(Some("node"), "Pending"), Some(30)),
        (with(None, "Pending"), None),
        (with(Some("node"), "Succeeded"), None),
        (with(Some("node"), "Failed"), None),
        (running("p"), Some(15)),
        (Object { kind: Kind::Job, ..running("p") }, None),
    ];
    for (object, expected) in cases {
        let mut store = store();
        let found = create(&mut store, object);
        let deleted = delete(&mut store, &found, &propagating(Propagation::Background));
        let grace = match deleted {
            Deleted::Gone(_) => None,
            Deleted::Going(going) => going.metadata.deletion_grace_period_seconds,
        };
        assert_eq!(grace, expected, "{:?}", found.content);
    }
}

#[test]
fn the_shorter_grace_wins_and_counts_from_the_first_deletion() {
    let mut store = store();
    let found = create(&mut store, running("p"));
    let mut deleted = |milliseconds, deletion: &Deletion| {
        let deleted = store.delete(&found.key(), deletion, at(milliseconds)).unwrap();
        let Deleted::Going(going) = deleted else { return None };
        let Time(end) = going.metadata.deletion_timestamp.clone().unwrap();
        Some((end, going.metadata.deletion_grace_period_seconds.unwrap()))
    };
    assert_eq!(deleted(0, &graceful(60)), Some((at(60_000), 60)));
    assert_eq!(deleted(1000, &Deletion::default()), Some((at(60_000), 60)));
    assert_eq!(deleted(1000, &graceful(90)), Some((at(60_000), 60)));
    assert_eq!(deleted(1000, &graceful(20)), Some((at(20_000), 20)));
    // Not in the past.
    assert_eq!(deleted(10_000, &graceful(5)), Some((at(10_000), 5)));
    assert_eq!(deleted(10_000, &graceful(-1)), None);
}

#[test]
fn a_grace_ends_only_when_somebody_says_so() {
    let mut store = store();
    let mut object = running("p");
    object.add_finalizer("x");
    let found = create(&mut store, object);
    let Deleted::Going(going) = delete(&mut store, &found, &Deletion::default()) else { panic!() };
    let mut object = Object::clone(&going);
    object.remove_finalizer("x");
    store.update(object).unwrap();
    assert_eq!(names(&store, Kind::Pod), ["p"]);
    assert!(matches!(delete(&mut store, &found, &graceful(0)), Deleted::Gone(_)));
    assert_eq!(names(&store, Kind::Pod), [""; 0]);
}

#[test]
fn nothing_is_done_to_another_object_of_the_same_name() {
    let mut store = store();
    let first = create(&mut store, map("a"));
    delete(&mut store, &first, &Deletion::default());
    let second = create(&mut store, map("a"));
    let (wanted, found) = (first.uid().to_owned(), second.uid().to_owned());
    assert_ne!(wanted, found);
    let refusal = Refusal::OtherUid { wanted: wanted.clone(), found };
    let deletion = Deletion { uid: Some(wanted), ..Deletion::default() };
    assert_eq!(store.delete(&first.key(), &deletion, at(0)), Err(refusal.clone()));
    assert_eq!(store.update(Object::clone(&first)), Err(refusal));
    let deletion = Deletion { uid: Some(second.uid().to_owned()), ..Deletion::default() };
    assert!(matches!(delete(&mut store, &second, &deletion), Deleted::Gone(_)));
    let missing = store.delete(&first.key(), &Deletion::default(), at(0));
    assert_eq!(missing, Err(Refusal::NotFound));
}
