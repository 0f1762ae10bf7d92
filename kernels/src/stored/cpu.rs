use crate::{
    task,
    vector::{Arithmetic, vectorized},
};
use half::bf16;
use rayon::prelude::*;

/// From bf16 to f32, exactly.
///
/// # Panics
/// If the lengths differ.
pub fn widen(to: &mut [f32], from: &[bf16]) {
    assert_eq!(to.len(), from.len(), "one number for each");
    let parts = to.par_chunks_mut(task::NUMBERS).zip(from.par_chunks(task::NUMBERS));
    parts.for_each(|(to, from)| widen_row(to, from));
}

/// From f32 to the nearest bf16, and to the even one of two that are as near.
///
/// # Panics
/// If the lengths differ.
pub fn narrow(to: &mut [bf16], from: &[f32]) {
    assert_eq!(to.len(), from.len(), "one number for each");
    let parts = to.par_chunks_mut(task::NUMBERS).zip(from.par_chunks(task::NUMBERS));
    parts.for_each(|(to, from)| narrow_part(to, from));
}

/// From f32 to the nearest bf16, as an f32.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn round(to: &mut [f32], from: &[f32]) {
    assert_eq!(to.len(), from.len(), "one number for each");
    let parts = to.par_chunks_mut(task::NUMBERS).zip(from.par_chunks(task::NUMBERS));
    parts.for_each(|(to, from)| round_row(to, from));
}

vectorized! { pub(crate) fn round_row(to: &mut [f32], from: &[f32]) => round_body }
vectorized! { pub(crate) fn widen_row(to: &mut [f32], from: &[bf16]) => widen_body }
vectorized! { fn narrow_part(to: &mut [bf16], from: &[f32]) => narrow_body }

#[inline(always)]
fn widen_body<A: Arithmetic>(to: &mut [f32], from: &[bf16]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from_bits(u32::from(from.to_bits()) << 16));
}

#[inline(always)]
fn narrow_body<A: Arithmetic>(to: &mut [bf16], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = bf16::from_bits(nearest(*from)));
}

#[inline(always)]
fn round_body<A: Arithmetic>(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from_bits(u32::from(nearest(*from)) << 16));
}

/// The bits of the nearest bf16.
#[inline(always)]
fn nearest(from: f32) -> u16 {
    let bits = from.to_bits();
    // Half of the last place that stays, and a little less where that place is even: a tie then goes nowhere.
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    // Adding could make an infinity of what is no number; one bit of it must stay.
    let none = bits >> 16 | 0x40;
    (if from.is_nan() { none } else { rounded }) as u16
}
