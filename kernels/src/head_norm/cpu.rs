use crate::{
    attention::Heads,
    rms_norm, task,
    vector::{Arithmetic, dot, vectorized},
};
use rayon::prelude::*;

/// `y` is `x` with the heads of queries and keys normalised: both of `[rows, heads.row()]`. Keeps the `inverse` of each of them,
/// of `[rows, query + key heads]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(y: &mut [f32], inverse: &mut [f32], x: &[f32], weights: &[f32], heads: Heads, epsilon: f32) {
    check(x, inverse, weights, heads);
    assert_eq!(y.len(), x.len());
    let (width, each, rows) = (heads.row(), heads.query + heads.key, task::rows(heads.row()));
    y.par_chunks_mut(rows * width)
        .zip(inverse.par_chunks_mut(rows * each))
        .zip(x.par_chunks(rows * width))
        .for_each(|((y, inverse), x)| forward_rows(y, inverse, x, weights, heads, epsilon));
}

/// In place: `d`, the gradient of the result, becomes that of `x`, which the forward pass was given. Adds to that of the weights.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(d: &mut [f32], d_weights: &mut [f32], x: &[f32], inverse: &[f32], weights: &[f32], heads: Heads) {
    check(x, inverse, weights, heads);
    assert_eq!((d.len(), d_weights.len()), (x.len(), weights.len()));
    let (width, each, rows) = (heads.row(), heads.query + heads.key, task::rows(heads.row()));
    let partial =
        d.par_chunks_mut(rows * width).zip(x.par_chunks(rows * width)).zip(inverse.par_chunks(rows * each)).map(
            |((d, x), inverse)| {
                let mut d_weights = vec![0.0; weights.len()];
                backward_rows(d, &mut d_weights, x, inverse, weights, heads);
                d_weights
            },
        );
    task::add_in_order(d_weights, partial);
}

fn check(x: &[f32], inverse: &[f32], weights: &[f32], heads: Heads) {
    assert!(heads.width > 0, "a head has no numbers");
    assert_eq!(weights.len(), 2 * heads.width, "a vector for queries and one for keys");
    assert!(x.len().is_multiple_of(heads.row()), "whole rows");
    assert_eq!(inverse.len(), x.len() / heads.row() * (heads.query + heads.key), "one inverse for each head");
}

vectorized! {
    fn forward_rows(y: &mut [f32], inverse: &mut [f32], x: &[f32], weights: &[f32], heads: Heads, epsilon: f32) => forward_body
}
vectorized! {
    fn backward_rows(d: &mut [f32], d_weights: &mut [f32], x: &[f32], inverse: &[f32], weights: &[f32], heads: Heads) => backward_body
}

#[inline(always)]
fn forward_body<A: Arithmetic>(
    y: &mut [f32],
    inverse: &mut [f32],
    x: &[f32],
    weights: &[f32],
    heads: Heads,
    epsilon: f32,
) {
    let (width, each) = (heads.width, heads.query + heads.key);
    let (of_query, of_key) = weights.split_at(width);
    let rows = y.chunks_exact_mut(heads.row()).zip(x.chunks_exact(heads.row()));
    for ((y, x), inverse) in rows.zip(inverse.chunks_exact_mut(each)) {
        let (y, y_values) = y.split_at_mut(each * width);
        let (x, x_values) = x.split_at(each * width);
        y_values.copy_from_slice(x_values);
        let normed = y.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(inverse);
        for (head, ((y, x), inverse)) in normed.enumerate() {
            let weight = if head < heads.query { of_query } else { of_key };
            *inverse = rms_norm::row::<A>(y, x, weight, epsilon);
        }
    }
}

#[inline(always)]
fn backward_body<A: Arithmetic>(
    d: &mut [f32],
    d_weights: &mut [f32],
    x: &[f32],
    inverse: &[f32],
    weights: &[f32],
    heads: Heads,
) {
    let (width, each) = (heads.width, heads.query + heads.key);
    let rows = d.chunks_exact_mut(heads.row()).zip(x.chunks_exact(heads.row())).zip(inverse.chunks_exact(each));
    for ((d, x), inverse) in rows {
        let normed = d.chunks_exact_mut(width).zip(x.chunks_exact(width)).zip(inverse);
        for (head, ((d, x), &r)) in normed.enumerate() {
            let place = if head < heads.query { 0 } else { width };
            let (weight, d_weight) = (&weights[place..place + width], &mut d_weights[place..place + width]);
            // g = w dy, and mean(g n) = r * sum(g x) / width.
            for (((d, x), weight), d_weight) in d.iter_mut().zip(x).zip(weight).zip(d_weight) {
                *d_weight = A::mul_add(*d, x * r, *d_weight);
                *d *= weight;
            }
            let mean = r * dot::<A>(d, x) / width as f32;
            for (d, x) in d.iter_mut().zip(x) {
                *d = r * A::mul_add(-(x * r), mean, *d);
            }
        }
    }
}
