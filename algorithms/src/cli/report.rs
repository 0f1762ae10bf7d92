//! `collimate report`

use anyhow::Result;
use clap::ArgMatches;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let run = matches.get_one::<PathBuf>("run").expect("required");
    let path = collimate_runtime::report::write(run)?;
    writeln!(std::io::stdout().lock(), "{}", path.display())?;
    Ok(())
}
