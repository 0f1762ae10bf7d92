//! A vector added to every row, as [`crate::bias`] has it. Rows and vector are stored alike; the vector's gradient in f32.

use super::{
    Argument::{U32, U64},
    Element, Stream, THREADS, View, ViewMut, blocks, eights, rms_norm, size,
};

/// Strips of rows that are summed side by side, at most.
const STRIPS: usize = 128;

/// Adds `bias` to every row of `y`.
///
/// # Panics
/// If the shapes do not fit.
pub fn add(stream: &Stream, y: ViewMut<'_>, bias: View<'_>) {
    let width = bias.len();
    assert!(width > 0 && y.len().is_multiple_of(width), "rows as wide as the vector");
    bias.expect(y.element(), width);
    let (each, flag) = eights(width, &[y.as_view(), bias]);
    let arguments = [y.argument(), bias.argument(), U64(y.len() as u64), U32(size(width)), flag];
    let kernel = format!("bias_add_{}", y.element().suffix());
    stream.launch(&kernel, blocks(y.len() / each), THREADS, 0, &arguments);
}

/// Adds the gradient with respect to the vector.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(stream: &Stream, d_bias: ViewMut<'_>, d_y: View<'_>) {
    let width = d_bias.len();
    assert!(width > 0 && d_y.len().is_multiple_of(width), "rows as wide as the vector");
    let rows = d_y.len() / width;
    if rows == 0 {
        return;
    }
    let strip = rows.div_ceil(STRIPS);
    let strips = rows.div_ceil(strip);
    let partial = stream.numbers(Element::F32, strips * width);
    let sizes = [rows, width, strip].map(|number| U32(size(number)));
    let arguments = [partial.view().argument(), d_y.argument(), sizes[0], sizes[1], sizes[2]];
    let kernel = format!("bias_backward_{}", d_y.element().suffix());
    let grid = [size(width.div_ceil(THREADS as usize)), size(strips), 1];
    stream.launch(&kernel, grid, THREADS, 0, &arguments);
    rms_norm::gather(stream, d_bias, partial.view(), strips);
}
