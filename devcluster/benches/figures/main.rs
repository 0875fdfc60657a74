//! What the platform takes, as a table: `cargo figures [WORD]...`, where each word is a part of a
//! group's name. It needs no cluster, and takes some ten minutes, most of which are for memory.
//!
//! What it takes beside asking Kubernetes oneself is told by `--bench ratios`, on a real cluster.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, for a person to read; a process is looked at by blocking"
)]

mod allocations;
mod memory;
mod sizes;
mod start;

use std::{process::ExitCode, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use tjf_devcluster::suite::{Place, World, measure};

type Measure = fn(&Arc<World>) -> BoxFuture<'_, ()>;

/// What is measured, by name.
const GROUPS: [(&str, Measure); 4] = [
    ("sizes", |world| sizes::measure(world).boxed()),
    ("start", |world| start::measure(world).boxed()),
    ("allocations", |world| allocations::measure(world).boxed()),
    ("memory", |world| memory::measure(world).boxed()),
];

fn main() -> ExitCode {
    if allocations::is_counted_service() {
        return allocations::serve();
    }
    measure(Place::Embedded(env!("CARGO_BIN_EXE_tjf-devcluster").into()), |world| {
        Box::pin(figures(world))
    })
}

async fn figures(world: Arc<World>) {
    // Cargo's own flags are not for us.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!("| figure | measured | aim | samples |\n|---|---|---|---|");
    for (name, measure) in GROUPS {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            measure(&world).await;
        }
    }
}

/// Tells one figure.
fn tell(what: &str, measured: &str, aim: &str, samples: usize) {
    println!("| {what} | {measured} | {aim} | {samples} |");
}

/// Bytes as people read them.
fn megabytes(bytes: u64) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
