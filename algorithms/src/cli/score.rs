//! `collimate score`: log-probabilities of every response of a data file.

use super::{model, train};
use anyhow::{Context, Result, bail};
use clap::ArgMatches;
use collimate_runtime::data::{Examples, Limits, read_some};
use collimate_runtime::device::{self, Asking};
use collimate_runtime::train::EngineKind;
use collimate_runtime::{score, write_whole};
use std::path::PathBuf;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let data = matches.get_one::<PathBuf>("data").expect("required");
    let out = matches.get_one::<PathBuf>("out").expect("required");
    let asking = Asking {
        device: matches.get_one::<String>("device").expect("has a default"),
        engine: engine(matches),
        dtype: train::dtype(matches.get_one::<String>("dtype").expect("has a default")),
    };
    asking.check()?;
    let (view, rows) = read_some(data)?;
    let model = model::asked(matches)?;
    let longest = model.weights.config.longest();
    // Nothing is cut here: a row that does not fit is an error that names it.
    let limits = Limits { max_length: usize::MAX, vocabulary: model.weights.config.vocab_size };
    let examples = Examples::encode(&rows, &view, &model.tokenizer, limits)?;
    if let Some(dropped) = examples.dropped.first() {
        bail!("{dropped}");
    }
    let scored = device::score(model.weights, asking, &examples.examples, longest)?;
    let mut text = String::new();
    for (index, scored) in scored.iter().enumerate() {
        text += &score::line(index, &view, scored).to_string();
        text.push('\n');
    }
    write_whole(out, text.as_bytes()).with_context(|| format!("{}: cannot be written", out.display()))?;
    eprintln!("{} rows scored, written to {}", scored.len(), out.display());
    Ok(())
}

/// The engine of `--engine`.
pub(super) fn engine(matches: &ArgMatches) -> EngineKind {
    match matches.get_one::<String>("engine").map(String::as_str) {
        Some("graph") => EngineKind::Graph,
        _ => EngineKind::Fused,
    }
}
