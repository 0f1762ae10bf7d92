//! The three products of a linear layer, in f32 or in bf16, as its weight `W` of `[out, inner]` is stored.
//!
//! On one thread or all of them; products in bf16 are cut into tasks either way.

use super::{
    Matrix, MatrixMut, Threads, Write,
    few::{by_rows, multiply_by_rows},
    multiply, multiply_halves,
};
use crate::stored::Stored;

/// `y = x Wᵀ` (or `+=`).
///
/// # Panics
/// If the shapes do not fit.
pub fn linear(y: &mut [f32], write: Write, x: &[f32], weight: Stored<'_>, inner: usize, threads: Threads) {
    let (rows, out) = (x.len() / inner, weight.len() / inner);
    if let Stored::Whole(weight) = weight
        && threads == Threads::All
        && by_rows(rows, inner)
    {
        return multiply_by_rows(y, write, x, weight, inner);
    }
    let (y, x) = (MatrixMut::new(y, rows, out), Matrix::new(x, rows, inner));
    match weight {
        Stored::Whole(weight) => multiply(y, write, x, Matrix::new(weight, out, inner).transposed(), threads),
        Stored::Halves(weight) => multiply_halves(y, write, x, Matrix::new(weight, out, inner).transposed()),
        Stored::Rounded(weight) => multiply_halves(y, write, x, Matrix::new(weight, out, inner).transposed()),
    }
}

/// `dx = dy W` (or `+=`).
///
/// # Panics
/// If the shapes do not fit.
pub fn linear_input(d_x: &mut [f32], write: Write, d_y: &[f32], weight: Stored<'_>, inner: usize, threads: Threads) {
    let out = weight.len() / inner;
    let rows = d_y.len() / out;
    let (d_x, d_y) = (MatrixMut::new(d_x, rows, inner), Matrix::new(d_y, rows, out));
    match weight {
        Stored::Whole(weight) => multiply(d_x, write, d_y, Matrix::new(weight, out, inner), threads),
        Stored::Halves(weight) => multiply_halves(d_x, write, d_y, Matrix::new(weight, out, inner)),
        Stored::Rounded(weight) => multiply_halves(d_x, write, d_y, Matrix::new(weight, out, inner)),
    }
}

/// `dW += dyᵀ x`; in `halves`, where the weight is not [`Stored::Whole`].
///
/// # Panics
/// If the shapes do not fit.
pub fn linear_weight(d_weight: &mut [f32], d_y: &[f32], x: &[f32], inner: usize, halves: bool, threads: Threads) {
    let (rows, out) = (x.len() / inner, d_weight.len() / inner);
    let d_weight = MatrixMut::new(d_weight, out, inner);
    let (d_y, x) = (Matrix::new(d_y, rows, out).transposed(), Matrix::new(x, rows, inner));
    if halves {
        multiply_halves(d_weight, Write::Add, d_y, x);
    } else {
        multiply(d_weight, Write::Add, d_y, x, threads);
    }
}

#[cfg(test)]
mod tests {
    use super::{Stored, Write, linear, linear_input, linear_weight};
    use crate::check::{assert_close, numbers, wide};
    use crate::matrix::{Matrix, Threads, multiply_reference};
    use half::bf16;

    #[test]
    fn the_three_products_are_the_definition_however_the_weight_is_stored() {
        for (rows, out, inner) in [(21, 40, 37), (130, 40, 37), (130, 9, 520)] {
            check(rows, out, inner);
        }
    }

    fn check(rows: usize, out: usize, inner: usize) {
        let (x, d_y, w) = (numbers(rows * inner, 1), numbers(rows * out, 2), numbers(out * inner, 3));
        let round = |x: &[f32]| -> Vec<f32> { x.iter().map(|&x| bf16::from_f32(x).to_f32()).collect() };
        let halves: Vec<bf16> = w.iter().map(|&w| bf16::from_f32(w)).collect();
        let before = numbers(rows * out, 4);
        for weight in [Stored::Whole(&w), Stored::Halves(&halves), Stored::Rounded(&w)] {
            let as_read = |x: &[f32]| if weight.in_halves() { round(x) } else { x.to_vec() };
            let (x_read, d_y_read, w_read) = (as_read(&x), as_read(&d_y), as_read(&w));
            let (x_read, d_y_read) = (Matrix::new(&x_read, rows, inner), Matrix::new(&d_y_read, rows, out));
            let w_read = Matrix::new(&w_read, out, inner);

            let (mut y, mut right) = (before.clone(), wide(&before));
            linear(&mut y, Write::Add, &x, weight, inner, Threads::All);
            multiply_reference(&mut right, Write::Add, x_read, w_read.transposed());
            assert_close("y", &y, &right, 1e-5);

            let (mut d_x, mut right) = (vec![f32::NAN; rows * inner], vec![0.0; rows * inner]);
            linear_input(&mut d_x, Write::Set, &d_y, weight, inner, Threads::One);
            multiply_reference(&mut right, Write::Set, d_y_read, w_read);
            assert_close("dx", &d_x, &right, 1e-5);

            let (mut d_w, mut right) = (w.clone(), wide(&w));
            linear_weight(&mut d_w, &d_y, &x, inner, weight.in_halves(), Threads::All);
            multiply_reference(&mut right, Write::Add, d_y_read.transposed(), x_read);
            assert_close("dw", &d_w, &right, 1e-5);
        }
    }
}
