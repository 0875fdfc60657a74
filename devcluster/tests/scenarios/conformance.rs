//! The raw requests that the service sends, and what Kubernetes answers.
//!
//! The answers are written down in one file, by a real Kubernetes (`UPDATE_EXPECT=1 cargo e2e
//! conformance`). Both clusters are held to it: so the embedded one can't drift from the real one,
//! nor the real one from what the service was made for.

mod answers;
mod deletes;
mod patches;
mod reads;
mod services;
mod watches;

use std::{fmt::Write, sync::Arc, time::Duration};

use expect_test::expect_file;
use http::{HeaderMap, Method, header};
use k8s_openapi::api::core::v1::LimitRange;
use kube::api::PostParams;
use serde_json::{Value, json};
use tjf_devcluster::suite::{Answer, Call, Client, Tool, World, eventually};

use super::{pod_of, scenarios};

scenarios![
    creates_and_refusals_are_answered_as_written_down,
    reads_are_answered_as_written_down,
    deletes_are_answered_as_written_down,
    patches_are_answered_as_written_down,
    services_are_answered_as_written_down,
    watches_are_answered_as_written_down,
    callers_are_known_as_written_down,
];

const SOON: Duration = Duration::from_secs(60);

/// What was asked and answered, with what is different every time taken out.
pub(super) struct Transcript {
    tool: Tool,
    client: Client,
    text: String,
}

/// One answer.
pub(super) struct Heard {
    pub(super) code: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Transcript {
    pub(super) async fn of(world: &World, purpose: &str) -> Self {
        let tool = world.tool(purpose).await;
        let client = world.cluster.raw_client(Some(&tool.identity)).await;
        Self { tool, client, text: String::new() }
    }

    /// The same, asking as somebody else from now on.
    pub(super) fn ask_as(&mut self, client: Client) {
        self.client = client;
    }

    pub(super) fn namespace(&self) -> String {
        format!("tool-{}", self.tool.name)
    }

    /// The path of a kind of object in the tool's namespace.
    pub(super) fn path(&self, plural: &str) -> String {
        let group = if ["jobs", "cronjobs"].contains(&plural.split(['/', '?']).next().unwrap()) {
            "/apis/batch/v1"
        } else {
            "/api/v1"
        };
        format!("{group}/namespaces/{}/{plural}", self.namespace())
    }

    /// Asks, without a word about it.
    pub(super) async fn ask(&self, method: Method, path: &str, body: Vec<u8>) -> Heard {
        let Answer { status, headers, body } = self.send(method, path, body).await;
        let value = serde_json::from_slice(&body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()));
        Heard { code: status, headers, body: value }
    }

    /// The same, with the answer as it came.
    pub(super) async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let content_type = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let call = Call::to(method, path).header(header::CONTENT_TYPE.as_str(), content_type);
        self.client.send(call.body(body)).await
    }

    /// Asks until the answer is as expected.
    pub(super) async fn until(&self, path: &str, what: &str, is_so: impl Fn(&Value) -> bool) {
        eventually(&format!("{what} at {path}"), SOON, async || {
            let heard = self.ask(Method::GET, path, Vec::new()).await.body;
            if is_so(&heard) { Ok(()) } else { Err(heard) }
        })
        .await;
    }

    /// Creates a Job that never makes a pod, and waits until its controller has said so. Gives its
    /// first version.
    pub(super) async fn create_suspended(&self, name: &str) -> String {
        let body = suspended(name).to_string().into_bytes();
        let heard = self.ask(Method::POST, &self.path("jobs"), body).await;
        let path = self.path(&format!("jobs/{name}"));
        let is_suspended = |job: &Value| job["status"]["conditions"][0]["type"] == "Suspended";
        self.until(&path, "it is suspended", is_suspended).await;
        heard.body["metadata"]["resourceVersion"].as_str().unwrap().to_owned()
    }

    /// Limits how many times its request of CPU a container's limit may be.
    pub(super) async fn limit_ratio(&self, most: &str) {
        let limits = json!([{"type": "Container", "maxLimitRequestRatio": {"cpu": most}}]);
        let range = json!({"metadata": {"name": "ratio"}, "spec": {"limits": limits}});
        let range = serde_json::from_value(range).unwrap();
        self.tool.api::<LimitRange>().create(&PostParams::default(), &range).await.unwrap();
    }

    /// Asks, and writes down what was answered.
    pub(super) async fn tell(
        &mut self,
        what: &str,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Heard {
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let heard = self.ask(method, path, bytes).await;
        self.note(what, &answers::told(&heard));
        heard
    }

    /// Writes down something that was found out.
    pub(super) fn note(&mut self, what: &str, value: &str) {
        let value = value.replace(&self.tool.name, "TOOL");
        writeln!(self.text, "{what}\n    {value}").unwrap();
    }
}

/// A Job that never makes a pod.
pub(super) fn suspended(name: &str) -> Value {
    job(name, &json!({"suspend": true}))
}

/// A Job with these fields in its spec, and a program that does nothing.
pub(super) fn job(name: &str, fields: &Value) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": pod()}},
    });
    job["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    job
}

/// What runs in it.
pub(super) fn pod() -> Value {
    pod_of(&json!({"name": "c", "image": "tjf.local/busybox:1", "command": ["true"]}))
}

async fn creates_and_refusals_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "creates").await;
    answers::creates(&mut transcript).await;
    expect_file!["../golden/creates.txt"].assert_eq(&transcript.text);
}

async fn callers_are_known_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "callers").await;
    answers::callers(&world, &mut transcript).await;
    expect_file!["../golden/callers.txt"].assert_eq(&transcript.text);
}

async fn reads_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "reads").await;
    reads::play(&mut transcript).await;
    expect_file!["../golden/reads.txt"].assert_eq(&transcript.text);
}

async fn deletes_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "deletes").await;
    deletes::play(&mut transcript).await;
    expect_file!["../golden/deletes.txt"].assert_eq(&transcript.text);
}

async fn patches_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "patches").await;
    patches::play(&mut transcript).await;
    expect_file!["../golden/patches.txt"].assert_eq(&transcript.text);
}

async fn services_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "services").await;
    services::play(&mut transcript).await;
    expect_file!["../golden/services.txt"].assert_eq(&transcript.text);
}

async fn watches_are_answered_as_written_down(world: Arc<World>) {
    let mut transcript = Transcript::of(&world, "watches").await;
    watches::play(&world, &mut transcript).await;
    expect_file!["../golden/watches.txt"].assert_eq(&transcript.text);
}
