//! Development only: a small Kubernetes on this machine, and the suite that plays the whole
//! platform from outside.

pub mod admission;
mod apiserver;
pub mod authority;
mod cluster;
pub mod controllers;
pub mod defaults;
pub mod demo;
pub mod home;
pub mod kind;
mod kubelet;
pub mod load;
mod machine;
pub mod namespace;
pub mod object;
pub mod platform;
pub mod pod;
mod programs;
mod secrets;
mod service;
mod shared;
pub mod store;
pub mod suite;
#[cfg(test)]
mod testing;
pub mod up;

pub use self::{
    apiserver::{Effect, Fault, RecordedCall},
    authority::{Authority, Identity, Subject},
    cluster::{Cluster, Options, Outage, StartError, Time, ToolError},
    machine::Machine,
    programs::Programs,
    service::{ABSENT_IMAGE, Installed, Service, ServiceError, Site, Variables},
};
