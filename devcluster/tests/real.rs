//! The end-to-end suite on the cluster that the environment names: `cargo e2e`, `cargo e2e
//! PART_OF_A_NAME…`, `cargo e2e --list`.

mod scenarios;

use std::process::ExitCode;

fn main() -> ExitCode {
    tjf_devcluster::suite::run(scenarios::all(), std::env::args().skip(1))
}
