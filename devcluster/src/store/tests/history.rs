//! Random histories.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};

use super::*;
use crate::testing::NAMESPACE;

/// One step of a random history, on one of a few names.
#[derive(Debug, Clone, Copy)]
enum Step {
    Create { owner: usize },
    Change { value: u8, owner: usize },
    Delete,
}

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

fn owned(mut object: Object, owner: &Object) -> Object {
    let owner = OwnerReference {
        kind: owner.kind.name().to_owned(),
        name: owner.name().to_owned(),
        uid: owner.uid().to_owned(),
        ..OwnerReference::default()
    };
    object.metadata.owner_references.get_or_insert_default().push(owner);
    object
}

fn history() -> impl Strategy<Value = Vec<(usize, bool, Step)>> {
    let owner = || 0..NAMES.len();
    let step = prop_oneof![
        owner().prop_map(|owner| Step::Create { owner }),
        (0_u8..3, owner()).prop_map(|(value, owner)| Step::Change { value, owner }),
        Just(Step::Delete),
    ];
    prop::collection::vec((owner(), any::<bool>(), step), 1..60)
}

fn take(store: &mut Store, name: &str, kind: Kind, step: Step) {
    let key = Key::new(kind, NAMESPACE, name);
    let owner_of = |store: &Store, owner: usize| {
        store.get(&Key::new(Kind::ConfigMap, NAMESPACE, NAMES[owner])).cloned()
    };
    let own = |store: &Store, object: Object, owner| match owner_of(store, owner) {
        Some(owner) => owned(object, &owner),
        None => object,
    };
    // Some of these are refused, and that is part of a history too.
    let _ = match step {
        Step::Create { owner } => {
            let object = own(store, object(kind, name, json!({})), owner);
            store.create(object, at(0)).is_ok()
        }
        Step::Change { value, owner } => {
            let Some(found) = store.get(&key).cloned() else { return };
            let mut object = Object::clone(&found);
            object.metadata.owner_references = None;
            object.content.insert("data".to_owned(), json!({"value": value.to_string()}));
            store.update(own(store, object, owner)).is_ok()
        }
        Step::Delete => store.delete(&key, &Deletion::default(), at(0)).is_ok(),
    };
}

fn snapshot(store: &Store, kind: Kind) -> Vec<Value> {
    store.list(kind, Some(NAMESPACE)).map(|object| object.to_value()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(34),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn an_earlier_list_is_what_it_was(history in history(), log_length in 1..60_usize) {
        let mut store = Store::new(1, log_length);
        let mut then = BTreeMap::new();
        for (name, is_map, step) in history {
            let kind = if is_map { Kind::ConfigMap } else { Kind::CronJob };
            take(&mut store, NAMES[name], kind, step);
            let lists = [Kind::ConfigMap, Kind::CronJob].map(|kind| snapshot(&store, kind));
            then.insert(store.version(), lists);
        }
        let forgotten = store.version().saturating_sub(log_length as u64);
        for (version, lists) in then {
            for (kind, list) in [Kind::ConfigMap, Kind::CronJob].into_iter().zip(lists) {
                match store.list_at(kind, Some(NAMESPACE), version) {
                    Ok(found) => {
                        let found: Vec<_> = found.iter().map(|object| object.to_value()).collect();
                        prop_assert_eq!(found, list, "at version {}", version);
                    }
                    Err(_) => prop_assert!(version < forgotten, "{} is expired", version),
                }
            }
        }
    }

    #[test]
    fn dependents_are_found_and_nothing_else(history in history()) {
        let mut store = store();
        let mut uids = BTreeSet::new();
        for (name, is_map, step) in history {
            let kind = if is_map { Kind::ConfigMap } else { Kind::CronJob };
            take(&mut store, NAMES[name], kind, step);
            let all = || store.list(Kind::ConfigMap, None).chain(store.list(Kind::CronJob, None));
            uids.extend(all().map(|object| object.uid().to_owned()));
            for uid in &uids {
                let owns = |object: &&Arc<Object>| {
                    object.owners().iter().any(|owner| owner.uid == *uid)
                };
                let expected: BTreeSet<_> = all().filter(owns).map(|it| it.key()).collect();
                let found: BTreeSet<_> = store.dependents_of(uid).map(|it| it.key()).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
