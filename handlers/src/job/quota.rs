//! What a tool may have: the limits of its namespace, the room that its one-offs may take, and what
//! Kubernetes says when something does not fit.

mod limits;
pub mod objects;
mod refusal;
pub mod room;
pub mod vacancy;
pub mod view;

pub use self::{
    limits::Limits,
    refusal::{Bound, LimitRefusal, LimitRefused, QuotaRefusal, QuotaRefused, UnsaidRefusal},
};

use super::quantity::{Cpu, Memory};

/// A number of objects is a quantity too: Kubernetes writes a thousand as `1k`.
fn count(text: &str) -> Option<u64> {
    Memory::parse_stored(text).map(Memory::bytes)
}

/// An amount of a resource, in the smallest unit of it.
fn amount(resource: &str, quantity: &str) -> Option<u64> {
    if resource.ends_with("cpu") {
        Cpu::parse_stored(quantity).map(Cpu::millicores)
    } else {
        count(quantity)
    }
}
