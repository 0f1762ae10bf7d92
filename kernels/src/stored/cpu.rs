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
    parts.for_each(|(to, from)| widen_part(to, from));
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

vectorized! { fn widen_part(to: &mut [f32], from: &[bf16]) => widen_body }
vectorized! { fn narrow_part(to: &mut [bf16], from: &[f32]) => narrow_body }

#[inline(always)]
fn widen_body<A: Arithmetic>(to: &mut [f32], from: &[bf16]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = f32::from_bits(u32::from(from.to_bits()) << 16));
}

#[inline(always)]
fn narrow_body<A: Arithmetic>(to: &mut [bf16], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        let bits = from.to_bits();
        // Half of the last place that stays, and a little less where that place is even: a tie then goes nowhere.
        let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        // Adding could make an infinity of what is no number; one bit of it must stay.
        let none = bits >> 16 | 0x40;
        *to = bf16::from_bits(if from.is_nan() { none } else { rounded } as u16);
    }
}
