//! What the forward and the backward pass do with one block of scores.
//!
//! A block holds the queries of a few neighbouring tokens and of all heads of a group, `(head, token)` by row, against
//! the keys that the last of these tokens sees: those of a shared prefix, and its segment's own up to it.

use super::{Heads, Segment};
use crate::{
    exp::exp,
    matrix::{Matrix, MatrixMut, Threads, Write, multiply},
    vector::{Arithmetic, LANES, dot, maximum, sum_lanes, vectorized},
};
use std::ops::Range;

/// One block's place.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// Rows of keys that all of these queries see; empty where they lie right before `start` and count from there.
    prefix: Range<usize>,
    /// Where the rows begin that they see up to their own.
    start: usize,
    /// The tokens whose queries these are.
    pub(super) queries: Range<usize>,
    /// The key head.
    pub(super) key_head: usize,
}

impl Block {
    /// Tokens for a block: about 128 rows of scores, so that a product of them runs near full speed, but not more than 64
    /// tokens, half of whose keys are hidden on average.
    pub(super) fn tokens(heads: Heads) -> usize {
        (128 / heads.group()).clamp(16, 64)
    }

    /// The blocks of a segment for a key head.
    pub(super) fn of(segment: &Segment, key_head: usize, heads: Heads) -> impl Iterator<Item = Block> + use<> {
        let Segment { prefix, own, queries } = segment.clone();
        let (prefix, start) = if prefix.end == own.start { (0..0, prefix.start) } else { (prefix, own.start) };
        let tokens = Self::tokens(heads);
        queries.clone().step_by(tokens).map(move |first| {
            let queries = first..(first + tokens).min(queries.end);
            Block { prefix: prefix.clone(), start, queries, key_head }
        })
    }

    /// Keys these queries can see, at most.
    pub(super) fn keys(&self) -> usize {
        self.prefix.len() + self.queries.end - self.start
    }

    /// Keys the first of these queries sees.
    pub(super) fn first_sees(&self) -> usize {
        self.prefix.len() + self.queries.start - self.start + 1
    }

    /// The rows of those keys, piece by piece, each with the number of keys before it.
    fn pieces(&self) -> impl Iterator<Item = (usize, Range<usize>)> {
        let own = (self.prefix.len(), self.start..self.queries.end);
        [(0, self.prefix.clone()), own].into_iter().filter(|(_, rows)| !rows.is_empty())
    }

    /// Rows of scores.
    pub(super) fn rows(&self, heads: Heads) -> usize {
        self.queries.len() * heads.group()
    }

    /// `scores = queries headsᵀ`, where `heads` are keys or values that begin at `place` of their row.
    pub(super) fn against(&self, scores: &mut [f32], queries: Matrix<'_>, qkv: &[f32], place: usize, heads: Heads) {
        let keys = self.keys();
        for (before, rows) in self.pieces() {
            let part = MatrixMut::strided(&mut scores[before..], queries.rows, rows.len(), keys);
            multiply(part, Write::Set, queries, head(qkv, &rows, place, heads).transposed(), Threads::One);
        }
    }

    /// `out = weights heads`.
    pub(super) fn weighted(&self, out: &mut [f32], weights: &[f32], qkv: &[f32], place: usize, heads: Heads) {
        let keys = self.keys();
        let count = weights.len() / keys;
        for (i, (before, rows)) in self.pieces().enumerate() {
            let part = Matrix::strided(&weights[before..], count, rows.len(), keys);
            let write = if i == 0 { Write::Set } else { Write::Add };
            let out = MatrixMut::new(out, count, heads.width);
            multiply(out, write, part, head(qkv, &rows, place, heads), Threads::One);
        }
    }

    /// `d_heads += weightsᵀ upstream`; `d_heads` has rows of a head's width and begins with row `first`.
    pub(super) fn spread(&self, d_heads: &mut [f32], first: usize, weights: &[f32], upstream: Matrix<'_>) {
        let (keys, width) = (self.keys(), upstream.columns);
        for (before, rows) in self.pieces() {
            let part = Matrix::strided(&weights[before..], upstream.rows, rows.len(), keys);
            let d_heads = &mut d_heads[(rows.start - first) * width..];
            let d_heads = MatrixMut::new(d_heads, rows.len(), width);
            multiply(d_heads, Write::Add, part.transposed(), upstream, Threads::One);
        }
    }

    /// Copies this block's heads out of rows of `stride` numbers, `(head, token)` by row.
    pub(super) fn gather(&self, to: &mut Vec<f32>, from: &[f32], stride: usize, heads: Heads) {
        to.clear();
        for head in 0..heads.group() {
            let place = heads.queries_of(self.key_head) + head * heads.width;
            for token in self.queries.clone() {
                to.extend_from_slice(&from[token * stride + place..][..heads.width]);
            }
        }
    }
}

/// One head of some rows as a matrix `[rows, width]`.
fn head<'a>(qkv: &'a [f32], rows: &Range<usize>, place: usize, heads: Heads) -> Matrix<'a> {
    Matrix::strided(&qkv[rows.start * heads.row() + place..], rows.len(), heads.width, heads.row())
}

vectorized! {
    /// Multiplies all.
    pub(super) fn scale(values: &mut [f32], factor: f32) => scale_body
}

#[inline(always)]
fn scale_body<A: Arithmetic>(values: &mut [f32], factor: f32) {
    values.iter_mut().for_each(|value| *value *= factor);
}

vectorized! {
    /// Turns scores into `exp(score - highest)` of the keys each row sees, and 0 of those it does not; `sums` receives their sums.
    pub(super) fn soften(scores: &mut [f32], keys: usize, tokens: usize, first_sees: usize, highest: &mut [f32], sums: &mut [f32]) => soften_body
}

#[inline(always)]
fn soften_body<A: Arithmetic>(
    scores: &mut [f32],
    keys: usize,
    tokens: usize,
    first_sees: usize,
    highest: &mut [f32],
    sums: &mut [f32],
) {
    let rows = scores.chunks_exact_mut(keys).zip(highest).zip(sums).enumerate();
    for (row, ((scores, highest), sum)) in rows {
        let (seen, hidden) = scores.split_at_mut(first_sees + row % tokens);
        *highest = maximum(seen);
        *sum = exponentials::<A>(seen, *highest);
        hidden.fill(0.0);
    }
}

vectorized! {
    /// Turns scores into the probabilities they had in the forward pass.
    pub(super) fn probabilities(scores: &mut [f32], keys: usize, tokens: usize, first_sees: usize, logsumexp: &[f32]) => probabilities_body
}

#[inline(always)]
fn probabilities_body<A: Arithmetic>(
    scores: &mut [f32],
    keys: usize,
    tokens: usize,
    first_sees: usize,
    logsumexp: &[f32],
) {
    for (row, (scores, &logsumexp)) in scores.chunks_exact_mut(keys).zip(logsumexp).enumerate() {
        let (seen, hidden) = scores.split_at_mut(first_sees + row % tokens);
        seen.iter_mut().for_each(|s| *s = exp::<A>(*s - logsumexp));
        hidden.fill(0.0);
    }
}

vectorized! {
    /// `sum(a * b)` of each row.
    pub(super) fn row_dots(out: &mut [f32], a: &[f32], b: &[f32], width: usize) => row_dots_body
}

#[inline(always)]
fn row_dots_body<A: Arithmetic>(out: &mut [f32], a: &[f32], b: &[f32], width: usize) {
    for ((out, a), b) in out.iter_mut().zip(a.chunks_exact(width)).zip(b.chunks_exact(width)) {
        *out = dot::<A>(a, b);
    }
}

vectorized! {
    /// `dS = P * (dP - sum(dO * O))`, in the place of `dP`.
    pub(super) fn score_gradient(d_p: &mut [f32], p: &[f32], keys: usize, along: &[f32]) => score_gradient_body
}

#[inline(always)]
fn score_gradient_body<A: Arithmetic>(d_p: &mut [f32], p: &[f32], keys: usize, along: &[f32]) {
    for ((d_p, p), &along) in d_p.chunks_exact_mut(keys).zip(p.chunks_exact(keys)).zip(along) {
        d_p.iter_mut().zip(p).for_each(|(d, p)| *d = p * (*d - along));
    }
}

/// In place `exp(value - shift)`; answers with their sum.
#[inline(always)]
pub(super) fn exponentials<A: Arithmetic>(values: &mut [f32], shift: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = values.as_chunks_mut::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            chunk[i] = exp::<A>(chunk[i] - shift);
            lanes[i] += chunk[i];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *value = exp::<A>(*value - shift);
        *lane += *value;
    }
    sum_lanes(lanes)
}
