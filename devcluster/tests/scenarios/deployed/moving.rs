//! What `deploy/MOVING.md` says of jobs that the deployed service has started in the same namespace.
//!
//! Its objects carry the labels that ours carry. So its one-offs and schedules are seen, and its
//! continuous jobs, which are of a kind that this service knows nothing of, are not.

use std::sync::Arc;

use k8s_openapi::api::{
    apps::v1::Deployment,
    batch::v1::{CronJob, Job},
    core::v1::ReplicationController,
};
use kube::{
    ResourceExt,
    api::{ListParams, PostParams},
};
use serde_json::{Value, json};
use tjf_devcluster::suite::World;

use super::{super::pod_of, BOTH, Person, both, scenarios, told, with};

scenarios![
    jobs_that_were_not_deleted_there_are_seen_replaced_or_doubled: BOTH,
    a_file_that_was_dumped_there_is_loaded_here: BOTH,
];

/// As today's version of the command dumps the jobs of the deployed service.
const DUMPED: &str = "\
- command: exec sleep 3600
  continuous: true
  cpu: '0.2'
  emails: onfailure
  filelog: 'yes'
  filelog-stderr: bot.log
  filelog-stdout: bot.log
  health-check-http: /well
  image: tf-busybox
  mem: 128Mi
  mount: all
  name: bot
  port: 8080/tcp
  replicas: 1
- command: ./update.sh --all
  image: tf-busybox
  name: nightly
  no-filelog: 'true'
  retry: 2
  schedule: 0 3 * * *
  timeout: 600
";

impl Person {
    /// The file as this person's version would have written it: the one before knows ports without a
    /// protocol.
    fn dumped(&self) -> String {
        DUMPED.replace("8080/tcp", if self.is_today() { "8080/tcp" } else { "8080" })
    }
}

/// What an object has that the deployed service made for a job.
fn metadata(person: &Person, name: &str, component: &str) -> Value {
    json!({"name": name, "labels": labels(person, name, component)})
}

fn labels(person: &Person, name: &str, component: &str) -> Value {
    json!({
        "toolforge": "tool",
        "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": person.tool.name,
        "app.kubernetes.io/version": "2",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/name": name,
        "jobs.toolforge.org/emails": "none",
    })
}

/// A template of pods that do nothing for an hour.
fn template(person: &Person, name: &str, component: &str) -> Value {
    let image = &person.world.cluster.site.image;
    let pod = pod_of(&json!({"name": "job", "image": image, "command": ["sleep", "3600"]}));
    json!({"metadata": {"labels": labels(person, name, component)}, "spec": pod})
}

async fn make_cron_job(person: &Person, name: &str, metadata: Value) {
    let template = template(person, name, "cronjobs");
    let spec = json!({"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}});
    let object = serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap();
    person.tool.api::<CronJob>().create(&PostParams::default(), &object).await.unwrap();
}

async fn make_job(person: &Person, name: &str) {
    let spec = json!({"template": template(person, name, "jobs"), "backoffLimit": 0});
    let object = json!({"metadata": metadata(person, name, "jobs"), "spec": spec});
    let object = serde_json::from_value(object).unwrap();
    person.tool.api::<Job>().create(&PostParams::default(), &object).await.unwrap();
}

async fn make_deployment(person: &Person, name: &str) {
    let template = template(person, name, "deployments");
    let template = with(
        template.clone(),
        &json!({"spec": with(
            template["spec"].clone(), &json!({"restartPolicy": "Always"}),
        )}),
    );
    let selector = json!({"matchLabels": labels(person, name, "deployments")});
    let spec = json!({"replicas": 1, "selector": selector, "template": template});
    let object = json!({"metadata": metadata(person, name, "deployments"), "spec": spec});
    let object = serde_json::from_value(object).unwrap();
    person.tool.api::<Deployment>().create(&PostParams::default(), &object).await.unwrap();
}

async fn jobs_that_were_not_deleted_there_are_seen_replaced_or_doubled(world: Arc<World>) {
    both(&world, "leftovers", leftovers).await;
}

async fn leftovers(person: Person) {
    make_cron_job(&person, "nightly", metadata(&person, "nightly", "cronjobs")).await;
    make_cron_job(&person, "foreign", json!({"name": "foreign"})).await;
    make_job(&person, "once").await;
    let is_real = person.world.cluster.is_real();
    if is_real {
        make_deployment(&person, "bot").await;
    }
    let names = async || person.must(&["list", "-o", "name"], 0).await.stdout;
    assert_eq!(names().await, "nightly\nonce\n");
    person.must(&["list", "-o", "long"], 0).await;
    let shown = person.must(&["show", "nightly"], 0).await;
    assert_eq!(told::value(&shown, "Command:"), "sleep 3600", "{shown:#?}");

    // A schedule is replaced, once; a bot that still runs there gets a second one here.
    let uid = async || person.tool.show("nightly").await.uid;
    let before = uid().await;
    person.load(&person.dumped(), &[], 0).await;
    assert_ne!(uid().await, before);
    assert_eq!(person.tool.show("nightly").await.cmd, "./update.sh --all");
    let schedules = person.tool.api::<CronJob>().list(&ListParams::default()).await.unwrap();
    assert_eq!(schedules.items.len(), 2);
    assert_eq!(names().await, "bot\nnightly\nonce\n");
    let there = async || {
        let found = person.tool.api::<Deployment>().list(&ListParams::default()).await.unwrap();
        found.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>()
    };
    let here = person.tool.api::<ReplicationController>();
    assert_eq!(here.list(&ListParams::default()).await.unwrap().items.len(), 1);

    // What carries no label of a job is in the way, and is left alone.
    let taken = person.dumped().replace("nightly", "foreign");
    let refused = person.load(&taken, &["--job", "foreign"], 1).await;
    assert!(refused.stderr.contains("the name `foreign` is taken by an object"), "{refused:#?}");
    person.must(&["flush"], 0).await;
    assert_eq!(names().await, "");
    let schedules = person.tool.api::<CronJob>().list(&ListParams::default()).await.unwrap();
    assert_eq!(schedules.items.len(), 1);
    if is_real {
        assert_eq!(there().await, ["bot"]);
    }
}

async fn a_file_that_was_dumped_there_is_loaded_here(world: Arc<World>) {
    both(&world, "moves", moves).await;
}

async fn moves(mut person: Person) {
    person.load(&person.dumped(), &[], 0).await;
    // Not its status: nothing answers at its port.
    let bot = person.must(&["show", "bot"], 0).await;
    let rows = ["Health check:", "Resources:", "Replicas:", "Emails:"];
    let rows = rows.map(|key| told::value(&bot, key));
    assert_eq!(rows, ["http: /well", "mem: 128Mi, cpu: 0.2", "1", "onfailure"], "{bot:#?}");
    person.tell(&["show", "nightly"], 0).await;
    // The way back begins with the same file.
    let dumped = person.tell(&["dump"], 0).await.stdout;
    let uids = async || {
        let jobs = person.tool.list().await.into_iter();
        jobs.map(|job| job.uid).collect::<Vec<_>>()
    };
    let before = uids().await;
    person.load(&dumped, &[], 0).await;
    person.load(&person.dumped(), &[], 0).await;
    assert_eq!(uids().await, before);
    person.compare("moves");
}
