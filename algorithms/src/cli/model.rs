//! Which model a command works on: a folder of the user's, or the one that is built in.

use crate::sandbox;
use anyhow::{Result, bail};
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

/// The model of `--teacher`, which must know the same words as the model that learns from it.
pub(super) fn teacher(folder: &Path, tokenizer: &Tokenizer) -> Result<Weights> {
    let weights = Weights::load(folder)?;
    if let Some((token, here, there)) = tokenizer.differs(&Tokenizer::from_folder(folder)?) {
        bail!(
            "--teacher {}: its vocabulary is another one (token {token} is `{there}` there and `{here}` in the model); \
             word by word only a model of the same vocabulary can be learned from",
            folder.display()
        );
    }
    Ok(weights)
}

/// The model of `--model`.
pub(super) fn asked(matches: &ArgMatches) -> Result<Loaded> {
    load(matches.get_one::<PathBuf>("model").map(PathBuf::as_path))
}
