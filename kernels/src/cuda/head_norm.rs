//! Normalisation of each head of queries and keys, as [`crate::head_norm`] has it. Rows and weights are stored alike; what a head
//! keeps, and the weights' gradient, in f32.

use super::{
    Argument::{F32, U32},
    Element, Stream, THREADS, View, ViewMut, rms_norm, size,
};
use crate::attention::Heads;

/// Blocks of the backward pass, at most: each leaves a partial gradient of the weights.
const STRIPS: usize = 384;

/// `y` is `x` with the heads of queries and keys normalised; keeps the `inverse` of each of them.
///
/// # Panics
/// If the shapes do not fit.
pub fn forward(
    stream: &Stream,
    y: ViewMut<'_>,
    inverse: ViewMut<'_>,
    x: View<'_>,
    weights: View<'_>,
    heads: Heads,
    epsilon: f32,
) {
    let rows = check(x, inverse.as_view(), weights, heads);
    y.expect(x.element(), x.len());
    let [query, key, width] = sizes(heads);
    let arguments =
        [y.argument(), inverse.argument(), x.argument(), weights.argument(), query, key, width, F32(epsilon)];
    let kernel = format!("head_norm_forward_{}", x.element().suffix());
    stream.launch(&kernel, [size(rows), 1, 1], THREADS, 0, &arguments);
}

/// In place: `d`, the gradient of the result, becomes that of `x`. Adds to that of the weights.
///
/// # Panics
/// If the shapes do not fit.
pub fn backward(
    stream: &Stream,
    d: ViewMut<'_>,
    d_weights: ViewMut<'_>,
    x: View<'_>,
    inverse: View<'_>,
    weights: View<'_>,
    heads: Heads,
) {
    let rows = check(x, inverse, weights, heads);
    d.expect(x.element(), x.len());
    d_weights.expect(Element::F32, weights.len());
    if rows == 0 {
        return;
    }
    let strip = rows.div_ceil(STRIPS);
    let strips = rows.div_ceil(strip);
    let partial = stream.numbers(Element::F32, strips * weights.len());
    let [query, key, width] = sizes(heads);
    let arguments = [
        d.argument(),
        partial.view().argument(),
        x.argument(),
        inverse.argument(),
        weights.argument(),
        U32(size(rows)),
        query,
        key,
        width,
        U32(size(strip)),
    ];
    let kernel = format!("head_norm_backward_{}", x.element().suffix());
    // A part of the weights' gradient for each warp.
    let shared = THREADS / 32 * 4 * size(weights.len());
    stream.launch(&kernel, [size(strips), 1, 1], THREADS, shared, &arguments);
    rms_norm::gather(stream, d_weights, partial.view(), strips);
}

fn sizes(heads: Heads) -> [super::Argument; 3] {
    [heads.query, heads.key, heads.width].map(|number| U32(size(number)))
}

/// How many rows there are.
fn check(x: View<'_>, inverse: View<'_>, weights: View<'_>, heads: Heads) -> usize {
    assert!(heads.width > 0 && x.len().is_multiple_of(heads.row()), "whole rows");
    let rows = x.len() / heads.row();
    weights.expect(x.element(), 2 * heads.width);
    inverse.expect(Element::F32, rows * (heads.query + heads.key));
    rows
}
