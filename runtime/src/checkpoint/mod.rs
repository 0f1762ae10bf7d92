//! Checkpoints: all that a run needs to go on to the very result it would have had.
//!
//! A checkpoint is a folder `checkpoint-N` after step N: `weights.safetensors`, `optimizer.safetensors`
//! (both moments, exactly as they are) and `state.json`; the same of other models that the run changes, each under its
//! name. It is written under another name and renamed, so one that is there is whole.

pub(crate) mod disk;
mod exact;
mod hash;
pub(crate) mod tensors;

pub use exact::Exact;
pub use hash::Hash;

use crate::model::Weights;
use crate::train::AdamW;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a run stands, and what it must be continued with.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Optimizer steps done.
    pub step: u64,
    /// Whole epochs done.
    pub epoch: u64,
    /// Rows of the present epoch that were used.
    pub row: usize,
    /// Seed of the order of the rows; with the epoch it gives the order, so no other state is needed.
    pub seed: u64,
    /// Of the settings that the result depends on.
    pub settings: Hash,
    /// Of the program's text.
    pub program: Hash,
    /// Of the rows as tokens.
    pub data: Hash,
    /// Of the weights that the run began with.
    pub model: Hash,
    /// Of the teacher's weights, if the loss reads a teacher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub teacher: Option<Hash>,
    /// What the loss carries from step to step, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub loss: BTreeMap<String, Exact>,
}

/// A model of a run, as a checkpoint keeps it.
#[derive(Clone, Copy, Debug)]
pub struct Model<'a> {
    /// Stands before its files' names where a run keeps several, e.g. `critic-`; else empty.
    pub name: &'a str,
    /// As they are after the step.
    pub weights: &'a Weights,
    /// What moved them; none of a model that is only copied anew now and then.
    pub optimizer: Option<&'a AdamW>,
}

/// The files of a model: its weights, and its optimizer.
fn files(folder: &Path, name: &str) -> [PathBuf; 2] {
    ["weights", "optimizer"].map(|file| folder.join(format!("{name}{file}.safetensors")))
}

/// Writes `checkpoint-N` into a run's folder and removes older ones.
///
/// # Errors
/// If it cannot be written; an older checkpoint is then still there.
pub fn save(run: &Path, state: &State, models: &[Model<'_>]) -> Result<PathBuf> {
    let path = run.join(format!("checkpoint-{}", state.step));
    disk::write_folder(&path, |folder| {
        for Model { name, weights, optimizer } in models {
            let [of_weights, of_optimizer] = files(folder, name);
            let specs = weights.trained_tensors();
            tensors::write(&of_weights, specs, &[("", &weights.data[weights.trained()])])?;
            if let Some(optimizer) = optimizer {
                let moments: [(&str, &[f32]); 2] = [("first.", &optimizer.first), ("second.", &optimizer.second)];
                tensors::write(&of_optimizer, specs, &moments)?;
            }
        }
        let text = serde_json::to_string_pretty(state).expect("a state is plain numbers and words");
        disk::write_whole(&folder.join("state.json"), text.as_bytes())
    })?;
    for (step, older) in all(run)? {
        if step < state.step {
            disk::remove(&older).map_err(|e| disk::unwritable(&older, &e))?;
        }
    }
    Ok(path)
}

/// The newest checkpoint of a run's folder.
///
/// # Errors
/// If the folder cannot be read.
pub fn newest(run: &Path) -> Result<Option<PathBuf>> {
    Ok(all(run)?.into_iter().max().map(|(_, path)| path))
}

/// Reads a checkpoint's state.
///
/// # Errors
/// If it cannot be read.
pub fn state(checkpoint: &Path) -> Result<State> {
    let path = checkpoint.join("state.json");
    let text = std::fs::read_to_string(&path).map_err(|e| Error::file(&path, format!("cannot be read: {e}")))?;
    serde_json::from_str(&text).map_err(|e| Error::file(&path, format!("not the state of a checkpoint: {e}")))
}

/// Reads the weights of one of a checkpoint's models into `weights`.
///
/// # Errors
/// If a file cannot be read, or is not of this model.
pub fn load_weights(checkpoint: &Path, name: &str, weights: &mut Weights) -> Result<()> {
    let [of_weights, _] = files(checkpoint, name);
    let (trained, specs) = (weights.trained(), weights.trained_tensors().to_vec());
    tensors::read(&of_weights, &specs, &mut [("", &mut weights.data[trained])])
}

/// Reads the weights of one of a checkpoint's models into `weights`, and its optimizer.
///
/// # Errors
/// If a file cannot be read, or is not of this model.
pub fn load(checkpoint: &Path, state: &State, name: &str, weights: &mut Weights) -> Result<AdamW> {
    let mut optimizer = AdamW::new(weights.trained().len());
    optimizer.updates = state.step;
    load_weights(checkpoint, name, weights)?;
    let [_, of_optimizer] = files(checkpoint, name);
    let moments = &mut [("first.", &mut optimizer.first[..]), ("second.", &mut optimizer.second[..])];
    tensors::read(&of_optimizer, weights.trained_tensors(), moments)?;
    Ok(optimizer)
}

/// All checkpoints of a run's folder, with their steps.
fn all(run: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let unreadable = |e: std::io::Error| Error::file(run, format!("cannot be read: {e}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(run).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some(step) = name.strip_prefix("checkpoint-").and_then(|step| step.parse().ok()) {
            found.push((step, path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
