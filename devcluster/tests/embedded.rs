//! The same suite on a cluster of our own, in this process: part of `cargo test`. One part of it:
//! `cargo test -p tjf-devcluster --test embedded PART_OF_A_NAME…`.

mod scenarios;

use std::process::ExitCode;

use tjf_devcluster::suite::{Place, run};

fn main() -> ExitCode {
    let place = Place::Embedded(env!("CARGO_BIN_EXE_tjf-devcluster").into());
    run(place, scenarios::all(), std::env::args().skip(1))
}
