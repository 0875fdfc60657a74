//! The end-to-end suite's tools: a cluster to test on, and everything that a test makes on it.
//!
//! A test gets a [`World`] and makes what it needs: a [`Tool`] with a certificate, a home and a
//! namespace of its own, or a [`crate::Service`] of its own; so tests run side by side, on any
//! cluster. Nothing of the product is linked: its two programs are built and driven from outside,
//! over TLS, and judged by what the administrator of the cluster and the owner of the home can see.

mod client;
mod cluster;
mod command;
mod deployed;
mod described;
mod environment;
mod hanging;
mod installed;
mod proxy;
mod relay;
mod report;
mod rights;
mod runner;
mod scenario;
mod tool;
mod wait;

pub use self::{
    client::{Answer, Call, Client, Connection, End, Following, Unanswered},
    cluster::{Cluster, OutageGuard, Place},
    command::{Output, run_program},
    deployed::DEPLOYED,
    environment::{Environment, NoCluster},
    hanging::HangingFolder,
    proxy::DelayingProxy,
    relay::Relay,
    runner::{measure, run, say},
    scenario::{Needs, Play, Scenario, World},
    tool::Tool,
    wait::{eventually, within},
};
