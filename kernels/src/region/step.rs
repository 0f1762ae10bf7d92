//! One step at some words of a row.

use super::{Step, top::Limit};
use crate::{
    exp::{exp, sigmoid},
    logarithm::{ln, ln_one_and},
    vector::{Arithmetic, LANES, sum_lanes, vectorized},
};

/// Words at a time: the values of a dozen steps and their gradients then lie in the nearest cache.
pub(super) const WORDS: usize = 512;

vectorized! {
    /// The value of a step from those of the steps before it, which lie [`WORDS`] apart. What a row's number is has none.
    pub(super) fn run(step: Step, before: &[f32], out: &mut [f32]) => run_body
}
vectorized! { pub(super) fn run_mark(out: &mut [f32], of: &[f32], limit: Limit, first: usize) => run_mark_body }
vectorized! { pub(super) fn run_less(out: &mut [f32], of: &[f32], less: f32) => run_less_body }
vectorized! { pub(super) fn total(of: &[f32]) -> f32 => total_body }
vectorized! {
    /// `sum(exp(x - highest))`
    pub(super) fn grown(of: &[f32], highest: f32) -> f32 => grown_body
}
vectorized! { pub(super) fn highest_kept(of: &[f32], weights: &[f32]) -> f32 => highest_kept_body }
vectorized! { pub(super) fn weighed(of: &[f32], weights: &[f32], highest: f32) -> f32 => weighed_body }

/// The values of an earlier step.
#[inline(always)]
pub(super) fn values(before: &[f32], step: usize, count: usize) -> &[f32] {
    &before[step * WORDS..][..count]
}

#[inline(always)]
fn one(before: &[f32], a: usize, out: &mut [f32], f: impl Fn(f32) -> f32) {
    let a = values(before, a, out.len());
    out.iter_mut().zip(a).for_each(|(out, a)| *out = f(*a));
}

#[inline(always)]
fn two(before: &[f32], [a, b]: [usize; 2], out: &mut [f32], f: impl Fn(f32, f32) -> f32) {
    let (a, b) = (values(before, a, out.len()), values(before, b, out.len()));
    out.iter_mut().zip(a).zip(b).for_each(|((out, a), b)| *out = f(*a, *b));
}

/// `ln(1 / (1 + exp(-x)))`
#[inline(always)]
fn log_logistic<A: Arithmetic>(x: f32) -> f32 {
    let below = if x < 0.0 { x } else { 0.0 };
    below - ln_one_and::<A>(exp::<A>(-x.abs()))
}

/// The logarithms of a share and of what it leaves.
#[inline(always)]
pub(crate) fn shares(share: f32) -> [f32; 2] {
    [f64::from(share).ln() as f32, (1.0 - f64::from(share)).ln() as f32]
}

#[inline(always)]
fn run_body<A: Arithmetic>(step: Step, before: &[f32], out: &mut [f32]) {
    match step {
        // These are the row's to fill in.
        Step::Policy(_) | Step::Given(_) | Step::Number(_) | Step::LogSum(..) | Step::Top(..) => {}
        Step::Plus(a, b) => two(before, [a, b], out, |a, b| a + b),
        Step::Minus(a, b) => two(before, [a, b], out, |a, b| a - b),
        Step::Times(a, b) => two(before, [a, b], out, |a, b| a * b),
        Step::Over(a, b) => two(before, [a, b], out, |a, b| a / b),
        Step::Smaller(a, b) => two(before, [a, b], out, |a, b| if b < a { b } else { a }),
        Step::Larger(a, b) => two(before, [a, b], out, |a, b| if b > a { b } else { a }),
        Step::Clip(a, low, high) => one(before, a, out, |a| {
            let a = if a < low { low } else { a };
            if a > high { high } else { a }
        }),
        Step::Negative(a) => one(before, a, out, |a| -a),
        Step::Exponential(a) => one(before, a, out, exp::<A>),
        Step::Logarithm(a) => one(before, a, out, ln::<A>),
        Step::Magnitude(a) => one(before, a, out, f32::abs),
        Step::Logistic(a) => one(before, a, out, sigmoid::<A>),
        Step::LogLogistic(a) => one(before, a, out, log_logistic::<A>),
        Step::Square(a) => one(before, a, out, |a| a * a),
        Step::Root(a) => one(before, a, out, f32::sqrt),
        // Seldom asked for, and hard to get right at both ends: in f64, a number at a time.
        Step::LogComplement(a) => one(before, a, out, |a| (-f64::from(a).exp_m1()).ln() as f32),
        Step::Positive(a) => one(before, a, out, |a| if a > 0.0 { 1.0 } else { 0.0 }),
        Step::Still(a) => one(before, a, out, |a| a),
        Step::Choose(a, b, c) => {
            let (b, c) = (values(before, b, out.len()), values(before, c, out.len()));
            let a = values(before, a, out.len());
            out.iter_mut().zip(a).zip(b).zip(c).for_each(|(((out, a), b), c)| *out = if *a > 0.0 { *b } else { *c });
        }
        Step::Mixture(a, b, share) => {
            let [more_a, more_b] = shares(share);
            two(before, [a, b], out, |a, b| {
                let (a, b) = (a + more_a, b + more_b);
                let larger = if b > a { b } else { a };
                larger + ln_one_and::<A>(exp::<A>(-(a - b).abs()))
            });
        }
        Step::Kept(a, b) => two(before, [a, b], out, |a, b| if a == 0.0 { 0.0 } else { b }),
    }
}

#[inline(always)]
fn run_mark_body<A: Arithmetic>(out: &mut [f32], of: &[f32], limit: Limit, first: usize) {
    let first = first as u32;
    for (i, (out, &of)) in out.iter_mut().zip(of).enumerate() {
        let kept = (of > limit.value) | ((of == limit.value) & (first + i as u32 <= limit.place));
        *out = if kept { 1.0 } else { 0.0 };
    }
}

#[inline(always)]
fn run_less_body<A: Arithmetic>(out: &mut [f32], of: &[f32], less: f32) {
    out.iter_mut().zip(of).for_each(|(out, of)| *out = of - less);
}

#[inline(always)]
fn total_body<A: Arithmetic>(of: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = of.as_chunks::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            lanes[i] += chunk[i];
        }
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane += x);
    sum_lanes(lanes)
}

#[inline(always)]
fn grown_body<A: Arithmetic>(of: &[f32], highest: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let (whole, rest) = of.as_chunks::<LANES>();
    for chunk in whole {
        for i in 0..LANES {
            lanes[i] += exp::<A>(chunk[i] - highest);
        }
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, x)| *lane += exp::<A>(*x - highest));
    sum_lanes(lanes)
}

#[inline(always)]
fn highest_kept_body<A: Arithmetic>(of: &[f32], weights: &[f32]) -> f32 {
    let kept = of.iter().zip(weights).map(|(x, w)| if *w == 0.0 { f32::NEG_INFINITY } else { *x });
    kept.fold(f32::NEG_INFINITY, |highest, x| if x > highest { x } else { highest })
}

/// `sum(w exp(x - highest))` where there is a weight.
#[inline(always)]
fn weighed_body<A: Arithmetic>(of: &[f32], weights: &[f32], highest: f32) -> f32 {
    let mut lanes = [0.0; LANES];
    let ((whole, rest), (whole_weights, rest_weights)) = (of.as_chunks::<LANES>(), weights.as_chunks::<LANES>());
    let each = |x: f32, w: f32| if w == 0.0 { 0.0 } else { w * exp::<A>(x - highest) };
    for (x, w) in whole.iter().zip(whole_weights) {
        for i in 0..LANES {
            lanes[i] += each(x[i], w[i]);
        }
    }
    lanes.iter_mut().zip(rest.iter().zip(rest_weights)).for_each(|(lane, (x, w))| *lane += each(*x, *w));
    sum_lanes(lanes)
}
