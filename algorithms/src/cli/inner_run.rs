//! A training run inside a command that goes on with the trained model: no run folder, no checkpoints.

use super::{progress, train::STOP};
use crate::Algorithm;
use anyhow::{Result, bail};
use collimate_runtime::data::Row;
use collimate_runtime::device;
use collimate_runtime::model::Weights;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Job, RunSettings};

/// The weights after training on these rows. `stopped` is what is said if Ctrl-C ended it before its last step.
///
/// # Errors
/// If it was stopped, or cannot be run.
pub(super) fn train(
    algorithm: &Algorithm,
    settings: RunSettings,
    weights: Weights,
    tokenizer: &Tokenizer,
    rows: &[Row],
    stopped: &'static str,
) -> Result<Weights> {
    let trained = device::train(Job {
        settings: RunSettings { algorithm: algorithm.name.to_owned(), checkpoint_every: 0, ..settings },
        program: &(algorithm.trace)(),
        view: algorithm.view,
        specs: &(algorithm.hyper)(),
        weights,
        teacher: None,
        critic: None,
        tokenizer,
        rows,
        reward: None,
        sampler: None,
        eval_rows: &[],
        out: None,
        resume: false,
        stop: &STOP,
        observer: &mut progress::Training::new(),
    })?;
    if trained.stopped {
        bail!(stopped);
    }
    Ok(trained.weights)
}
