use super::AdamW;
use crate::{
    task,
    vector::{Arithmetic, vectorized},
};
use rayon::prelude::*;

/// One step: changes the weights and the two running means, which begin as zeros.
///
/// # Panics
/// If the lengths differ.
pub fn update(weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], adam: AdamW) {
    assert_eq!([gradient.len(), first.len(), second.len()], [weights.len(); 3], "one number of each for a weight");
    let factors = Factors::new(adam);
    weights
        .par_chunks_mut(task::NUMBERS)
        .zip(gradient.par_chunks(task::NUMBERS))
        .zip(first.par_chunks_mut(task::NUMBERS))
        .zip(second.par_chunks_mut(task::NUMBERS))
        .for_each(|(((weights, gradient), first), second)| update_part(weights, gradient, first, second, factors));
}

/// What is the same for every weight, worked out in f64.
#[derive(Clone, Copy)]
pub(crate) struct Factors {
    pub(crate) keep_weight: f32,
    pub(crate) keep_first: f32,
    pub(crate) add_first: f32,
    pub(crate) keep_second: f32,
    pub(crate) add_second: f32,
    pub(crate) rate: f32,
    pub(crate) root: f32,
    pub(crate) epsilon: f32,
}

impl Factors {
    pub(crate) fn new(adam: AdamW) -> Self {
        let AdamW { rate, beta1, beta2, epsilon, decay, step, factor } = adam;
        Factors {
            keep_weight: (1.0 - rate * decay) as f32,
            keep_first: beta1 as f32,
            add_first: ((1.0 - beta1) * factor) as f32,
            keep_second: beta2 as f32,
            add_second: ((1.0 - beta2) * factor * factor) as f32,
            rate: (rate / (1.0 - beta1.powf(step as f64))) as f32,
            root: (1.0 / (1.0 - beta2.powf(step as f64)).sqrt()) as f32,
            epsilon: epsilon as f32,
        }
    }
}

vectorized! {
    fn update_part(weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], factors: Factors) => update_body
}

#[inline(always)]
fn update_body<A: Arithmetic>(
    weights: &mut [f32],
    gradient: &[f32],
    first: &mut [f32],
    second: &mut [f32],
    factors: Factors,
) {
    for (((w, &g), m), v) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
        *m = A::mul_add(factors.keep_first, *m, factors.add_first * g);
        *v = A::mul_add(factors.keep_second, *v, factors.add_second * g * g);
        let change = *m / A::mul_add(v.sqrt(), factors.root, factors.epsilon);
        *w = A::mul_add(-factors.rate, change, *w * factors.keep_weight);
    }
}
