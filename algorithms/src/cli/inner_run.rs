//! A training run inside a command that goes on with the trained model: no run folder, no checkpoints.

use super::train::STOP;
use crate::Algorithm;
use anyhow::{Result, bail};
use collimate_runtime::data::Row;
use collimate_runtime::device;
use collimate_runtime::model::Weights;
use collimate_runtime::tokenizer::Tokenizer;
use collimate_runtime::train::{Job, Observer, RunSettings};

/// The weights after training on these rows.
///
/// # Errors
/// If Ctrl-C ended it before its last step, or it cannot be run.
pub(super) fn train(
    algorithm: &Algorithm,
    settings: RunSettings,
    weights: Weights,
    tokenizer: &Tokenizer,
    rows: &[Row],
    observer: &mut dyn Observer,
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
        observer,
    })?;
    if trained.stopped {
        bail!("stopped; nothing was written");
    }
    Ok(trained.weights)
}
