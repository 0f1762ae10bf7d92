//! Root-mean-square normalisation, as [`crate::rms_norm`] has it. Rows, results and weight are stored alike; what a row
//! keeps, and the weight's gradient, in f32.

use super::{
    Argument::{F32, U32},
    Element, SUMS, Stream, THREADS, View, ViewMut, size,
};

/// Blocks of the backward pass, at most: each leaves a partial gradient of the weight. By their registers three fit on a
/// multiprocessor, of which an H200 has 132: so all run at once.
const STRIPS: usize = 384;

/// `y = weight * x * inverse`, and `inverse` for each row.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(stream: &Stream, y: ViewMut<'_>, inverse: ViewMut<'_>, x: View<'_>, weight: View<'_>, epsilon: f32) {
    let width = check(x, weight, inverse.as_view());
    y.expect(x.element(), x.len());
    let arguments = [y.argument(), inverse.argument(), x.argument(), weight.argument(), U32(size(width)), F32(epsilon)];
    let kernel = format!("rms_norm_forward_{}", x.element().suffix());
    stream.launch(&kernel, [size(inverse.len()), 1, 1], THREADS, SUMS, &arguments);
}

/// `y = weight * x * inverse` with the `inverse` of an earlier [`forward`].
///
/// # Panics
/// If the shapes do not fit.
pub fn apply(stream: &Stream, y: ViewMut<'_>, x: View<'_>, inverse: View<'_>, weight: View<'_>) {
    let width = check(x, weight, inverse);
    y.expect(x.element(), x.len());
    let arguments = [y.argument(), x.argument(), inverse.argument(), weight.argument(), U32(size(width))];
    let kernel = format!("rms_norm_apply_{}", x.element().suffix());
    stream.launch(&kernel, [size(inverse.len()), 1, 1], THREADS, 0, &arguments);
}

/// Adds the gradient with respect to `x` and to `weight`.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(
    stream: &Stream,
    d_x: ViewMut<'_>,
    d_weight: ViewMut<'_>,
    d_y: View<'_>,
    x: View<'_>,
    inverse: View<'_>,
    weight: View<'_>,
) {
    let (width, rows) = (check(x, weight, inverse), inverse.len());
    d_x.expect(x.element(), x.len());
    d_y.expect(x.element(), x.len());
    d_weight.expect(Element::F32, width);
    let strip = rows.div_ceil(STRIPS).max(1);
    let strips = rows.div_ceil(strip);
    let partial = stream.numbers(Element::F32, strips * width);
    let arguments = [
        d_x.argument(),
        partial.view().argument(),
        d_y.argument(),
        x.argument(),
        inverse.argument(),
        weight.argument(),
        U32(size(rows)),
        U32(size(width)),
        U32(size(strip)),
    ];
    let kernel = format!("rms_norm_backward_{}", x.element().suffix());
    stream.launch(&kernel, [size(strips), 1, 1], THREADS, SUMS + 4 * size(width), &arguments);
    if strips > 0 {
        gather(stream, d_weight, partial.view(), strips);
    }
}

/// Adds the rows of `partial`, of `[strips, width]`, to a vector, always in the same order.
pub(super) fn gather(stream: &Stream, to: ViewMut<'_>, partial: View<'_>, strips: usize) {
    let width = to.len();
    to.expect(Element::F32, width);
    partial.expect(Element::F32, strips * width);
    let arguments = [to.argument(), partial.argument(), U32(size(strips)), U32(size(width))];
    stream.launch("rms_norm_gather_f32", [size(width.div_ceil(32)), 1, 1], THREADS, 4 * THREADS, &arguments);
}

fn check(x: View<'_>, weight: View<'_>, inverse: View<'_>) -> usize {
    assert!(!weight.is_empty(), "a row has no numbers");
    inverse.expect(Element::F32, inverse.len());
    x.expect(weight.element(), inverse.len() * weight.len());
    weight.len()
}
