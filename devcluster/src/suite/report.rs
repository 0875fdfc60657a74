//! What a person would look at first when a test failed.

use std::fmt::Write;

use k8s_openapi::api::{
    batch::v1::{CronJob, Job},
    core::v1::{Event, Pod, ReplicationController},
};
use kube::{Api, Client, ResourceExt, api::ListParams};
use serde_json::json;

use crate::{Service, namespace};

const LINES_MAX: usize = 40;

/// Objects and events of a tool.
pub(crate) async fn namespace(admin: &Client, tool: &str) -> String {
    let namespace = namespace::name_of(tool);
    let mut text = format!("--- {namespace}\n");
    let all = ListParams::default();
    if let Ok(jobs) = Api::<Job>::namespaced(admin.clone(), &namespace).list(&all).await {
        for job in jobs.items.iter().take(LINES_MAX) {
            line(&mut text, "job", &job.name_any(), &json!(job.status));
        }
    }
    if let Ok(jobs) = Api::<CronJob>::namespaced(admin.clone(), &namespace).list(&all).await {
        for job in jobs.items.iter().take(LINES_MAX) {
            line(&mut text, "cronjob", &job.name_any(), &json!(job.status));
        }
    }
    let controllers = Api::<ReplicationController>::namespaced(admin.clone(), &namespace);
    if let Ok(controllers) = controllers.list(&all).await {
        for controller in controllers.items.iter().take(LINES_MAX) {
            let status = json!(controller.status);
            line(&mut text, "replicationcontroller", &controller.name_any(), &status);
        }
    }
    if let Ok(pods) = Api::<Pod>::namespaced(admin.clone(), &namespace).list(&all).await {
        for pod in pods.items.iter().take(LINES_MAX) {
            let status = pod.status.clone().unwrap_or_default();
            let seen = json!({"phase": status.phase, "containers": status.container_statuses});
            line(&mut text, "pod", &pod.name_any(), &seen);
        }
    }
    if let Ok(events) = Api::<Event>::namespaced(admin.clone(), &namespace).list(&all).await {
        for event in events.items.iter().rev().take(LINES_MAX) {
            let said = json!([event.reason, event.message]);
            let about = event.involved_object.name.as_deref().unwrap_or_default();
            line(&mut text, "event", about, &said);
        }
    }
    text
}

fn line(text: &mut String, kind: &str, name: &str, seen: &serde_json::Value) {
    writeln!(text, "{kind} {name}: {seen}").expect("memory is writable");
}

/// What a service logged about a tool.
pub(crate) fn log_about(service: &Service, tool: &str) -> String {
    last(service.log().into_iter().filter(|line| line.contains(tool)).collect())
}

/// What a service logged.
pub(crate) fn whole_log(service: &Service) -> String {
    last(service.log())
}

fn last(mut lines: Vec<String>) -> String {
    let lines = lines.split_off(lines.len().saturating_sub(LINES_MAX));
    format!("--- log of the service\n{}\n", lines.join("\n"))
}
