//! Development only: a small Kubernetes on this machine, and the suite that plays the whole
//! platform from outside.

pub mod admission;
mod apiserver;
pub mod authority;
mod cluster;
pub mod controllers;
pub mod defaults;
pub mod home;
pub mod kind;
mod kubelet;
pub mod namespace;
pub mod object;
pub mod pod;
mod programs;
mod service;
mod shared;
pub mod store;
pub mod suite;

pub use self::{
    authority::{Authority, Identity, Subject},
    cluster::{Cluster, Options, Outage, StartError, Time, ToolError},
    programs::Programs,
    service::{ABSENT_IMAGE, Service, ServiceError, Site},
};
