//! What the service costs beside asking Kubernetes oneself, on the cluster that the environment
//! names: `cargo bench -p tjf-devcluster --bench ratios [WORD]...`, where each word is a part of a
//! group's name.
//!
//! Each figure is a ratio of medians within one run, ours and the other thing taken in turn;
//! absolute times belong to the machine. All of them ask through the same client, which understands
//! nothing of what it reads. Each has an aim, which is told, and a gate so wide that no noise
//! reaches it: beyond a gate the run fails.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement, for a person to read; a process is looked at by blocking"
)]

mod asking;
mod cold;
mod figure;
mod large;
mod unfairness;
mod warm;
mod whole;
mod writing;

use std::{process::ExitCode, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use tjf_devcluster::suite::{Place, World, measure};

use self::figure::Table;

type Measure = for<'a> fn(&'a Arc<World>, &'a mut Table) -> BoxFuture<'a, ()>;

/// What is measured, by name.
const GROUPS: [(&str, Measure); 6] = [
    ("warm", |world, table| warm::measure(world, table).boxed()),
    ("run", |world, table| writing::measure(world, table).boxed()),
    ("cold", |world, table| cold::measure(world, table).boxed()),
    ("large", |world, table| large::measure(world, table).boxed()),
    ("command", |world, table| whole::measure(world, table).boxed()),
    ("unfairness", |world, table| unfairness::measure(world, table).boxed()),
];

fn main() -> ExitCode {
    measure(Place::Named, |world| Box::pin(ratios(world)))
}

async fn ratios(world: Arc<World>) {
    // Cargo's own flags are not for us.
    let words: Vec<_> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut table = Table::default();
    println!("| figure | ours | the other | ratio | aim | samples |\n|---|---|---|---|---|---|");
    for (name, measure) in GROUPS {
        if words.is_empty() || words.iter().any(|word| name.contains(word.as_str())) {
            measure(&world, &mut table).await;
        }
    }
    let beyond = table.beyond();
    assert!(beyond.is_empty(), "beyond their gates: {}", beyond.join("; "));
}
