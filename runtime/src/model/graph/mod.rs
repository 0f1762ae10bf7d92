//! The graph engine: the decoder in plain dfdx operations, so that policy, reward and loss are one dfdx graph on any of
//! dfdx's devices. One sequence after the other, one operation after the other: slow, and the definition of right.

mod attention;
mod decoder;

use super::{Engine, Live, LowRank, Parameters, Sequences, Span, ValuesAt, Weights};
use crate::bridge::{self, Traced, Track, refused};
use crate::{Error, Result};
use decoder::Decoder;
use dfdx::prelude::{Axis, Device, Gradients, HasShape, OwnedTape, ReshapeTo, Tensor, TryConcatAlong};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A decoder made of dfdx's operations.
pub struct GraphEngine<D: Device<f32>> {
    parameters: Arc<Parameters>,
    device: D,
    /// The weights as they were at the last pass, on the device. Kept while they do not change, so that the gradients
    /// of every pass since are found by the same tensors.
    uploaded: Mutex<Option<Uploaded<D>>>,
    /// Does it leave out the narrow matrices beside the model's own?
    bare: bool,
}

/// Weights on the device, and what they were made of.
#[derive(Clone)]
struct Uploaded<D: Device<f32>> {
    data: Arc<Vec<f32>>,
    /// In the order of [`Weights::tensors`].
    tensors: Vec<Leaf<D>>,
}

/// One weight tensor. dfdx's tensors carry their number of axes in their type.
#[derive(Clone)]
enum Leaf<D: Device<f32>> {
    Vector(Tensor<(usize,), f32, D>),
    Matrix(Tensor<(usize, usize), f32, D>),
}

impl<D: Device<f32>> GraphEngine<D> {
    /// An engine on these weights, which others may share.
    #[must_use]
    pub fn new(parameters: Arc<Parameters>, device: D) -> Self {
        GraphEngine { parameters, device, uploaded: Mutex::new(None), bare: false }
    }

    /// The weights on the device, uploaded anew if they changed.
    fn upload(&self, weights: &Weights) -> Result<Uploaded<D>> {
        let mut uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(uploaded) = uploaded.as_ref().filter(|uploaded| *uploaded.data == weights.data) {
            return Ok(uploaded.clone());
        }
        let tensors = weights.tensors.iter().map(|spec| {
            let values = weights.data[spec.range.clone()].to_vec();
            match spec.shape[..] {
                [length] => Ok(Leaf::Vector(self.device.try_tensor_from_vec(values, (length,)).map_err(refused)?)),
                [rows, width] => {
                    Ok(Leaf::Matrix(self.device.try_tensor_from_vec(values, (rows, width)).map_err(refused)?))
                }
                _ => Err(Error::Numeric(format!("{} is neither a vector nor a matrix", spec.name))),
            }
        });
        let fresh = Uploaded { tensors: tensors.collect::<Result<_>>()?, data: Arc::new(weights.data.clone()) };
        Ok(uploaded.insert(fresh).clone())
    }

    fn trainable(&self) -> Result<()> {
        if self.bare || self.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let problem = "these weights are frozen: score with them, or make them with Parameters::new to train them";
            return Err(Error::Setting(problem.to_owned()));
        }
        Ok(())
    }

    /// What is asked for, of which there must be some, and the track that leads to it.
    fn run(&self, batch: &Sequences, live: bool, what: What) -> Result<Live<D>> {
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        batch.check(&weights.config)?;
        match what {
            What::Tokens | What::Words => weights.check_words()?,
            What::Values(_) => weights.check_values()?,
        }
        let uploaded = self.upload(&weights)?;
        let mut track = Track::new(OwnedTape::default());
        let (mut vectors, mut matrices) = (HashMap::new(), HashMap::new());
        let trained = weights.trained().start;
        for (spec, leaf) in weights.tensors.iter().zip(&uploaded.tensors) {
            let live = live && spec.range.start >= trained;
            match leaf {
                Leaf::Vector(tensor) => {
                    track.expect_gradient(tensor);
                    vectors.insert(spec.name.as_str(), Traced::new(tensor.clone(), live));
                }
                Leaf::Matrix(tensor) => {
                    track.expect_gradient(tensor);
                    matrices.insert(spec.name.as_str(), Traced::new(tensor.clone(), live));
                }
            }
        }
        let scale = weights.low_rank.filter(|_| !self.bare).map(LowRank::scale);
        let mut decoder = Decoder { device: &self.device, config: &weights.config, scale, vectors, matrices, track };
        let asked = |span: &&Span| !span.scored.is_empty() || what == What::Values(ValuesAt::End);
        let parts = batch.spans.iter().filter(asked).map(|span| {
            let rows = match what {
                What::Tokens => return decoder.score(batch, span),
                What::Words => decoder.words(batch, span)?,
                What::Values(at) => decoder.values(batch, span, at)?,
            };
            let (count, width) = *HasShape::shape(&rows.value);
            decoder.track.one(&rows, |rows| rows.try_reshape_like(&(count * width,)))
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let mut track = decoder.track;
        let logp = joined(&mut track, parts)?;
        Ok(Live { logp: logp.value, tape: track.finish() })
    }
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq)]
enum What {
    /// One log-probability for each scored token: that token's.
    Tokens,
    /// One for each word of the vocabulary at each scored token.
    Words,
    /// One number for each label at each state.
    Values(ValuesAt),
}

/// The parts one after another. Neighbours are joined first, so that no number is copied more often than the
/// logarithm of how many parts there are.
fn joined<D: Device<f32>>(track: &mut Track<D>, mut parts: Vec<Traced<(usize,), D>>) -> Result<Traced<(usize,), D>> {
    while parts.len() > 1 {
        let pairs = parts.chunks(2).map(|pair| match pair {
            [left, right] => track.two(left, right, |left, right| (left, right).try_concat_along(Axis::<0>)),
            rest => Ok(rest[0].clone()),
        });
        parts = pairs.collect::<Result<_>>()?;
    }
    parts.pop().ok_or_else(|| Error::Numeric("a batch without a scored token has no log-probabilities".into()))
}

impl<D: Device<f32>> Engine<D> for GraphEngine<D> {
    fn score(&self, batch: &Sequences) -> Result<Vec<f32>> {
        if batch.scored() == 0 {
            return Ok(Vec::new());
        }
        Ok(self.run(batch, false, What::Tokens)?.logp.as_vec())
    }

    fn forward(&self, batch: &Sequences) -> Result<Live<D>> {
        self.trainable()?;
        self.run(batch, true, What::Tokens)
    }

    fn score_words(&self, batch: &Sequences) -> Result<Vec<f32>> {
        if batch.scored() == 0 {
            return Ok(Vec::new());
        }
        Ok(self.run(batch, false, What::Words)?.logp.as_vec())
    }

    fn forward_words(&self, batch: &Sequences) -> Result<Live<D>> {
        self.trainable()?;
        self.run(batch, true, What::Words)
    }

    fn score_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Vec<f32>> {
        if at.count(batch) == 0 {
            return Ok(Vec::new());
        }
        Ok(self.run(batch, false, What::Values(at))?.logp.as_vec())
    }

    fn forward_values(&self, batch: &Sequences, at: ValuesAt) -> Result<Live<D>> {
        self.trainable()?;
        self.run(batch, true, What::Values(at))
    }

    fn collect(&self, gradients: &Gradients<f32, D>) -> Result<()> {
        let uploaded = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let uploaded =
            uploaded.ok_or_else(|| Error::Numeric("no pass went forward whose gradient could be collected".into()))?;
        let weights = self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner);
        let mut total = self.parameters.gradient.lock().unwrap_or_else(PoisonError::into_inner);
        let trained = weights.trained().start;
        let all = weights.tensors.iter().zip(&uploaded.tensors);
        for (spec, leaf) in all.filter(|(spec, _)| spec.range.start >= trained) {
            let gradient = match leaf {
                Leaf::Vector(tensor) => bridge::gradient_at(gradients, tensor),
                Leaf::Matrix(tensor) => bridge::gradient_at(gradients, tensor),
            };
            total[spec.after(trained)].iter_mut().zip(gradient).for_each(|(sum, g)| *sum += g);
        }
        Ok(())
    }

    fn without_low_rank(&self) -> Option<Box<dyn Engine<D>>> {
        self.parameters.weights.read().unwrap_or_else(PoisonError::into_inner).low_rank?;
        let bare = GraphEngine::new(Arc::clone(&self.parameters), self.device.clone());
        Some(Box::new(GraphEngine { bare: true, ..bare }))
    }
}

/// Makes the compiler check the engine for dfdx's CUDA device, where nothing else asks for it.
#[cfg(feature = "cuda")]
const _: fn(Arc<Parameters>, dfdx::prelude::Cuda) -> GraphEngine<dfdx::prelude::Cuda> = GraphEngine::new;
#[cfg(feature = "cuda")]
const _: fn(&GraphEngine<dfdx::prelude::Cuda>, &Sequences) -> Result<Live<dfdx::prelude::Cuda>> = Engine::forward;
