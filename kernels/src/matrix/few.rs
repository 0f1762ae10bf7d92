use super::Write;
use crate::{
    scatter::Scatter,
    task,
    vector::{Arithmetic, LANES, sum_lanes, vectorized},
};
use rayon::prelude::*;

/// Rows of the input that share one reading of a row of the weight.
const TOGETHER: usize = 4;

/// `out = x weightᵀ` (or `+=`) for a few rows of `x`, `weight` of `[out, inner]`: what a decoding step needs.
///
/// The time is that of reading `weight` once, which all threads do together. A row of the result does not depend on how
/// many rows there are.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply_few(out: &mut [f32], write: Write, x: &[f32], weight: &[f32], inner: usize) {
    if out.is_empty() {
        return;
    }
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    assert_eq!((x.len(), weight.len()), (rows * inner, columns * inner), "rows are {inner} wide");
    assert_eq!(out.len(), rows * columns, "the result of a product has another shape");
    let per_task = task::rows(inner);
    let out = Scatter::new(out);
    weight.par_chunks(per_task * inner).enumerate().for_each(|(index, weight)| {
        stripe(&out, write, x, weight, inner, [index * per_task, columns]);
    });
}

vectorized! {
    fn stripe(out: &Scatter<'_>, write: Write, x: &[f32], weight: &[f32], inner: usize, place: [usize; 2]) => stripe_body
}

/// Columns of the result that belong to these rows of the weight; `place` is the first of them and how many there are in all.
#[inline(always)]
fn stripe_body<A: Arithmetic>(
    out: &Scatter<'_>,
    write: Write,
    x: &[f32],
    weight: &[f32],
    inner: usize,
    [first, columns]: [usize; 2],
) {
    for (column, weight) in weight.chunks_exact(inner).enumerate() {
        for (group, x) in x.chunks(TOGETHER * inner).enumerate() {
            let rows = x.len() / inner;
            let mut products = [0.0; TOGETHER];
            if rows == TOGETHER {
                products = dots::<A, TOGETHER>(x, weight);
            } else {
                for (product, x) in products.iter_mut().zip(x.chunks_exact(inner)) {
                    [*product] = dots::<A, 1>(x, weight);
                }
            }
            for (row, product) in products.into_iter().enumerate().take(rows) {
                // SAFETY: one number, and no other task has this column.
                #[allow(unsafe_code)]
                let [place] = (unsafe { out.part((group * TOGETHER + row) * columns + first + column, 1) }) else {
                    unreachable!("one number was asked for")
                };
                *place = match write {
                    Write::Set => product,
                    Write::Add => *place + product,
                };
            }
        }
    }
}

/// `sum(x * weight)` of `ROWS` rows of `x`, each summed in the same order whatever `ROWS` is.
#[inline(always)]
fn dots<A: Arithmetic, const ROWS: usize>(x: &[f32], weight: &[f32]) -> [f32; ROWS] {
    const WIDE: usize = LANES / 2;
    let inner = weight.len();
    let mut lanes = [[0.0; WIDE]; ROWS];
    let (whole, rest) = weight.as_chunks::<WIDE>();
    for (i, w) in whole.iter().enumerate() {
        for row in 0..ROWS {
            let x: &[f32; WIDE] = x[row * inner + i * WIDE..][..WIDE].try_into().expect("a whole chunk");
            for lane in 0..WIDE {
                lanes[row][lane] = A::mul_add(x[lane], w[lane], lanes[row][lane]);
            }
        }
    }
    std::array::from_fn(|row| {
        let mut all = [0.0; LANES];
        all[..WIDE].copy_from_slice(&lanes[row]);
        let x = &x[row * inner + whole.len() * WIDE..];
        for (lane, (x, w)) in x.iter().zip(rest).enumerate() {
            all[lane] = A::mul_add(*x, *w, all[lane]);
        }
        sum_lanes(all)
    })
}
