//! Who continues prompts.

use super::{Sample, Sampling, generate};
use crate::Result;
use crate::model::Weights;

/// Continues prompts: this program itself, or a server that runs the model.
pub trait Sampler {
    /// Continues every prompt: for each, in order, its samples in order. `weights` are the policy's as it is now.
    ///
    /// # Errors
    /// If a setting is out of range, a prompt cannot be continued, or whoever draws fails.
    fn draw(&mut self, weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>>;
}

/// This program itself, on the CPU.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuiltIn;

impl Sampler for BuiltIn {
    fn draw(&mut self, weights: &Weights, prompts: &[Vec<u32>], settings: &Sampling) -> Result<Vec<Vec<Sample>>> {
        generate(weights, prompts, settings, |_| ())
    }
}
