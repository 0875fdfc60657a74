//! From a job to what Kubernetes is sent.
//!
//! Pure: the same job and the same settings give the same bytes, which golden files hold.

mod probes;
pub mod service;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{
        batch::v1::{CronJob, CronJobSpec, Job as BatchJob, JobSpec, JobTemplateSpec},
        core::v1::{
            Capabilities, Container, EnvVar, HostPathVolumeSource, NFSVolumeSource, PodSpec,
            PodTemplateSpec, ReplicationController, ReplicationControllerSpec,
            ResourceRequirements, SeccompProfile, SecurityContext, Volume, VolumeMount,
        },
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};
use serde_json::Value;
use tjf_api_types::Mount;

use super::{Job, JobKind, Logs, command, labels, objects::CONTAINER, quantity};

/// The volume's name.
const HOME_VOLUME: &str = "home";
/// What a job gets to say its last words, before SIGKILL.
const GRACE_SECONDS: i64 = 15;
/// A tick that could not be kept within this is skipped.
const STARTING_DEADLINE_SECONDS: i64 = 30;

/// What the operator decided about pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodSettings {
    /// The folder of all homes, for us and in the pods.
    pub homes: String,
    /// How a home gets into a pod.
    pub home_volume: HomeVolume,
    /// Seconds that a finished one-off can be seen.
    pub job_ttl_seconds: i32,
}

impl PodSettings {
    /// A tool's home, for us and in its pods.
    pub fn home_of(&self, tool: &tjf_api_types::ToolName) -> String {
        format!("{}/{tool}", self.homes)
    }
}

/// How a home gets into a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HomeVolume {
    /// Every node has the homes, at the same path as we do.
    HostPath,
    /// Every node mounts them for the pod.
    Nfs {
        /// The file server.
        server: String,
        /// The folder of all homes on it.
        export: String,
    },
    /// Something else sees to it, for instance a webhook.
    None,
}

/// The user that a tool's programs run as: the owner of its home. Neither number is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// The owner of a home, who is never root, and its group. Where that is root's, the programs get
    /// a group of their own, by the user's number: root's may read and write what is not a tool's
    /// business, in an image and on volumes.
    pub fn of_home(uid: u32, gid: u32) -> Self {
        Self { uid, gid: if gid == 0 { uid } else { gid } }
    }
}

/// What Kubernetes is sent: the object of the job's kind, as JSON.
///
/// # Errors
/// When it can't be written down, which is our own fault.
pub fn of(job: &Job, settings: &PodSettings, owner: Owner) -> Result<Value, serde_json::Error> {
    let pod = pod(job, settings, owner);
    match &job.spec.kind {
        JobKind::OneOff { retry, timeout } => serde_json::to_value(BatchJob {
            metadata: metadata(job)?,
            spec: Some(JobSpec {
                ttl_seconds_after_finished: Some(settings.job_ttl_seconds),
                ..job_spec(pod, *retry, *timeout)
            }),
            status: None,
        }),
        JobKind::Scheduled { schedule_actual, timezone, retry, timeout, .. } => {
            serde_json::to_value(CronJob {
                metadata: metadata(job)?,
                spec: Some(CronJobSpec {
                    concurrency_policy: Some("Forbid".to_owned()),
                    failed_jobs_history_limit: Some(1),
                    job_template: JobTemplateSpec {
                        metadata: Some(labels_only(job)),
                        spec: Some(job_spec(pod, *retry, *timeout)),
                    },
                    schedule: schedule_actual.clone(),
                    starting_deadline_seconds: Some(STARTING_DEADLINE_SECONDS),
                    successful_jobs_history_limit: Some(1),
                    time_zone: Some(timezone.clone()),
                    ..CronJobSpec::default()
                }),
                status: None,
            })
        }
        JobKind::Continuous { replicas, .. } => serde_json::to_value(ReplicationController {
            metadata: metadata(job)?,
            spec: Some(ReplicationControllerSpec {
                replicas: Some(i32::from(*replicas)),
                selector: Some(labels::stable(job)),
                template: Some(pod),
                ..ReplicationControllerSpec::default()
            }),
            status: None,
        }),
    }
}

fn metadata(job: &Job) -> Result<ObjectMeta, serde_json::Error> {
    let spec = serde_json::to_string(&job.spec)?;
    Ok(ObjectMeta {
        name: Some(job.name.to_string()),
        annotations: Some(BTreeMap::from([(labels::SPEC_ANNOTATION.to_owned(), spec)])),
        ..labels_only(job)
    })
}

fn labels_only(job: &Job) -> ObjectMeta {
    ObjectMeta { labels: Some(labels::of(job)), ..ObjectMeta::default() }
}

fn job_spec(template: PodTemplateSpec, retry: u8, timeout: Option<i64>) -> JobSpec {
    JobSpec {
        active_deadline_seconds: timeout,
        backoff_limit: Some(i32::from(retry)),
        // A pod that is still ending must not meet its replacement: the job runs once at a time.
        pod_replacement_policy: Some("Failed".to_owned()),
        template,
        ..JobSpec::default()
    }
}

fn pod(job: &Job, settings: &PodSettings, owner: Owner) -> PodTemplateSpec {
    let restart_policy = match job.spec.kind {
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => "Never",
        JobKind::Continuous { .. } => "Always",
    };
    PodTemplateSpec {
        metadata: Some(labels_only(job)),
        spec: Some(PodSpec {
            automount_service_account_token: Some(false),
            containers: vec![container(job, settings, owner)],
            restart_policy: Some(restart_policy.to_owned()),
            termination_grace_period_seconds: Some(GRACE_SECONDS),
            volumes: home_volume(job, settings).map(|volume| vec![volume]),
            ..PodSpec::default()
        }),
    }
}

fn container(job: &Job, settings: &PodSettings, owner: Owner) -> Container {
    let (startup_probe, liveness_probe) = probes::of(job).unzip();
    let home = settings.home_of(&job.tool);
    let logs =
        job.spec.logs.as_ref().map(|Logs { stdout, stderr }| command::LogFiles { stdout, stderr });
    let mount = home_volume(job, settings).map(|_| {
        vec![VolumeMount {
            name: HOME_VOLUME.to_owned(),
            mount_path: home.clone(),
            ..VolumeMount::default()
        }]
    });
    Container {
        name: CONTAINER.to_owned(),
        image: Some(job.image.clone()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(command::argv(&job.spec.cmd, &job.spec.env, logs)),
        // The tool's own variables are not here but in the command, where only its program gets them.
        env: Some(vec![EnvVar {
            name: "HOME".to_owned(),
            value: Some(command::escape_dollars(&home)),
            value_from: None,
        }]),
        liveness_probe,
        startup_probe,
        resources: resources(job),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            run_as_group: Some(i64::from(owner.gid)),
            run_as_non_root: Some(true),
            run_as_user: Some(i64::from(owner.uid)),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..SecurityContext::default()
        }),
        // What the wrapper says when a log file can't be opened reaches the job's status this way.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: mount,
        working_dir: Some(home),
        ..Container::default()
    }
}

/// Only what was asked for; the namespace's LimitRange decides the rest.
fn resources(job: &Job) -> Option<ResourceRequirements> {
    let mut limits = BTreeMap::new();
    let mut requests = BTreeMap::new();
    if let Some(memory) = job.spec.memory.as_ref().map(quantity::Quantity::amount) {
        limits.insert("memory".to_owned(), Quantity(memory.to_string()));
        requests.insert("memory".to_owned(), Quantity(memory.request().to_string()));
    }
    if let Some(cpu) = job.spec.cpu.as_ref().map(quantity::Quantity::amount) {
        limits.insert("cpu".to_owned(), Quantity(cpu.to_string()));
        requests.insert("cpu".to_owned(), Quantity(cpu.request().to_string()));
    }
    (!limits.is_empty()).then_some(ResourceRequirements {
        limits: Some(limits),
        requests: Some(requests),
        ..ResourceRequirements::default()
    })
}

fn home_volume(job: &Job, settings: &PodSettings) -> Option<Volume> {
    if job.spec.mount == Mount::None {
        return None;
    }
    let volume = Volume { name: HOME_VOLUME.to_owned(), ..Volume::default() };
    match &settings.home_volume {
        HomeVolume::HostPath => Some(Volume {
            host_path: Some(HostPathVolumeSource {
                path: settings.home_of(&job.tool),
                // A node without the homes says so, instead of making an empty folder that nobody
                // reads.
                type_: Some("Directory".to_owned()),
            }),
            ..volume
        }),
        HomeVolume::Nfs { server, export } => Some(Volume {
            nfs: Some(NFSVolumeSource {
                server: server.clone(),
                path: format!("{}/{}", export.trim_end_matches('/'), job.tool),
                read_only: None,
            }),
            ..volume
        }),
        HomeVolume::None => None,
    }
}

#[cfg(test)]
mod tests;
