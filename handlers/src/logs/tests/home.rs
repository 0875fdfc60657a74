//! A tool's home on a disk, and a job that wrote there.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tjf_runtime::testing::{FakeCluster, Script, get};

use crate::{
    AppState, Context,
    job::command::{LogFiles, argv},
    testing::{CONTROLLERS, CRONJOBS, JOBS, PODS, TOOL, ended, object, state},
};

/// The user that owns the home when the test runs as root; any but root.
const UID: u32 = 54321;

/// The tool's home.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        let homes = tempfile::tempdir().unwrap();
        fs::create_dir(homes.path().join(TOOL)).unwrap();
        let this = Self(homes);
        this.give("");
        this
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(TOOL).join(name)
    }

    fn give(&self, name: &str) {
        if rustix::process::geteuid().is_root() {
            chown(self.path(name), Some(UID), Some(UID)).unwrap();
        }
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.give(name);
    }

    pub(crate) fn context(&self, kube: kube::Client) -> Context {
        let mut pod_settings = state().pod_settings;
        pod_settings.homes = self.0.path().to_str().unwrap().to_owned();
        let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/catalogue.json");
        let state = AppState::new(catalogue.into(), pod_settings).unwrap();
        Context::for_test(TOOL, state, kube)
    }

    /// A one-off that has ended, with its output in these files.
    pub(crate) fn job(&self, stdout: &str, stderr: &str) -> Value {
        let path = |name: &str| match name {
            "/dev/null" => name.to_owned(),
            name => self.path(name).to_str().unwrap().to_owned(),
        };
        with_logs(&path(stdout), &path(stderr))
    }

    /// The folder of all homes.
    pub(crate) fn homes(&self) -> &Path {
        self.0.path()
    }

    /// A request about this job, which is called `a`, and what Kubernetes is asked for it.
    pub(crate) fn asked_about(&self, job: Value) -> (Script, Context) {
        let (cluster, kube) = FakeCluster::pair();
        let script = cluster.expect_all([
            get(format!("{JOBS}/a")).answer(job),
            get(format!("{CRONJOBS}/a")).not_found(),
            get(format!("{CONTROLLERS}/a")).not_found(),
            get(JOBS).items([]),
            get(PODS).items([]),
        ]);
        (script, self.context(kube))
    }
}

/// A one-off that has ended and wrote into these files.
pub(crate) fn with_logs(stdout: &str, stderr: &str) -> Value {
    let argv = argv("true", &BTreeMap::new(), Some(LogFiles { stdout, stderr }));
    let mut job = object("a", "u1", &ended());
    job["spec"]["template"]["spec"]["containers"][0]["command"] = json!(argv);
    job
}
