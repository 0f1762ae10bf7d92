//! The whole decoder: embedding, layers, last norm and head, forward and backward.

mod states;
mod values;
mod words;

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

/// What went into a layer, and what it left unless it is computed again.
type Kept<T> = (T, Option<LayerTrace<T>>);

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(super) struct Trace<T> {
    layers: Vec<Kept<T>>,
    /// The rows that go through the head, before the last norm.
    hidden: T,
    inverse: T,
    logsumexp: T,
    /// Scores of all words, some of them.
    kept: Option<T>,
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

    /// The same without narrow matrices beside the model's own.
    pub(super) fn bare(weights: &Weights, backend: impl FnOnce(Shape) -> B) -> Self {
        Decoder { backend: backend(shape(&weights.config)), map: Map::bare(weights) }
    }

    /// The log-probability of each scored token; nothing is kept.
    pub(super) fn score(&self, weights: &B::Weights, plan: &Plan) -> Vec<f32> {
        let logp = self.backend.forwards(plan, || self.head(weights, plan, &self.stream(weights, plan), None).0);
        self.backend.download(&logp)
    }

    /// The last layer's result; nothing is kept.
    fn stream(&self, weights: &B::Weights, plan: &Plan) -> B::Buffer {
        let mut x = self.embed(weights, plan);
        for index in 0..self.map.layers.len() {
            let layer = self.layer(index, weights, plan);
            x = layer.attend(x).0;
            drop(layer.feed(&mut x));
        }
        x
    }

    /// The log-probability of each scored token, and what [`Decoder::backward`] needs. If it may `recompute`, that is only
    /// what goes into each layer.
    pub(super) fn forward(&self, weights: &B::Weights, plan: &Plan, recompute: bool) -> (Vec<f32>, Trace<B::Buffer>) {
        let (logp, trace) = self.backend.forwards(plan, || {
            let (stream, layers) = self.traced(weights, plan, recompute);
            let mut kept = self.backend.kept(plan.rows.len(), &self.map.head);
            let (logp, [hidden, inverse, logsumexp]) = self.head(weights, plan, &stream, kept.as_deref_mut());
            (logp, Trace { layers, hidden, inverse, logsumexp, kept })
        });
        (self.backend.download(&logp), trace)
    }

    /// The last layer's result, and what each layer's backward pass needs.
    fn traced(&self, weights: &B::Weights, plan: &Plan, recompute: bool) -> (B::Buffer, Vec<Kept<B::Buffer>>) {
        let mut stream = self.embed(weights, plan);
        let mut layers = Vec::with_capacity(self.map.layers.len());
        for index in 0..self.map.layers.len() {
            let layer = self.layer(index, weights, plan);
            let (after, trace) = layer.forward(self.backend.copy(&stream));
            // The last is the first to be asked for.
            let kept = if recompute && !layer.last { None } else { Some(trace) };
            layers.push((std::mem::replace(&mut stream, after), kept));
        }
        (stream, layers)
    }

    /// Adds to the gradient of all weights, from the gradient of the log-probabilities.
    pub(super) fn backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        mut trace: Trace<B::Buffer>,
        upstream: &[f32],
    ) {
        self.backend.backwards(|| {
            let d_x = self.head_backward(weights, gradient, plan, &mut trace, upstream);
            drop(trace.kept);
            self.layers_backward(weights, gradient, plan, trace.layers, d_x);
        });
    }

    /// From the gradient of the last layer's result.
    fn layers_backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        layers: Vec<Kept<B::Buffer>>,
        mut d_x: B::Buffer,
    ) {
        for (index, (x, kept)) in layers.into_iter().enumerate().rev() {
            let layer = self.layer(index, weights, plan);
            let kept = kept.unwrap_or_else(|| layer.again(self.backend.copy(&x)));
            d_x = layer.backward(d_x, gradient, &x, kept);
        }
        if self.map.whole {
            self.backend.embed_backward(gradient, &d_x, plan, &self.map.embedding);
        }
    }

    pub(super) fn embed(&self, weights: &B::Weights, plan: &Plan) -> B::Buffer {
        self.backend.expect(plan.tokens.len());
        let mut x = self.backend.buffer(plan.tokens.len() * self.backend.shape().hidden);
        self.backend.embed(&mut x, plan, part(weights, &self.map.embedding));
        x
    }

    pub(super) fn layer<'a>(&'a self, index: usize, weights: &'a B::Weights, plan: &'a Plan) -> Layer<'a, B> {
        let last = index + 1 == self.map.layers.len();
        Layer { backend: &self.backend, weights, map: &self.map.layers[index], plan, whole: self.map.whole, last }
    }

    /// Log-probabilities of the scored tokens, with the rows they come from, those rows' inverse and logarithms.
    fn head(
        &self,
        weights: &B::Weights,
        plan: &Plan,
        x: &B::Slice,
        kept: Option<&mut B::Slice>,
    ) -> (B::Buffer, [B::Buffer; 3]) {
        let [hidden, inverse, normed] = self.scored_rows(weights, plan, x);
        let (backend, rows) = (&self.backend, plan.rows.len());
        let (mut logp, mut logsumexp) = (backend.exact(rows), backend.exact(rows));
        backend.head(&mut logp, &mut logsumexp, kept, &normed, plan, part(weights, &self.map.head));
        (logp, [hidden, inverse, logsumexp])
    }

    /// The rows that scored tokens are predicted from, the inverse of each and the rows after the last norm.
    fn scored_rows(&self, weights: &B::Weights, plan: &Plan, x: &B::Slice) -> [B::Buffer; 3] {
        let (backend, rows) = (&self.backend, plan.rows.len());
        let width = backend.shape().hidden;
        let mut hidden = backend.buffer(rows * width);
        backend.pick(&mut hidden, x, &plan.rows);
        let mut normed = backend.buffer(rows * width);
        let mut inverse = backend.exact(rows);
        backend.norm(&mut normed, &mut inverse, &hidden, part(weights, &self.map.norm));
        [hidden, inverse, normed]
    }

    /// The gradient of the last layer's result, which is wanted rows.
    fn head_backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: &mut Trace<B::Buffer>,
        upstream: &[f32],
    ) -> B::Buffer {
        let (backend, rows) = (&self.backend, plan.rows.len());
        let width = backend.shape().hidden;
        let mut normed = backend.buffer(rows * width);
        backend.norm_again(&mut normed, &trace.hidden, &trace.inverse, part(weights, &self.map.norm));
        let mut d_normed = backend.buffer(rows * width);
        let (upstream, head) = (backend.upload_exact(upstream), part(weights, &self.map.head));
        let trained = self.map.whole.then_some(&mut *gradient);
        let kept = trace.kept.as_deref_mut();
        backend.head_backward(&mut d_normed, trained, &upstream, &trace.logsumexp, kept, &normed, plan, head);
        self.scored_rows_backward(weights, gradient, plan, [&trace.hidden, &trace.inverse], &d_normed)
    }

    /// The gradient of the last layer's result from that of the scored rows after the last norm.
    fn scored_rows_backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        [hidden, inverse]: [&B::Slice; 2],
        d_normed: &B::Slice,
    ) -> B::Buffer {
        let (backend, rows) = (&self.backend, plan.rows.len());
        let width = backend.shape().hidden;
        let mut d_hidden = backend.zeros(rows * width);
        let norm = part(weights, &self.map.norm);
        let trained = self.map.whole.then_some(gradient);
        backend.norm_backward(&mut d_hidden, trained, d_normed, hidden, inverse, norm);
        let mut d_x = backend.zeros(plan.wanted.len() * width);
        backend.pick_backward(&mut d_x, &d_hidden, &plan.rows);
        d_x
    }
}

pub(super) fn part<'a, S: ?Sized>(all: &'a S, range: &'a Range<usize>) -> Part<'a, S> {
    Part { all, range }
}
