//! Products of matrices: `C = A B` or `C += A B`, row-major, as [`crate::matrix`] has them.

use super::{Element, Stream, View, ViewMut};
pub use crate::matrix::Write;

/// A matrix to read, row after row.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    numbers: View<'a>,
    rows: usize,
    columns: usize,
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
        Matrix { numbers, rows, columns, transposed: false }
    }

    /// Rows become columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, transposed: !self.transposed, ..self }
    }

    /// Numbers in a row as it is stored.
    fn stride(self) -> usize {
        if self.transposed { self.rows } else { self.columns }
    }
}

/// A product as BLAS defines it, column after column: `C = A B + beta C`, where `A` of `[m, k]` and `B` of `[k, n]` may each
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
    /// Is the product added to what is there?
    pub add: bool,
}

/// `out = lhs rhs`, or `out += lhs rhs`: factors stored alike, the result as they are or in f32.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply(stream: &Stream, out: &mut ViewMut<'_>, write: Write, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    assert_eq!(lhs.columns, rhs.rows, "the inner sizes of a product differ");
    assert_eq!(lhs.numbers.element(), rhs.numbers.element(), "the factors of a product are stored alike");
    assert!(out.element() == Element::F32 || out.element() == lhs.numbers.element());
    out.expect(out.element(), lhs.rows * rhs.columns);
    if out.is_empty() {
        return;
    }
    if lhs.columns == 0 {
        if write == Write::Set {
            stream.clear(out.again());
        }
        return;
    }
    // Read column by column, a matrix is its transpose, and so the product is that of the transposes the other way round.
    stream.multiply(&ColumnMajor {
        m: rhs.columns,
        n: lhs.rows,
        k: lhs.columns,
        a: (rhs.numbers.address(), rhs.stride(), rhs.transposed),
        b: (lhs.numbers.address(), lhs.stride(), lhs.transposed),
        factors: lhs.numbers.element(),
        c: (out.address(), rhs.columns),
        result: out.element(),
        add: write == Write::Add,
    });
}
