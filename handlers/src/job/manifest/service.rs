//! The address of a continuous job within the cluster.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::{
        apis::meta::v1::{ObjectMeta, OwnerReference},
        util::intstr::IntOrString,
    },
};
use serde_json::Value;
use tjf_api_types::PortProtocol;

use super::labels_only;
use crate::job::{Job, JobKind, labels, objects::Meta};

/// The Service of a job that has a port: its name leads to those of its pods that work. With an owner,
/// which is the job's object, Kubernetes itself takes it away when that has gone. Without one it can
/// only be asked about.
///
/// # Errors
/// When it can't be written down, which is our own fault.
pub fn of(job: &Job, owner: Option<&Meta>) -> Result<Option<Value>, serde_json::Error> {
    let JobKind::Continuous { port: Some(port), .. } = &job.spec.kind else { return Ok(None) };
    let owner = owner.map(|meta| OwnerReference {
        api_version: "v1".to_owned(),
        kind: "ReplicationController".to_owned(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        controller: Some(true),
        // It would keep the job from going, for which a tool has no right.
        block_owner_deletion: None,
    });
    let number = i32::from(port.number);
    let protocol = match port.protocol {
        PortProtocol::Tcp => "TCP",
        PortProtocol::Udp => "UDP",
    };
    serde_json::to_value(Service {
        metadata: ObjectMeta {
            name: Some(job.name.to_string()),
            owner_references: owner.map(|owner| vec![owner]),
            ..labels_only(job)
        },
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(labels::stable(job)),
            ports: Some(vec![ServicePort {
                port: number,
                target_port: Some(IntOrString::Int(number)),
                protocol: Some(protocol.to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    })
    .map(Some)
}
