//! Products of matrices: `C = A B` or `C += A B`.
//!
//! A matrix is a view of a slice. A transpose is another view, so that with `W` of `[out, in]` the three products of a
//! linear layer are
//!
//! - forward: `Y = X Wᵀ`,
//! - gradient of the input: `dX = dY W`,
//! - gradient of the weight: `dW += dYᵀ X`.
//!
//! [`multiply`] takes them in f32, [`multiply_halves`] in bf16, [`linear`] and its two gradients as the weight is stored.

mod cpu;
mod few;
#[cfg(target_arch = "x86_64")]
mod few_wide_x86;
#[cfg(target_arch = "x86_64")]
mod few_x86;
mod halves;
mod linear;
mod reference;
mod tile;
#[cfg(target_arch = "x86_64")]
mod tile_x86;

pub use cpu::{multiply, multiply_scaled};
pub use few::{Weight, multiply_few};
pub use halves::{Operand, multiply_few_halves, multiply_halves};
pub use linear::{linear, linear_input, linear_weight};
pub use reference::multiply as multiply_reference;
pub(crate) use tile::{COLUMNS, Left, Right, Sizes, multiply_near};

/// A matrix to read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T = f32> {
    pub(crate) data: &'a [T],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

/// A matrix to write: row-major.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row_stride: usize,
}

/// What happens to the numbers that were there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Write {
    /// They are replaced.
    Set,
    /// The product is added to them.
    Add,
}

/// Who computes a product.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Threads {
    /// The calling thread: right inside a task of a larger work.
    One,
    /// All threads of the pool.
    All,
}

impl<'a, T> Matrix<'a, T> {
    /// Row after row, nothing between.
    #[must_use]
    pub fn new(data: &'a [T], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows that begin `row_stride` numbers apart.
    ///
    /// # Panics
    /// If it does not fit in `data`.
    #[must_use]
    pub fn strided(data: &'a [T], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(fits(data.len(), rows, columns, row_stride), "a matrix larger than its numbers");
        Matrix { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// Rows become columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        Matrix {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

impl<'a> MatrixMut<'a> {
    /// Row after row, nothing between.
    #[must_use]
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::strided(data, rows, columns, columns)
    }

    /// Rows that begin `row_stride` numbers apart.
    ///
    /// # Panics
    /// If it does not fit in `data`, or its rows overlap.
    #[must_use]
    pub fn strided(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(fits(data.len(), rows, columns, row_stride), "a matrix larger than its numbers");
        assert!(rows <= 1 || columns <= row_stride, "the rows of a matrix overlap");
        MatrixMut { data, rows, columns, row_stride }
    }
}

fn fits(length: usize, rows: usize, columns: usize, row_stride: usize) -> bool {
    reaches(rows, columns, row_stride) <= length
}

/// Numbers from the first to the last of a matrix.
pub(crate) fn reaches(rows: usize, columns: usize, row_stride: usize) -> usize {
    if rows == 0 || columns == 0 { 0 } else { (rows - 1).saturating_mul(row_stride).saturating_add(columns) }
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixMut, Threads, Write, multiply, multiply_few, multiply_reference, multiply_scaled};
    use crate::check::{assert_close, numbers, wide};
    use half::bf16;

    #[test]
    fn every_form_of_product_is_that_of_f64() {
        for (rows, columns, inner) in [(1, 1, 1), (1, 70, 33), (7, 5, 3), (64, 48, 17), (130, 260, 300), (3, 9, 0)] {
            let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
            let before = numbers(rows * columns, 3);
            let lhs = [Matrix::new(&a, rows, inner), Matrix::new(&a, inner, rows).transposed()];
            let rhs = [Matrix::new(&b, inner, columns), Matrix::new(&b, columns, inner).transposed()];
            for (lhs, rhs) in lhs.into_iter().flat_map(|l| rhs.map(|r| (l, r))) {
                for (write, threads) in [(Write::Set, Threads::One), (Write::Add, Threads::All)] {
                    let mut ours = before.clone();
                    multiply(MatrixMut::new(&mut ours, rows, columns), write, lhs, rhs, threads);
                    let mut right = wide(&before);
                    multiply_reference(&mut right, write, lhs, rhs);
                    assert_close("product", &ours, &right, 1e-5);
                }
            }
        }
    }

    #[test]
    fn a_product_may_count_more_or_less() {
        let (a, b, before) = (numbers(5 * 7, 1), numbers(7 * 6, 2), numbers(5 * 6, 3));
        for write in [Write::Set, Write::Add] {
            let (lhs, rhs) = (Matrix::new(&a, 5, 7), Matrix::new(&b, 7, 6));
            let mut ours = before.clone();
            multiply_scaled(MatrixMut::new(&mut ours, 5, 6), write, -2.5, lhs, rhs, Threads::One);
            let mut product = vec![0.0; 30];
            multiply_reference(&mut product, Write::Set, lhs, rhs);
            let start = |i: usize| if write == Write::Add { f64::from(before[i]) } else { 0.0 };
            let right: Vec<f64> = product.iter().enumerate().map(|(i, p)| start(i) - 2.5 * p).collect();
            assert_close("product", &ours, &right, 1e-5);
        }
    }

    #[test]
    fn rows_may_lie_apart() {
        let (a, b) = (numbers(5 * 8, 1), numbers(3 * 4, 2));
        let mut ours = vec![9.0; 5 * 6];
        let lhs = Matrix::strided(&a[2..], 5, 4, 8);
        let rhs = Matrix::new(&b, 3, 4).transposed();
        multiply(MatrixMut::strided(&mut ours, 5, 3, 6), Write::Set, lhs, rhs, Threads::One);
        let mut right = vec![0.0; 15];
        multiply_reference(&mut right, Write::Set, lhs, rhs);
        for row in 0..5 {
            assert_close("row", &ours[row * 6..row * 6 + 3], &right[row * 3..row * 3 + 3], 1e-6);
            assert_eq!(ours[row * 6 + 3..row * 6 + 6], [9.0; 3]);
        }
    }

    #[test]
    fn a_few_rows_times_a_weight_is_the_same_product() {
        for (rows, out, inner) in [(1, 1, 1), (1, 100, 64), (5, 33, 70), (16, 600, 100), (17, 40, 96)] {
            let (x, w) = (numbers(rows * inner, 1), numbers(out * inner, 2));
            let before = numbers(rows * out, 3);
            for write in [Write::Set, Write::Add] {
                let mut ours = before.clone();
                multiply_few(&mut ours, write, &x, &w, inner);
                let mut right = wide(&before);
                let weight = Matrix::new(&w, out, inner).transposed();
                multiply_reference(&mut right, write, Matrix::new(&x, rows, inner), weight);
                assert_close("product", &ours, &right, 1e-5);
            }
        }
    }

    #[test]
    fn weights_in_halves_are_multiplied_as_what_they_stand_for() {
        for (rows, out, inner) in [(1, 1, 1), (1, 100, 64), (2, 9, 16), (4, 33, 70), (8, 37, 75), (17, 40, 96)] {
            let x = numbers(rows * inner, 1);
            let w: Vec<bf16> = numbers(out * inner, 2).into_iter().map(bf16::from_f32).collect();
            let before = numbers(rows * out, 3);
            for write in [Write::Set, Write::Add] {
                let mut ours = before.clone();
                multiply_few(&mut ours, write, &x, &w, inner);
                let wide_w: Vec<f32> = w.iter().map(|w| w.to_f32()).collect();
                let mut right = before.clone();
                multiply_few(&mut right, write, &x, &wide_w, inner);
                assert_eq!(ours, right, "{rows} {out} {inner}");
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_company() {
        let (rows, out, inner) = (9, 50, 64);
        let (x, w) = (numbers(rows * inner, 1), numbers(out * inner, 2));
        let mut together = vec![0.0; rows * out];
        multiply_few(&mut together, Write::Set, &x, &w, inner);
        for row in 0..rows {
            let mut alone = vec![0.0; out];
            multiply_few(&mut alone, Write::Set, &x[row * inner..][..inner], &w, inner);
            assert_eq!(alone, together[row * out..][..out]);
        }
    }
}
