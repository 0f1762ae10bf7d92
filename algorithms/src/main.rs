//! The command `collimate`: every algorithm of this crate.
use std::process::ExitCode;

fn main() -> ExitCode {
    collimate::cli::run(&collimate::ALL)
}
