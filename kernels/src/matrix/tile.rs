use super::Write;
use crate::vector::{Arithmetic, Baseline};

/// Columns of a tile: two registers of eight.
pub(crate) const COLUMNS: usize = 16;

/// The left side of a product: number `(row, k)` lies at `row * apart + k * step`.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) apart: usize,
    pub(crate) step: usize,
}

/// The right side, [`COLUMNS`] columns at a time: number `(k, column)` lies at
/// `column / COLUMNS * panel + k * apart + column % COLUMNS`.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) apart: usize,
    pub(crate) panel: usize,
}

/// The sizes of a product.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) rows: usize,
    /// A multiple of [`COLUMNS`].
    pub(crate) columns: usize,
    pub(crate) inner: usize,
}

/// `out = left right` (or `+=`) on the calling thread, for operands that are near already: nothing is rearranged first, which
/// is what a general product spends its time on where the inner size is a few dozen. Rows of `out` begin `apart` numbers apart.
///
/// # Panics
/// If an operand is too small for the sizes, or the columns are not a multiple of [`COLUMNS`].
pub(crate) fn multiply_near(
    out: &mut [f32],
    apart: usize,
    write: Write,
    left: Left<'_>,
    right: Right<'_>,
    sizes: Sizes,
) {
    let Sizes { rows, columns, inner } = sizes;
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(columns.is_multiple_of(COLUMNS), "columns come in whole tiles");
    assert!(rows == 1 || columns <= apart, "the rows of a result overlap");
    assert!((rows - 1) * apart + columns <= out.len(), "the result of a product is larger than its numbers");
    if inner > 0 {
        let (last_left, last_right) =
            ((rows - 1) * left.apart + (inner - 1) * left.step, (columns / COLUMNS - 1) * right.panel);
        assert!(last_left < left.data.len(), "the left side of a product is larger than its numbers");
        assert!(
            last_right + (inner - 1) * right.apart + COLUMNS <= right.data.len(),
            "the right side of a product is larger than its numbers"
        );
    }
    #[cfg(target_arch = "x86_64")]
    if crate::vector::width() != crate::vector::Width::Baseline {
        // SAFETY: `width` has seen that the processor has AVX2 and fused multiply-add; the sizes were checked above.
        #[allow(unsafe_code)]
        return unsafe { super::tile_x86::multiply(out, apart, write, left, right, sizes) };
    }
    plain::<Baseline>(out, apart, write, left, right, sizes);
}

/// The same without instructions of a particular processor.
#[inline(always)]
pub(super) fn plain<A: Arithmetic>(
    out: &mut [f32],
    apart: usize,
    write: Write,
    left: Left<'_>,
    right: Right<'_>,
    sizes: Sizes,
) {
    for column in (0..sizes.columns).step_by(COLUMNS) {
        let panel = &right.data[column / COLUMNS * right.panel..];
        for row in 0..sizes.rows {
            let mut sums = [0.0_f32; COLUMNS];
            for k in 0..sizes.inner {
                let a = left.data[row * left.apart + k * left.step];
                let numbers = &panel[k * right.apart..][..COLUMNS];
                for (sum, b) in sums.iter_mut().zip(numbers) {
                    *sum = A::mul_add(a, *b, *sum);
                }
            }
            let out = &mut out[row * apart + column..][..COLUMNS];
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = match write {
                    Write::Set => sum,
                    Write::Add => *out + sum,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, Left, Right, Sizes, multiply_near, plain};
    use crate::check::{assert_close, numbers};
    use crate::matrix::Write;
    use crate::vector::Split;

    /// The definition, in f64.
    fn right_answer(
        before: &[f32],
        apart: usize,
        write: Write,
        left: Left<'_>,
        right: Right<'_>,
        s: Sizes,
    ) -> Vec<f64> {
        let mut out: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        for row in 0..s.rows {
            for column in 0..s.columns {
                let sum: f64 = (0..s.inner)
                    .map(|k| {
                        let place = column / COLUMNS * right.panel + k * right.apart + column % COLUMNS;
                        f64::from(left.data[row * left.apart + k * left.step]) * f64::from(right.data[place])
                    })
                    .sum();
                let out = &mut out[row * apart + column];
                *out = if write == Write::Add { *out + sum } else { sum };
            }
        }
        out
    }

    #[test]
    fn every_shape_of_tile_is_the_definition() {
        for rows in 1..15 {
            for (columns, inner) in [(16, 0), (16, 1), (32, 5), (48, 33)] {
                let apart = columns + 3;
                let before = numbers(rows * apart, 3);
                let a = numbers(rows * inner + rows + inner, 1);
                let b = numbers((inner + 1) * columns + 40, 2);
                // Rows side by side, and turned; panels one after another, and side by side.
                let lefts = [(inner, 1), (1, rows)].map(|(apart, step)| Left { data: &a, apart, step });
                let rights = [(columns, COLUMNS), (COLUMNS, inner * COLUMNS)].map(|(apart, panel)| Right {
                    data: &b,
                    apart,
                    panel,
                });
                let sizes = Sizes { rows, columns, inner };
                for (left, right) in lefts.into_iter().flat_map(|l| rights.map(|r| (l, r))) {
                    for write in [Write::Set, Write::Add] {
                        let expected = right_answer(&before, apart, write, left, right, sizes);
                        let mut ours = before.clone();
                        multiply_near(&mut ours, apart, write, left, right, sizes);
                        assert_close("product", &ours, &expected, 1e-5);
                        let mut ours = before.clone();
                        plain::<Split>(&mut ours, apart, write, left, right, sizes);
                        assert_close("plain product", &ours, &expected, 1e-5);
                    }
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "the right side of a product is larger than its numbers")]
    fn an_operand_that_is_too_small_is_refused() {
        let left = Left { data: &[1.0; 8], apart: 4, step: 1 };
        let right = Right { data: &[1.0; 63], apart: 16, panel: 16 };
        multiply_near(&mut [0.0; 32], 16, Write::Set, left, right, Sizes { rows: 2, columns: 16, inner: 4 });
    }
}
