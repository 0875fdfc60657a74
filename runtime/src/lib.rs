//! A small runtime for request handlers: mutual TLS, routing, and one Kubernetes client per caller.
//!
//! A request takes eight hops. [`server`] accepts a connection and has its certificate verified;
//! [`identity`] reads from it who is calling; `service` gives the request an id and a deadline and
//! lets it in when it is its turn; [`Router`] finds the route; [`Input`] reads what the handler
//! wants to be given; the handler does its work with the [`Context`], which knows the caller's own
//! client of the [`pool`]; and [`Reply`] or [`Failure`] becomes the answer. What handlers do is not
//! known here.

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
compile_error!(
    "the service and the development cluster run on Linux, on x86-64 and arm64: build and run them \
     in a Linux container"
);

pub mod chance;
pub mod config;
pub mod files;
#[cfg(any(test, feature = "test-util"))]
pub mod fuzz;
pub mod identity;
pub mod memory;
pub mod open_files;
pub mod pool;
pub mod reload;
pub mod server;
pub mod shutdown;
pub mod telemetry;
#[cfg(feature = "test-util")]
pub mod testing;

mod accept;
mod activity;
mod admin;
mod admission;
mod body;
mod callers;
mod conditional;
mod connections;
mod context;
mod exchange;
mod failure;
mod handler;
mod host;
mod input;
mod linger;
mod lock;
mod metrics;
mod record;
mod reply;
mod request_id;
mod router;
mod service;
mod tls;

pub use self::{
    accept::Media,
    admission::Class,
    body::{ReplyBody, Response},
    conditional::Recall,
    context::{Anonymous, Application, Context, Scope},
    exchange::Exchange,
    failure::{BoxError, ErrorStatus, Failure},
    handler::Handler,
    input::{Input, Path, Query, Received, yes_or_no},
    lock::lock,
    reply::{Created, Either, Json, JsonAlone, LineStream, Reply, TextStream, Written},
    request_id::RequestId,
    router::{Route, Router},
    service::Service,
};
