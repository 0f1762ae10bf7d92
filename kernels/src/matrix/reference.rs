use super::{Matrix, Write};

/// The definition, in f64. `out` is row-major, `lhs.rows` by `rhs.columns`.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply(out: &mut [f64], write: Write, lhs: Matrix<'_>, rhs: Matrix<'_>) {
    assert_eq!(lhs.columns, rhs.rows);
    assert_eq!(out.len(), lhs.rows * rhs.columns);
    for row in 0..lhs.rows {
        for column in 0..rhs.columns {
            let product: f64 = (0..lhs.columns).map(|i| at(lhs, row, i) * at(rhs, i, column)).sum();
            let place = &mut out[row * rhs.columns + column];
            *place = match write {
                Write::Set => product,
                Write::Add => *place + product,
            };
        }
    }
}

fn at(matrix: Matrix<'_>, row: usize, column: usize) -> f64 {
    f64::from(matrix.data[row * matrix.row_stride + column * matrix.column_stride])
}
