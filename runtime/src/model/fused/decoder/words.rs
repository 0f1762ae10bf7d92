//! The head with the log-probabilities of all words: the whole matrix of scored tokens and words, for losses that ask for
//! it. With `z` a token's scores and `g` the gradient of their log-softmax `y`: `dz = g - exp(y) sum(g)`.

use super::super::{
    backend::{Backend, Write},
    map::Projection,
    plan::Plan,
};
use super::{Decoder, Trunk, part};
use rayon::prelude::*;

/// What a forward pass leaves for its backward pass.
#[derive(Debug)]
pub(in super::super) struct WordTrace<T> {
    trunk: Trunk<T>,
    /// The log-probabilities themselves.
    words: Vec<f32>,
}

impl<B: Backend> Decoder<B> {
    /// The log-probabilities of all words at each scored token; nothing is kept.
    pub(in super::super) fn score_words(&self, weights: &B::Weights, plan: &Plan) -> Vec<f32> {
        let [_, _, normed] = self.scored_rows(weights, plan, &self.stream(weights, plan));
        self.words(weights, plan, &normed)
    }

    /// The log-probabilities of all words at each scored token, and what [`Decoder::backward_words`] needs.
    pub(in super::super) fn forward_words(
        &self,
        weights: &B::Weights,
        plan: &Plan,
        recompute: bool,
    ) -> (Vec<f32>, WordTrace<B::Buffer>) {
        let (trunk, normed) = self.trunk(weights, plan, recompute);
        let words = self.words(weights, plan, &normed);
        (words.clone(), WordTrace { trunk, words })
    }

    /// Adds to the gradient of all weights, from the gradient of the log-probabilities.
    pub(in super::super) fn backward_words(
        &self,
        weights: &B::Weights,
        gradient: &mut B::Slice,
        plan: &Plan,
        trace: WordTrace<B::Buffer>,
        mut upstream: Vec<f32>,
    ) {
        let (backend, head) = (&self.backend, self.table());
        upstream.par_chunks_mut(head.out).zip(trace.words.par_chunks(head.out)).for_each(|(g, y)| {
            let sum: f32 = g.iter().sum();
            g.iter_mut().zip(y).for_each(|(g, y)| *g -= y.exp() * sum);
        });
        let d_scores = backend.upload(&upstream);
        let mut normed = backend.buffer(plan.rows.len() * head.inner);
        backend.norm_again(&mut normed, &trace.trunk.hidden, &trace.trunk.inverse, part(weights, &self.map.norm));
        let mut d_normed = backend.buffer(plan.rows.len() * head.inner);
        backend.linear_input(&mut d_normed, &d_scores, weights, &head);
        if self.map.whole {
            backend.linear_weight(gradient, &d_scores, &normed, &head);
        }
        drop((d_scores, normed));
        self.trunk_backward(weights, gradient, plan, trace.trunk, d_normed);
    }

    fn words(&self, weights: &B::Weights, plan: &Plan, normed: &B::Slice) -> Vec<f32> {
        let (backend, head) = (&self.backend, self.table());
        let mut scores = backend.exact(plan.rows.len() * head.out);
        backend.linear(&mut scores, Write::Set, normed, weights, &head);
        let mut words = backend.download(&scores);
        words.par_chunks_mut(head.out).for_each(|row| {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|z| (z - highest).exp()).sum();
            let whole = highest + sum.ln();
            row.iter_mut().for_each(|z| *z -= whole);
        });
        words
    }

    /// The head as a projection from a hidden state to the scores of all words.
    pub(in super::super) fn table(&self) -> Projection {
        let (range, inner) = (self.map.head.clone(), self.backend.shape().hidden);
        Projection { out: range.len() / inner, range, inner }
    }
}
