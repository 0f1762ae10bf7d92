use crate::{
    task,
    vector::{Arithmetic, LANES, dot, sum_lanes, vectorized},
};
use rayon::prelude::*;

/// `y = weight * x * inverse`, and `inverse` for each row.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(y: &mut [f32], inverse: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) {
    let width = check(x, weight, inverse);
    assert_eq!(y.len(), x.len());
    let rows = task::rows(width);
    y.par_chunks_mut(rows * width)
        .zip(inverse.par_chunks_mut(rows))
        .zip(x.par_chunks(rows * width))
        .for_each(|((y, inverse), x)| forward_rows(y, inverse, x, weight, epsilon));
}

/// `y = weight * x * inverse` with the `inverse` of an earlier [`forward`]: the same `y` to the last bit.
///
/// # Panics
/// If the shapes do not fit.
pub fn apply(y: &mut [f32], x: &[f32], inverse: &[f32], weight: &[f32]) {
    let width = check(x, weight, inverse);
    assert_eq!(y.len(), x.len());
    let rows = task::rows(width);
    y.par_chunks_mut(rows * width)
        .zip(inverse.par_chunks(rows))
        .zip(x.par_chunks(rows * width))
        .for_each(|((y, inverse), x)| apply_rows(y, x, inverse, weight));
}

/// Adds the gradient with respect to `x` and to `weight`.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(d_x: &mut [f32], d_weight: &mut [f32], d_y: &[f32], x: &[f32], inverse: &[f32], weight: &[f32]) {
    let width = check(x, weight, inverse);
    assert_eq!((d_x.len(), d_y.len(), d_weight.len()), (x.len(), x.len(), width));
    // Larger tasks than a row-wise pass needs: each brings a partial gradient of the weight.
    let rows = 8 * task::rows(width);
    let partial = d_x
        .par_chunks_mut(rows * width)
        .zip(d_y.par_chunks(rows * width))
        .zip(x.par_chunks(rows * width))
        .zip(inverse.par_chunks(rows))
        .map(|(((d_x, d_y), x), inverse)| {
            let mut d_weight = vec![0.0; width];
            backward_rows(d_x, &mut d_weight, d_y, x, inverse, weight);
            d_weight
        });
    task::add_in_order(d_weight, partial);
}

fn check(x: &[f32], weight: &[f32], inverse: &[f32]) -> usize {
    assert!(!weight.is_empty(), "a row has no numbers");
    assert_eq!(x.len(), inverse.len() * weight.len(), "one inverse for each row");
    weight.len()
}

vectorized! { fn forward_rows(y: &mut [f32], inverse: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) => forward_body }
vectorized! { fn apply_rows(y: &mut [f32], x: &[f32], inverse: &[f32], weight: &[f32]) => apply_body }
vectorized! {
    fn backward_rows(d_x: &mut [f32], d_weight: &mut [f32], d_y: &[f32], x: &[f32], inverse: &[f32], weight: &[f32]) => backward_body
}

#[inline(always)]
fn forward_body<A: Arithmetic>(y: &mut [f32], inverse: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) {
    let width = weight.len();
    for ((y, inverse), x) in y.chunks_exact_mut(width).zip(inverse).zip(x.chunks_exact(width)) {
        *inverse = row::<A>(y, x, weight, epsilon);
    }
}

/// One row; gives its inverse.
#[inline(always)]
pub(crate) fn row<A: Arithmetic>(y: &mut [f32], x: &[f32], weight: &[f32], epsilon: f32) -> f32 {
    let inverse = 1.0 / (dot::<A>(x, x) / weight.len() as f32 + epsilon).sqrt();
    scale(y, x, inverse, weight);
    inverse
}

#[inline(always)]
fn apply_body<A: Arithmetic>(y: &mut [f32], x: &[f32], inverse: &[f32], weight: &[f32]) {
    let width = weight.len();
    for ((y, inverse), x) in y.chunks_exact_mut(width).zip(inverse).zip(x.chunks_exact(width)) {
        scale(y, x, *inverse, weight);
    }
}

#[inline(always)]
fn scale(y: &mut [f32], x: &[f32], inverse: f32, weight: &[f32]) {
    for ((y, x), weight) in y.iter_mut().zip(x).zip(weight) {
        *y = x * inverse * weight;
    }
}

#[inline(always)]
fn backward_body<A: Arithmetic>(
    d_x: &mut [f32],
    d_weight: &mut [f32],
    d_y: &[f32],
    x: &[f32],
    inverse: &[f32],
    weight: &[f32],
) {
    let width = weight.len();
    let rows = d_x.chunks_exact_mut(width).zip(d_y.chunks_exact(width)).zip(x.chunks_exact(width)).zip(inverse);
    for (((d_x, d_y), x), &inverse) in rows {
        // mean(g n) = inverse * sum(w dy x) / width.
        let mean = inverse * three::<A>(weight, d_y, x) / width as f32;
        for i in 0..width {
            let n = x[i] * inverse;
            d_x[i] = A::mul_add(inverse, A::mul_add(-n, mean, weight[i] * d_y[i]), d_x[i]);
            d_weight[i] = A::mul_add(d_y[i], n, d_weight[i]);
        }
    }
}

/// `sum(a * b * c)`.
#[inline(always)]
fn three<A: Arithmetic>(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (a_whole, a_rest) = a.as_chunks::<LANES>();
    let (b_whole, b_rest) = b.as_chunks::<LANES>();
    let (c_whole, c_rest) = c.as_chunks::<LANES>();
    for ((a, b), c) in a_whole.iter().zip(b_whole).zip(c_whole) {
        for i in 0..LANES {
            lanes[i] = A::mul_add(a[i] * b[i], c[i], lanes[i]);
        }
    }
    for (i, ((a, b), c)) in a_rest.iter().zip(b_rest).zip(c_rest).enumerate() {
        lanes[i] = A::mul_add(a * b, *c, lanes[i]);
    }
    sum_lanes(lanes)
}
