//! Scores of a block to probabilities, and gradients of probabilities to those of scores. Rows are worked on in whole panels, with
//! what they do not see at minus infinity, so that no number is left over for a slow loop.

use super::block::Columns;
use crate::{
    exp::{exp, exp_of_score},
    matrix::COLUMNS,
    vector::{Arithmetic, LANES, dot, sum_lanes, vectorized},
};

vectorized! {
    /// Multiplies all.
    pub(super) fn scale(values: &mut [f32], factor: f32) => scale_body
}

#[inline(always)]
fn scale_body<A: Arithmetic>(values: &mut [f32], factor: f32) {
    values.iter_mut().for_each(|value| *value *= factor);
}

/// The panels of a row that it sees something of, with minus infinity where it does not.
#[inline(always)]
fn covered(scores: &mut [f32], row: usize, columns: Columns) -> &mut [[f32; COLUMNS]] {
    for gap in columns.gaps() {
        scores[gap].fill(f32::NEG_INFINITY);
    }
    let seen = columns.seen(row);
    let whole = seen.next_multiple_of(COLUMNS);
    scores[seen..whole].fill(f32::NEG_INFINITY);
    scores[..whole].as_chunks_mut::<COLUMNS>().0
}

/// Zeros where a row does not see.
#[inline(always)]
fn hide(scores: &mut [f32], row: usize, columns: Columns) {
    for gap in columns.gaps() {
        scores[gap].fill(0.0);
    }
    scores[columns.seen(row)..columns.end].fill(0.0);
}

vectorized! {
    /// Turns scores into `exp(score - highest)` of the keys each row sees, and 0 of those it does not; `sums` receives their sums.
    pub(super) fn soften(scores: &mut [f32], columns: Columns, highest: &mut [f32], sums: &mut [f32]) => soften_body
}

#[inline(always)]
fn soften_body<A: Arithmetic>(scores: &mut [f32], columns: Columns, highest: &mut [f32], sums: &mut [f32]) {
    let rows = scores.chunks_mut(columns.apart).zip(highest).zip(sums).enumerate();
    for (row, ((scores, highest), sum)) in rows {
        let panels = covered(scores, row, columns);
        let mut lanes = [f32::NEG_INFINITY; COLUMNS];
        for panel in panels.iter() {
            for i in 0..COLUMNS {
                lanes[i] = if panel[i] > lanes[i] { panel[i] } else { lanes[i] };
            }
        }
        let shift = across(lanes, |a, b| if a > b { a } else { b });
        let mut lanes = [0.0; COLUMNS];
        for panel in panels {
            for i in 0..COLUMNS {
                panel[i] = exp_of_score::<A>(panel[i] - shift);
                lanes[i] += panel[i];
            }
        }
        *highest = shift;
        *sum = across(lanes, |a, b| a + b);
        hide(scores, row, columns);
    }
}

/// All lanes in one, pairwise.
#[inline(always)]
fn across(mut lanes: [f32; COLUMNS], both: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = COLUMNS / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = both(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

vectorized! {
    /// Turns scores into the probabilities they had in the forward pass.
    pub(super) fn probabilities(scores: &mut [f32], columns: Columns, logsumexp: &[f32]) => probabilities_body
}

#[inline(always)]
fn probabilities_body<A: Arithmetic>(scores: &mut [f32], columns: Columns, logsumexp: &[f32]) {
    for (row, (scores, &logsumexp)) in scores.chunks_mut(columns.apart).zip(logsumexp).enumerate() {
        for panel in covered(scores, row, columns) {
            panel.iter_mut().for_each(|s| *s = exp_of_score::<A>(*s - logsumexp));
        }
        hide(scores, row, columns);
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
    /// `dS = P * (dP - sum(dO * O))`, in the place of `dP`; 0 where a row does not see.
    pub(super) fn score_gradient(d_p: &mut [f32], p: &[f32], columns: Columns, along: &[f32]) => score_gradient_body
}

#[inline(always)]
fn score_gradient_body<A: Arithmetic>(d_p: &mut [f32], p: &[f32], columns: Columns, along: &[f32]) {
    let rows = d_p.chunks_mut(columns.apart).zip(p.chunks(columns.apart)).zip(along).enumerate();
    for (row, ((d_p, p), &along)) in rows {
        let whole = columns.seen(row).next_multiple_of(COLUMNS);
        for (d_p, p) in d_p[..whole].as_chunks_mut::<COLUMNS>().0.iter_mut().zip(p.as_chunks::<COLUMNS>().0) {
            d_p.iter_mut().zip(p).for_each(|(d, p)| *d = p * (*d - along));
        }
        d_p[whole..columns.end].fill(0.0);
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
    // As many as the others, since one after another they would take longer; those that are not there add 0.
    let mut padded = [f32::NEG_INFINITY; LANES];
    padded[..rest.len()].copy_from_slice(rest);
    for i in 0..LANES {
        padded[i] = exp::<A>(padded[i] - shift);
        lanes[i] += padded[i];
    }
    rest.copy_from_slice(&padded[..rest.len()]);
    sum_lanes(lanes)
}
