//! What must be true of the whole: both programs, from outside, on a cluster with real pods.

#![expect(clippy::unwrap_used, reason = "a test")]

mod chaos;
mod command;
mod conformance;
mod credentials;
mod deployed;
mod drain;
mod dry;
mod ending;
mod faults;
mod forms;
mod generated;
mod going;
mod health;
mod isolation;
mod jobs_file;
mod keys;
mod knobs;
mod large;
mod load;
mod logs;
mod malformed;
mod matrix;
mod names;
mod nudging;
mod output;
mod platform;
mod policy;
mod ports;
mod readme;
mod removal;
mod replacing;
mod restart;
mod room;
mod schedules;
mod status;
mod store;
mod text;
mod unknown;
mod upgrade;
mod waiting;
mod watching;

use std::time::Duration;

use serde_json::{Value, json};
use tjf_devcluster::suite::Scenario;

/// For a pod to be scheduled and started, on a machine that does much else.
const POD_TIME_MAX: Duration = Duration::from_secs(60);

/// Names the tests of a topic, and what they need; one that is not named is dead code, and the
/// compiler says so.
macro_rules! scenarios {
    ($($name:ident $(: $needs:expr)?),* $(,)?) => {
        /// The tests of this topic.
        pub(crate) fn all() -> Vec<tjf_devcluster::suite::Scenario> {
            vec![$(tjf_devcluster::suite::Scenario {
                name: concat!(module_path!(), "::", stringify!($name)),
                needs: $crate::scenarios::needs!($($needs)?),
                play: |world| Box::pin($name(world)),
            }),*]
        }
    };
}
macro_rules! needs {
    () => {
        tjf_devcluster::suite::Needs::Nothing
    };
    ($needs:expr) => {
        $needs
    };
}
use {needs, scenarios};

/// Every test; first those that wait longest.
pub(crate) fn all() -> Vec<Scenario> {
    [
        // The longest first, so that none is waited for at the end.
        matrix::all(),
        chaos::all(),
        health::all(),
        schedules::all(),
        deployed::all(),
        platform::all(),
        readme::all(),
        credentials::all(),
        malformed::all(),
        status::all(),
        room::all(),
        nudging::all(),
        restart::all(),
        waiting::all(),
        large::all(),
        load::all(),
        logs::all(),
        logs::costs::all(),
        logs::lines::all(),
        going::all(),
        unknown::all(),
        names::all(),
        ports::all(),
        drain::all(),
        command::all(),
        conformance::all(),
        output::all(),
        policy::all(),
        ending::all(),
        isolation::all(),
        removal::all(),
        replacing::all(),
        keys::all(),
        knobs::all(),
        forms::all(),
        generated::all(),
        text::all(),
        jobs_file::all(),
        dry::all(),
        watching::all(),
        store::all(),
        faults::all(),
        // The last of all, since the pod whose health `TJF_CLUSTER_SERVICE_ADMIN` tells goes.
        upgrade::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A one-off, as `run` takes it.
fn one_off(name: &str, cmd: &str) -> Value {
    json!({"name": name, "cmd": cmd, "imagename": "tf-busybox"})
}

/// A continuous job, as `run` takes it.
fn continuous(name: &str, cmd: &str) -> Value {
    with(one_off(name, cmd), &json!({"continuous": true}))
}

/// A pod's specification with this one container, such as a tool's namespace lets in also where the
/// policy of `deploy/` holds.
fn pod_of(container: &Value) -> Value {
    json!({
        "restartPolicy": "Never",
        "securityContext": {"runAsUser": 54321},
        "containers": [container],
    })
}

/// An object, such as a job, with these fields too.
fn with(mut object: Value, fields: &Value) -> Value {
    let fields = fields.as_object().unwrap().clone();
    object.as_object_mut().unwrap().extend(fields);
    object
}
