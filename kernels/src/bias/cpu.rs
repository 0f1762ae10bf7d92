use crate::task;
use rayon::prelude::*;

/// Adds `bias` to every row of `y`.
///
/// # Panics
/// If `y` is not made of whole rows.
pub fn add(y: &mut [f32], bias: &[f32]) {
    let width = check(y, bias);
    y.par_chunks_mut(task::rows(width) * width).for_each(|y| {
        for row in y.chunks_exact_mut(width) {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
    });
}

/// Adds the gradient with respect to the vector.
///
/// # Panics
/// If `d_y` is not made of whole rows.
pub fn backward(d_bias: &mut [f32], d_y: &[f32]) {
    let width = check(d_y, d_bias);
    let partial = d_y.par_chunks(task::rows(width) * width).map(|d_y| {
        let mut sum = vec![0.0; width];
        for row in d_y.chunks_exact(width) {
            sum.iter_mut().zip(row).for_each(|(sum, d)| *sum += d);
        }
        sum
    });
    task::add_in_order(d_bias, partial);
}

fn check(rows: &[f32], bias: &[f32]) -> usize {
    assert!(!bias.is_empty(), "a row has no numbers");
    assert!(rows.len().is_multiple_of(bias.len()), "rows as wide as the vector");
    bias.len()
}
