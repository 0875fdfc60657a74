//! The command `toolforge-jobs`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tjf_cli::main(std::env::args_os())
}
