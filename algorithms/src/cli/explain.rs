//! `collimate explain`, and `collimate diff`, its page of two.

use crate::Algorithm;
use crate::explain::{self, Format};
use anyhow::Result;
use clap::ArgMatches;
use std::io::Write;

pub(super) fn run(algorithms: &[&'static Algorithm], matches: &ArgMatches) -> Result<()> {
    let algorithm = super::find(algorithms, matches.get_one::<String>("name").expect("required"))?;
    let format = match matches.get_one::<String>("format").expect("has a default").as_str() {
        "latex" => Format::Latex,
        "ir" => Format::Ir,
        "json" => Format::Json,
        _ => Format::Text,
    };
    let text = explain::explain(algorithm, format);
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    Ok(())
}

/// `collimate diff`
pub(super) fn diff(algorithms: &[&'static Algorithm], matches: &ArgMatches) -> Result<()> {
    let find = |id| super::find(algorithms, matches.get_one::<String>(id).expect("required"));
    let text = explain::difference(find("name")?, find("other")?);
    writeln!(std::io::stdout().lock(), "{}", text.trim_end())?;
    Ok(())
}
