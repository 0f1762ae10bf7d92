use crate::{
    task,
    vector::{Arithmetic, vectorized},
};
use rayon::prelude::*;

/// `sum(values^2)`.
#[must_use]
pub fn sum_of_squares(values: &[f32]) -> f64 {
    let parts: Vec<f64> = values.par_chunks(task::NUMBERS).map(part).collect();
    parts.into_iter().sum()
}

vectorized! { fn part(values: &[f32]) -> f64 => part_body }

#[inline(always)]
fn part_body<A: Arithmetic>(values: &[f32]) -> f64 {
    let mut lanes = [0.0_f64; 16];
    let (whole, rest) = values.as_chunks::<16>();
    for chunk in whole {
        for i in 0..16 {
            lanes[i] += f64::from(chunk[i]) * f64::from(chunk[i]);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(value) * f64::from(value);
    }
    lanes.into_iter().sum()
}
