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

/// Where a run stands, and the folder that remembers it.
pub(super) struct Keeper {
    pub(super) state: State,
    folder: Option<RunFolder>,
    metrics: Option<MetricFile>,
    /// The last step that a checkpoint was written after.
    saved: u64,
}

impl Keeper {
    /// At the start, or at the folder's newest checkpoint: the weights are then those of the checkpoint.
    pub(super) fn open(folder: Option<RunFolder>, start: State, parameters: &Parameters) -> Result<(Self, AdamW)> {
        let mut weights = parameters.weights.write().expect("no thread panicked while it held the weights");
        let (mut state, mut optimizer) = (start, AdamW::new(weights.data.len()));
        let checkpoint = folder.as_ref().map(|folder| checkpoint::newest(folder.path())).transpose()?.flatten();
        if let Some(checkpoint) = checkpoint {
            let before = checkpoint::state(&checkpoint)?;
            same(&state, &before, &checkpoint)?;
            optimizer = checkpoint::load(&checkpoint, &before, &mut weights)?;
            state = before;
        }
        let metrics = folder.as_ref().map(|folder| MetricFile::after(&folder.path().join("metrics.jsonl"), state.step));
        let (metrics, saved) = (metrics.transpose()?, state.step);
        Ok((Keeper { state, folder, metrics, saved }, optimizer))
    }

    /// A step is done.
    pub(super) fn record(&mut self, measurement: &Measurement) -> Result<()> {
        self.metrics.as_mut().map_or(Ok(()), |file| file.write(measurement))
    }

    /// Writes a checkpoint, unless this step has one.
    pub(super) fn save(&mut self, of: &Parameters, optimizer: &AdamW, observer: &mut dyn Observer) -> Result<()> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.saved < self.state.step) else { return Ok(()) };
        let weights = of.weights.read().expect("no thread panicked while it held the weights");
        observer.saved(&checkpoint::save(folder.path(), &self.state, &weights, optimizer)?);
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
