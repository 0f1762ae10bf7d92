use super::Write;
use crate::{
    scatter::Scatter,
    task,
    vector::{Arithmetic, Baseline},
};
use half::bf16;
use rayon::prelude::*;

/// Partial sums of one dot product, without AVX-512. The same whatever is computed beside it, so that its result is too.
pub(super) const PARTS: usize = 8;
/// Rows of the weight whose dot products are computed at once, so that their additions need not wait for each other.
const TOGETHER: usize = 8;

/// Rows that stay in the second cache while a weight passes by.
const AT_ONCE: usize = 64;
/// From this inner size on, what is done once for each sum is little beside its products.
const DEEP: usize = 512;

/// How a weight may be stored. Whatever it is, products and sums are in f32.
#[cfg(target_arch = "x86_64")]
#[allow(private_bounds)]
pub trait Weight: Copy + Sync + 'static + super::few_x86::Eight + super::few_wide_x86::Sixteen {
    /// As an f32, exactly.
    fn wide(self) -> f32;
}

/// How a weight may be stored. Whatever it is, products and sums are in f32.
#[cfg(not(target_arch = "x86_64"))]
pub trait Weight: Copy + Sync + 'static {
    /// As an f32, exactly.
    fn wide(self) -> f32;
}

impl Weight for f32 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self
    }
}

impl Weight for bf16 {
    #[inline(always)]
    fn wide(self) -> f32 {
        self.to_f32()
    }
}

/// `out = x weightᵀ` (or `+=`) for a few rows of `x`, `weight` of `[out, inner]`: what a decoding step needs.
///
/// The time is that of reading `weight` once, which all threads do together. A row of the result does not depend on how
/// many rows there are.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply_few<W: Weight>(out: &mut [f32], write: Write, x: &[f32], weight: &[W], inner: usize) {
    multiply_by(forms()[0], out, write, x, weight, inner);
}

/// Is [`multiply_by_rows`] quicker than a general product, which brings the weight in another order first? With AVX-512 it is for few
/// rows, and no slower for many where sums are long.
pub(super) fn by_rows(rows: usize, inner: usize) -> bool {
    #[cfg(target_arch = "x86_64")]
    if crate::vector::width() == crate::vector::Width::Wide {
        return rows <= AT_ONCE || inner >= DEEP;
    }
    let _ = (rows, inner);
    false
}

/// [`multiply_few`] for any number of rows.
///
/// # Panics
/// If the shapes do not fit.
pub(super) fn multiply_by_rows(out: &mut [f32], write: Write, x: &[f32], weight: &[f32], inner: usize) {
    if out.is_empty() {
        return;
    }
    let columns = weight.len() / inner;
    assert_eq!(out.len() / columns, x.len() / inner, "the result of a product has another shape");
    // Tasks within tasks: a thread keeps to the same rows as long as there are others for the other threads.
    out.par_chunks_mut(AT_ONCE * columns).zip(x.par_chunks(AT_ONCE * inner)).for_each(|(out, x)| {
        multiply_few(out, write, x, weight, inner);
    });
}

/// All rows of `x` times the rows of a weight that a task has.
type Form<W> = fn(&Stripe<'_>, &[f32], &[W], usize);

fn multiply_by<W: Weight>(form: Form<W>, out: &mut [f32], write: Write, x: &[f32], weight: &[W], inner: usize) {
    if out.is_empty() {
        return;
    }
    assert!(inner > 0, "rows have numbers");
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    assert_eq!((x.len(), weight.len()), (rows * inner, columns * inner), "rows are {inner} wide");
    assert_eq!(out.len(), rows * columns, "the result of a product has another shape");
    let per_task = task::rows(inner).next_multiple_of(TOGETHER);
    let out = Scatter::new(out);
    weight.par_chunks(per_task * inner).enumerate().for_each(|(index, weight)| {
        form(&Stripe { out: &out, write, first: index * per_task, columns }, x, weight, inner);
    });
}

/// The columns of a result that a task makes.
pub(super) struct Stripe<'a> {
    out: &'a Scatter<'a>,
    write: Write,
    first: usize,
    columns: usize,
}

impl<'a> Stripe<'a> {
    /// The columns from `first` on of rows of so many.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn new(out: &'a Scatter<'a>, write: Write, first: usize, columns: usize) -> Self {
        Stripe { out, write, first, columns }
    }

    #[inline(always)]
    pub(super) fn store(&self, row: usize, column: usize, product: f32) {
        // SAFETY: one number, and no other task has this column.
        #[allow(unsafe_code)]
        let place = unsafe { self.out.part(row * self.columns + self.first + column, 1) };
        place[0] = match self.write {
            Write::Set => product,
            Write::Add => place[0] + product,
        };
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn store_quad(&self, row: usize, column: usize, products: [f32; 4]) {
        // SAFETY: neighbours, and no other task has these columns.
        #[allow(unsafe_code)]
        let places = unsafe { self.out.part(row * self.columns + self.first + column, 4) };
        for (place, product) in places.iter_mut().zip(products) {
            *place = match self.write {
                Write::Set => product,
                Write::Add => *place + product,
            };
        }
    }
}

/// The forms that this machine has, the widest first.
#[cfg(target_arch = "x86_64")]
fn forms<W: Weight>() -> &'static [Form<W>] {
    use crate::vector::Width;
    match crate::vector::width() {
        Width::Wide => &[wide::<W>, middle::<W>, plain::<Baseline, W>],
        Width::Middle => &[middle::<W>, plain::<Baseline, W>],
        Width::Baseline => &[plain::<Baseline, W>],
    }
}

#[cfg(target_arch = "x86_64")]
fn wide<W: Weight>(stripe: &Stripe<'_>, x: &[f32], weight: &[W], inner: usize) {
    // SAFETY: it is among the forms only where `width` has seen that the processor has AVX-512.
    #[allow(unsafe_code)]
    unsafe {
        super::few_wide_x86::stripe(stripe, x, weight, inner);
    }
}

#[cfg(target_arch = "x86_64")]
fn middle<W: Weight>(stripe: &Stripe<'_>, x: &[f32], weight: &[W], inner: usize) {
    // SAFETY: it is among the forms only where `width` has seen that the processor has AVX2 and fused multiply-add.
    #[allow(unsafe_code)]
    unsafe {
        super::few_x86::stripe(stripe, x, weight, inner);
    }
}

/// The forms that this machine has.
#[cfg(not(target_arch = "x86_64"))]
fn forms<W: Weight>() -> &'static [Form<W>] {
    &[plain::<Baseline, W>]
}

#[inline(always)]
fn plain<A: Arithmetic, W: Weight>(stripe: &Stripe<'_>, x: &[f32], weight: &[W], inner: usize) {
    let columns = weight.len() / inner;
    let whole = columns / TOGETHER * TOGETHER;
    // The rows of the weight stay in the nearest cache for all rows of the input.
    for column in (0..whole).step_by(TOGETHER) {
        let w = std::array::from_fn(|i| &weight[(column + i) * inner..][..inner]);
        for (row, x) in x.chunks_exact(inner).enumerate() {
            for (i, product) in dots::<A, W, TOGETHER>(x, w).into_iter().enumerate() {
                stripe.store(row, column + i, product);
            }
        }
    }
    for column in whole..columns {
        let w = &weight[column * inner..][..inner];
        for (row, x) in x.chunks_exact(inner).enumerate() {
            let [product] = dots::<A, W, 1>(x, [w]);
            stripe.store(row, column, product);
        }
    }
}

/// `sum(x * w)` for some `w`.
#[inline(always)]
fn dots<A: Arithmetic, W: Weight, const N: usize>(x: &[f32], w: [&[W]; N]) -> [f32; N] {
    let (x_chunks, x_rest) = x.as_chunks::<PARTS>();
    let w_chunks = w.map(|w| &w.as_chunks::<PARTS>().0[..x_chunks.len()]);
    let mut parts = [[0.0_f32; PARTS]; N];
    for (chunk, x) in x_chunks.iter().enumerate() {
        for j in 0..N {
            for part in 0..PARTS {
                parts[j][part] = A::mul_add(x[part], w_chunks[j][chunk][part].wide(), parts[j][part]);
            }
        }
    }
    let rest = x.len() - x_rest.len();
    std::array::from_fn(|j| {
        let mut parts = parts[j];
        for (part, (x, w)) in parts.iter_mut().zip(x_rest.iter().zip(&w[j][rest..])) {
            *part = A::mul_add(*x, w.wide(), *part);
        }
        let [a, b, c, d, e, f, g, h] = parts;
        ((a + e) + (c + g)) + ((b + f) + (d + h))
    })
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, Weight, forms, multiply_by, multiply_by_rows};
    use crate::check::{assert_close, numbers, wide};
    use crate::matrix::{Matrix, Write, multiply_reference};
    use half::bf16;

    fn check<W: Weight>(rows: usize, out: usize, inner: usize, stored: impl Fn(f32) -> W) {
        let (x, before) = (numbers(rows * inner, 1), numbers(rows * out, 3));
        let weight: Vec<W> = numbers(out * inner, 2).into_iter().map(stored).collect();
        let read: Vec<f32> = weight.iter().map(|w| w.wide()).collect();
        for write in [Write::Set, Write::Add] {
            let mut right = wide(&before);
            let read = Matrix::new(&read, out, inner).transposed();
            multiply_reference(&mut right, write, Matrix::new(&x, rows, inner), read);
            for &form in forms() {
                let mut ours = before.clone();
                multiply_by(form, &mut ours, write, &x, &weight, inner);
                assert_close("product", &ours, &right, 1e-5);
                for row in 0..rows {
                    let mut alone = before[row * out..][..out].to_vec();
                    multiply_by(form, &mut alone, write, &x[row * inner..][..inner], &weight, inner);
                    assert_eq!(alone, ours[row * out..][..out], "row {row} of {rows}, alone");
                }
            }
        }
    }

    #[test]
    fn every_form_is_the_product_in_f64_and_a_row_does_not_depend_on_its_company() {
        for rows in (1..=9).chain([13, 16, 17, 25]) {
            for (out, inner) in [(1, 1), (9, 16), (37, 75), (6, 32), (600, 100), (43, 257), (19, 801)] {
                check(rows, out, inner, |w| w);
                check(rows, out, inner, bf16::from_f32);
            }
        }
    }
    #[test]
    fn many_rows_are_what_each_is_alone() {
        let (rows, out, inner) = (2 * AT_ONCE + 3, 9, 37);
        let (x, weight, before) = (numbers(rows * inner, 1), numbers(out * inner, 2), numbers(rows * out, 3));
        let mut ours = before.clone();
        multiply_by_rows(&mut ours, Write::Add, &x, &weight, inner);
        for row in 0..rows {
            let mut alone = before[row * out..][..out].to_vec();
            multiply_by(forms()[0], &mut alone, Write::Add, &x[row * inner..][..inner], &weight, inner);
            assert_eq!(alone, ours[row * out..][..out], "row {row}");
        }
        multiply_by_rows(&mut [], Write::Set, &[], &weight, inner);
        multiply_by_rows(&mut [], Write::Set, &x, &[], inner);
    }
}
