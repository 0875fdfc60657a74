//! Development only: a small Kubernetes on this machine, and the suite that plays the whole
//! platform from outside.

pub mod admission;
pub mod authority;
pub mod controllers;
pub mod kind;
pub mod object;
pub mod pod;
mod programs;
pub mod store;
pub mod suite;

pub use self::authority::{Authority, Identity, Subject};
