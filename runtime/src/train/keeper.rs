//! What a run writes down, if it has a folder.

use super::folder::RunFolder;
use super::observer::Observer;
use super::optimizer::AdamW;
use crate::checkpoint::{self, State, disk};
use crate::metric::{Measurement, MetricFile};
use crate::model::{Parameters, Precision, Weights};
use crate::tokenizer::Tokenizer;
use crate::{Error, Result, report};
use std::path::Path;
use std::sync::Arc;

/// A model that a run changes.
pub(super) struct Model {
    /// What stands before its files' names in a checkpoint.
    pub(super) name: String,
    pub(super) parameters: Arc<Parameters>,
    /// None for one that is only copied anew now and then.
    pub(super) optimizer: Option<AdamW>,
}

/// Where a run stands, and the folder that remembers it.
pub(super) struct Keeper {
    pub(super) state: State,
    folder: Option<RunFolder>,
    metrics: Option<MetricFile>,
    /// The last step that a checkpoint was written after.
    saved: u64,
}

impl Keeper {
    /// At the start, or at the folder's newest checkpoint: the models are then those of the checkpoint.
    pub(super) fn open(folder: Option<RunFolder>, start: State, models: &mut [Model]) -> Result<Self> {
        let mut state = start;
        let checkpoint = folder.as_ref().map(|folder| checkpoint::newest(folder.path())).transpose()?.flatten();
        if let Some(checkpoint) = checkpoint {
            let before = checkpoint::state(&checkpoint)?;
            same(&state, &before, &checkpoint)?;
            for Model { name, parameters, optimizer } in models {
                parameters.change(|weights| match optimizer {
                    Some(optimizer) => {
                        *optimizer = checkpoint::load(&checkpoint, &before, name, weights)?;
                        Ok(())
                    }
                    None => checkpoint::load_weights(&checkpoint, name, weights),
                })?;
            }
            state = before;
        }
        let metrics = folder.as_ref().map(|folder| MetricFile::after(&folder.path().join("metrics.jsonl"), state.step));
        let (metrics, saved) = (metrics.transpose()?, state.step);
        Ok(Keeper { state, folder, metrics, saved })
    }

    /// A step is done.
    pub(super) fn record(&mut self, measurement: &Measurement) -> Result<()> {
        self.metrics.as_mut().map_or(Ok(()), |file| file.write(measurement))
    }

    /// Writes a checkpoint, unless this step has one.
    pub(super) fn save(&mut self, models: &[Model], observer: &mut dyn Observer) -> Result<()> {
        let Some(folder) = self.folder.as_ref().filter(|_| self.saved < self.state.step) else { return Ok(()) };
        let held: Vec<_> = models.iter().map(|model| model.parameters.held()).collect();
        let kept: Vec<checkpoint::Model<'_>> = models
            .iter()
            .zip(&held)
            .map(|(model, weights)| checkpoint::Model {
                name: &model.name,
                weights,
                optimizer: model.optimizer.as_ref(),
            })
            .collect();
        observer.saved(&checkpoint::save(folder.path(), &self.state, &kept)?);
        self.saved = self.state.step;
        Ok(())
    }

    /// Writes the trained model, the narrow matrices alone if these were trained (`base` names what they belong to), and the
    /// critic if there is one.
    pub(super) fn finish(
        &self,
        weights: &Weights,
        critic: Option<&Weights>,
        tokenizer: &Tokenizer,
        base: &str,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        if weights.low_rank.is_some() {
            let path = folder.path().join("adapter");
            disk::write_folder(&path, |path| weights.save_adapter(path, base))?;
            observer.saved(&path);
        }
        if let Some(critic) = critic {
            let path = folder.path().join("critic");
            disk::write_folder(&path, |path| {
                critic.save(path, Precision::F32)?;
                tokenizer.files().write(path)
            })?;
            observer.saved(&path);
        }
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
        ("the teacher", now.teacher != before.teacher),
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
