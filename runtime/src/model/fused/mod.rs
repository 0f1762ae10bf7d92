//! The fused engine: the decoder over the project's own kernels, with a backward pass of its own.
//!
//! - All tokens of all sequences stand in one matrix; nothing is padding. Attention runs sequence by sequence.
//! - The log-probabilities enter dfdx's tape as one node. When dfdx's backward pass reaches it, the decoder's own backward
//!   pass runs and adds to [`Parameters::gradient`] in place.
//! - A prompt that several sequences begin with, say both sides of a pair, is read once, and the last token of a response
//!   not at all. Only positions whose next token is scored go through the end of the last layer and the output head.
//! - The three projections of attention lie side by side in [`super::Weights`], and so do gate and up: each group is one product.
//!
//! ```text
//! plan     what a batch asks for, checked
//! sharing  where its tokens lie; ends where the last state of each sequence is asked for
//! map      where each weight lies
//! backend  the operations of a device; cpu is one, gpu another
//! layer    attention and feed-forward, forward and backward
//! decoder  all layers, embedding and head
//! decode   token by token, over a cache of keys and values
//! pool     buffers, used again and again
//! ```

mod backend;
mod cpu;
mod decode;
mod decoder;
mod ends;
mod gpu;
mod layer;
mod map;
mod plan;
mod pool;
mod sharing;
#[cfg(test)]
mod tests;

pub(crate) use decode::{Continuing, Next, on_cpu};
pub use gpu::{GpuEngine, GpuSampler};

use super::{Engine, Live, Parameters, Sequences, ValuesAt};
use crate::{Error, Result, bridge};
use cpu::CpuBackend;
use decoder::Decoder;
use dfdx::prelude::{Cpu, Gradients};
use plan::Plan;
use std::sync::{Arc, PoisonError};

/// A decoder over the kernels of the CPU.
#[derive(Debug)]
pub struct FusedEngine {
    parameters: Arc<Parameters>,
    decoder: Arc<Decoder<CpuBackend>>,
    device: Cpu,
    options: FusedOptions,
}

/// How the fused engine goes about it; the results differ by no more than rounding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FusedOptions {
    /// Read a prompt once that several sequences of a batch begin with.
    pub share_prompts: bool,
    /// Keep only what goes into each layer, and compute the layer again when the gradient comes back: less memory, more time.
    pub recompute: bool,
}

impl FusedOptions {
    /// From this many weights on, training recomputes unless it is told not to. Weights, gradient and the optimizer's moments
    /// then take 0.8 GB and more, and memory decides sooner than time what can be trained.
    pub const LARGE: usize = 50_000_000;
}

impl Default for FusedOptions {
    fn default() -> Self {
        FusedOptions { share_prompts: true, recompute: false }
    }
}

impl FusedEngine {
    /// An engine on these weights, which others may share.
    #[must_use]
    pub fn new(parameters: Arc<Parameters>) -> Self {
        Self::with(parameters, FusedOptions::default())
    }

    /// The same with options.
    #[must_use]
    pub fn with(parameters: Arc<Parameters>, options: FusedOptions) -> Self {
        let decoder = {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            Arc::new(Decoder::new(&weights, CpuBackend::new))
        };
        FusedEngine { parameters, decoder, device: Cpu::default(), options }
    }
}

impl FusedEngine {
    fn trainable(&self) -> Result<()> {
        if self.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let problem = "these weights are frozen: score with them, or make them with Parameters::new to train them";
            return Err(Error::Setting(problem.to_owned()));
        }
        Ok(())
    }
}

/// Runs work on a thread of the pool. From outside, every parallel loop in it would wait for the pool to wake up.
pub(crate) fn within_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| work())
}

impl Engine<Cpu> for FusedEngine {
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let weights = weights.data.as_slice();
        Ok(within_pool(|| self.decoder.score(weights, &plan)))
    }

    fn forward(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let (numbers, recompute) = (weights.data.as_slice(), self.options.recompute);
        let (logp, trace) = within_pool(|| self.decoder.forward(numbers, &plan, recompute));
        let (decoder, parameters) = (Arc::clone(&self.decoder), Arc::clone(&self.parameters));
        bridge::node(&self.device, logp, move |upstream| {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let (weights, gradient) = (weights.data.as_slice(), gradient.as_mut_slice());
            within_pool(|| decoder.backward(weights, gradient, &plan, trace, &upstream));
        })
    }

    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let weights = weights.data.as_slice();
        Ok(within_pool(|| self.decoder.score_words(weights, &plan)))
    }

    fn forward_words(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_words()?;
        let plan = Plan::new(batch, &weights.config, self.options.share_prompts)?;
        let (numbers, recompute) = (weights.data.as_slice(), self.options.recompute);
        let (words, trace) = within_pool(|| self.decoder.forward_words(numbers, &plan, recompute));
        let (decoder, parameters) = (Arc::clone(&self.decoder), Arc::clone(&self.parameters));
        bridge::node(&self.device, words, move |upstream| {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let (weights, gradient) = (weights.data.as_slice(), gradient.as_mut_slice());
            within_pool(|| decoder.backward_words(weights, gradient, &plan, trace, upstream));
        })
    }

    fn score_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Vec<f32>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_values()?;
        let plan = Plan::values(batch, &weights.config, self.options.share_prompts, at)?;
        let weights = weights.data.as_slice();
        Ok(within_pool(|| self.decoder.score_values(weights, &plan)))
    }

    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<Cpu>> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.check_values()?;
        let plan = Plan::values(batch, &weights.config, self.options.share_prompts, at)?;
        let (numbers, recompute) = (weights.data.as_slice(), self.options.recompute);
        let (values, trace) = within_pool(|| self.decoder.forward_values(numbers, &plan, recompute));
        let (decoder, parameters) = (Arc::clone(&self.decoder), Arc::clone(&self.parameters));
        bridge::node(&self.device, values, move |upstream| {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let (weights, gradient) = (weights.data.as_slice(), gradient.as_mut_slice());
            within_pool(|| decoder.backward_values(weights, gradient, &plan, trace, &upstream));
        })
    }

    fn collect(&self, _: &Gradients<f32, Cpu>) -> Result<()> {
        Ok(())
    }
}
