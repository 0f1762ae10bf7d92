//! The fused engine: the decoder over the project's own kernels, with a backward pass of its own.
//!
//! - All tokens of all sequences stand in one matrix; nothing is padding. Attention runs sequence by sequence.
//! - The log-probabilities enter dfdx's tape as one node. When dfdx's backward pass reaches it, the decoder's own backward
//!   pass runs and adds to [`Parameters::gradient`] in place.
//! - Or as several, one for each part of the scored tokens, whose backward passes end before the layers ([`HeadApart`]).
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
//! apart    all layers at once and the head for some tokens at a time
//! decode   token by token, over a cache of keys and values
//! halves   weights in bf16
//! pool     buffers, used again and again
//! states   what a program makes of all words, without a matrix of tokens and words
//! ```

mod apart;
mod backend;
mod cpu;
mod decode;
mod decoder;
mod ends;
mod gpu;
mod halves;
mod layer;
#[cfg(test)]
mod low_rank;
mod map;
mod plan;
mod pool;
mod sharing;
mod states;
#[cfg(test)]
mod tests;

pub(crate) use decode::{Continuing, Next, on_cpu, on_cpu_in_halves};
pub use gpu::{GpuEngine, GpuSampler};
pub use states::WordStates;
pub(crate) use states::{Pass, Unfound};

use super::{Engine, GivesStates, HeadApart, Live, ModelConfig, Parameters, Sequences, ValuesAt, Weights};
use crate::{Error, Result, bridge};
use collimate_kernels::head::KEPT;
use cpu::{CpuBackend, Held};
use decoder::Decoder;
use dfdx::prelude::{Cpu, Gradients};
pub(crate) use halves::rounded;
use plan::Plan;
use std::sync::{Arc, PoisonError};

/// A decoder over the kernels of the CPU.
#[derive(Debug)]
pub struct FusedEngine {
    parameters: Arc<Parameters>,
    decoder: Arc<Decoder<CpuBackend>>,
    device: Cpu,
    options: FusedOptions,
    /// Does it leave out what is trained?
    bare: bool,
}

/// How the fused engine goes about it; the results differ by no more than rounding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FusedOptions {
    /// Read a prompt once that several sequences of a batch begin with.
    pub share_prompts: bool,
    /// Keep only what goes into each layer, and compute the layer again when the gradient comes back: less memory, more time.
    pub recompute: bool,
    /// Multiply in bf16: weights, and for a product with them states and gradients too, are rounded to the nearest. Sums are in
    /// f32, and so are states and gradients between products and the weights that an optimizer changes.
    pub halves: bool,
    /// Scores of all words that the head keeps for its backward pass on a CPU, at most; what it does not keep is computed again.
    pub kept: usize,
    /// On a GPU, start a pass that comes again as one recorded piece; without it every pass goes step by step. To the last bit
    /// the results are the same.
    pub replay: bool,
}

impl FusedOptions {
    /// From this many weights on, training recomputes unless it is told not to. Weights, gradient and the optimizer's moments
    /// then take 0.8 GB and more, and memory decides sooner than time what can be trained.
    pub const LARGE: usize = 50_000_000;

    fn backend(self, shape: backend::Shape) -> CpuBackend {
        CpuBackend::new(shape, self.halves).keeping(self.kept)
    }
}

impl Default for FusedOptions {
    fn default() -> Self {
        FusedOptions { share_prompts: true, recompute: false, halves: false, kept: KEPT, replay: true }
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
            Arc::new(Decoder::new(&weights, |shape| options.backend(shape)))
        };
        FusedEngine { parameters, decoder, device: Cpu::default(), options, bare: false }
    }
}

impl FusedEngine {
    fn trainable(&self) -> Result<()> {
        if self.bare || self.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
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

/// A backward pass: from its trace and the gradient of its result to the gradient of the weights.
type Backward<T> = fn(&Decoder<CpuBackend>, &Held, &mut [f32], &Plan, T, Vec<f32>);

impl FusedEngine {
    /// Numbers for a batch, of which nothing is kept.
    fn ask(
        &self,
        check: impl Fn(&Weights) -> Result<()>,
        plan: impl FnOnce(&ModelConfig) -> Result<Plan>,
        ask: impl FnOnce(&Decoder<CpuBackend>, &Held, &Plan) -> Vec<f32> + Send,
    ) -> Result<Vec<f32>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        check(&weights)?;
        let plan = plan(&weights.config)?;
        Ok(within_pool(|| ask(&self.decoder, &weights.data, &plan)))
    }

    /// Numbers for a batch, on dfdx's tape.
    fn trace<T: Send + 'static>(
        &self,
        check: impl Fn(&Weights) -> Result<()>,
        plan: impl FnOnce(&ModelConfig) -> Result<Plan>,
        forward: impl FnOnce(&Decoder<CpuBackend>, &Held, &Plan) -> (Vec<f32>, T) + Send,
        backward: Backward<T>,
    ) -> Result<Live<Cpu>> {
        self.trainable()?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        check(&weights)?;
        let plan = plan(&weights.config)?;
        let (numbers, trace) = within_pool(|| forward(&self.decoder, &weights.data, &plan));
        let (decoder, parameters) = (Arc::clone(&self.decoder), Arc::clone(&self.parameters));
        bridge::node(&self.device, numbers, move |upstream| {
            let weights = parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
            let mut gradient = parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
            let gradient = gradient.as_mut_slice();
            within_pool(|| backward(&decoder, &weights.data, gradient, &plan, trace, upstream));
        })
    }
}

impl Engine<Cpu> for FusedEngine {
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
        let shared = self.options.share_prompts;
        self.ask(
            Weights::check_words,
            |config| Plan::new(batch, config, shared),
            |decoder, weights, plan| decoder.score(weights, plan),
        )
    }

    fn forward(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            Weights::check_words,
            |config| Plan::new(batch, config, share_prompts),
            |decoder, weights, plan| decoder.forward(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward(weights, gradient, plan, trace, &upstream);
            },
        )
    }

    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>> {
        let shared = self.options.share_prompts;
        self.ask(
            Weights::check_words,
            |config| Plan::new(batch, config, shared),
            |decoder, weights, plan| decoder.score_words(weights, plan),
        )
    }

    fn forward_words(&self, batch: &Sequences) -> Result<Live<Cpu>> {
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            Weights::check_words,
            |config| Plan::new(batch, config, share_prompts),
            |decoder, weights, plan| decoder.forward_words(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward_words(weights, gradient, plan, trace, upstream);
            },
        )
    }

    fn score_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Vec<f32>> {
        let shared = self.options.share_prompts;
        self.ask(
            Weights::check_values,
            |config| Plan::values(batch, config, shared, at),
            |decoder, weights, plan| decoder.score_values(weights, plan),
        )
    }

    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<Cpu>> {
        let FusedOptions { share_prompts, recompute, .. } = self.options;
        self.trace(
            Weights::check_values,
            |config| Plan::values(batch, config, share_prompts, at),
            |decoder, weights, plan| decoder.forward_values(weights, plan, recompute),
            |decoder, weights, gradient, plan, trace, upstream| {
                decoder.backward_values(weights, gradient, plan, trace, &upstream);
            },
        )
    }

    fn collect(&self, _: &Gradients<f32, Cpu>) -> Result<()> {
        Ok(())
    }

    fn without_low_rank(&self) -> Option<Box<dyn Engine<Cpu>>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        weights.low_rank?;
        Some(Box::new(FusedEngine {
            parameters: Arc::clone(&self.parameters),
            decoder: Arc::new(Decoder::bare(&weights, |shape| self.options.backend(shape))),
            device: self.device.clone(),
            options: self.options,
            bare: true,
        }))
    }

    fn head_apart(&self) -> Option<&dyn HeadApart<Cpu>> {
        Some(self)
    }

    fn gives_states(&self) -> Option<&dyn GivesStates<Cpu>> {
        Some(self)
    }
}
