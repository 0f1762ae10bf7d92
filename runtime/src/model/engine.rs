//! What the two engines have in common.

use super::{Sequences, ValuesAt, WordStates};
use crate::{
    Result,
    train::{AdamW, Update},
};
use dfdx::prelude::{Device, Gradients, OwnedTape, Tensor};
use std::ops::Range;
use std::sync::Arc;

/// Log-probabilities or values on dfdx's tape, and the tape whose backward pass reaches the weights.
pub struct Live<D: Device<f32>> {
    /// One for each scored token, sequence after sequence; from [`Engine::forward_words`] one for each word of the
    /// vocabulary at each of them; from [`Engine::forward_values`] one for each label at each position asked.
    pub logp: Tensor<(usize,), f32, D>,
    /// Carries `logp` back to the weights.
    pub tape: OwnedTape<f32, D>,
}

/// A decoder with weights, which can score tokens and learn from a gradient on their log-probabilities.
///
/// The weights and their gradient are flat vectors in the order of [`super::Weights`]; the optimizer works
/// on those and knows nothing of the engine.
pub trait Engine<D: Device<f32>> {
    /// `ln p(token | tokens before it in its sequence)` of each scored token; nothing is kept for a gradient.
    ///
    /// # Errors
    /// If a sequence is longer than the model's positions, or a token outside its vocabulary.
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>>;

    /// The same, on dfdx's tape.
    ///
    /// # Errors
    /// As [`Engine::score`].
    fn forward(&self, batch: &Sequences) -> Result<Live<D>>;

    /// `ln p(word | tokens before it in its sequence)` of every word of the vocabulary at each scored token, token after
    /// token; nothing is kept for a gradient.
    ///
    /// # Errors
    /// As [`Engine::score`].
    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>>;

    /// The same, on dfdx's tape.
    ///
    /// # Errors
    /// As [`Engine::score`].
    fn forward_words(&self, batch: &Sequences) -> Result<Live<D>>;

    /// What the model's head says of the states asked for, `[position, label]`: a value where the model is a critic, a
    /// reward where it is a reward model. Nothing is kept for a gradient.
    ///
    /// # Errors
    /// As [`Engine::score`], and if the model has no head of labels.
    fn score_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Vec<f32>>;

    /// The same, on dfdx's tape.
    ///
    /// # Errors
    /// As [`Engine::score_values`].
    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<D>>;

    /// After dfdx's backward pass: whatever of the gradient is in `gradients` is added to the flat gradient.
    /// (The fused engine's node adds to it during the backward pass, and does nothing here.)
    ///
    /// # Errors
    /// If dfdx cannot read its buffers back.
    fn collect(&self, gradients: &Gradients<f32, D>) -> Result<()>;

    /// An engine that reads the same weights, but no narrow matrices beside them: what a model was before they were trained, at
    /// no cost in memory. It only scores. None if there are no such matrices.
    fn without_low_rank(&self) -> Option<Box<dyn Engine<D>>> {
        None
    }

    /// The engine as one that updates its weights where it keeps them, if it is.
    fn trains(&self) -> Option<&dyn TrainsInPlace> {
        None
    }

    /// The engine as one that runs its head apart from its layers, if it is.
    fn head_apart(&self) -> Option<&dyn HeadApart<D>> {
        None
    }

    /// The engine as one that gives states of which all words can be read a part at a time, if it is.
    fn gives_states(&self) -> Option<&dyn GivesStates<D>> {
        None
    }
}

/// Runs all layers on a whole batch, and the head on some of its scored tokens at a time. Where a loss is a sum, its parts can then
/// go from log-probabilities to their gradient one after another, while the scores of all words that each needs are still there.
pub trait HeadApart<D: Device<f32>> {
    /// For so many tokens at a time the scores of all words are kept for the head's backward pass; those of more are computed
    /// twice.
    fn room(&self) -> usize;

    /// All layers. What [`Engine::forward`] gives of the batch, [`Trunk::head`] gives a part at a time.
    ///
    /// # Errors
    /// As [`Engine::forward`].
    fn trunk(&self, batch: &Sequences) -> Result<Box<dyn Trunk<D>>>;
}

/// A batch that has gone through all layers.
pub trait Trunk<D: Device<f32>> {
    /// The log-probabilities of some of the scored tokens, on dfdx's tape, whose backward pass ends before the layers.
    ///
    /// # Errors
    /// If dfdx cannot hold the numbers.
    ///
    /// # Panics
    /// If there are not so many tokens.
    fn head(&self, tokens: Range<usize>) -> Result<Live<D>>;

    /// The way back through the layers, from what the backward passes of the heads have left.
    ///
    /// # Errors
    /// If one of these is still on a tape.
    fn go_back(self: Box<Self>) -> Result<()>;
}

/// Gives hidden states, so that what a program makes of all words is computed from them and the output embedding, and no
/// matrix of tokens and words is made.
pub trait GivesStates<D: Device<f32>> {
    /// The state of each scored token, and its log-probability if `logp` asks for it; nothing is kept for a gradient.
    ///
    /// # Errors
    /// As [`Engine::score`].
    fn score_states(&self, batch: &Sequences, logp: bool) -> Result<(Option<Vec<f32>>, WordStates)>;

    /// The same, on dfdx's tape: when its backward pass reaches the log-probabilities, the gradient that was gathered by the
    /// states goes on to the weights too. Unless `logp` asks for them, the log-probabilities are zeros that nobody may read.
    ///
    /// # Errors
    /// As [`Engine::score`].
    fn forward_states(&self, batch: &Sequences, logp: bool) -> Result<(Live<D>, Arc<WordStates>)>;
}

/// Updates weights where an engine keeps them, so that neither they nor their gradient travel at every step. The parameters
/// are behind until they are settled.
pub trait TrainsInPlace {
    /// The Euclidean length of the gradient gathered since the last update.
    ///
    /// # Errors
    /// If the device fails.
    fn gradient_length(&self) -> Result<f64>;

    /// One update of all weights, which empties the gradient. The optimizer's running means are used at the first one, and
    /// its count always.
    ///
    /// # Errors
    /// If the device fails.
    fn update(&self, optimizer: &mut AdamW, update: Update) -> Result<()>;

    /// Brings the weights to the parameters, and the running means to the optimizer.
    ///
    /// # Errors
    /// If the device fails.
    fn settle(&self, optimizer: &mut AdamW) -> Result<()>;
}
