//! Development only: a small Kubernetes on this machine, and the suite that plays the whole
//! platform from outside.

pub mod authority;
pub mod pod;
mod programs;
pub mod suite;

pub use self::authority::{Authority, Identity, Subject};
