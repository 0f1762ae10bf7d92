//! `collimate expo`: a model between two others, or beyond the second.

use super::reward_model;
use anyhow::{Context, Result};
use clap::ArgMatches;
use collimate_runtime::model::{Precision, Weights};
use collimate_runtime::tokenizer::Tokenizer;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn run(matches: &ArgMatches) -> Result<()> {
    let path = |name: &str| matches.get_one::<PathBuf>(name).expect("required");
    let (mut weak, strong) = (Weights::load(path("weak"))?, Weights::load(path("strong"))?);
    if let Some(text) = matches.get_one::<String>("attributes") {
        let label = strong.labels.first().context("--attributes: the strong model gives words; leave it out")?;
        weak = reward_model::summed(&weak, label, &reward_model::attributes("attributes", text)?)?;
    }
    let alpha = *matches.get_one::<f64>("alpha").expect("required");
    let between = weak.towards(&strong, alpha)?;
    let out = path("out");
    between.save(out, Precision::F32)?;
    Tokenizer::from_folder(path("strong"))?.files().write(out)?;
    writeln!(std::io::stdout().lock(), "{}", out.display())?;
    Ok(())
}
