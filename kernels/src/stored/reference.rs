use half::bf16;

/// The definition.
pub fn widen(to: &mut [f32], from: &[bf16]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = from.to_f32());
}

/// The definition: to the nearest, and to the even one of two that are as near.
pub fn narrow(to: &mut [bf16], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = bf16::from_f32(*from));
}
