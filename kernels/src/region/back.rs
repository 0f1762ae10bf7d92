//! The gradient of one step at some words of a row.

use super::{
    Step,
    step::{WORDS, shares, values},
};
use crate::{
    exp::{exp, sigmoid},
    vector::{Arithmetic, vectorized},
};

/// What a step's gradient is made of.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The values of the steps before it, [`WORDS`] apart.
    pub(super) before: &'a [f32],
    /// Its own.
    pub(super) own: &'a [f32],
    /// The gradient by them; of a [`Step::LogSum`], that by its one number everywhere.
    pub(super) given: &'a [f32],
    /// Through which steps a gradient flows.
    pub(super) moving: &'a [bool],
}

vectorized! {
    /// Adds to the gradient of the steps before this one.
    pub(super) fn back(step: Step, known: Known<'_>, d_before: &mut [f32]) => back_body
}
vectorized! {
    /// From the gradient by log-probabilities that by scores, in their place: `dz = dy - exp(y) sum(dy)`.
    pub(super) fn by_scores(scores: &mut [f32], d_logp: &[f32], logsumexp: f32, sum: f32) => by_scores_body
}
vectorized! { pub(super) fn add(to: &mut [f32], number: f32) => add_body }
vectorized! { pub(super) fn add_all(to: &mut [f32], from: &[f32]) => add_all_body }

/// No gradient times an infinite slope is no gradient, and neither is an infinite one times no slope.
#[inline(always)]
fn pushed(given: f32, slope: f32) -> f32 {
    if (given == 0.0) | (slope == 0.0) { 0.0 } else { given * slope }
}

impl Known<'_> {
    /// Adds to the gradient of one argument: the slope is by the values of two steps and the result's.
    #[inline(always)]
    fn hand(&self, to: usize, by: [usize; 2], d_before: &mut [f32], slope: impl Fn(f32, f32, f32) -> f32) {
        if !self.moving[to] {
            return;
        }
        let count = self.own.len();
        let (a, b) = (values(self.before, by[0], count), values(self.before, by[1], count));
        let to = &mut d_before[to * WORDS..][..count];
        for ((((to, given), own), a), b) in to.iter_mut().zip(self.given).zip(self.own).zip(a).zip(b) {
            *to += pushed(*given, slope(*a, *b, *own));
        }
    }

    /// To the only argument.
    #[inline(always)]
    fn one(&self, a: usize, d_before: &mut [f32], slope: impl Fn(f32, f32) -> f32) {
        self.hand(a, [a, a], d_before, |a, _, y| slope(a, y));
    }
}

#[inline(always)]
fn back_body<A: Arithmetic>(step: Step, known: Known<'_>, d: &mut [f32]) {
    let pick = |yes: bool| if yes { 1.0 } else { 0.0 };
    match step {
        Step::Policy(_) | Step::Given(_) | Step::Number(_) | Step::Positive(_) | Step::Still(_) | Step::Top(..) => {}
        Step::Plus(a, b) => {
            known.one(a, d, |_, _| 1.0);
            known.one(b, d, |_, _| 1.0);
        }
        Step::Minus(a, b) => {
            known.one(a, d, |_, _| 1.0);
            known.one(b, d, |_, _| -1.0);
        }
        Step::Times(a, b) => {
            known.hand(a, [a, b], d, |_, b, _| b);
            known.hand(b, [a, b], d, |a, _, _| a);
        }
        Step::Over(a, b) => {
            known.hand(a, [a, b], d, |_, b, _| 1.0 / b);
            known.hand(b, [a, b], d, |_, b, y| -y / b);
        }
        Step::Smaller(a, b) => {
            known.hand(a, [a, b], d, |a, b, _| 1.0 - pick(b < a));
            known.hand(b, [a, b], d, |a, b, _| pick(b < a));
        }
        Step::Larger(a, b) => {
            known.hand(a, [a, b], d, |a, b, _| 1.0 - pick(b > a));
            known.hand(b, [a, b], d, |a, b, _| pick(b > a));
        }
        Step::Clip(a, low, high) => known.one(a, d, |a, _| pick((a >= low) & (a <= high))),
        Step::Negative(a) => known.one(a, d, |_, _| -1.0),
        Step::Exponential(a) => known.one(a, d, |_, y| y),
        Step::Logarithm(a) => known.one(a, d, |a, _| 1.0 / a),
        Step::Magnitude(a) => known.one(a, d, |a, _| pick(a > 0.0) - pick(a < 0.0)),
        Step::Logistic(a) => known.one(a, d, |a, y| y * sigmoid::<A>(-a)),
        Step::LogLogistic(a) => known.one(a, d, |a, _| sigmoid::<A>(-a)),
        Step::Square(a) => known.one(a, d, |a, _| 2.0 * a),
        Step::Root(a) => known.one(a, d, |_, y| 0.5 / y),
        Step::LogComplement(a) => known.one(a, d, |a, _| (-1.0 / (-f64::from(a)).exp_m1()) as f32),
        Step::Choose(a, b, c) => {
            known.hand(b, [a, a], d, |a, _, _| pick(a > 0.0));
            known.hand(c, [a, a], d, |a, _, _| 1.0 - pick(a > 0.0));
        }
        Step::Mixture(a, b, share) => {
            let [more_a, more_b] = shares(share);
            known.one(a, d, |a, y| exp::<A>(more_a + a - y));
            known.one(b, d, |b, y| exp::<A>(more_b + b - y));
        }
        Step::LogSum(a, b) => {
            known.hand(a, [a, b], d, |a, w, y| if w == 0.0 { 0.0 } else { w * exp::<A>(a - y) });
        }
        Step::Kept(a, b) => known.hand(b, [a, a], d, |a, _, _| pick(a != 0.0)),
    }
}

#[inline(always)]
fn by_scores_body<A: Arithmetic>(scores: &mut [f32], d_logp: &[f32], logsumexp: f32, sum: f32) {
    scores.iter_mut().zip(d_logp).for_each(|(z, d)| *z = A::mul_add(-sum, exp::<A>(*z - logsumexp), *d));
}

#[inline(always)]
fn add_body<A: Arithmetic>(to: &mut [f32], number: f32) {
    to.iter_mut().for_each(|to| *to += number);
}

#[inline(always)]
fn add_all_body<A: Arithmetic>(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}
