//! The two halves of a layer, each `x += half(norm(x))`, forward and backward.

use super::{
    backend::{Backend, Columns, Part, Write},
    map::{Adapter, LayerMap, Linear},
    plan::Plan,
};
use std::ops::Range;

/// What attention leaves for its backward pass.
#[derive(Debug)]
pub(super) struct AttentionTrace<T> {
    inverse: T,
    /// Queries, keys and values as they were before heads of them were normalised, and the inverse of each head.
    before: Option<[T; 2]>,
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

/// What a layer leaves for its backward pass, besides what went into it.
#[derive(Debug)]
pub(super) struct LayerTrace<T> {
    attention: AttentionTrace<T>,
    /// The residual stream between the two halves.
    middle: T,
    feed: FeedTrace<T>,
}

/// The weights, and where those of one layer lie.
pub(super) struct Layer<'a, B: Backend> {
    pub(super) backend: &'a B,
    pub(super) weights: &'a B::Weights,
    pub(super) map: &'a LayerMap,
    pub(super) plan: &'a Plan,
    /// Are its own weights trained? If not, what lies beside them is.
    pub(super) whole: bool,
    /// Is it the last? Then only the wanted rows go on after its keys and values.
    pub(super) last: bool,
}

impl<'a, B: Backend> Layer<'a, B> {
    fn part(&self, range: &'a Range<usize>) -> Part<'a, B::Weights> {
        Part { all: self.weights, range }
    }

    /// The layer's result, and what [`Layer::backward`] needs.
    pub(super) fn forward(&self, x: B::Buffer) -> (B::Buffer, LayerTrace<B::Buffer>) {
        let (mut x, attention) = self.attend(x);
        let middle = self.backend.copy(&x);
        let feed = self.feed(&mut x);
        (x, LayerTrace { attention, middle, feed })
    }

    /// What [`Layer::forward`] left, again and to the last bit, without the result.
    pub(super) fn again(&self, x: B::Buffer) -> LayerTrace<B::Buffer> {
        let (middle, attention) = self.attend(x);
        let feed = self.widen(&middle);
        LayerTrace { attention, middle, feed }
    }

    /// The gradient of the input `x` from `d_x`, that of the result.
    pub(super) fn backward(
        &self,
        mut d_x: B::Buffer,
        gradient: &mut B::Slice,
        x: &B::Slice,
        trace: LayerTrace<B::Buffer>,
    ) -> B::Buffer {
        self.feed_backward(&mut d_x, gradient, &trace.middle, trace.feed);
        drop(trace.middle);
        self.attend_backward(d_x, gradient, x, trace.attention)
    }

    /// `x + attention(norm(x))` of the rows that go on, which are all but in the last layer.
    pub(super) fn attend(&self, mut x: B::Buffer) -> (B::Buffer, AttentionTrace<B::Buffer>) {
        let Layer { backend, map, plan, last, .. } = self;
        let (rows, heads) = (plan.tokens.len(), backend.shape().heads);
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        let mut inverse = backend.exact(rows);
        backend.norm(&mut normed, &mut inverse, &x, self.part(&map.attention_norm));
        let mut qkv = backend.buffer(rows * heads.row());
        self.linear(&mut qkv, Write::Set, &normed, &map.qkv);
        drop(normed);
        let before = map.head_norms.as_ref().map(|norms| {
            let mut normed = backend.buffer(rows * heads.row());
            let mut inverse = backend.exact(rows * (heads.query + heads.key));
            backend.head_norm(&mut normed, &mut inverse, &qkv, self.part(norms));
            [std::mem::replace(&mut qkv, normed), inverse]
        });
        backend.rotate(&mut qkv, plan);
        let mut out = backend.buffer(rows * heads.out());
        let mut logsumexp = backend.exact(rows * heads.query);
        backend.attention(&mut out, &mut logsumexp, &qkv, plan.segments(*last));
        if *last {
            x = self.wanted(&x, backend.shape().hidden);
            self.linear(&mut x, Write::Add, &self.wanted(&out, heads.out()), &map.o);
        } else {
            self.linear(&mut x, Write::Add, &out, &map.o);
        }
        (x, AttentionTrace { inverse, before, qkv, out, logsumexp })
    }

    /// How many rows go on.
    fn rows_after(&self) -> usize {
        if self.last { self.plan.wanted.len() } else { self.plan.tokens.len() }
    }

    /// Of all rows, `width` numbers each, those that are wanted after the last layer.
    fn wanted(&self, all: &B::Slice, width: usize) -> B::Buffer {
        let mut wanted = self.backend.buffer(self.plan.wanted.len() * width);
        self.backend.pick(&mut wanted, all, &self.plan.wanted);
        wanted
    }

    /// The wanted rows among all, which otherwise are zeros.
    fn among_all(&self, wanted: &B::Slice, width: usize) -> B::Buffer {
        let mut all = self.backend.zeros(self.plan.tokens.len() * width);
        self.backend.pick_backward(&mut all, wanted, &self.plan.wanted);
        all
    }

    /// The gradient of the input `x` from `d_x`, that of the result.
    fn attend_backward(
        &self,
        mut d_x: B::Buffer,
        gradient: &mut B::Slice,
        x: &B::Slice,
        trace: AttentionTrace<B::Buffer>,
    ) -> B::Buffer {
        let Layer { backend, map, plan, last, .. } = self;
        let (rows, heads) = (plan.tokens.len(), backend.shape().heads);
        let AttentionTrace { inverse, before, qkv, out, logsumexp } = trace;
        let between = self.between(&d_x, &map.o);
        let mut d_out;
        if *last {
            self.weight_backward(gradient, &d_x, &between, &self.wanted(&out, heads.out()), &map.o);
            let mut d_wanted = backend.buffer(plan.wanted.len() * heads.out());
            self.input_backward(&mut d_wanted, &d_x, &between, &map.o);
            d_out = self.among_all(&d_wanted, heads.out());
            d_x = self.among_all(&d_x, backend.shape().hidden);
        } else {
            self.weight_backward(gradient, &d_x, &between, &out, &map.o);
            d_out = backend.buffer(rows * heads.out());
            self.input_backward(&mut d_out, &d_x, &between, &map.o);
        }
        drop(between);
        let mut d_qkv = backend.buffer(rows * heads.row());
        backend.attention_backward(&mut d_qkv, &d_out, &out, &logsumexp, &qkv, plan.segments(*last));
        drop((d_out, out, logsumexp, qkv));
        backend.rotate_back(&mut d_qkv, plan);
        if let (Some(norms), Some([qkv, inverse])) = (&map.head_norms, before) {
            let gradient = self.whole.then_some(&mut *gradient);
            backend.head_norm_backward(&mut d_qkv, gradient, &qkv, &inverse, self.part(norms));
        }
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        backend.norm_again(&mut normed, x, &inverse, self.part(&map.attention_norm));
        let between = self.between(&d_qkv, &map.qkv);
        self.weight_backward(gradient, &d_qkv, &between, &normed, &map.qkv);
        let mut d_normed = normed;
        self.input_backward(&mut d_normed, &d_qkv, &between, &map.qkv);
        let gradient = self.whole.then_some(gradient);
        backend.norm_backward(&mut d_x, gradient, &d_normed, x, &inverse, self.part(&map.attention_norm));
        d_x
    }

    /// `x += down(silu(gate) * up)` of `norm(x)`.
    pub(super) fn feed(&self, x: &mut B::Slice) -> FeedTrace<B::Buffer> {
        let Layer { backend, map, .. } = self;
        let trace = self.widen(x);
        let mut gated = backend.buffer(self.rows_after() * backend.shape().intermediate);
        backend.gate(&mut gated, &trace.gate_up);
        self.linear(x, Write::Add, &gated, &map.down);
        trace
    }

    /// Gates and ups of `norm(x)`.
    fn widen(&self, x: &B::Slice) -> FeedTrace<B::Buffer> {
        let Layer { backend, map, .. } = self;
        let rows = self.rows_after();
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        let mut inverse = backend.exact(rows);
        backend.norm(&mut normed, &mut inverse, x, self.part(&map.feed_norm));
        let mut gate_up = backend.buffer(rows * 2 * backend.shape().intermediate);
        self.linear(&mut gate_up, Write::Set, &normed, &map.gate_up);
        FeedTrace { inverse, gate_up }
    }

    /// Turns `d_x`, the gradient of the result, into that of the input `x`.
    fn feed_backward(&self, d_x: &mut B::Slice, gradient: &mut B::Slice, x: &B::Slice, trace: FeedTrace<B::Buffer>) {
        let Layer { backend, map, .. } = self;
        let rows = self.rows_after();
        let FeedTrace { inverse, gate_up } = trace;
        let mut d_gated = backend.buffer(rows * backend.shape().intermediate);
        let between = self.between(d_x, &map.down);
        self.input_backward(&mut d_gated, d_x, &between, &map.down);
        let mut d_gate_up = gate_up;
        backend.gate_backward(&mut d_gate_up, &mut d_gated);
        let gated = d_gated;
        self.weight_backward(gradient, d_x, &between, &gated, &map.down);
        drop((gated, between));
        let mut normed = backend.buffer(rows * backend.shape().hidden);
        backend.norm_again(&mut normed, x, &inverse, self.part(&map.feed_norm));
        let between = self.between(&d_gate_up, &map.gate_up);
        self.weight_backward(gradient, &d_gate_up, &between, &normed, &map.gate_up);
        let mut d_normed = normed;
        self.input_backward(&mut d_normed, &d_gate_up, &between, &map.gate_up);
        let gradient = self.whole.then_some(gradient);
        backend.norm_backward(d_x, gradient, &d_normed, x, &inverse, self.part(&map.feed_norm));
    }

    /// `y = x Wᵀ + b`, or `y += x Wᵀ + b`, and what lies beside `W`.
    fn linear(&self, y: &mut B::Slice, write: Write, x: &B::Slice, w: &'a Linear) {
        self.backend.linear(y, write, x, self.weights, &w.whole);
        if let Some(bias) = &w.bias {
            self.backend.bias(y, self.part(bias));
        }
        for adapter in &w.adapters {
            let low = self.lowered(x, adapter);
            let columns = adapter.columns(&w.whole);
            self.backend.add_columns(y, &columns, adapter.scale, &low, self.weights, &adapter.b);
        }
    }

    /// `x Aᵀ`.
    fn lowered(&self, x: &B::Slice, adapter: &Adapter) -> B::Buffer {
        let mut low = self.backend.buffer(self.backend.length(x) / adapter.a.inner * adapter.a.out);
        self.backend.linear(&mut low, Write::Set, x, self.weights, &adapter.a);
        low
    }

    /// The gradient between each two narrow matrices: `scale dy B`.
    fn between(&self, d_y: &B::Slice, w: &Linear) -> Vec<B::Buffer> {
        let between = |adapter: &Adapter| {
            let columns = adapter.columns(&w.whole);
            let mut d_low = self.backend.buffer(self.backend.length(d_y) / w.whole.out * adapter.b.inner);
            let (scale, b) = (adapter.scale, &adapter.b);
            self.backend.columns_input(&mut d_low, Write::Set, scale, d_y, &columns, self.weights, b);
            d_low
        };
        w.adapters.iter().map(between).collect()
    }

    /// `dx = dy W`, and what comes through what lies beside `W`.
    fn input_backward(&self, d_x: &mut B::Slice, d_y: &B::Slice, between: &[B::Buffer], w: &Linear) {
        self.backend.linear_input(d_x, d_y, self.weights, &w.whole);
        for (adapter, d_low) in w.adapters.iter().zip(between) {
            let all = Columns { range: 0..adapter.a.out, of: adapter.a.out };
            self.backend.columns_input(d_x, Write::Add, 1.0, d_low, &all, self.weights, &adapter.a);
        }
    }

    /// Adds to the gradient of what is trained: `dyᵀ x` of `W` and the sum of `dy` of `b`, or that of the narrow matrices beside it.
    fn weight_backward(
        &self,
        gradient: &mut B::Slice,
        d_y: &B::Slice,
        between: &[B::Buffer],
        x: &B::Slice,
        w: &Linear,
    ) {
        if self.whole {
            self.backend.linear_weight(gradient, d_y, x, &w.whole);
            if let Some(bias) = &w.bias {
                self.backend.bias_backward(gradient, d_y, bias);
            }
        }
        for (adapter, d_low) in w.adapters.iter().zip(between) {
            let [of_a, of_b] = &adapter.gradient;
            self.backend.linear_weight(gradient, d_low, x, of_a);
            let low = self.lowered(x, adapter);
            let columns = adapter.columns(&w.whole);
            self.backend.columns_weight(gradient, adapter.scale, d_y, &columns, &low, of_b);
        }
    }
}
