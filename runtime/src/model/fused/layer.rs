//! The two halves of a layer, each `x += half(norm(x))`, forward and backward.

use super::{
    backend::{Backend, Part, Write},
    map::LayerMap,
    plan::Plan,
};
use std::ops::Range;

/// What attention leaves for its backward pass.
#[derive(Debug)]
pub(super) struct AttentionTrace<T> {
    inverse: T,
    /// Queries and keys turned by their positions.
    pub(super) qkv: T,
    out: T,
    logsumexp: T,
}

/// What the feed-forward half leaves for its backward pass.
#[derive(Debug)]
pub(super) struct FeedTrace<T> {
    inverse: T,
    gate_up: T,
}

/// The weights, and where those of one layer lie.
pub(super) struct Layer<'a, B: Backend> {
    pub(super) backend: &'a B,
    pub(super) weights: &'a B::Slice,
    pub(super) map: &'a LayerMap,
    pub(super) plan: &'a Plan,
}

impl<'a, B: Backend> Layer<'a, B> {
    fn rows(&self) -> usize {
        self.plan.tokens.len()
    }

    fn part(&self, range: &'a Range<usize>) -> Part<'a, B::Slice> {
        Part { all: self.weights, range }
    }

    /// `x += attention(norm(x))`.
    pub(super) fn attend(&self, x: &mut B::Slice) -> AttentionTrace<B::Buffer> {
        let Layer { backend, weights, map, plan } = self;
        let (rows, heads) = (self.rows(), backend.shape().heads);
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        let mut inverse = backend.buffer(rows);
        backend.norm(&mut normed, &mut inverse, x, self.part(&map.attention_norm));
        let mut qkv = backend.buffer(rows * heads.row());
        backend.linear(&mut qkv, Write::Set, &normed, weights, &map.qkv);
        drop(normed);
        backend.rotate(&mut qkv, plan);
        let mut out = backend.buffer(rows * heads.out());
        let mut logsumexp = backend.buffer(rows * heads.query);
        backend.attention(&mut out, &mut logsumexp, &qkv, plan);
        backend.linear(x, Write::Add, &out, weights, &map.o);
        AttentionTrace { inverse, qkv, out, logsumexp }
    }

    /// Turns `d_x`, the gradient of the result, into that of the input `x`.
    pub(super) fn attend_backward(
        &self,
        d_x: &mut B::Slice,
        gradient: &mut B::Slice,
        x: &B::Slice,
        trace: AttentionTrace<B::Buffer>,
    ) {
        let Layer { backend, weights, map, plan } = self;
        let (rows, heads) = (self.rows(), backend.shape().heads);
        let AttentionTrace { inverse, qkv, out, logsumexp } = trace;
        backend.linear_weight(gradient, d_x, &out, &map.o);
        let mut d_out = backend.buffer(rows * heads.out());
        backend.linear_input(&mut d_out, d_x, weights, &map.o);
        let mut d_qkv = backend.buffer(rows * heads.row());
        backend.attention_backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, plan);
        drop((d_out, out, logsumexp, qkv));
        backend.rotate_back(&mut d_qkv, plan);
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        backend.norm_again(&mut normed, x, &inverse, self.part(&map.attention_norm));
        backend.linear_weight(gradient, &d_qkv, &normed, &map.qkv);
        let mut d_normed = normed;
        backend.linear_input(&mut d_normed, &d_qkv, weights, &map.qkv);
        backend.norm_backward(d_x, gradient, &d_normed, x, &inverse, self.part(&map.attention_norm));
    }

    /// `x += down(silu(gate) * up)` of `norm(x)`.
    pub(super) fn feed(&self, x: &mut B::Slice) -> FeedTrace<B::Buffer> {
        let Layer { backend, weights, map, .. } = self;
        let rows = self.rows();
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        let mut inverse = backend.buffer(rows);
        backend.norm(&mut normed, &mut inverse, x, self.part(&map.feed_norm));
        let mut gate_up = backend.buffer(rows * 2 * backend.shape().intermediate);
        backend.linear(&mut gate_up, Write::Set, &normed, weights, &map.gate_up);
        drop(normed);
        let mut gated = backend.buffer(rows * backend.shape().intermediate);
        backend.gate(&mut gated, &gate_up);
        backend.linear(x, Write::Add, &gated, weights, &map.down);
        FeedTrace { inverse, gate_up }
    }

    /// Turns `d_x`, the gradient of the result, into that of the input `x`.
    pub(super) fn feed_backward(
        &self,
        d_x: &mut B::Slice,
        gradient: &mut B::Slice,
        x: &B::Slice,
        trace: FeedTrace<B::Buffer>,
    ) {
        let Layer { backend, weights, map, .. } = self;
        let rows = self.rows();
        let FeedTrace { inverse, gate_up } = trace;
        let mut d_gated = backend.buffer(rows * backend.shape().intermediate);
        backend.linear_input(&mut d_gated, d_x, weights, &map.down);
        let mut d_gate_up = gate_up;
        backend.gate_backward(&mut d_gate_up, &mut d_gated);
        let gated = d_gated;
        backend.linear_weight(gradient, d_x, &gated, &map.down);
        drop(gated);
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        backend.norm_again(&mut normed, x, &inverse, self.part(&map.feed_norm));
        backend.linear_weight(gradient, &d_gate_up, &normed, &map.gate_up);
        let mut d_normed = normed;
        backend.linear_input(&mut d_normed, &d_gate_up, weights, &map.gate_up);
        backend.norm_backward(d_x, gradient, &d_normed, x, &inverse, self.part(&map.feed_norm));
    }
}
