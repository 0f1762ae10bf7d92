//! Which model a command works on: a folder of the user's, or the one that is built in.

use crate::sandbox;
use anyhow::Result;
use clap::ArgMatches;
use collimate_runtime::model::Weights;
use collimate_runtime::tokenizer::Tokenizer;
use std::path::{Path, PathBuf};

/// A model and its tokenizer.
pub(super) struct Loaded {
    pub(super) weights: Weights,
    pub(super) tokenizer: Tokenizer,
}

/// The model of this folder; the built-in one without a folder.
pub(super) fn load(folder: Option<&Path>) -> Result<Loaded> {
    match folder {
        Some(folder) => Ok(Loaded { weights: Weights::load(folder)?, tokenizer: Tokenizer::from_folder(folder)? }),
        None => {
            let (weights, tokenizer) = sandbox::base::model()?;
            Ok(Loaded { weights, tokenizer })
        }
    }
}

/// The model of `--model`.
pub(super) fn asked(matches: &ArgMatches) -> Result<Loaded> {
    load(matches.get_one::<PathBuf>("model").map(PathBuf::as_path))
}
