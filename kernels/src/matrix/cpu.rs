use super::{Matrix, MatrixMut, Threads, Write};

/// `out = lhs rhs`, or `out += lhs rhs`.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply(out: MatrixMut<'_>, write: Write, lhs: Matrix<'_>, rhs: Matrix<'_>, threads: Threads) {
    multiply_scaled(out, write, 1.0, lhs, rhs, threads);
}

/// `out = scale lhs rhs`, or `out += scale lhs rhs`.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply_scaled(
    out: MatrixMut<'_>,
    write: Write,
    scale: f32,
    lhs: Matrix<'_>,
    rhs: Matrix<'_>,
    threads: Threads,
) {
    assert_eq!(lhs.columns, rhs.rows, "the inner sizes of a product differ");
    assert_eq!((out.rows, out.columns), (lhs.rows, rhs.columns), "the result of a product has another shape");
    let parallelism = match threads {
        Threads::One => gemm::Parallelism::None,
        Threads::All => gemm::Parallelism::Rayon(0),
    };
    // SAFETY: the views were checked against their slices when they were made and the shapes above, `out` is borrowed
    // mutably and so overlaps neither operand, and its rows do not overlap each other.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            lhs.columns,
            out.data.as_mut_ptr(),
            1,
            out.row_stride as isize,
            write == Write::Add,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            parallelism,
        );
    }
}
