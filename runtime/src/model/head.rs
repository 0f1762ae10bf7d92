//! The head of a critic or reward model: it stands where a language model has its head of words, and gives one number for
//! each label. Stored as transformers' sequence classifiers of its family store it.

use super::Weights;
use super::weights::{INITIAL_DEVIATION, draw};
use crate::random::Random;
use crate::{Error, Result};
use std::sync::Arc;

/// Its tensor, `[labels, hidden]`; there is no bias.
pub(super) const SCORE: &str = "score.weight";

impl Weights {
    /// The same trunk with a new head that gives one number for each of these labels, drawn as transformers draws it: from
    /// a normal distribution around 0 with deviation 0.02. The same seed gives the same head. The head that was there is
    /// left out.
    ///
    /// # Panics
    /// If there are no labels.
    #[must_use]
    pub fn with_head(&self, labels: &[&str], seed: u64) -> Self {
        assert!(!labels.is_empty(), "a head gives at least one number");
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let mut new = Weights::laid_out(self.config.clone(), labels);
        new.folder = Arc::clone(&self.folder);
        for spec in &new.tensors {
            let values = &mut new.data[spec.range.clone()];
            if spec.name == SCORE {
                draw(values, INITIAL_DEVIATION, &mut Random::new(seed));
            } else {
                let old = self.tensors.iter().find(|old| old.name == spec.name).expect("every model has this trunk");
                values.copy_from_slice(&self.data[old.range.clone()]);
            }
        }
        new
    }

    /// The same trunk with a head of one label, whose number is a weighted sum of those of this model's head: how a reward
    /// model of several attributes becomes one of a single reward.
    ///
    /// # Errors
    /// If there is no head, or not one weight for each label.
    pub fn with_summed_head(&self, label: &str, weights: &[f64]) -> Result<Self> {
        self.check_values()?;
        if weights.len() != self.labels.len() {
            return Err(Error::Setting(format!(
                "the model gives {}: one weight is needed for each, not {}",
                self.labels.join(", "),
                weights.len()
            )));
        }
        let mut new = self.with_head(&[label], 0);
        let (rows, width) = (self.head(), self.config.hidden_size);
        let sum = |column: usize| -> f64 {
            rows.chunks(width).zip(weights).map(|(row, weight)| f64::from(row[column]) * weight).sum()
        };
        let summed: Vec<f32> = (0..width).map(|column| sum(column) as f32).collect();
        let start = new.data.len() - width;
        new.data[start..].copy_from_slice(&summed);
        Ok(new)
    }

    /// `score.weight`, which is the last tensor.
    fn head(&self) -> &[f32] {
        &self.data[self.data.len() - self.labels.len() * self.config.hidden_size..]
    }

    /// Does its head give words?
    ///
    /// # Errors
    /// If it gives values, like that of a reward model.
    pub(crate) fn check_words(&self) -> Result<()> {
        if self.labels.is_empty() {
            return Ok(());
        }
        let labels = self.labels.join(", ");
        let problem = format!("this model gives values ({labels}) and no words; give a language model here");
        Err(Error::Setting(self.named(problem)))
    }

    /// Does its head give values?
    ///
    /// # Errors
    /// If it gives words.
    pub(crate) fn check_values(&self) -> Result<()> {
        if !self.labels.is_empty() {
            return Ok(());
        }
        let problem = "this model has no head that gives values (score.weight); train one with a reward-* algorithm";
        Err(Error::Setting(self.named(problem.to_owned())))
    }

    fn named(&self, problem: String) -> String {
        match self.folder.path.to_str().filter(|path| !path.is_empty()) {
            Some(path) => format!("{path}: {problem}"),
            None => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::small::config;

    #[test]
    fn a_head_takes_the_place_of_the_words_and_leaves_the_trunk() {
        for tie_word_embeddings in [true, false] {
            let language = Weights::random(crate::model::ModelConfig { tie_word_embeddings, ..config() }, 3);
            let model = language.with_head(&["helpfulness", "verbosity"], 5);
            let trunk = language.data.len() - if tie_word_embeddings { 0 } else { 19 * 16 };
            assert_eq!(model.data[..trunk], language.data[..trunk]);
            assert_eq!(model.data.len(), trunk + 2 * 16);
            assert_eq!(model.tensors.last().unwrap().name, "score.weight");
            assert_ne!(model.head()[..16], model.head()[16..]);
            assert_eq!(model, language.with_head(&["helpfulness", "verbosity"], 5));
            assert!(language.check_words().is_ok() && language.check_values().is_err());
            assert!(model.check_words().is_err() && model.check_values().is_ok());
        }
    }

    #[test]
    fn a_summed_head_is_a_weighted_sum_of_rows() {
        let model = Weights::random(config(), 3).with_head(&["a", "b"], 5);
        let summed = model.with_summed_head("reward", &[2.0, -0.5]).unwrap();
        for i in 0..16 {
            let right = 2.0 * model.head()[i] - 0.5 * model.head()[16 + i];
            assert!((summed.head()[i] - right).abs() < 1e-7);
        }
        assert!(model.with_summed_head("reward", &[1.0]).unwrap_err().to_string().contains("one weight is needed"));
    }
}
