use super::Write;
#[cfg(target_arch = "x86_64")]
use crate::{matrix::few::Stripe, scatter::Scatter, stored::narrow, task};
use crate::{matrix::multiply_few, stored::round};
use half::bf16;
#[cfg(target_arch = "x86_64")]
use rayon::prelude::*;

/// `out = x weightᵀ` (or `+=`) for a few rows of `x`, `weight` of `[out, inner]`, of both rounded to bf16: what a decoding step needs.
///
/// The time is that of reading `weight` once, which all threads do together. A row of the result does not depend on how
/// many rows there are.
///
/// # Panics
/// If the shapes do not fit.
pub fn multiply_few_halves(out: &mut [f32], write: Write, x: &[f32], weight: &[bf16], inner: usize) {
    if out.is_empty() {
        return;
    }
    #[cfg(target_arch = "x86_64")]
    if super::x86::available() {
        return on_x86(out, write, x, weight, inner);
    }
    portable(out, write, x, weight, inner);
}

pub(super) fn portable(out: &mut [f32], write: Write, x: &[f32], weight: &[bf16], inner: usize) {
    let mut rounded = vec![0.0; x.len()];
    round(&mut rounded, x);
    multiply_few(out, write, &rounded, weight, inner);
}

#[cfg(target_arch = "x86_64")]
fn on_x86(out: &mut [f32], write: Write, x: &[f32], weight: &[bf16], inner: usize) {
    assert!(inner > 0, "rows have numbers");
    let (rows, columns) = (x.len() / inner, weight.len() / inner);
    assert_eq!((x.len(), weight.len()), (rows * inner, columns * inner), "rows are {inner} wide");
    assert_eq!(out.len(), rows * columns, "the result of a product has another shape");
    let mut rounded = vec![bf16::ZERO; x.len()];
    narrow(&mut rounded, x);
    let per_task = task::rows(inner).next_multiple_of(super::few_x86::COLUMNS);
    let out = Scatter::new(out);
    weight.par_chunks(per_task * inner).enumerate().for_each(|(index, weight)| {
        let stripe = Stripe::new(&out, write, index * per_task, columns);
        // SAFETY: the processor was asked.
        #[allow(unsafe_code)]
        unsafe {
            super::few_x86::stripe(&stripe, &rounded, weight, inner);
        }
    });
}
