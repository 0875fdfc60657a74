//! The end-to-end suite on the cluster that the environment names: `cargo e2e`, `cargo e2e
//! PART_OF_A_NAME…`, `cargo e2e --list`.

mod scenarios;

use std::process::ExitCode;

use tjf_devcluster::suite::{Place, run};

fn main() -> ExitCode {
    run(Place::Named, scenarios::all(), std::env::args().skip(1))
}
