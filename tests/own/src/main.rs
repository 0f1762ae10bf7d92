//! A command line with one algorithm in it.
#![forbid(unsafe_code)]

mod cal_dpo;

use std::process::ExitCode;

fn main() -> ExitCode {
    collimate::cli::run(&[&cal_dpo::CAL_DPO])
}
