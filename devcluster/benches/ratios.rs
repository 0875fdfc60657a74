//! What the service costs beside asking Kubernetes oneself, on the cluster that the environment
//! names: `cargo bench -p tjf-devcluster`.
//!
//! Each figure is a ratio of medians within one run, ours and the direct way taken in turn, over
//! kept connections; absolute times belong to the machine.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, for a person to read"
)]

use std::{process::ExitCode, sync::Arc, time::Duration};

use http::Request;
use kube::Client as Kube;
use serde_json::json;
use tjf_api_types::{ObjectName, RunRequest};
use tjf_cli::{Client, Credentials, Pem};
use tjf_devcluster::suite::{Place, Tool, World, measure};
use tokio::time::Instant;

/// Pairs of measurements; the median of so many is steady to a few parts in a hundred.
const PAIRS: usize = 60;
const NEVER: &str = "0 0 1 1 *";

fn main() -> ExitCode {
    measure(Place::Named, |world| Box::pin(ratios(world)))
}

async fn ratios(world: Arc<World>) {
    let tool = world.tool("bench").await;
    let ours = through_the_service(&tool);
    let direct = world.cluster.kubernetes(Some(&tool.identity)).await;
    list(&tool, &ours, &direct).await;
    run(&tool, &ours, &direct).await;
}

/// The command's own client, which keeps its connections.
fn through_the_service(tool: &Tool) -> Client {
    let pem = |text: &str| Pem { text: text.into(), origin: "the bench".to_owned() };
    let credentials = Credentials {
        certificate: pem(&tool.identity.certificate),
        key: pem(&tool.identity.key),
        ca: Some(pem(&tool.service().ca)),
    };
    let server = format!("https://{}", tool.service().address);
    Client::new(&server, &credentials).unwrap().without_retries()
}

/// `list` of 23 jobs, against the four lists that it is made from, asked one after the other.
async fn list(tool: &Tool, ours: &Client, direct: &Kube) {
    for number in 0..10 {
        tool.run(json!({"name": format!("done-{number}"), "cmd": "true", "type": "busybox"})).await;
        tool.ended(&format!("done-{number}")).await;
        let scheduled = json!({
            "name": format!("cron-{number}"), "cmd": "true", "type": "busybox", "schedule": NEVER,
        });
        tool.run(scheduled).await;
    }
    for number in 0..3 {
        let bot = json!({
            "name": format!("bot-{number}"), "cmd": "exec sleep 3600", "type": "busybox",
            "continuous": true,
        });
        tool.run(bot).await;
    }
    let namespace = format!("tool-{}", tool.name);
    let selector = format!(
        "toolforge=tool,app.kubernetes.io/managed-by=toolforge-jobs-framework,\
         app.kubernetes.io/created-by={}",
        tool.name
    );
    let paths = [
        format!("/apis/batch/v1/namespaces/{namespace}/jobs"),
        format!("/apis/batch/v1/namespaces/{namespace}/cronjobs"),
        format!("/api/v1/namespaces/{namespace}/replicationcontrollers"),
        format!("/api/v1/namespaces/{namespace}/pods"),
    ]
    .map(|path| format!("{path}?labelSelector={selector}"));
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let began = Instant::now();
        assert_eq!(ours.list().await.unwrap().value.len(), 23);
        times.0.push(began.elapsed());
        let began = Instant::now();
        for path in &paths {
            direct.request_text(Request::get(path).body(Vec::new()).unwrap()).await.unwrap();
        }
        times.1.push(began.elapsed());
    }
    tell("list of 23 jobs, against four LISTs one after the other", times, 0.75);
}

/// `run` of a scheduled job, against creating its object directly. Scheduled, so that no pod runs
/// beside the measurement.
async fn run(tool: &Tool, ours: &Client, direct: &Kube) {
    let namespace = format!("tool-{}", tool.name);
    let cronjobs = format!("/apis/batch/v1/namespaces/{namespace}/cronjobs");
    let get = Request::get(format!("{cronjobs}/cron-0")).body(Vec::new()).unwrap();
    let mut object: serde_json::Value = direct.request(get).await.unwrap();
    let labels = object["metadata"]["labels"].clone();
    let annotations = object["metadata"]["annotations"].clone();
    object["metadata"] = json!({"name": "direct", "labels": labels, "annotations": annotations});
    object.as_object_mut().unwrap().remove("status");
    let object = serde_json::to_vec(&object).unwrap();
    let ours_request = RunRequest {
        name: Some("ours".to_owned()),
        cmd: "true".to_owned(),
        imagename: "busybox".to_owned(),
        schedule: Some(NEVER.to_owned()),
        ..RunRequest::default()
    };
    let mut times = (Vec::new(), Vec::new());
    for number in 0..PAIRS {
        let began = Instant::now();
        ours.run(&ours_request, &format!("bench-{number}")).await.unwrap();
        times.0.push(began.elapsed());
        let name: ObjectName = "ours".parse().unwrap();
        ours.delete(&name).await.unwrap();
        let post = Request::post(&cronjobs).header("content-type", "application/json");
        let began = Instant::now();
        direct.request_text(post.body(object.clone()).unwrap()).await.unwrap();
        times.1.push(began.elapsed());
        let delete = Request::delete(format!("{cronjobs}/direct")).body(Vec::new()).unwrap();
        direct.request_text(delete).await.unwrap();
    }
    tell("run, against a direct create", times, 2.0);
}

fn tell(what: &str, (ours, direct): (Vec<Duration>, Vec<Duration>), aim: f64) {
    let (ours, direct) = (median(ours), median(direct));
    let ratio = ours.as_secs_f64() / direct.as_secs_f64();
    println!("{what}: {ours:.1?} / {direct:.1?} = {ratio:.2} (aim: at most {aim})");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
