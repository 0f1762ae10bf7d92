//! The whole decoder: embedding, layers, last norm and head, forward and backward.

mod states;
mod values;
mod words;

use super::{
    backend::{Backend, Part, Shape},
    layer::{Layer, LayerTrace},
    map::Map,
    plan::{Plan, Scored},
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

/// What all layers leave for the pass back through them.
#[derive(Debug)]
pub(super) struct Trunk<T> {
    layers: Vec<Kept<T>>,
    /// The rows that go through the head, before the last norm.
    hidden: T,
    inverse: T,
}

/// What the head leaves for its backward pass.
#[derive(Debug)]
pub(super) struct Head<T> {
    logsumexp: T,
    /// Scores of all words, some of them.
    kept: Option<T>,
}

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(super) struct Trace<T> {
    trunk: Trunk<T>,
    normed: T,
    head: Head<T>,
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
        let logp = self.backend.forwards(plan, || {
            let [_, _, normed] = self.scored_rows(weights, plan, &self.stream(weights, plan));
            let [logp, _] = self.taken(weights, &plan.scored(), &normed, None);
            logp
        });
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
            let (trunk, normed) = self.trunk(weights, plan, recompute);
            let (logp, head) = self.head(weights, &plan.scored(), &normed);
            (logp, Trace { trunk, normed, head })
        });
        (self.backend.download(&logp), trace)
    }

    /// All layers: the row of each scored token after the last norm, and what [`Decoder::trunk_backward`] needs.
    pub(super) fn trunk(&self, weights: &B::Weights, plan: &Plan, recompute: bool) -> (Trunk<B::Buffer>, B::Buffer) {
        let mut stream = self.embed(weights, plan);
        let mut layers = Vec::with_capacity(self.map.layers.len());
        for index in 0..self.map.layers.len() {
            let layer = self.layer(index, weights, plan);
            let (after, trace) = layer.forward(self.backend.copy(&stream));
            // The last is the first to be asked for.
            let kept = if recompute && !layer.last { None } else { Some(trace) };
            layers.push((std::mem::replace(&mut stream, after), kept));
        }
        let [hidden, inverse, normed] = self.scored_rows(weights, plan, &stream);
        (Trunk { layers, hidden, inverse }, normed)
    }

    /// The log-probabilities of scored tokens from the rows of all of them, and what [`Decoder::head_backward`] needs.
    pub(super) fn head(
        &self,
        weights: &B::Weights,
        scored: &Scored<'_>,
        normed: &B::Slice,
    ) -> (B::Buffer, Head<B::Buffer>) {
        // One room for all groups of a batch, however long each is.
        let mut kept = self.backend.kept(scored.plan.rows.len(), &self.map.head);
        let [logp, logsumexp] = self.taken(weights, scored, normed, kept.as_deref_mut());
        (logp, Head { logsumexp, kept })
    }

    /// Adds to the gradient of all weights, from the gradient of the log-probabilities.
    pub(super) fn backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: Trace<B::Buffer>,
        upstream: &[f32],
    ) {
        self.backend.backwards(|| {
            let Trace { trunk, normed, head } = trace;
            let mut d_normed = self.backend.buffer(plan.rows.len() * self.backend.shape().hidden);
            self.head_backward(weights, gradient, &plan.scored(), &normed, head, upstream, &mut d_normed);
            drop(normed);
            self.trunk_backward(weights, gradient, plan, trunk, d_normed);
        });
    }

    /// Sets the gradient of scored tokens' rows, and adds to that of the head's weights, from that of the log-probabilities.
    #[expect(clippy::too_many_arguments, reason = "a backward pass that leaves its result among others")]
    pub(super) fn head_backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        scored: &Scored<'_>,
        normed: &B::Slice,
        head: Head<B::Buffer>,
        upstream: &[f32],
        d_normed: &mut B::Slice,
    ) {
        let Head { logsumexp, mut kept } = head;
        let (upstream, table) = (self.backend.upload_exact(upstream), part(weights, &self.map.head));
        let (trained, kept) = (self.map.whole.then_some(gradient), kept.as_deref_mut());
        self.backend.head_backward(d_normed, trained, &upstream, &logsumexp, kept, normed, scored, table);
    }

    /// Adds to the gradient of all weights but the head's, from that of the scored tokens' rows after the last norm.
    pub(super) fn trunk_backward(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trunk: Trunk<B::Buffer>,
        d_normed: B::Buffer,
    ) {
        let Trunk { layers, hidden, inverse } = trunk;
        let d_x = self.scored_rows_backward(weights, gradient, plan, [&hidden, &inverse], &d_normed);
        drop((hidden, inverse, d_normed));
        self.layers_backward(weights, gradient, plan, layers, d_x);
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

    /// The log-probabilities of scored tokens, and the logarithms that they come from.
    fn taken(
        &self,
        weights: &B::Weights,
        scored: &Scored<'_>,
        normed: &B::Slice,
        kept: Option<&mut B::Slice>,
    ) -> [B::Buffer; 2] {
        let (backend, count) = (&self.backend, scored.tokens.len());
        let (mut logp, mut logsumexp) = (backend.exact(count), backend.exact(count));
        backend.head(&mut logp, &mut logsumexp, kept, normed, scored, part(weights, &self.map.head));
        [logp, logsumexp]
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
