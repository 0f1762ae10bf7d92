//! Products of matrices: `C = A B` or `C += A B`, row-major, as [`crate::matrix`] has them.

use super::{Element, Stream, View, ViewMut};
pub use crate::matrix::Write;
use std::{
    hash::{Hash, Hasher},
    ops::Range,
};

/// A matrix to read, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    numbers: View<'a>,
    rows: usize,
    columns: usize,
    /// Numbers from the start of a row to that of the next, as they are stored.
    stride: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// Row after row, nothing between.
    ///
    /// # Panics
    /// If there are more or fewer numbers.
    #[must_use]
    pub fn new(numbers: View<'a>, rows: usize, columns: usize) -> Self {
        assert_eq!(numbers.len(), rows * columns, "a matrix of other numbers");
        Matrix { numbers, rows, columns, stride: columns, transposed: false }
    }

    /// Some neighbouring columns of a matrix of `of` columns.
    ///
    /// # Panics
    /// If the matrix has no such columns, or is not one of whole rows.
    #[must_use]
    pub fn columns(numbers: View<'a>, of: usize, columns: Range<usize>) -> Self {
        assert!(columns.end <= of && numbers.len().is_multiple_of(of), "columns that a matrix has not");
        let rows = numbers.len() / of;
        let part = numbers.part(columns.start.min(numbers.len())..numbers.len());
        Matrix { numbers: part, rows, columns: columns.len(), stride: of, transposed: false }
    }

    /// Rows become columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }
}

/// A product as BLAS defines it, column after column: `C = alpha A B + beta C`, where `A` of `[m, k]` and `B` of `[k, n]` may each
/// be stored with rows for columns.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ColumnMajor {
    /// Rows of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// What is summed over.
    pub k: usize,
    /// Where `A` lies, the numbers from one stored column to the next, and whether these are its rows.
    pub a: (u64, usize, bool),
    /// The same of `B`.
    pub b: (u64, usize, bool),
    /// How both are stored.
    pub factors: Element,
    /// Where `C` lies, and the numbers from one column to the next.
    pub c: (u64, usize),
    /// How it is stored.
    pub result: Element,
    /// `alpha`.
    pub scale: f32,
    /// Is the product added to what is there?
    pub add: bool,
}

impl Hash for ColumnMajor {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ColumnMajor { m, n, k, a, b, factors, c, result, scale, add } = *self;
        (m, n, k, a, b, factors, c, result, scale.to_bits(), add).hash(state);
    }
}

/// Where a product goes: some neighbouring columns of a matrix of `of` columns.
#[derive(Debug)]
pub struct Columns<'a> {
    /// The whole matrix, row after row.
    pub numbers: ViewMut<'a>,
    /// Its columns.
    pub of: usize,
    /// Those that are meant.
    pub range: Range<usize>,
}

/// `out = lhs rhs`, or `out += lhs rhs`: factors stored alike, the result as they are or in f32.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply(stream: &Stream, out: &mut ViewMut<'_>, write: Write, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    out.expect(out.element(), lhs.rows * rhs.columns);
    if lhs.columns == 0 {
        if write == Write::Set {
            stream.clear(out.again());
        }
        return;
    }
    let of = rhs.columns;
    multiply_columns(stream, Columns { numbers: out.again(), of, range: 0..of }, write, 1.0, lhs, rhs);
}

/// `out = scale lhs rhs`, or `out += scale lhs rhs`, in some columns of a matrix.
///
/// # Panics
/// If the shapes do not fit, or nothing is summed over.
pub fn multiply_columns(stream: &Stream, out: Columns<'_>, write: Write, scale: f32, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    let Columns { numbers, of, range } = out;
    assert_eq!(lhs.columns, rhs.rows, "the inner sizes of a product differ");
    assert!(lhs.columns > 0, "a product that sums over nothing");
    assert_eq!(lhs.numbers.element(), rhs.numbers.element(), "the factors of a product are stored alike");
    assert!(numbers.element() == Element::F32 || numbers.element() == lhs.numbers.element());
    numbers.expect(numbers.element(), lhs.rows * of);
    assert!(range.len() == rhs.columns && range.end <= of, "the result of a product has another shape");
    if lhs.rows == 0 || range.is_empty() {
        return;
    }
    let end = numbers.len();
    let out = numbers.part(range.start..end);
    // Read column by column, a matrix is its transpose, and so the product is that of the transposes the other way round.
    stream.multiply(&ColumnMajor {
        m: rhs.columns,
        n: lhs.rows,
        k: lhs.columns,
        a: (rhs.numbers.address(), rhs.stride, rhs.transposed),
        b: (lhs.numbers.address(), lhs.stride, lhs.transposed),
        factors: lhs.numbers.element(),
        c: (out.address(), of),
        result: out.element(),
        scale,
        add: write == Write::Add,
    });
}
