use crate::{
    exp::sigmoid,
    task,
    vector::{Arithmetic, vectorized},
};
use rayon::prelude::*;

/// `y = silu(gate) * up`: `gate_up` of `[rows, 2 width]`, `y` of `[rows, width]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(y: &mut [f32], gate_up: &[f32], width: usize) {
    assert!(gate_up.len() == 2 * y.len() && y.len().is_multiple_of(width), "rows of {width} gates and ups");
    let rows = task::rows(width);
    y.par_chunks_mut(rows * width).zip(gate_up.par_chunks(rows * 2 * width)).for_each(|(y, gate_up)| {
        for (y, gate_up) in y.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
            let (gate, up) = gate_up.split_at(width);
            forward_row(y, gate, up);
        }
    });
}

/// In place: `gate_up` becomes its gradient, and `d_y` becomes `y` (which the gradient of the next weight needs).
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(gate_up: &mut [f32], d_y: &mut [f32], width: usize) {
    assert!(gate_up.len() == 2 * d_y.len() && d_y.len().is_multiple_of(width), "rows of {width} gates and ups");
    let rows = task::rows(width);
    d_y.par_chunks_mut(rows * width).zip(gate_up.par_chunks_mut(rows * 2 * width)).for_each(|(d_y, gate_up)| {
        for (d_y, gate_up) in d_y.chunks_exact_mut(width).zip(gate_up.chunks_exact_mut(2 * width)) {
            let (gate, up) = gate_up.split_at_mut(width);
            backward_row(gate, up, d_y);
        }
    });
}

// One row at a time: seen together, the rows of gates overlap those of ups, and the compiler could not tell them apart.
vectorized! { fn forward_row(y: &mut [f32], gate: &[f32], up: &[f32]) => forward_body }
vectorized! { fn backward_row(gate: &mut [f32], up: &mut [f32], d_y: &mut [f32]) => backward_body }

#[inline(always)]
fn forward_body<A: Arithmetic>(y: &mut [f32], gate: &[f32], up: &[f32]) {
    for ((y, &gate), &up) in y.iter_mut().zip(gate).zip(up) {
        *y = gate * sigmoid::<A>(gate) * up;
    }
}

#[inline(always)]
fn backward_body<A: Arithmetic>(gate: &mut [f32], up: &mut [f32], d_y: &mut [f32]) {
    for ((d_y, gate_place), up_place) in d_y.iter_mut().zip(gate).zip(up) {
        let (gate, up, upstream) = (*gate_place, *up_place, *d_y);
        let s = sigmoid::<A>(gate);
        let silu = gate * s;
        *gate_place = upstream * up * A::mul_add(silu, 1.0 - s, s);
        *up_place = upstream * silu;
        *d_y = silu * up;
    }
}
