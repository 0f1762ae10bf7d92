//! What a run writes down, if it has a folder.

use super::folder::RunFolder;
use super::observer::Observer;
use super::optimizer::AdamW;
use crate::checkpoint::{self, State};
use crate::metric::{Measurement, MetricFile};
use crate::model::{Parameters, Precision, Weights};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result, report};
use std::path::Path;
use std::sync::Arc;

/// A model that is trained: what stands before its files' names in a checkpoint, and its weights.
pub(super) type Trained = (String, Arc<Parameters>);

/// Where a run stands, and the folder that remembers it.
pub(super) struct Keeper {
    pub(super) state: State,
    folder: Option<RunFolder>,
    metrics: Option<MetricFile>,
    /// The last step that a checkpoint was written after.
    saved: u64,
}

impl Keeper {
    /// At the start, or at the folder's newest checkpoint: the weights are then those of the checkpoint. Gives an
    /// optimizer for each model.
    pub(super) fn open(folder: Option<RunFolder>, start: State, models: &[Trained]) -> Result<(Self, Vec<AdamW>)> {
        let mut state = start;
        let checkpoint = folder.as_ref().map(|folder| checkpoint::newest(folder.path())).transpose()?.flatten();
        if let Some(checkpoint) = &checkpoint {
            let before = checkpoint::state(checkpoint)?;
            same(&state, &before, checkpoint)?;
            state = before;
        }
        let optimizer = |(name, parameters): &Trained| {
            parameters.change(|weights| match &checkpoint {
                Some(checkpoint) => checkpoint::load(checkpoint, &state, name, weights),
                None => Ok(AdamW::new(weights.data.len())),
            })
        };
        let optimizers = models.iter().map(optimizer).collect::<Result<_>>()?;
        let metrics = folder.as_ref().map(|folder| MetricFile::after(&folder.path().join("metrics.jsonl"), state.step));
        let (metrics, saved) = (metrics.transpose()?, state.step);
        Ok((Keeper { state, folder, metrics, saved }, optimizers))
    }

    /// A step is done.
    pub(super) fn record(&mut self, measurement: &Measurement) -> Result<()> {
        self.metrics.as_mut().map_or(Ok(()), |file| file.write(measurement))
    }

    /// Writes a checkpoint, unless this step has one.
    pub(super) fn save(&mut self, models: &[Trained], optimizers: &[AdamW], observer: &mut dyn Observer) -> Result<()> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.saved < self.state.step) else { return Ok(()) };
        let weights: Vec<_> = models
            .iter()
            .map(|(_, parameters)| parameters.weights.read().expect("no thread panicked while it held the weights"))
            .collect();
        let each = models.iter().zip(&weights).zip(optimizers);
        let models: Vec<_> =
            each.map(|(((name, _), weights), optimizer)| checkpoint::Model { name, weights, optimizer }).collect();
        observer.saved(&checkpoint::save(folder.path(), &self.state, &models)?);
        self.saved = self.state.step;
        Ok(())
    }

    /// Writes the trained model.
    pub(super) fn finish(&self, weights: &Weights, tokenizer: &Tokenizer, observer: &mut dyn Observer) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.finish(|path| {
            weights.save(path, Precision::F32)?;
            tokenizer.files().write(path)
        })?;
        observer.saved(&path);
        Ok(())
    }

    /// Writes the page that tells the run.
    pub(super) fn report(&self) -> Result<()> {
        self.folder.as_ref().map_or(Ok(()), |folder| report::write(folder.path()).map(drop))
    }
}

/// Is a checkpoint one of this run?
fn same(now: &State, before: &State, checkpoint: &Path) -> Result<()> {
    let parts = [
        ("the settings", now.settings != before.settings),
        ("the algorithm", now.program != before.program),
        ("the data", now.data != before.data),
        ("the model it began with", now.model != before.model),
    ];
    match parts.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => {
            let problem =
                format!("{what} changed since this checkpoint was written; give the same again, or begin a new run");
            Err(Error::file(checkpoint, problem))
        }
        None => Ok(()),
    }
}
