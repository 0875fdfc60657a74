//! What Kubernetes adds to a new object.

use k8s_openapi::{
    api::{
        batch::v1::{CronJobSpec, JobSpec},
        core::v1::{PodSpec, ReplicationControllerSpec, ServiceSpec},
    },
    apimachinery::pkg::{
        apis::meta::v1::{LabelSelector, ObjectMeta},
        util::intstr::IntOrString,
    },
};
use serde_json::json;

use crate::{controllers::namespace, kind::Kind, object::Object};

/// The label by which a Job knows its pods.
const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";

/// The only type of Service that this cluster knows, and the one that Kubernetes takes when none is
/// said.
pub(crate) const CLUSTER_IP: &str = "ClusterIP";

/// Completes an object that has its uid and its name.
#[must_use]
pub fn complete(mut object: Object) -> Object {
    match object.kind {
        Kind::Job => {
            let spec = job(&object);
            object.with_spec(&spec).with_status(&json!({}))
        }
        Kind::CronJob => {
            let mut spec: CronJobSpec = object.spec();
            spec.concurrency_policy.get_or_insert_with(|| "Allow".to_owned());
            spec.failed_jobs_history_limit.get_or_insert(1);
            spec.successful_jobs_history_limit.get_or_insert(3);
            spec.suspend.get_or_insert(false);
            object.with_spec(&spec).with_status(&json!({}))
        }
        Kind::ReplicationController => {
            let mut spec: ReplicationControllerSpec = object.spec();
            spec.replicas.get_or_insert(1);
            let labels = spec.template.as_ref().and_then(|template| template.metadata.as_ref());
            let labels = labels.and_then(|metadata| metadata.labels.clone());
            spec.selector =
                spec.selector.filter(|selector| !selector.is_empty()).or(labels.clone());
            let own = &mut object.metadata.labels;
            *own = own.take().filter(|own| !own.is_empty()).or(labels);
            object.with_spec(&spec).with_status(&json!({"replicas": 0}))
        }
        Kind::Service => {
            let mut spec: ServiceSpec = object.spec();
            spec.type_.get_or_insert_with(|| CLUSTER_IP.to_owned());
            for port in spec.ports.iter_mut().flatten() {
                port.protocol.get_or_insert_with(|| "TCP".to_owned());
                port.target_port.get_or_insert(IntOrString::Int(port.port));
            }
            object.with_spec(&spec).with_status(&json!({"loadBalancer": {}}))
        }
        Kind::Pod => {
            let mut spec: PodSpec = object.spec();
            spec.restart_policy.get_or_insert_with(|| "Always".to_owned());
            spec.termination_grace_period_seconds.get_or_insert(30);
            object.with_spec(&spec).with_status(&json!({"phase": "Pending"}))
        }
        Kind::Namespace => {
            object.add_finalizer(namespace::FINALIZER);
            object.with_status(&json!({"phase": "Active"}))
        }
        Kind::ConfigMap | Kind::LimitRange | Kind::ResourceQuota | Kind::Event => object,
    }
}

/// A Job gets a selector of its own, unless it says that it brings one.
fn job(object: &Object) -> JobSpec {
    let mut spec: JobSpec = object.spec();
    spec.backoff_limit.get_or_insert(6);
    if spec.parallelism.is_none() {
        spec.completions.get_or_insert(1);
    }
    spec.parallelism.get_or_insert(1);
    spec.suspend.get_or_insert(false);
    spec.completion_mode.get_or_insert_with(|| "NonIndexed".to_owned());
    spec.pod_replacement_policy.get_or_insert_with(|| "TerminatingOrFailed".to_owned());
    if spec.manual_selector != Some(true) {
        let own = [(CONTROLLER_UID.to_owned(), object.uid().to_owned())].into();
        spec.selector = Some(LabelSelector { match_labels: Some(own), ..LabelSelector::default() });
        mark(spec.template.metadata.get_or_insert_default(), object);
    }
    spec
}

/// Marks a pod, or a template of pods, as a Job's. Both spellings are in use: the short one is
/// older.
pub(crate) fn mark(pod: &mut ObjectMeta, job: &Object) {
    let labels = pod.labels.get_or_insert_default();
    for domain in ["batch.kubernetes.io/", ""] {
        labels.insert(format!("{domain}controller-uid"), job.uid().to_owned());
        labels.insert(format!("{domain}job-name"), job.name().to_owned());
    }
}
