//! How responses are drawn.

use crate::data::Curriculum;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How responses are drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrawSettings {
    /// Responses to each prompt.
    pub num_generations: usize,
    /// Optimizer steps on the same responses.
    pub num_iterations: u64,
    /// Scores are divided by this before a token is drawn.
    pub temperature: f64,
    /// Only the likeliest tokens that together have at least this probability are drawn; 1 for no limit.
    pub top_p: f64,
    /// Only so many of the likeliest tokens are drawn; 0 for no limit.
    pub top_k: usize,
    /// Longest response in tokens.
    pub max_new_tokens: usize,
    /// Draw for other prompts instead where all responses to one are worth the same (arXiv:2503.14476, equation 11).
    pub dynamic_sampling: bool,
    /// The policy of the iteration before and the reference become what the actor is after every so many optimizer
    /// steps; 0: never, they stay what the actor was at the start.
    pub refresh_every: u64,
    /// Which prompts are asked when, by their pass rates; in the order of the data if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curriculum: Option<Curriculum>,
    /// What responses are worth, by the names and weights that the command line knows.
    pub reward: Vec<String>,
    /// The server that draws, `http://host:port`; this program itself if none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
    /// Is the server handed the weights whenever they have changed? Otherwise it draws with those it has.
    pub sampler_update: bool,
    /// Where the first reward is not above its row's threshold, it counts alone, less this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<f64>,
}

impl Default for DrawSettings {
    fn default() -> Self {
        DrawSettings {
            num_generations: 8,
            num_iterations: 1,
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            max_new_tokens: 256,
            dynamic_sampling: false,
            refresh_every: 0,
            curriculum: None,
            reward: Vec::new(),
            sampler: None,
            sampler_update: true,
            gate: None,
        }
    }
}

impl DrawSettings {
    pub(in crate::train) fn check(&self) -> Result<()> {
        let problem = if self.num_generations == 0 || self.num_iterations == 0 || self.max_new_tokens == 0 {
            "num_generations, num_iterations and max_new_tokens have to be at least 1".to_owned()
        } else if !(self.temperature > 0.0 && self.temperature.is_finite()) {
            format!("temperature is {}; responses are drawn at more than 0", self.temperature)
        } else if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            format!("top_p is {}; it has to be more than 0 and at most 1", self.top_p)
        } else if !self.refresh_every.is_multiple_of(self.num_iterations) {
            let (every, iterations) = (self.refresh_every, self.num_iterations);
            format!("refresh_every is {every}; it has to be a multiple of num_iterations, {iterations}")
        } else {
            return self.curriculum.as_ref().map_or(Ok(()), Curriculum::check);
        };
        Err(Error::Setting(problem))
    }

    /// Do the copies of the actor become what it is now, before the step that follows so many?
    pub(in crate::train) fn refreshes(&self, done: u64) -> bool {
        done > 0 && self.refresh_every > 0 && done.is_multiple_of(self.refresh_every)
    }
}
