//! The whole decoder: embedding, layers, last norm and head, forward and backward.

use super::{
    backend::{Backend, Part, Shape},
    layer::{Layer, LayerTrace},
    map::Map,
    plan::Plan,
};
use crate::model::{ModelConfig, Weights};
use collimate_kernels::attention::Heads;
use std::ops::Range;

/// A decoder on a device. Its weights come with every call: they change from step to step.
#[derive(Debug)]
pub(super) struct Decoder<B> {
    pub(super) backend: B,
    pub(super) map: Map,
}

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(super) struct Trace<T> {
    /// What went into each layer, and what it left unless it is computed again.
    layers: Vec<(T, Option<LayerTrace<T>>)>,
    /// The rows that go through the head, before the last norm.
    hidden: T,
    inverse: T,
    logsumexp: T,
}

/// The part of a model's shape that a backend needs.
pub(super) fn shape(config: &ModelConfig) -> Shape {
    Shape {
        hidden: config.hidden_size,
        intermediate: config.intermediate_size,
        heads: Heads { query: config.num_attention_heads, key: config.num_key_value_heads, width: config.head_dim },
        epsilon: config.rms_norm_eps as f32,
        frequencies: config.rotary_frequencies(),
    }
}

impl<B: Backend> Decoder<B> {
    pub(super) fn new(weights: &Weights, backend: impl FnOnce(Shape) -> B) -> Self {
        Decoder { backend: backend(shape(&weights.config)), map: Map::new(weights) }
    }

    /// The log-probability of each scored token; nothing is kept.
    pub(super) fn score(&self, weights: &B::Slice, plan: &Plan) -> Vec<f32> {
        let mut x = self.embed(weights, plan);
        for index in 0..self.map.layers.len() {
            let layer = self.layer(index, weights, plan);
            x = layer.attend(x).0;
            drop(layer.feed(&mut x));
        }
        self.head(weights, plan, &x).0
    }

    /// The log-probability of each scored token, and what [`Decoder::backward`] needs. If it may `recompute`, that is only
    /// what goes into each layer.
    pub(super) fn forward(&self, weights: &B::Slice, plan: &Plan, recompute: bool) -> (Vec<f32>, Trace<B::Buffer>) {
        let mut stream = self.embed(weights, plan);
        let mut layers = Vec::with_capacity(self.map.layers.len());
        for index in 0..self.map.layers.len() {
            let layer = self.layer(index, weights, plan);
            let (after, trace) = layer.forward(self.backend.copy(&stream));
            // The last is the first to be asked for.
            let kept = if recompute && !layer.last { None } else { Some(trace) };
            layers.push((std::mem::replace(&mut stream, after), kept));
        }
        let (logp, [hidden, inverse, logsumexp]) = self.head(weights, plan, &stream);
        (logp, Trace { layers, hidden, inverse, logsumexp })
    }

    /// Adds to the gradient of all weights, from the gradient of the log-probabilities.
    pub(super) fn backward(
        &self,
        weights: &B::Slice,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: Trace<B::Buffer>,
        upstream: &[f32],
    ) {
        let mut d_x = self.head_backward(weights, gradient, plan, &trace, upstream);
        for (index, (x, kept)) in trace.layers.into_iter().enumerate().rev() {
            let layer = self.layer(index, weights, plan);
            let kept = kept.unwrap_or_else(|| layer.forward(self.backend.copy(&x)).1);
            d_x = layer.backward(d_x, gradient, &x, kept);
        }
        self.backend.embed_backward(gradient, &d_x, plan, &self.map.embedding);
    }

    pub(super) fn embed(&self, weights: &B::Slice, plan: &Plan) -> B::Buffer {
        let mut x = self.backend.buffer(plan.tokens.len() * self.backend.shape().hidden);
        self.backend.embed(&mut x, plan, part(weights, &self.map.embedding));
        x
    }

    pub(super) fn layer<'a>(&'a self, index: usize, weights: &'a B::Slice, plan: &'a Plan) -> Layer<'a, B> {
        let last = index + 1 == self.map.layers.len();
        Layer { backend: &self.backend, weights, map: &self.map.layers[index], plan, last }
    }

    /// Log-probabilities of the scored tokens, with the rows they come from, those rows' inverse and logarithms.
    fn head(&self, weights: &B::Slice, plan: &Plan, x: &B::Slice) -> (Vec<f32>, [B::Buffer; 3]) {
        let (backend, rows) = (&self.backend, plan.rows.len());
        let width = backend.shape().hidden;
        let mut hidden = backend.buffer(rows * width);
        backend.pick(&mut hidden, x, &plan.rows);
        let mut normed = backend.buffer(rows * width);
        let mut inverse = backend.buffer(rows);
        backend.norm(&mut normed, &mut inverse, &hidden, part(weights, &self.map.norm));
        let (mut logp, mut logsumexp) = (backend.buffer(rows), backend.buffer(rows));
        backend.head(&mut logp, &mut logsumexp, &normed, plan, part(weights, &self.map.head));
        (backend.download(&logp), [hidden, inverse, logsumexp])
    }

    /// The gradient of the last layer's result, which is wanted rows.
    fn head_backward(
        &self,
        weights: &B::Slice,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: &Trace<B::Buffer>,
        upstream: &[f32],
    ) -> B::Buffer {
        let (backend, rows) = (&self.backend, plan.rows.len());
        let width = backend.shape().hidden;
        let mut normed = backend.buffer(rows * width);
        backend.norm_again(&mut normed, &trace.hidden, &trace.inverse, part(weights, &self.map.norm));
        let mut d_normed = backend.buffer(rows * width);
        let (upstream, head) = (backend.upload(upstream), part(weights, &self.map.head));
        backend.head_backward(&mut d_normed, gradient, &upstream, &trace.logsumexp, &normed, plan, head);
        let mut d_hidden = backend.zeros(rows * width);
        let norm = part(weights, &self.map.norm);
        backend.norm_backward(&mut d_hidden, gradient, &d_normed, &trace.hidden, &trace.inverse, norm);
        let mut d_x = backend.zeros(plan.wanted.len() * width);
        backend.pick_backward(&mut d_x, &d_hidden, &plan.rows);
        d_x
    }
}

fn part<'a, S: ?Sized>(all: &'a S, range: &'a Range<usize>) -> Part<'a, S> {
    Part { all, range }
}
