//! The gated unit, as [`crate::swiglu`] has it.

use super::{
    Argument::{U32, U64},
    Stream, THREADS, View, ViewMut, blocks, eights, size,
};

/// `y = silu(gate) * up`: `gate_up` of `[rows, 2 width]`, `y` of `[rows, width]`.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(stream: &Stream, y: ViewMut<'_>, gate_up: View<'_>, width: usize) {
    assert!(y.len().is_multiple_of(width), "rows of {width} numbers");
    gate_up.expect(y.element(), 2 * y.len());
    let kernel = format!("swiglu_forward_{}", y.element().suffix());
    let (each, flag) = eights(width, &[y.as_view(), gate_up]);
    let arguments = [y.argument(), gate_up.argument(), U64(y.len() as u64), U32(size(width)), flag];
    stream.launch(&kernel, blocks(y.len() / each), THREADS, 0, &arguments);
}

/// In place: `gate_up` becomes its gradient, and `d_y` becomes `y`.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(stream: &Stream, gate_up: ViewMut<'_>, d_y: ViewMut<'_>, width: usize) {
    assert!(d_y.len().is_multiple_of(width), "rows of {width} numbers");
    gate_up.expect(d_y.element(), 2 * d_y.len());
    let kernel = format!("swiglu_backward_{}", d_y.element().suffix());
    let (each, flag) = eights(width, &[d_y.as_view(), gate_up.as_view()]);
    let arguments = [gate_up.argument(), d_y.argument(), U64(d_y.len() as u64), U32(size(width)), flag];
    stream.launch(&kernel, blocks(d_y.len() / each), THREADS, 0, &arguments);
}
