//! The sum of squares in f64, as [`crate::magnitude`] has it.

use super::{
    Argument::{U32, U64},
    Element, Numbers, Stream, THREADS, View, size,
};

/// Blocks, at most.
const STRIPS: usize = 1024;

/// `sum(values^2)`. Waits for it.
///
/// # Panics
/// If the values are not f32.
#[must_use]
pub fn sum_of_squares(stream: &Stream, values: View<'_>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    stream.download_wide(squares(stream, values).view().part(0..1))[0]
}

/// Numbers in f64, of which the first is `sum(values^2)`.
///
/// # Panics
/// If the values are not f32, or there are none.
#[must_use]
pub fn squares(stream: &Stream, values: View<'_>) -> Numbers {
    values.expect(Element::F32, values.len());
    assert!(!values.is_empty(), "a sum of nothing");
    let strip = values.len().div_ceil(STRIPS).max(THREADS as usize).next_multiple_of(8);
    let strips = values.len().div_ceil(strip);
    let partial = stream.numbers(Element::F64, strips);
    let place = partial.view().argument();
    let arguments = [place, values.argument(), U64(values.len() as u64), U64(strip as u64)];
    stream.launch("magnitude_partial_f32", [size(strips), 1, 1], THREADS, 8 * THREADS, &arguments);
    stream.launch("magnitude_total_f64", [1, 1, 1], 32, 0, &[place, U32(size(strips))]);
    partial
}
