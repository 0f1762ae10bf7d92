use crate::{Error, Result, train::Dtype};

/// How tokens are chosen, and how many.
#[derive(Clone, PartialEq, Debug)]
pub struct Sampling {
    /// Samples of each prompt.
    pub samples: usize,
    /// Tokens of a sample at most; fewer where the model has no more positions.
    pub max_new_tokens: usize,
    /// Scores are divided by this; at 0 the most likely token is always taken.
    pub temperature: f64,
    /// Only this many of the most likely tokens can be taken; 0 for no limit.
    pub top_k: usize,
    /// Only the most likely tokens that together have at least this probability can be taken; 1 for no limit.
    pub top_p: f64,
    /// Random numbers depend on nothing else but the numbers of the prompt and the sample.
    pub seed: u64,
    /// A sample ends with the first of these, which is part of it.
    pub end_tokens: Vec<u32>,
    /// Samples in the making at once.
    pub at_once: usize,
    /// How weights are stored meanwhile, where this program itself draws on the CPU.
    pub dtype: Dtype,
}

impl Default for Sampling {
    /// One sample of up to 64 tokens as the model's probabilities have it.
    fn default() -> Self {
        Sampling {
            samples: 1,
            max_new_tokens: 64,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            seed: 0,
            end_tokens: Vec::new(),
            at_once: 32,
            dtype: Dtype::F32,
        }
    }
}

impl Sampling {
    /// # Errors
    /// If a number is out of its range.
    pub(super) fn check(&self) -> Result<()> {
        let problem = if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            format!("a temperature of {}: give 0 for the most likely token, or more", self.temperature)
        } else if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            format!("a top-p of {}: give more than 0 and at most 1", self.top_p)
        } else if self.samples == 0 || self.max_new_tokens == 0 || self.at_once == 0 {
            "nothing to generate: give at least one sample of at least one token".to_owned()
        } else {
            return Ok(());
        };
        Err(Error::Setting(problem))
    }
}
