//! Products in bf16: each number of either side is rounded to the nearest bf16, products are exact and sums are in f32.
//!
//! A processor with AVX512-BF16 multiplies two pairs of such numbers where it multiplies two f32, so that a product takes
//! half the time. Elsewhere the rounded numbers are multiplied as f32.

mod few;
#[cfg(target_arch = "x86_64")]
mod few_x86;
#[cfg(target_arch = "x86_64")]
mod pack_x86;
mod portable;
#[cfg(target_arch = "x86_64")]
mod tile_x86;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use few::multiply_few_halves;

use super::{Matrix, MatrixMut, Write};
use half::bf16;

/// One side of a product, as it is stored.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// In f32.
    Whole(Matrix<'a>),
    /// In bf16.
    Halves(Matrix<'a, bf16>),
}

impl<'a> From<Matrix<'a>> for Operand<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        Operand::Whole(matrix)
    }
}

impl<'a> From<Matrix<'a, bf16>> for Operand<'a> {
    fn from(matrix: Matrix<'a, bf16>) -> Self {
        Operand::Halves(matrix)
    }
}

impl Operand<'_> {
    fn rows(self) -> usize {
        match self {
            Operand::Whole(matrix) => matrix.rows,
            Operand::Halves(matrix) => matrix.rows,
        }
    }

    fn columns(self) -> usize {
        match self {
            Operand::Whole(matrix) => matrix.columns,
            Operand::Halves(matrix) => matrix.columns,
        }
    }
}

/// `out = lhs rhs`, or `out += lhs rhs`, of both sides rounded to bf16, on all threads of the pool.
///
/// Numbers below the smallest normal f32 may count as 0.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply_halves<'a>(out: MatrixMut<'_>, write: Write, lhs: impl Into<Operand<'a>>, rhs: impl Into<Operand<'a>>) {
    let (lhs, rhs) = (lhs.into(), rhs.into());
    assert_eq!(lhs.columns(), rhs.rows(), "the inner sizes of a product differ");
    assert_eq!((out.rows, out.columns), (lhs.rows(), rhs.columns()), "the result of a product has another shape");
    if out.rows == 0 || out.columns == 0 {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if x86::available() && lhs.columns() > 0 {
        return x86::multiply(out, write, lhs, rhs);
    }
    portable::multiply(out, write, lhs, rhs);
}

#[cfg(test)]
mod tests {
    use super::{Matrix, MatrixMut, Operand, Write, few, multiply_few_halves, multiply_halves, portable};
    use crate::check::{assert_close, numbers, wide};
    use crate::matrix::multiply_reference;
    use half::bf16;

    fn halves(numbers: &[f32]) -> Vec<bf16> {
        numbers.iter().map(|&x| bf16::from_f32(x)).collect()
    }

    /// Rows side by side, or turned.
    fn matrix<T>(numbers: &[T], rows: usize, columns: usize, turned: bool) -> Matrix<'_, T> {
        if turned { Matrix::new(numbers, columns, rows).transposed() } else { Matrix::new(numbers, rows, columns) }
    }

    /// Shapes beyond every border: of a tile, a task, and a pass over the inner size.
    const SHAPES: [(usize, usize, usize); 10] = [
        (1, 1, 1),
        (1, 70, 33),
        (7, 5, 3),
        (64, 48, 17),
        (14, 32, 64),
        (15, 33, 1025),
        (130, 260, 300),
        (19, 40, 2500),
        (300, 500, 31),
        (3, 9, 0),
    ];

    #[test]
    fn every_form_is_the_product_of_the_rounded_numbers_in_f64() {
        for (rows, columns, inner) in SHAPES {
            let (a, b) = (numbers(rows * inner, 1), numbers(inner * columns, 2));
            let (a_halves, b_halves) = (halves(&a), halves(&b));
            let round = |x: &[bf16]| -> Vec<f32> { x.iter().map(|x| x.to_f32()).collect() };
            let (a_rounded, b_rounded) = (round(&a_halves), round(&b_halves));
            let before = numbers(rows * columns, 3);
            for (turned_left, turned_right) in [(false, false), (false, true), (true, false), (true, true)] {
                let lefts: [Operand<'_>; 2] = [
                    matrix(&a[..], rows, inner, turned_left).into(),
                    matrix(&a_halves[..], rows, inner, turned_left).into(),
                ];
                let rights: [Operand<'_>; 2] = [
                    matrix(&b[..], inner, columns, turned_right).into(),
                    matrix(&b_halves[..], inner, columns, turned_right).into(),
                ];
                for write in [Write::Set, Write::Add] {
                    let mut right = wide(&before);
                    multiply_reference(
                        &mut right,
                        write,
                        matrix(&a_rounded, rows, inner, turned_left),
                        matrix(&b_rounded, inner, columns, turned_right),
                    );
                    for (lhs, rhs) in lefts.into_iter().flat_map(|l| rights.map(|r| (l, r))) {
                        let mut ours = before.clone();
                        multiply_halves(MatrixMut::new(&mut ours, rows, columns), write, lhs, rhs);
                        assert_close("product", &ours, &right, 1e-5);
                        let mut ours = before.clone();
                        portable::multiply(MatrixMut::new(&mut ours, rows, columns), write, lhs, rhs);
                        assert_close("portable product", &ours, &right, 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn rows_of_the_result_may_lie_apart_and_nothing_between_them_is_touched() {
        let (a, b) = (numbers(20 * 70, 1), numbers(70 * 37, 2));
        let mut ours = vec![9.0; 20 * 40];
        let out = MatrixMut::strided(&mut ours, 20, 37, 40);
        multiply_halves(out, Write::Set, Matrix::new(&a, 20, 70), Matrix::new(&b, 70, 37));
        let mut close = vec![0.0; 20 * 37];
        multiply_halves(
            MatrixMut::new(&mut close, 20, 37),
            Write::Set,
            Matrix::new(&a, 20, 70),
            Matrix::new(&b, 70, 37),
        );
        for row in 0..20 {
            assert_eq!(ours[row * 40..][..37], close[row * 37..][..37]);
            assert_eq!(ours[row * 40 + 37..][..3], [9.0; 3]);
        }
    }

    #[test]
    fn the_same_numbers_on_any_number_of_threads() {
        let (rows, columns, inner) = (300, 700, 1500);
        let (a, b) = (numbers(rows * inner, 1), halves(&numbers(inner * columns, 2)));
        let run = |threads: usize| {
            let mut ours = vec![0.0; rows * columns];
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let out = MatrixMut::new(&mut ours, rows, columns);
                multiply_halves(out, Write::Set, Matrix::new(&a, rows, inner), Matrix::new(&b, inner, columns));
            });
            ours
        };
        let one = run(1);
        assert!(one.iter().any(|&x| x != 0.0));
        #[cfg(target_arch = "x86_64")]
        if super::x86::available() {
            assert_eq!(one, run(3));
        }
        assert_eq!(run(2), run(2));
    }

    #[test]
    fn a_few_rows_are_the_product_of_the_rounded_numbers_in_f64() {
        for rows in [1, 2, 3, 4, 5, 7, 8, 13, 16] {
            for (out, inner) in [(1, 1), (100, 64), (37, 75), (6, 32), (600, 100), (43, 257)] {
                let (x, w) = (numbers(rows * inner, 1), halves(&numbers(out * inner, 2)));
                let round = |x: &[bf16]| -> Vec<f32> { x.iter().map(|x| x.to_f32()).collect() };
                let before = numbers(rows * out, 3);
                for write in [Write::Set, Write::Add] {
                    let mut right = wide(&before);
                    let (x_rounded, w_rounded) = (round(&halves(&x)), round(&w));
                    let weight = Matrix::new(&w_rounded, out, inner).transposed();
                    multiply_reference(&mut right, write, Matrix::new(&x_rounded, rows, inner), weight);
                    for multiply in [multiply_few_halves, few::portable] {
                        let mut ours = before.clone();
                        multiply(&mut ours, write, &x, &w, inner);
                        assert_close("product", &ours, &right, 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_company() {
        let (rows, out, inner) = (9, 50, 70);
        let (x, w) = (numbers(rows * inner, 1), halves(&numbers(out * inner, 2)));
        let mut together = vec![0.0; rows * out];
        multiply_few_halves(&mut together, Write::Set, &x, &w, inner);
        for row in 0..rows {
            let mut alone = vec![0.0; out];
            multiply_few_halves(&mut alone, Write::Set, &x[row * inner..][..inner], &w, inner);
            assert_eq!(alone, together[row * out..][..out]);
        }
    }
}
